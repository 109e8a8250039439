/* What the next bytes are, as far as that needs no judgement (RFC 6455 5.2).
 *
 * Nothing is consumed before all of a frame, or of a piece of one, is known to be right. A pointer into the
 * buffer outlives no call that may run Python, unless the buffer is held.
 */
#include "core.h"

typedef struct {
    unsigned char first;
    Py_ssize_t start; /* of the payload, from the reader's position on */
    Py_ssize_t size; /* of the payload */
} Header;

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

static Way read_header(const FrameReader *reader, Header *header) {
    const unsigned char *bytes = unread(reader);
    Py_ssize_t there = unread_size(reader);
    if (there < 1)
        return WANT;
    header->first = bytes[0];
    if (!may_pass(reader->message, header->first))
        return JUDGE;
    if (there < 2)
        return WANT;
    uint64_t size = bytes[1] ^ reader->mask;
    header->start = 2;
    if (size > MAX_CONTROL_PAYLOAD) {
        if (size > 127 || header->first & CONTROL)
            return JUDGE;
        int more = size == 126 ? 2 : 8;
        if (there < 2 + more)
            return WANT;
        size = 0;
        for (int at = 2; at < 2 + more; at++)
            size = size << 8 | bytes[at];
        if (size < (more == 2 ? 126u : 65536u) || size > (uint64_t)PY_SSIZE_T_MAX)
            return JUDGE;
        header->start += more;
    }
    header->size = (Py_ssize_t)size;
    if (!(header->first & CONTROL) && !within_bounds(reader->message, header->size))
        return JUDGE;
    if (reader->mask)
        header->start += 4;
    return there < header->start ? WANT : READ;
}

/* Write `size` bytes of `from` to `to`, unmasked if there is a `key`. */
static void unmask(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char *key) {
    if (key == NULL)
        memcpy(to, from, (size_t)size);
    else
        mask_into(to, from, size, key);
}

