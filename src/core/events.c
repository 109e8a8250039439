/* The fields of the events that C makes and reads: twins of event_base.MessageFields and ControlFields.
 *
 * An event owns its fields; one that was not set is NULL. They can be assigned, as slots can: a frozen dataclass
 * forbids it on top of them.
 */
#include "core.h"

PyObject *new_event(PyTypeObject *type, PyObject *content, int frame_finished, int message_finished) {
    Fields *event = (Fields *)type->tp_alloc(type, 0);
    if (event == NULL) {
        Py_DECREF(content);
        return NULL;
    }
    PyObject_GC_UnTrack(event); /* bytes, str and bool make no cycle: the garbage collector need not look at it */
    event->content = content;
    event->frame_finished = Py_NewRef(frame_finished ? Py_True : Py_False);
    event->message_finished = Py_NewRef(message_finished ? Py_True : Py_False);
    return (PyObject *)event;
}

static int message_init(Fields *event, PyObject *args, PyObject *keywords) {
    static char *names[] = {"data", "frame_finished", "message_finished", NULL};
    PyObject *data, *frame_finished = Py_True, *message_finished = Py_True;
    if (keywords == NULL && PyTuple_GET_SIZE(args) == 1)
        data = PyTuple_GET_ITEM(args, 0);
    else if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO:__init__", names, &data, &frame_finished,
                                          &message_finished))
        return -1;
    Py_XSETREF(event->content, Py_NewRef(data));
    Py_XSETREF(event->frame_finished, Py_NewRef(frame_finished));
    Py_XSETREF(event->message_finished, Py_NewRef(message_finished));
    return 0;
}

static int control_init(Fields *event, PyObject *args, PyObject *keywords) {
    static char *names[] = {"payload", NULL};
    PyObject *payload = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:__init__", names, &payload))
        return -1;
    payload = payload == NULL ? PyBytes_FromStringAndSize(NULL, 0) : Py_NewRef(payload);
    if (payload == NULL)
        return -1;
    Py_XSETREF(event->content, payload);
    return 0;
}

static PyObject *control_as(Fields *event, PyObject *kind) {
    Core *core = core_of(Py_TYPE(event));
    if (core == NULL)
        return NULL;
    if (!PyType_Check(kind) || !PyType_IsSubtype((PyTypeObject *)kind, core->control_fields) || event->content == NULL)
        return PyErr_Format(PyExc_TypeError, "%R is not a class of control events", kind);
    PyObject *other = new_event((PyTypeObject *)kind, Py_NewRef(event->content), 1, 1);
    if (other != NULL)
        PyObject_GC_Track(other); /* a class of somebody's own may have more to it */
    return other;
}

static int fields_traverse(Fields *event, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(event));
    return visit_all(&event->content, 3, visit, arg);
}

static int fields_clear(Fields *event) {
    return clear_all(&event->content, 3);
}

static void fields_dealloc(Fields *event) {
    PyTypeObject *type = Py_TYPE(event);
    PyObject_GC_UnTrack(event);
    Py_TRASHCAN_BEGIN(event, fields_dealloc); /* events may hold each other, to any depth */
    fields_clear(event);
    type->tp_free(event);
    Py_DECREF(type);
    Py_TRASHCAN_END;
}

static PyMemberDef message_members[] = {
    {"data", T_OBJECT_EX, offsetof(Fields, content), 0, NULL},
    {"frame_finished", T_OBJECT_EX, offsetof(Fields, frame_finished), 0, NULL},
    {"message_finished", T_OBJECT_EX, offsetof(Fields, message_finished), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMemberDef control_members[] = {
    {"payload", T_OBJECT_EX, offsetof(Fields, content), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot message_slots[] = {
    {Py_tp_doc, "MessageFields(data, frame_finished=True, message_finished=True)\n--\n\n"},
    {Py_tp_init, message_init},
    {Py_tp_traverse, fields_traverse},
    {Py_tp_clear, fields_clear},
    {Py_tp_dealloc, fields_dealloc},
    {Py_tp_members, message_members},
    {0, NULL},
};

static PyMethodDef control_methods[] = {
    {"_as", (PyCFunction)control_as, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot control_slots[] = {
    {Py_tp_doc, "ControlFields(payload=b'')\n--\n\n"},
    {Py_tp_init, control_init},
    {Py_tp_traverse, fields_traverse},
    {Py_tp_clear, fields_clear},
    {Py_tp_dealloc, fields_dealloc},
    {Py_tp_members, control_members},
    {Py_tp_methods, control_methods},
    {0, NULL},
};

PyType_Spec message_fields_spec = {"wsproto._core.MessageFields", sizeof(Fields), 0, COLLECTED, message_slots};
PyType_Spec control_fields_spec = {"wsproto._core.ControlFields", sizeof(Fields), 0, COLLECTED, control_slots};
