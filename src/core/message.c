/* The message that is being received: twin of frame_reader.MessageState.
 *
 * Python may assign the members that are not read-only. Whoever reads by them checks them first: `remaining` may
 * be negative, and `in_frame` true where no message is under way.
 */
#include "core.h"

void message_goes_on(MessageState *message, int kind, const unsigned char *unfinished, Py_ssize_t size) {
    message->kind = (unsigned char)kind;
    message->unfinished_size = (unsigned char)size;
    for (Py_ssize_t at = 0; at < size; at++)
        message->unfinished[at] = unfinished[at];
    if (kind == NO_MESSAGE)
        message->fragments = message->size = 0;
}

/* A peer may announce any length, and Python write any count: both stop at the greatest one. */
static long long sum(long long count, long long more) {
    return count > LLONG_MAX - more ? LLONG_MAX : count + more;
}

void message_count(MessageState *message, long long size) {
    message->fragments = sum(message->fragments, 1);
    message->size = sum(message->size, size);
}

static PyObject *message_state_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords)) {
    return new_object(type, 0);
}

static int message_state_init(MessageState *message, PyObject *args, PyObject *Py_UNUSED(keywords)) {
    int frames;
    Py_ssize_t compressed, inflated;
    long long frame_size, message_size, fragments;
    if (!PyArg_ParseTuple(args, "(pnnLLL):MessageState", &frames, &compressed, &inflated, &frame_size, &message_size,
                          &fragments))
        return -1;
    message->frames = (char)frames;
    message->max_compressed_size = compressed;
    message->max_inflated_size = inflated;
    message->max_frame_size = frame_size;
    message->max_message_size = message_size;
    message->max_fragments = fragments;
    return 0; /* the others are zero, as it was made */
}

static PyObject *message_state_go_on(MessageState *message, PyObject *args) {
    PyObject *kind;
    const unsigned char *unfinished = NULL;
    Py_ssize_t size = 0;
    if (!PyArg_ParseTuple(args, "O|y#:go_on", &kind, &unfinished, &size))
        return NULL;
    if (size > (Py_ssize_t)sizeof(message->unfinished))
        return PyErr_Format(PyExc_ValueError, "a code point that is unfinished has at most 3 bytes, not %zd", size);
    int is_text = kind == (PyObject *)message->core->text_message;
    message_goes_on(message, is_text ? TEXT : kind == Py_None ? NO_MESSAGE : BINARY, unfinished, size);
    Py_RETURN_NONE;
}

static PyObject *message_state_count_frame(MessageState *message, PyObject *known) {
    long long size = PyLong_AsLongLong(known);
    if (size == -1 && PyErr_Occurred())
        return NULL;
    message_count(message, size < 0 ? 0 : size);
    Py_RETURN_NONE;
}

static PyObject *message_state_kind(MessageState *message, void *Py_UNUSED(closure)) {
    if (message->kind == NO_MESSAGE)
        Py_RETURN_NONE;
    return Py_NewRef(message->kind == TEXT ? message->core->text_message : message->core->bytes_message);
}

static PyObject *message_state_unfinished(MessageState *message, void *Py_UNUSED(closure)) {
    return PyBytes_FromStringAndSize((const char *)message->unfinished, message->unfinished_size);
}

static PyMethodDef message_state_methods[] = {
    {"count_frame", (PyCFunction)message_state_count_frame, METH_O, NULL},
    {"go_on", (PyCFunction)message_state_go_on, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef message_state_properties[] = {
    {"kind", (getter)message_state_kind, NULL, NULL, NULL},
    {"unfinished_code_point", (getter)message_state_unfinished, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef message_state_members[] = {
    {"in_frame", T_BOOL, offsetof(MessageState, in_frame), 0, NULL},
    {"fin", T_BOOL, offsetof(MessageState, fin), 0, NULL},
    {"event_due", T_BOOL, offsetof(MessageState, event_due), 0, NULL},
    {"remaining", T_LONGLONG, offsetof(MessageState, remaining), 0, NULL},
    {"fragments", T_LONGLONG, offsetof(MessageState, fragments), 0, NULL},
    {"size", T_LONGLONG, offsetof(MessageState, size), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot message_state_slots[] = {
    {Py_tp_new, message_state_new},
    {Py_tp_init, message_state_init},
    {Py_tp_dealloc, object_dealloc},
    {Py_tp_methods, message_state_methods},
    {Py_tp_getset, message_state_properties},
    {Py_tp_members, message_state_members},
    {0, NULL},
};

PyType_Spec message_state_spec = {
    "wsproto._core.MessageState", sizeof(MessageState), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    message_state_slots,
};
