/* Events out: twin of frame_writer.FrameWriter. Writes the frames that need no judgement (RFC 6455 5.2).
 *
 * A masking key is drawn by Python, which may call this writer again: it is drawn before the frame is written, and
 * what the frame depends on is looked at after it.
 */
#include "core.h"

static PyObject *writer_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords)) {
    return new_object(type, 1);
}

static int writer_init(FrameWriter *writer, PyObject *args, PyObject *keywords) {
    static char *names[] = {"client", "plain", NULL};
    int client, plain;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "pp:FrameWriter", names, &client, &plain))
        return -1;
    writer->client = (char)client;
    writer->plain = (char)plain;
    return 0;
}

/* Take the next masking key, drawing a new pool where there is none: none of its bytes serves twice. */
static int next_key(FrameWriter *writer, unsigned char key[4]) {
    if (writer->pool == NULL || PyBytes_GET_SIZE(writer->pool) - writer->pool_position < 4) {
        PyObject *pool = PyObject_CallOneArg(writer->core->key_pool, writer->pool == NULL ? Py_True : Py_False);
        if (pool == NULL)
            return -1;
        if (!PyBytes_CheckExact(pool) || PyBytes_GET_SIZE(pool) < 4) {
            PyErr_SetString(PyExc_TypeError, "key_pool() has to return 4 bytes or more");
            Py_DECREF(pool);
            return -1;
        }
        writer->pool_position = 0;
        Py_XSETREF(writer->pool, pool);
    }
    memcpy(key, PyBytes_AS_STRING(writer->pool) + writer->pool_position, 4);
    writer->pool_position += 4;
    return 0;
}

/* Write a header with the length in its shortest form; return its size. */
static int write_header(unsigned char header[10], unsigned char first, Py_ssize_t size, unsigned char mask) {
    int more = size <= MAX_CONTROL_PAYLOAD ? 0 : size < 65536 ? 2 : 8;
    header[0] = first;
    header[1] = (unsigned char)(mask | (more == 0 ? size : more == 2 ? 126 : 127));
    for (int at = 0; at < more; at++)
        header[2 + at] = (unsigned char)((uint64_t)size >> 8 * (more - 1 - at));
    return 2 + more;
}

/* Return a frame. `payload` has to stay where it is while Python is called. */
static PyObject *write_frame(FrameWriter *writer, unsigned char first, const unsigned char *payload, Py_ssize_t size) {
    unsigned char header[10], key[4];
    int start = write_header(header, first, size, writer->client ? MASK : 0);
    if (size > PY_SSIZE_T_MAX - 14)
        return PyErr_NoMemory();
    if (writer->client && next_key(writer, key) < 0)
        return NULL;
    PyObject *frame = PyBytes_FromStringAndSize(NULL, start + (writer->client ? 4 : 0) + size);
    if (frame == NULL)
        return NULL;
    unsigned char *to = (unsigned char *)PyBytes_AS_STRING(frame);
    memcpy(to, header, (size_t)start);
    if (writer->client) {
        memcpy(to + start, key, 4);
        mask_into(to + start + 4, payload, size, key);
    } else {
        memcpy(to + start, payload, (size_t)size);
    }
    return frame;
}

/* Return the payload of a message or control event as bytes, or as str that is ASCII; NULL without an error where
 * Python has to judge it. */
static PyObject *plain_payload(const FrameWriter *writer, PyObject *event, int *first) {
    const Core *core = writer->core;
    PyTypeObject *type = Py_TYPE(event);
    if (type == core->ping || type == core->pong) {
        PyObject *payload = ((Fields *)event)->content;
        *first = FIN | (type == core->ping ? PING : PONG);
        if (payload == NULL || !PyBytes_CheckExact(payload) || PyBytes_GET_SIZE(payload) > MAX_CONTROL_PAYLOAD)
            return NULL;
        return Py_NewRef(payload);
    }
    int opcode = type == core->text_message ? TEXT : type == core->bytes_message ? BINARY : NO_MESSAGE;
    if (opcode == NO_MESSAGE || (writer->opcode != NO_MESSAGE && writer->opcode != opcode))
        return NULL;
    PyObject *data = ((Fields *)event)->content, *fin = ((Fields *)event)->message_finished;
    if (data == NULL || (fin != Py_True && fin != Py_False))
        return NULL;
    *first = (fin == Py_True ? FIN : 0) | (writer->opcode == NO_MESSAGE ? opcode : 0);
    if (opcode == BINARY)
        return PyBytes_CheckExact(data) ? Py_NewRef(data) : NULL;
    if (!PyUnicode_CheckExact(data))
        return NULL;
    if (PyUnicode_IS_COMPACT_ASCII(data))
        return Py_NewRef(data);
    Py_INCREF(data); /* an exception that is made may collect garbage, whose finalizers change the event */
    PyObject *encoded = PyUnicode_AsUTF8String(data);
    Py_DECREF(data);
    if (encoded == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        PyErr_Clear();
    return encoded;
}

PyObject *writer_send(FrameWriter *writer, PyObject *event) {
    int first = 0;
    PyObject *payload = writer->plain ? plain_payload(writer, event, &first) : NULL;
    if (payload == NULL)
        return PyErr_Occurred() ? NULL
                                : PyObject_CallMethodOneArg((PyObject *)writer, writer->core->send_otherwise, event);
    unsigned char before = writer->opcode;
    int is_bytes = PyBytes_CheckExact(payload);
    const void *from = is_bytes ? (void *)PyBytes_AS_STRING(payload) : PyUnicode_DATA(payload);
    Py_ssize_t size = is_bytes ? PyBytes_GET_SIZE(payload) : PyUnicode_GET_LENGTH(payload);
    PyObject *frame = write_frame(writer, (unsigned char)first, from, size);
    Py_DECREF(payload);
    if (frame != NULL && !(first & CONTROL)) {
        if (writer->opcode != before) { /* a message was begun or ended while a key was drawn */
            Py_DECREF(frame);
            return PyObject_CallMethodOneArg((PyObject *)writer, writer->core->send_otherwise, event);
        }
        int opcode = Py_TYPE(event) == writer->core->text_message ? TEXT : BINARY;
        writer->opcode = (unsigned char)(first & FIN ? NO_MESSAGE : opcode);
    }
    return frame;
}

static PyObject *writer_frame(FrameWriter *writer, PyObject *args) {
    unsigned char first;
    PyObject *payload;
    if (!PyArg_ParseTuple(args, "bS:_frame", &first, &payload))
        return NULL;
    return write_frame(writer, first, (const unsigned char *)PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload));
}

static PyObject *writer_message_begun(FrameWriter *writer, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(writer->opcode != NO_MESSAGE);
}

static PyMethodDef writer_methods[] = {
    {"send", (PyCFunction)writer_send, METH_O, NULL},
    {"_frame", (PyCFunction)writer_frame, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef writer_members[] = {
    {"client", T_BOOL, offsetof(FrameWriter, client), READONLY, NULL},
    {"_plain", T_BOOL, offsetof(FrameWriter, plain), READONLY, NULL},
    {"_opcode", T_UBYTE, offsetof(FrameWriter, opcode), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef writer_properties[] = {
    {"message_begun", (getter)writer_message_begun, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_new, writer_new},
    {Py_tp_init, writer_init},
    {Py_tp_dealloc, object_dealloc},
    {Py_tp_methods, writer_methods},
    {Py_tp_members, writer_members},
    {Py_tp_getset, writer_properties},
    {0, NULL},
};

PyType_Spec frame_writer_spec = {
    "wsproto._core.FrameWriter", sizeof(FrameWriter), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, writer_slots,
};
