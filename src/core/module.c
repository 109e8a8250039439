/* The module `wsproto._core`: its types, and what each interpreter has of it. */
#include "core.h"

#if PY_VERSION_HEX < 0x030B0000
#define PyType_GetModuleByDef _PyType_GetModuleByDef
#endif

/* An object that a core holds: where it does, and what it is. */
typedef struct {
    size_t place; /* in `Core` */
    const char *module, *name; /* of the package; a name alone where `module` is NULL */
    size_t base; /* the type that it must be derived from, as C relies on its fields; 0, the first member, for none */
} Part;

#define AT(member) offsetof(Core, member)
#define HELD (int)(AT(held_to_here) / sizeof(PyObject *))

static const Part brought[] = {
    {AT(text_message), "events", "TextMessage", AT(message_fields)},
    {AT(bytes_message), "events", "BytesMessage", AT(message_fields)},
    {AT(ping), "events", "Ping", AT(control_fields)},
    {AT(pong), "events", "Pong", AT(control_fields)},
    {AT(frame_decoder), "frame_decoder", "FrameDecoder", AT(reader)},
    {AT(frame_encoder), "frame_encoder", "FrameEncoder", AT(writer)},
    {AT(open), "connection_front", "_OPEN", 0},
    {AT(key_pool), "masking", "key_pool", 0},
    {AT(raise_failure), "frame_reader", "_raise_failure", 0},
    {AT(as_bytes), "utilities", "as_bytes", 0},
};

static const Part names[] = {
    {AT(conclude), NULL, "_conclude", 0},
    {AT(direct), NULL, "direct", 0},
    {AT(eof), NULL, "eof", 0},
    {AT(read_otherwise), NULL, "_read_otherwise", 0},
    {AT(send_otherwise), NULL, "_send_otherwise", 0},
    {AT(receive_otherwise), NULL, "_receive_otherwise", 0},
    {AT(all_events), NULL, "_all_events", 0},
};

static PyObject **place_of(Core *core, size_t place) {
    return (PyObject **)((char *)core + place);
}

/* Look up what Python brings. */
static PyObject *looked_up(Core *core, const Part *part) {
    PyObject *full = PyUnicode_FromFormat("%s%s", core->package, part->module);
    PyObject *module = full == NULL ? NULL : PyImport_Import(full);
    PyObject *found = module == NULL ? NULL : PyObject_GetAttrString(module, part->name);
    Py_XDECREF(full);
    Py_XDECREF(module);
    if (found != NULL && part->base) {
        PyTypeObject *base = (PyTypeObject *)*place_of(core, part->base);
        if (!PyType_Check(found) || !PyType_IsSubtype((PyTypeObject *)found, base)) {
            PyErr_Format(PyExc_TypeError, "%s.%s is not a subclass of %s", part->module, part->name, base->tp_name);
            Py_CLEAR(found);
        }
    }
    return found;
}

/* Look up all that Python brings, once. 0, or -1 with an error. */
static int make_ready(Core *core) {
    if (core->as_bytes != NULL) /* the last one to be set */
        return 0;
    for (size_t at = 0; at < Py_ARRAY_LENGTH(brought); at++) {
        PyObject *found = looked_up(core, &brought[at]);
        Py_XSETREF(*place_of(core, brought[at].place), found);
        if (found == NULL)
            return -1;
    }
    make_quick(core, core->text_message);
    make_quick(core, core->bytes_message);
    make_quick(core, core->ping);
    make_quick(core, core->pong);
    return 0;
}

PyObject *new_object(PyTypeObject *type, Py_ssize_t held) {
    PyObject *module = PyType_GetModuleByDef(type, &core_module);
    Core *core = module == NULL ? NULL : PyModule_GetState(module);
    if (core == NULL || make_ready(core) < 0)
        return NULL;
    Object *object = (Object *)type->tp_alloc(type, 0);
    if (object != NULL) {
        object->core = core;
        object->held = held;
    }
    return (PyObject *)object;
}

int object_traverse(Object *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    return visit_all(object->objects, object->held, visit, arg);
}

int object_clear(Object *object) {
    for (Py_ssize_t at = 0; at < object->held; at++)
        if (object->objects[at] != NULL && PyObject_IS_GC(object->objects[at]))
            Py_CLEAR(object->objects[at]);
    return 0;
}

void object_dealloc(Object *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (PyType_IS_GC(type))
        PyObject_GC_UnTrack(object);
    clear_all(object->objects, object->held);
    type->tp_free(object);
    Py_DECREF(type);
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
    PyType_Spec *specs[] = {&message_state_spec, &message_fields_spec, &control_fields_spec,  &frame_reader_spec,
                            &iterator_spec,      &frame_writer_spec,   &connection_front_spec};
    PyTypeObject **types = &core->message_state;
    for (size_t at = 0; at < Py_ARRAY_LENGTH(specs); at++) {
        types[at] = (PyTypeObject *)PyType_FromModuleAndSpec(module, specs[at], NULL);
        if (types[at] == NULL || PyModule_AddType(module, types[at]) < 0)
            return -1;
    }
    for (size_t at = 0; at < Py_ARRAY_LENGTH(names); at++) {
        PyObject *name_of = *place_of(core, names[at].place) = PyUnicode_InternFromString(names[at].name);
        if (name_of == NULL)
            return -1;
    }
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    return visit_all(PyModule_GetState(module), HELD, visit, arg);
}

static int module_clear(PyObject *module) {
    Core *core = PyModule_GetState(module);
    free_spare_events(core); /* while their types are there */
    if (core->spare_iterator != NULL)
        PyObject_GC_Del(core->spare_iterator);
    core->spare_iterator = NULL;
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
