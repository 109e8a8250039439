/* What the next bytes are, as far as that needs no judgement (RFC 6455 5.2).
 *
 * Nothing is consumed before all of a frame, or of a piece of one, is known to be right. A pointer into the
 * buffer outlives no call that may run Python, unless the buffer is held.
 */
#include "core.h"

/* A frame, or a piece of the payload of a data frame. */
typedef struct {
    unsigned char first; /* of a piece that goes on: FIN alone, or nothing */
    Py_ssize_t start; /* of the payload, from the reader's position on; 0 for a piece that goes on */
    Py_ssize_t size; /* of what has come of the payload */
    long long left; /* of the payload behind it */
} Frame;

static const unsigned char *unread(const FrameReader *reader) {
    return (const unsigned char *)PyBytes_AS_STRING(reader->buffer) + reader->position;
}

static Py_ssize_t unread_size(const FrameReader *reader) {
    return PyBytes_GET_SIZE(reader->buffer) - reader->position;
}

/* Whether a frame that begins with the byte `first` is known to be right. */
static int may_pass(const MessageState *message, unsigned char first) {
    switch (first) {
    case FIN | TEXT:
    case FIN | BINARY:
        return message->kind == NO_MESSAGE && (message->frames || message->max_compressed_size > 0);
    case FIN | RSV1 | TEXT:
    case FIN | RSV1 | BINARY:
        return message->kind == NO_MESSAGE && message->max_compressed_size > 0;
    case TEXT:
    case BINARY:
        return message->frames && message->kind == NO_MESSAGE;
    case 0:
    case FIN:
        return message->frames && message->kind != NO_MESSAGE;
    case FIN | PING:
    case FIN | PONG:
        return message->frames;
    default:
        return 0;
    }
}

static int within_bounds(const MessageState *message, Py_ssize_t size) {
    return (message->max_frame_size < 0 || size <= message->max_frame_size) &&
           (message->max_fragments < 0 || message->fragments < message->max_fragments) &&
           (message->max_message_size < 0 || (message->size >= 0 && message->size <= message->max_message_size &&
                                              size <= message->max_message_size - message->size));
}

/* Read a header and its masking key into `*frame`, whose payload may not have come, and the reader's key. */
static Way read_header(FrameReader *reader, Frame *frame) {
    const unsigned char *bytes = unread(reader);
    Py_ssize_t there = unread_size(reader);
    if (there < 1)
        return WANT;
    frame->first = bytes[0];
    if (!may_pass(reader->message, frame->first))
        return JUDGE;
    if (there < 2)
        return WANT;
    uint64_t size = bytes[1] ^ reader->mask;
    frame->start = 2;
    if (size > MAX_CONTROL_PAYLOAD) {
        if (size > 127 || frame->first & CONTROL)
            return JUDGE;
        int more = size == 126 ? 2 : 8;
        if (there < 2 + more)
            return WANT;
        size = 0;
        for (int at = 2; at < 2 + more; at++)
            size = size << 8 | bytes[at];
        if (size < (more == 2 ? 126u : 65536u) || size > (uint64_t)PY_SSIZE_T_MAX)
            return JUDGE;
        frame->start += more;
    }
    if (!(frame->first & CONTROL) && !within_bounds(reader->message, (Py_ssize_t)size))
        return JUDGE;
    if (reader->mask)
        frame->start += 4;
    if (there < frame->start)
        return WANT;
    if (reader->mask)
        memcpy(reader->key, bytes + frame->start - 4, 4);
    there -= frame->start;
    frame->size = (Py_ssize_t)size < there ? (Py_ssize_t)size : there;
    frame->left = (Py_ssize_t)size - frame->size;
    return READ;
}

/* Write the payload that has come to `to`, unmasked; return the OR of its bytes, if there is a mask. */
static unsigned char unmask(const FrameReader *reader, const Frame *frame, unsigned char *to) {
    const unsigned char *from = unread(reader) + frame->start;
    if (reader->mask)
        return mask_into(to, from, frame->size, reader->key);
    memcpy(to, from, (size_t)frame->size);
    return 0xFF;
}

/* Return the payload that has come, and room for `more` bytes behind it. */
static PyObject *payload_of(const FrameReader *reader, const Frame *frame, Py_ssize_t more) {
    if (!reader->mask && frame->size == PyBytes_GET_SIZE(reader->buffer) && !more)
        return Py_NewRef(reader->buffer); /* a read within a frame is all payload */
    PyObject *payload = PyBytes_FromStringAndSize(NULL, frame->size + more);
    if (payload != NULL)
        unmask(reader, frame, (unsigned char *)PyBytes_AS_STRING(payload));
    return payload;
}

