/* The fields of the events that C makes and reads: twins of event_base.MessageFields and ControlFields.
 *
 * An event owns its fields; one that was not set is NULL. They can be assigned, as slots can: a frozen dataclass
 * forbids it on top of them.
 *
 * The package's own four classes are called by `event_vectorcall` and freed by `fields_dealloc`, without what Python
 * does for any class. Their `ht_module`, which a class of Python's leaves empty, leads to the core: it is NULL again
 * once the garbage collector has cleared the class, when the core may be gone.
 */
#include "core.h"

/* About the short messages of a read of 64 KiB: 64 bytes each. */
#define MOST_SPARE 1000

static int refers_to_nothing(const PyObject *value) {
    return value == NULL || PyBool_Check(value) || PyBytes_CheckExact(value) || PyUnicode_CheckExact(value);
}

/* Whether no field refers to anything, so that the garbage collector need not look at the event. */
static int is_plain(const Fields *event) {
    return refers_to_nothing(event->content) && refers_to_nothing(event->frame_finished) &&
           refers_to_nothing(event->message_finished);
}

PyObject *new_event(Core *core, PyTypeObject *type, PyObject *content, PyObject *frame_finished,
                    PyObject *message_finished) {
    Fields *event = core == NULL ? NULL : core->spare_event;
    if (event != NULL) {
        core->spare_event = (Fields *)event->content;
        core->spare_count -= 1;
        PyObject_Init((PyObject *)event, type);
    } else if ((event = (Fields *)type->tp_alloc(type, 0)) != NULL) {
        PyObject_GC_UnTrack(event);
    } else {
        Py_DECREF(content);
        return NULL;
    }
    event->content = content;
    event->frame_finished = Py_NewRef(frame_finished);
    event->message_finished = Py_NewRef(message_finished);
    return (PyObject *)event;
}

static int message_init(Fields *event, PyObject *args, PyObject *keywords) {
    static char *names[] = {"data", "frame_finished", "message_finished", NULL};
    PyObject *data, *frame_finished = Py_True, *message_finished = Py_True;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO:__init__", names, &data, &frame_finished, &message_finished))
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

/* Call `type` as Python calls any class, with the arguments of a vectorcall. */
static PyObject *called_as_any(PyObject *type, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    PyObject *positional = PyTuple_New(count), *keywords = names == NULL ? NULL : PyDict_New(), *event = NULL;
    int failed = positional == NULL || (names != NULL && keywords == NULL);
    for (Py_ssize_t at = 0; at < count && !failed; at++)
        PyTuple_SET_ITEM(positional, at, Py_NewRef(arguments[at]));
    for (Py_ssize_t at = 0; names != NULL && at < PyTuple_GET_SIZE(names) && !failed; at++)
        failed = PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, at), arguments[count + at]) < 0;
    if (!failed)
        event = PyType_Type.tp_call(type, positional, keywords);
    Py_XDECREF(positional);
    Py_XDECREF(keywords);
    return event;
}

static PyObject *event_vectorcall(PyObject *, PyObject *const *, size_t, PyObject *);

/* Return the core of one of the package's own classes of events; NULL for any other, or where it is gone. */
static Core *core_of_own(PyTypeObject *type) {
    PyObject *module = type->tp_vectorcall == event_vectorcall ? ((PyHeapTypeObject *)type)->ht_module : NULL;
    return module == NULL ? NULL : PyModule_GetState(module);
}

/* Make an event by its arguments where they are by position alone, and its class is as it was. */
static PyObject *event_vectorcall(PyObject *called, PyObject *const *arguments, size_t flags, PyObject *names) {
    PyTypeObject *type = (PyTypeObject *)called;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    Py_ssize_t most = type->tp_init == (initproc)message_init ? 3 : type->tp_init == (initproc)control_init ? 1 : 0;
    if (names != NULL || count < 1 || count > most || type->tp_new != PyBaseObject_Type.tp_new)
        return called_as_any(called, arguments, count, names);
    PyObject *frame_finished = count > 1 ? arguments[1] : Py_True,
             *message_finished = count > 2 ? arguments[2] : Py_True;
    PyObject *event = new_event(core_of_own(type), type, Py_NewRef(arguments[0]), frame_finished, message_finished);
    if (event != NULL && !is_plain((Fields *)event))
        PyObject_GC_Track(event);
    return event;
}

static int fields_traverse(Fields *event, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(event));
    return visit_all(&event->content, 3, visit, arg);
}

static int fields_clear(Fields *event) {
    return clear_all(&event->content, 3);
}

static void fields_free(Fields *event) {
    PyTypeObject *type = Py_TYPE(event);
    if (type->tp_weaklistoffset)
        PyObject_ClearWeakRefs((PyObject *)event);
    fields_clear(event);
    Core *core = core_of_own(type); /* looked up here: a finalizer may have made it go */
    if (core != NULL && core->spare_count < MOST_SPARE) {
        core->spare_count += 1;
        event->content = (PyObject *)core->spare_event;
        core->spare_event = event;
    } else {
        type->tp_free(event);
    }
    Py_DECREF(type);
}

static void fields_dealloc(Fields *event) {
    PyObject_GC_UnTrack(event);
    if (is_plain(event)) {
        fields_free(event);
        return;
    }
    Py_TRASHCAN_BEGIN(event, fields_dealloc); /* events may hold each other, to any depth */
    fields_free(event);
    Py_TRASHCAN_END;
}

void make_quick(Core *core, PyTypeObject *type) {
    /* They differ in nothing but their methods, so that one may take the memory of another. */
    if (type->tp_vectorcall != NULL || type->tp_basicsize != core->text_message->tp_basicsize || type->tp_finalize)
        return;
    type->tp_vectorcall = event_vectorcall;
    type->tp_dealloc = (destructor)fields_dealloc;
    ((PyHeapTypeObject *)type)->ht_module = Py_NewRef(PyType_GetModule(core->message_fields));
}

void free_spare_events(Core *core) {
    for (Fields *event; (event = core->spare_event) != NULL;) {
        core->spare_event = (Fields *)event->content;
        PyObject_GC_Del(event);
    }
    core->spare_count = MOST_SPARE;
}

/* Return an event of the class `kind` with the same payload. */
static PyObject *control_as(Fields *event, PyObject *kind) {
    return event->content == NULL ? PyErr_Format(PyExc_AttributeError, "payload")
                                  : PyObject_CallOneArg(kind, event->content);
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

static PyMethodDef control_methods[] = {
    {"_as", (PyCFunction)control_as, METH_O, NULL},
    {NULL, NULL, 0, NULL},
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
