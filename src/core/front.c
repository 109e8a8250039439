/* The methods of a connection that every read and every message take: twin of connection_front.ConnectionFront.
 *
 * While the connection is open, they work on the codec at once. Else, and where the codec is not one of C's, the
 * Python methods behind them do.
 */
#include "core.h"

typedef struct {
    PyObject_HEAD Core *core;
    Py_ssize_t held;
    PyObject *state, *decoder, *encoder, *waiting; /* NULL where Python has not set them */
    char eof;
} ConnectionFront;

static PyObject *front_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords)) {
    return new_object(type, 4);
}

/* Return the argument of a method that has one, by position or by name; borrowed. */
static PyObject *only_argument(const char *method, const char *name, PyObject *const *arguments, Py_ssize_t count,
                               PyObject *names) {
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (count + named == 1 && (named == 0 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), name) == 0))
        return arguments[0];
    return PyErr_Format(PyExc_TypeError, "%s() takes one argument, '%s'", method, name);
}

/* Whether the decoder is the usual one, which is a reader. */
static int has_decoder(const ConnectionFront *front) {
    return front->decoder != NULL && Py_TYPE(front->decoder) == front->core->frame_decoder;
}

static PyObject *front_receive_data(ConnectionFront *front, PyObject *const *arguments, Py_ssize_t count,
                                    PyObject *names) {
    PyObject *data = only_argument("receive_data", "data", arguments, count, names);
    if (data == NULL)
        return NULL;
    if (front->state != front->core->open || front->eof || data == Py_None || !has_decoder(front))
        return PyObject_CallMethodOneArg((PyObject *)front, front->core->receive_otherwise, data);
    PyObject *reader = Py_NewRef(front->decoder);
    PyObject *none = reader_receive_bytes((FrameReader *)reader, data);
    Py_DECREF(reader);
    return none;
}

static PyObject *front_events(ConnectionFront *front, PyObject *Py_UNUSED(none)) {
    if ((front->waiting != NULL && front->waiting != Py_None) || !has_decoder(front))
        return PyObject_CallMethodNoArgs((PyObject *)front, front->core->all_events);
    return new_iterator((FrameReader *)front->decoder, (PyObject *)front, 1);
}

static PyObject *front_send(ConnectionFront *front, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    PyObject *event = only_argument("send", "event", arguments, count, names);
    if (event == NULL)
        return NULL;
    const Core *core = front->core;
    PyTypeObject *type = Py_TYPE(event);
    int changes_nothing =
        type == core->text_message || type == core->bytes_message || type == core->ping || type == core->pong;
    if (front->state != core->open || !changes_nothing || front->encoder == NULL ||
        Py_TYPE(front->encoder) != core->frame_encoder)
        return PyObject_CallMethodOneArg((PyObject *)front, core->send_otherwise, event);
    PyObject *writer = Py_NewRef(front->encoder);
    PyObject *frame = writer_send((FrameWriter *)writer, event);
    Py_DECREF(writer);
    return frame;
}

PyDoc_STRVAR(receive_data_doc, "receive_data($self, data)\n--\n\n"
                               "Take in `data`, the bytes that the transport received; None stands for end of file.\n\n"
                               "After the peer's Close, or a failure, data is dropped.\n\n"
                               ":raises LocalProtocolError: for data after end of file, or once the connection is "
                               "closed.");
PyDoc_STRVAR(events_doc, "events($self)\n--\n\n"
                         "Yield what has happened, reading as it goes: the state changes with the event that changes "
                         "it.\n\n"
                         "A frame that breaks the protocol is one `CloseConnection` with the code to answer with.");
PyDoc_STRVAR(send_doc,
             "send($self, event)\n--\n\n"
             "Return the bytes of `event`, to be sent to the peer.\n\n"
             ":raises LocalProtocolError: where the state does not permit it or it cannot be written as a frame;\n"
             "    then nothing has changed.");

static PyMethodDef front_methods[] = {
    {"receive_data", (PyCFunction)(void (*)(void))front_receive_data, METH_FASTCALL | METH_KEYWORDS, receive_data_doc},
    {"events", (PyCFunction)front_events, METH_NOARGS, events_doc},
    {"send", (PyCFunction)(void (*)(void))front_send, METH_FASTCALL | METH_KEYWORDS, send_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef front_members[] = {
    {"_state", T_OBJECT_EX, offsetof(ConnectionFront, state), 0, NULL},
    {"_decoder", T_OBJECT_EX, offsetof(ConnectionFront, decoder), 0, NULL},
    {"_encoder", T_OBJECT_EX, offsetof(ConnectionFront, encoder), 0, NULL},
    {"_waiting", T_OBJECT, offsetof(ConnectionFront, waiting), 0, NULL},
    {"_eof", T_BOOL, offsetof(ConnectionFront, eof), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot front_slots[] = {
    {Py_tp_new, front_new},
    {Py_tp_traverse, object_traverse},
    {Py_tp_clear, object_clear},
    {Py_tp_dealloc, object_dealloc},
    {Py_tp_methods, front_methods},
    {Py_tp_members, front_members},
    {0, NULL},
};

PyType_Spec connection_front_spec = {
    "wsproto._core.ConnectionFront", sizeof(ConnectionFront), 0, COLLECTED, front_slots,
};
