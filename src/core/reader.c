/* Bytes in: twin of frame_reader.FrameReader. It owns its buffer and the message that it fills.
 *
 * `position` is never beyond the buffer, and Python can move neither but by methods that check it.
 */
#include "core.h"

static PyObject *reader_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords)) {
    FrameReader *reader = (FrameReader *)new_object(type, 4);
    if (reader == NULL || (reader->buffer = PyBytes_FromStringAndSize(NULL, 0)) != NULL)
        return (PyObject *)reader;
    Py_DECREF(reader);
    return NULL;
}

static int reader_init(FrameReader *reader, PyObject *args, PyObject *keywords) {
    static char *names[] = {"client", "message", NULL};
    int client;
    PyObject *message;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "pO!:FrameReader", names, &client, reader->core->message_state,
                                     &message))
        return -1;
    reader->client = (char)client;
    reader->mask = client ? 0 : MASK;
    reader->drained = 1;
    Py_XSETREF(reader->message, (MessageState *)Py_NewRef(message));
    return 0;
}

/* Read from the start of `buffer`, which is stolen. NULL does nothing but fail. */
static int read_from(FrameReader *reader, PyObject *buffer) {
    if (buffer == NULL)
        return -1;
    reader->position = 0;
    Py_SETREF(reader->buffer, buffer);
    return 0;
}

/* Read from what is unread, with `more` behind it: bytes, a bytearray, or NULL for nothing. */
static int read_on_with(FrameReader *reader, PyObject *more) {
    Py_ssize_t rest = PyBytes_GET_SIZE(reader->buffer) - reader->position;
    if (rest == 0 && more != NULL && PyBytes_CheckExact(more))
        return read_from(reader, Py_NewRef(more));
    PyObject *buffer = PyBytes_FromStringAndSize(PyBytes_AS_STRING(reader->buffer) + reader->position, rest);
    if (buffer != NULL && more != NULL)
        PyBytes_Concat(&buffer, more); /* NULL where it fails */
    return read_from(reader, buffer);
}

/* Take in `data`, which is bytes. 0, or -1 with an error. */
static int receive_exactly(FrameReader *reader, PyObject *data) {
    if (reader->ended)
        return 0;
    if (reader->drained) { /* so that at most a header is left in the buffer */
        int failed = read_on_with(reader, data);
        reader->drained = (char)failed;
        return failed;
    }
    if (reader->pending == NULL && (reader->pending = PyByteArray_FromStringAndSize(NULL, 0)) == NULL)
        return -1;
    PyObject *pending = PySequence_InPlaceConcat(reader->pending, data); /* itself, in amortised linear time */
    Py_XDECREF(pending);
    return pending == NULL ? -1 : 0;
}

PyObject *reader_receive_bytes(FrameReader *reader, PyObject *data) {
    PyObject *bytes = PyBytes_CheckExact(data)
                          ? Py_NewRef(data)
                          : PyObject_CallFunction(reader->core->as_bytes, "Os", data, "Received data");
    if (bytes == NULL)
        return NULL;
    if (!PyBytes_CheckExact(bytes))
        PyErr_SetString(PyExc_TypeError, "as_bytes() has to return bytes");
    int failed = !PyBytes_CheckExact(bytes) || receive_exactly(reader, bytes) < 0;
    Py_DECREF(bytes);
    return failed ? NULL : Py_NewRef(Py_None);
}

int reader_refill(FrameReader *reader) {
    int more = reader->pending != NULL;
    if ((more || reader->position) && read_on_with(reader, reader->pending) < 0)
        return -1;
    Py_CLEAR(reader->pending);
    reader->drained = (char)!more;
    return more;
}

static PyObject *reader_receive_eof(FrameReader *reader, PyObject *Py_UNUSED(none)) {
    reader->eof = 1;
    Py_RETURN_NONE;
}

static PyObject *reader_events(FrameReader *reader, PyObject *args, PyObject *keywords) {
    static char *names[] = {"conclude", NULL};
    PyObject *conclude = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:events", names, &conclude))
        return NULL;
    return new_iterator(reader, conclude == Py_None ? reader->core->raise_failure : conclude, 0);
}

/* Go on at `position`, which is within what is unread; with `payload` one begins there, behind its masking key. */
static PyObject *reader_go_to(FrameReader *reader, PyObject *args) {
    Py_ssize_t position;
    int payload = 0;
    if (!PyArg_ParseTuple(args, "n|p:_go_to", &position, &payload))
        return NULL;
    int key_size = payload && reader->mask ? 4 : 0;
    if (position < reader->position + key_size || position > PyBytes_GET_SIZE(reader->buffer))
        return PyErr_Format(PyExc_IndexError, "%zd is not a place in what is unread", position);
    memcpy(reader->key, PyBytes_AS_STRING(reader->buffer) + position - key_size, (size_t)key_size);
    reader->position = position;
    Py_RETURN_NONE;
}

static PyObject *reader_end_reading(FrameReader *reader, PyObject *Py_UNUSED(none)) {
    if (read_from(reader, PyBytes_FromStringAndSize(NULL, 0)) < 0)
        return NULL;
    reader->ended = 1;
    Py_CLEAR(reader->pending);
    Py_RETURN_NONE;
}

static PyObject *reader_drained(FrameReader *reader, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(reader->drained || reader->ended);
}

static PyMethodDef reader_methods[] = {
    {"receive_bytes", (PyCFunction)reader_receive_bytes, METH_O, NULL},
    {"receive_eof", (PyCFunction)reader_receive_eof, METH_NOARGS, NULL},
    {"events", (PyCFunction)(void (*)(void))reader_events, METH_VARARGS | METH_KEYWORDS, NULL},
    {"_go_to", (PyCFunction)reader_go_to, METH_VARARGS, NULL},
    {"_take_payload", (PyCFunction)reader_take_payload, METH_VARARGS, NULL},
    {"_end_reading", (PyCFunction)reader_end_reading, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef reader_members[] = {
    {"client", T_BOOL, offsetof(FrameReader, client), READONLY, NULL},
    {"_buffer", T_OBJECT_EX, offsetof(FrameReader, buffer), READONLY, NULL},
    {"_position", T_PYSSIZET, offsetof(FrameReader, position), READONLY, NULL},
    {"_mask", T_UBYTE, offsetof(FrameReader, mask), READONLY, NULL},
    {"_inflater", T_OBJECT, offsetof(FrameReader, inflater), 0, NULL},
    {"_pending", T_OBJECT, offsetof(FrameReader, pending), READONLY, NULL},
    {"_message", T_OBJECT_EX, offsetof(FrameReader, message), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef reader_properties[] = {
    {"drained", (getter)reader_drained, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_new},         {Py_tp_init, reader_init},         {Py_tp_traverse, object_traverse},
    {Py_tp_clear, object_clear},     {Py_tp_dealloc, object_dealloc},   {Py_tp_methods, reader_methods},
    {Py_tp_members, reader_members}, {Py_tp_getset, reader_properties}, {0, NULL},
};

PyType_Spec frame_reader_spec = {"wsproto._core.FrameReader", sizeof(FrameReader), 0, COLLECTED, reader_slots};
