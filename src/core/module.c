/* The module `wsproto._core`: its types, and what each interpreter has of it. */
#include "core.h"

#if PY_VERSION_HEX < 0x030B0000
#define PyType_GetModuleByDef _PyType_GetModuleByDef
#endif

/* Look up `name` in `module`, a module of the package that `package` ends with its dot. */
static PyObject *looked_up(const char *package, const char *module, const char *name) {
    PyObject *full = PyUnicode_FromFormat("%s%s", package, module);
    PyObject *found = full == NULL ? NULL : PyImport_Import(full);
    Py_XDECREF(full);
    PyObject *value = found == NULL ? NULL : PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    return value;
}

/* Look up a class of events, whose instances C makes and reads by their fields. */
static PyTypeObject *looked_up_event(const char *package, const char *name, PyTypeObject *fields) {
    PyObject *type = looked_up(package, "events", name);
    if (type != NULL && (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, fields))) {
        PyErr_Format(PyExc_TypeError, "events.%s is not made of %s", name, fields->tp_name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

/* Look up what Python brings. 0, or -1 with an error. */
static int make_ready(Core *core) {
    if (core->as_bytes != NULL) /* the last one to be set */
        return 0;
    const char *package = core->package;
    PyObject *states = looked_up(package, "states", "ConnectionState");
    Py_XSETREF(core->open, states == NULL ? NULL : PyObject_GetAttrString(states, "OPEN"));
    Py_XDECREF(states);
    if (core->open == NULL)
        return -1;
    Py_XSETREF(core->text_message, looked_up_event(package, "TextMessage", core->message_fields));
    Py_XSETREF(core->bytes_message, looked_up_event(package, "BytesMessage", core->message_fields));
    Py_XSETREF(core->ping, looked_up_event(package, "Ping", core->control_fields));
    Py_XSETREF(core->pong, looked_up_event(package, "Pong", core->control_fields));
    Py_XSETREF(core->key_pool, looked_up(package, "masking", "key_pool"));
    if (core->text_message == NULL || core->bytes_message == NULL || core->ping == NULL || core->pong == NULL ||
        core->key_pool == NULL)
        return -1;
    core->as_bytes = looked_up(package, "utilities", "as_bytes");
    return core->as_bytes == NULL ? -1 : 0;
}

Core *core_of(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &core_module);
    return module == NULL ? NULL : PyModule_GetState(module);
}

PyObject *new_object(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(keywords)) {
    Core *core = core_of(type);
    if (core == NULL || make_ready(core) < 0)
        return NULL;
    Object *object = (Object *)type->tp_alloc(type, 0);
    if (object != NULL)
        object->core = core;
    return (PyObject *)object;
}

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type) {
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type == NULL ? -1 : PyModule_AddType(module, *type);
}

static int intern(PyObject **name, const char *text) {
    *name = PyUnicode_InternFromString(text);
    return *name == NULL ? -1 : 0;
}

static int module_exec(PyObject *module) {
    Core *core = PyModule_GetState(module);
    const char *name = PyModule_GetName(module);
    const char *dot = name == NULL ? NULL : strrchr(name, '.');
    if (dot == NULL || (size_t)(dot - name) + 2 > sizeof(core->package)) {
        if (name != NULL)
            PyErr_Format(PyExc_ImportError, "%s is not a module of a package", name);
        return -1;
    }
    memcpy(core->package, name, (size_t)(dot - name) + 1);
    mask_setup();
    if (add_type(module, &message_fields_spec, &core->message_fields) < 0 ||
        add_type(module, &control_fields_spec, &core->control_fields) < 0 ||
        add_type(module, &message_state_spec, &core->message_state) < 0 ||
        add_type(module, &frame_reader_spec, &core->reader) < 0 || add_type(module, &events_spec, &core->events) < 0 ||
        add_type(module, &frame_writer_spec, &core->writer) < 0 ||
        add_type(module, &connection_front_spec, &core->front) < 0)
        return -1;
    return intern(&core->conclude, "_conclude") < 0 || intern(&core->direct, "direct") < 0 ||
                   intern(&core->eof, "eof") < 0 || intern(&core->read_otherwise, "_read_otherwise") < 0 ||
                   intern(&core->send_otherwise, "_send_otherwise") < 0 ||
                   intern(&core->receive_otherwise, "_receive_otherwise") < 0 ||
                   intern(&core->all_events, "_all_events") < 0
               ? -1
               : 0;
}

#define HELD (int)(offsetof(Core, spare_events) / sizeof(PyObject *))

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    return visit_all(PyModule_GetState(module), HELD, visit, arg);
}

static int module_clear(PyObject *module) {
    Core *core = PyModule_GetState(module);
    PyTypeObject *type = core->events;
    core->events = NULL; /* so that no iterator becomes the spare one any more */
    if (core->spare_events != NULL) {
        PyObject_GC_Del(core->spare_events); /* reads its type, to which it has no reference of its own */
        core->spare_events = NULL;
    }
    Py_XDECREF(type);
    return clear_all((PyObject **)core, HELD);
}

static void module_free(void *module) {
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = PyDoc_STR("The compiled core: what needs no judgement (see core.py)."),
    .m_size = sizeof(Core),
    .m_methods = mask_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&core_module);
}