/* Decode `size` bytes into `*text`; what is left of a code point is kept in `rest`, unless the message is `final`. */
static Way decode(const unsigned char *bytes, Py_ssize_t size, int final, PyObject **text, unsigned char rest[4]) {
    Py_ssize_t used = size;
    *text = PyUnicode_DecodeUTF8Stateful((const char *)bytes, size, "strict", final ? NULL : &used);
    if (*text == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
            return FAIL;
        PyErr_Clear();
        return JUDGE;
    }
    rest[3] = (unsigned char)(size - used);
    memcpy(rest, bytes + used, (size_t)(size - used));
    /* CPython waits for the third byte of a surrogate: a fault, which Python names at once. */
    if (rest[3] >= 2 && rest[0] == 0xED && rest[1] >= 0xA0) {
        Py_CLEAR(*text);
        return JUDGE;
    }
    return READ;
}

/* Read the payload into `*text`, behind what the piece before has left of a code point; what this one leaves goes to
 * `rest`, its length to `rest[3]`. */
static Way read_text(const FrameReader *reader, const Frame *frame, int final, PyObject **text, unsigned char rest[4]) {
    Py_ssize_t before = reader->message->unfinished_size;
    if (before == 0 && !reader->mask)
        return decode(unread(reader) + frame->start, frame->size, final, text, rest);
    /* As if it were ASCII, which it mostly is; nobody sees the string if it is not. */
    PyObject *ascii = PyUnicode_New(before + frame->size, 127);
    if (ascii == NULL)
        return FAIL;
    unsigned char *bytes = PyUnicode_1BYTE_DATA(ascii);
    if (before)
        memcpy(bytes, reader->message->unfinished, (size_t)before);
    if (unmask(reader, frame, bytes + before) < 0x80 && before == 0) {
        *text = ascii;
        return READ;
    }
    Way way = decode(bytes, before + frame->size, final, text, rest);
    Py_DECREF(ascii);
    return way;
}

/* Turn the key to where the payload goes on behind `size` bytes. */
static void turn_key(unsigned char key[4], Py_ssize_t size) {
    unsigned char turned[4];
    for (int at = 0; at < 4; at++)
        turned[at] = key[(at + size) & 3];
    memcpy(key, turned, 4);
}

/* Take in that a piece of a message of this `kind` was read, all of it at once. */
static void commit(FrameReader *reader, const Frame *frame, int kind, const unsigned char rest[4]) {
    MessageState *message = reader->message;
    reader->position += frame->start + frame->size;
    message->in_frame = frame->left > 0;
    message->fin = (frame->first & FIN) != 0;
    message->remaining = frame->left;
    if (frame->left)
        turn_key(reader->key, frame->size);
    if (frame->start)
        message_count(message, frame->size + frame->left);
    message_goes_on(message, message->fin && !message->in_frame ? NO_MESSAGE : kind, rest, rest[3]);
}

static Way read_payload(FrameReader *reader, const Frame *frame, PyObject **event) {
    Core *core = reader->core;
    int kind = reader->message->kind == NO_MESSAGE ? frame->first & 0x0F : reader->message->kind;
    int frame_finished = frame->left == 0, message_finished = frame_finished && (frame->first & FIN);
    unsigned char rest[4];
    PyObject *data = NULL;
    rest[3] = 0;
    if (kind == TEXT) {
        PyObject *buffer = Py_NewRef(reader->buffer); /* an exception that is made may collect garbage */
        Way way = read_text(reader, frame, message_finished, &data, rest);
        Py_DECREF(buffer);
        if (way != READ)
            return way;
    } else if ((data = payload_of(reader, frame, 0)) == NULL) {
        return FAIL;
    }
    commit(reader, frame, kind, rest);
    if (!frame_finished && PyObject_Size(data) == 0) {
        Py_DECREF(data);
        return WANT;
    }
    *event = new_event(core, kind == TEXT ? core->text_message : core->bytes_message, data,
                       frame_finished ? Py_True : Py_False, message_finished ? Py_True : Py_False);
    return *event == NULL ? FAIL : READ;
}

static Way read_control(FrameReader *reader, const Frame *frame, PyObject **event) {
    Core *core = reader->core;
    PyObject *payload = payload_of(reader, frame, 0);
    if (payload == NULL)
        return FAIL;
    reader->position += frame->start + frame->size;
    *event = new_event(core, frame->first == (FIN | PING) ? core->ping : core->pong, payload, Py_True, Py_True);
    return *event == NULL ? FAIL : READ;
}

/* Call `direct` of the inflater, which is zlib's, for a whole message. READ with what it was inflated to, JUDGE with it
 * where there may be more, or where zlib has come to an end of its own, JUDGE without it, or FAIL. */