/* Return `size` bytes at `from`, unmasked if there is a `key`, and room for `more` behind them. */
static PyObject *unmasked_bytes(const unsigned char *from, Py_ssize_t size, const unsigned char *key, Py_ssize_t more) {
    PyObject *data = PyBytes_FromStringAndSize(NULL, size + more);
    if (data != NULL)
        unmask((unsigned char *)PyBytes_AS_STRING(data), from, size, key);
    return data;
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

/* Read the text of `size` bytes at `from` into `*text`, behind what the piece before has left of a code point;
 * what this one leaves goes to `rest`, its length to `rest[3]`. */
static Way read_text(const MessageState *message, const unsigned char *from, Py_ssize_t size, const unsigned char *key,
                     int final, PyObject **text, unsigned char rest[4]) {
    Py_ssize_t before = message->unfinished_size;
    rest[3] = 0;
    if (before == 0 && key == NULL)
        return decode(from, size, final, text, rest);
    if (before == 0) {
        /* As if it were ASCII, which it mostly is; nobody sees the string if it is not. */
        PyObject *ascii = PyUnicode_New(size, 127);
        if (ascii == NULL)
            return FAIL;
        if (mask_into(PyUnicode_1BYTE_DATA(ascii), from, size, key) < 0x80) {
            *text = ascii;
            return READ;
        }
        Way way = decode(PyUnicode_1BYTE_DATA(ascii), size, final, text, rest);
        Py_DECREF(ascii);
        return way;
    }
    PyObject *joined = PyBytes_FromStringAndSize(NULL, before + size);
    if (joined == NULL)
        return FAIL;
    unsigned char *bytes = (unsigned char *)PyBytes_AS_STRING(joined);
    memcpy(bytes, message->unfinished, (size_t)before);
    unmask(bytes + before, from, size, key);
    Way way = decode(bytes, before + size, final, text, rest);
    Py_DECREF(joined);
    return way;
}

/* Turn the key to where the payload goes on behind `size` bytes. */
static void turn_key(unsigned char key[4], Py_ssize_t size) {
    unsigned char turned[4];
    for (int at = 0; at < 4; at++)
        turned[at] = key[(at + size) & 3];
    memcpy(key, turned, 4);
}

/* A piece of a message that is there: a whole frame, or what has come of one. */
typedef struct {
    Py_ssize_t start, size; /* of the payload, from the reader's position on */
    long long left; /* of the frame's payload, behind it */
    long long counted; /* what is new of the message: the frame's payload, or 0 */
    const unsigned char *key; /* NULL for no mask */
    int kind, fin;
} Piece;

/* Take in that a piece was read, all of it at once. */
static void commit(FrameReader *reader, const Piece *piece, int goes_on_as, const unsigned char rest[4]) {
    MessageState *message = reader->message;
    reader->position += piece->start + piece->size;
    message->in_frame = piece->left > 0;
    message->fin = (char)piece->fin;
    message->remaining = piece->left;
    if (piece->left && piece->key != NULL)
        turn_key(reader->key, piece->size);
    if (piece->start)
        message_count(message, piece->counted);
    message_goes_on(message, goes_on_as);
    memcpy(message->unfinished, rest, 3);
    message->unfinished_size = rest[3];
}

static Way read_payload(FrameReader *reader, const Piece *piece, PyObject **event) {
    const unsigned char *from = unread(reader) + piece->start;
    int frame_finished = piece->left == 0, message_finished = frame_finished && piece->fin;
    unsigned char rest[4] = {0, 0, 0, 0};
    PyTypeObject *type = reader->core->bytes_message;
    PyObject *data = NULL;
    if (piece->kind == TEXT) {
        type = reader->core->text_message;
        PyObject *buffer = Py_NewRef(reader->buffer); /* an exception that is made may collect garbage */
        Way way = read_text(reader->message, from, piece->size, piece->key, message_finished, &data, rest);
        Py_DECREF(buffer);
        if (way != READ)
            return way;
    } else if (piece->key == NULL && piece->size == PyBytes_GET_SIZE(reader->buffer)) {
        data = Py_NewRef(reader->buffer); /* a read within a frame is all payload */
    } else if ((data = unmasked_bytes(from, piece->size, piece->key, 0)) == NULL) {
        return FAIL;
    }
    commit(reader, piece, message_finished ? NO_MESSAGE : piece->kind, rest);
    if (!frame_finished && PyObject_Size(data) == 0) {
        Py_DECREF(data);
        return WANT;
    }
    *event =
        new_event(reader->core, type, data, frame_finished ? Py_True : Py_False, message_finished ? Py_True : Py_False);
    return *event == NULL ? FAIL : READ;
}

static Way read_control(FrameReader *reader, const Header *header, const unsigned char *key, PyObject **event) {
    PyObject *payload = unmasked_bytes(unread(reader) + header->start, header->size, key, 0);
    if (payload == NULL)
        return FAIL;
    reader->position += header->start + header->size;
    Core *core = reader->core;
    *event = new_event(core, header->first == (FIN | PING) ? core->ping : core->pong, payload, Py_True, Py_True);
    return *event == NULL ? FAIL : READ;
}

/* Call `direct` of the inflater, which is zlib's, for a whole message. READ with what it was inflated to, JUDGE with it
 * where there may be more, or where zlib has come to an end of its own, JUDGE without it, or FAIL. */
static Way inflate(const FrameReader *reader, PyObject *given, PyObject **inflated) {
    Py_ssize_t room = reader->message->max_inflated_size;
    PyObject *direct = PyObject_GetAttr(reader->inflater, reader->core->direct), *eof = NULL;
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
static Way read_compressed(FrameReader *reader, const Header *header, const unsigned char *key, PyObject **event) {
    static const unsigned char tail[] = {0, 0, 0xFF, 0xFF}; /* which its sender has left off */
    if (header->size == 0 || header->size > reader->message->max_compressed_size || reader->inflater == NULL)
        return JUDGE;
    PyObject *given = unmasked_bytes(unread(reader) + header->start, header->size, key, sizeof(tail)), *data = NULL;
    if (given == NULL)
        return FAIL;
    memcpy(PyBytes_AS_STRING(given) + header->size, tail, sizeof(tail));
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
    if (way == READ && (header->first & 0x0F) == TEXT) {
        PyObject *text;
        unsigned char rest[4];
        type = reader->core->text_message;
        way = decode((unsigned char *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), 1, &text, rest);
        if (way == READ)
            Py_SETREF(data, text);
    }
    if (way == READ) {
        reader->position += header->start + header->size;
        data = new_event(reader->core, type, data, Py_True, Py_True);
        way = data == NULL ? FAIL : READ;
    } else if (way == FAIL) {
        Py_CLEAR(data);
    }
    *event = data;
    return way;
}

Way read_frame(FrameReader *reader, PyObject **event) {
    const MessageState *message = reader->message;
    Header header = {0, 0, 0};
    Way way = read_header(reader, &header);
    Py_ssize_t there = unread_size(reader) - header.start;
    if (way == READ && header.size > there && (header.first & CONTROL))
        way = WANT;
    if (!message->frames && (way == WANT || header.size > there))
        return JUDGE; /* Python begins a frame that has not come whole */
    if (way != READ)
        return way;
    const unsigned char *key = NULL;
    if (reader->mask)
        key = memcpy(reader->key, unread(reader) + header.start - 4, 4);
    if (header.first & CONTROL)
        return read_control(reader, &header, key, event);
    if (header.first & RSV1)
        return read_compressed(reader, &header, key, event);
    Py_ssize_t size = header.size < there ? header.size : there;
    Piece piece = {
        .start = header.start,
        .size = size,
        .left = header.size - size,
        .counted = header.size,
        .key = key,
        .kind = message->kind == NO_MESSAGE ? header.first & 0x0F : message->kind,
        .fin = (header.first & FIN) != 0,
    };
    return read_payload(reader, &piece, event);
}

Way read_piece(FrameReader *reader, PyObject **event) {
    const MessageState *message = reader->message;
    Py_ssize_t size = unread_size(reader);
    if (!message->frames || message->event_due || message->remaining <= 0 || message->kind == NO_MESSAGE)
        return JUDGE;
    if (size == 0)
        return WANT;
    if (size > message->remaining)
        size = (Py_ssize_t)message->remaining;
    Piece piece = {
        .size = size,
        .left = message->remaining - size,
        .key = reader->mask ? reader->key : NULL,
        .kind = message->kind,
        .fin = message->fin,
    };
    return read_payload(reader, &piece, event);
}

PyObject *take_payload(FrameReader *reader, Py_ssize_t size) {
    PyObject *data = unmasked_bytes(unread(reader), size, reader->mask ? reader->key : NULL, 0);
    if (data != NULL) {
        reader->position += size;
        reader->message->remaining -= size;
        turn_key(reader->key, size);
    }
    return data;
}