static Way inflate(const FrameReader *reader, PyObject *given, PyObject **inflated) {
    Py_ssize_t room = reader->message->max_inflated_size;
    PyObject *inflater = Py_NewRef(reader->inflater); /* what is asked for may be computed, and change it */
    PyObject *direct = PyObject_GetAttr(inflater, reader->core->direct), *eof = NULL;
    Py_DECREF(inflater);
    Way way = direct == NULL ? FAIL : JUDGE;
    if (direct != NULL && PyCFunction_Check(direct) && PyCFunction_GET_SELF(direct) != NULL) {
        PyObject *limit = PyLong_FromSsize_t(room);
        PyObject *arguments[] = {given, limit};
        *inflated = limit == NULL ? NULL : PyObject_Vectorcall(direct, arguments, 2, NULL);
        Py_XDECREF(limit);
        if (*inflated == NULL) {
            way = PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_MemoryError) ? JUDGE : FAIL;
            if (way == JUDGE)
                PyErr_Clear(); /* zlib fails again when Python asks it */
        } else if (!PyBytes_CheckExact(*inflated)) {
            PyErr_Format(PyExc_TypeError, "zlib's decompress() has to return bytes, not %R", *inflated);
            way = FAIL;
        } else if ((eof = PyObject_GetAttr(PyCFunction_GET_SELF(direct), reader->core->eof)) == NULL) {
            way = FAIL;
        } else if (eof == Py_False && PyBytes_GET_SIZE(*inflated) < room) {
            way = READ;
        }
    }
    Py_XDECREF(eof);
    Py_XDECREF(direct);
    return way;
}

/* Read a whole message that permessage-deflate has compressed (RFC 7692 7.2.2). Where Python has to judge it, what it
 * was inflated to is in `*event`, or NULL. zlib may let other threads run. */
static Way read_compressed(FrameReader *reader, const Frame *frame, PyObject **event) {
    static const unsigned char tail[] = {0, 0, 0xFF, 0xFF}; /* which its sender has left off */
    if (frame->size == 0 || frame->size > reader->message->max_compressed_size || reader->inflater == NULL)
        return JUDGE;
    PyObject *given = payload_of(reader, frame, sizeof(tail)), *data = NULL;
    if (given == NULL)
        return FAIL;
    memcpy(PyBytes_AS_STRING(given) + frame->size, tail, sizeof(tail));
    PyObject *buffer = Py_NewRef(reader->buffer);
    Py_ssize_t position = reader->position;
    Way way = inflate(reader, given, &data);
    Py_DECREF(given);
    if (way != FAIL && (reader->buffer != buffer || reader->position != position)) {
        PyErr_SetString(PyExc_RuntimeError, "the connection was read elsewhere while it inflated a message");
        way = FAIL;
    }
    Py_DECREF(buffer);
    PyTypeObject *type = reader->core->bytes_message;
    if (way == READ && (frame->first & 0x0F) == TEXT) {
        PyObject *text;
        unsigned char rest[4];
        type = reader->core->text_message;
        way = decode((unsigned char *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), 1, &text, rest);
        if (way == READ)
            Py_SETREF(data, text);
    }
    if (way == READ) {
        reader->position += frame->start + frame->size;
        data = new_event(reader->core, type, data, Py_True, Py_True);
        way = data == NULL ? FAIL : READ;
    } else if (way == FAIL) {
        Py_CLEAR(data);
    }
    *event = data;
    return way;
}

Way read_frame(FrameReader *reader, PyObject **event) {
    Frame frame = {0, 0, 0, 0};
    Way way = read_header(reader, &frame);
    if (way == READ && frame.left && (frame.first & CONTROL))
        way = WANT;
    if (!reader->message->frames && (way == WANT || frame.left))
        return JUDGE; /* Python begins a frame that has not come whole */
    if (way != READ)
        return way;
    return frame.first & CONTROL ? read_control(reader, &frame, event)
           : frame.first & RSV1  ? read_compressed(reader, &frame, event)
                                 : read_payload(reader, &frame, event);
}

/* Set `*frame` to what has come of the payload under way, at most `most` bytes of it. */
static void find_piece(const FrameReader *reader, Frame *frame, Py_ssize_t most) {
    long long remaining = reader->message->remaining;
    Py_ssize_t there = unread_size(reader);
    if (there > most)
        there = most;
    frame->first = reader->message->fin ? FIN : 0;
    frame->start = 0;
    frame->size = remaining < there ? (Py_ssize_t)remaining : there;
    frame->left = remaining - frame->size;
}

Way read_piece(FrameReader *reader, PyObject **event) {
    const MessageState *message = reader->message;
    if (!message->frames || message->event_due || message->remaining <= 0 || message->kind == NO_MESSAGE)
        return JUDGE;
    Frame piece;
    find_piece(reader, &piece, PY_SSIZE_T_MAX);
    return piece.size == 0 ? WANT : read_payload(reader, &piece, event);
}

PyObject *reader_take_payload(FrameReader *reader, PyObject *args) {
    PyObject *most = Py_None;
    if (!PyArg_ParseTuple(args, "|O:_take_payload", &most))
        return NULL;
    Py_ssize_t limit = most == Py_None ? PY_SSIZE_T_MAX : PyLong_AsSsize_t(most);
    if (limit == -1 && PyErr_Occurred())
        return NULL;
    if (reader->message == NULL || limit < 0 || reader->message->remaining < 0)
        return PyErr_Format(PyExc_ValueError, "the size of a payload must not be negative");
    Frame piece;
    find_piece(reader, &piece, limit);
    PyObject *data = payload_of(reader, &piece, 0);
    if (data != NULL) {
        reader->position += piece.size;
        reader->message->remaining -= piece.size;
        turn_key(reader->key, piece.size);
    }
    return data;
}
