/* `events()`: reads on with each step. It owns its reader and what judges the end, and lets go of both at its end, as
 * a generator does.
 */
#include "core.h"

typedef struct {
    PyObject_HEAD Core *core;
    Py_ssize_t held;
    PyObject *reader; /* NULL once it is at its end */
    PyObject *judge; /* of the end; or its method `_conclude` is, if `by_method` */
    char by_method;
} Iterator;

PyObject *new_iterator(FrameReader *reader, PyObject *judge, int by_method) {
    if (reader->message == NULL || judge == NULL)
        return PyErr_Format(PyExc_TypeError, "FrameReader.__init__() was not called");
    Core *core = reader->core;
    Iterator *iterator = core->spare_iterator;
    Py_INCREF(reader); /* what is allocated may collect garbage, whose finalizers let go of the reader */
    if (iterator != NULL) {
        core->spare_iterator = NULL;
        PyObject_Init((PyObject *)iterator, core->iterator);
    } else if ((iterator = PyObject_GC_New(Iterator, core->iterator)) == NULL) {
        Py_DECREF(reader);
        return NULL;
    }
    iterator->core = core;
    iterator->held = 2;
    iterator->reader = (PyObject *)reader;
    iterator->judge = Py_NewRef(judge);
    iterator->by_method = (char)by_method;
    PyObject_GC_Track(iterator);
    return (PyObject *)iterator;
}

/* Its memory serves the next call of events(), of any connection: one message per call costs a sixth less. */
static void iterator_dealloc(Iterator *iterator) {
    PyTypeObject *type = Py_TYPE(iterator);
    PyObject_GC_UnTrack(iterator);
    clear_all(&iterator->reader, iterator->held);
    /* NULL where the garbage collector has taken the type from its module, which may be gone. */
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    Core *core = module == NULL ? NULL : PyModule_GetState(module);
    if (core != NULL && core->iterator != NULL && core->spare_iterator == NULL)
        core->spare_iterator = iterator;
    else
        PyObject_GC_Del(iterator);
    Py_DECREF(type);
}

/* Return what `judge` makes of `end`, which is stolen: a Close, a failure, or NULL. NULL for nothing to yield. */
static PyObject *concluded(const Core *core, PyObject *judge, int by_method, PyObject *end) {
    if (end == NULL)
        end = Py_NewRef(Py_None);
    PyObject *last =
        by_method ? PyObject_CallMethodOneArg(judge, core->conclude, end) : PyObject_CallOneArg(judge, end);
    Py_DECREF(end);
    if (last == Py_None)
        Py_CLEAR(last);
    return last;
}

static int used_up(const FrameReader *reader) {
    const MessageState *message = reader->message; /* looked up each time: it may be another one by now, or gone */
    return reader->position == PyBytes_GET_SIZE(reader->buffer) && (message == NULL || !message->event_due);
}

/* Read on until there is an event (READ), the frames are at their end (JUDGE, with the end in `*event` if it is one),
 * all is read (WANT), or it fails. `reader` is held by the caller. */
static Way read_on(FrameReader *reader, PyObject **event) {
    while (!reader->ended) {
        if (reader->message == NULL) { /* the garbage collector has cleared it */
            PyErr_SetString(PyExc_RuntimeError, "events() of a connection that is gone");
            return FAIL;
        }
        Way way = used_up(reader)             ? WANT
                  : reader->message->in_frame ? read_piece(reader, event)
                                              : read_frame(reader, event);
        if (way == READ || way == FAIL)
            return way;
        int is_used_up = used_up(reader);
        if (way == JUDGE && !is_used_up) {
            PyObject *inflated = *event;
            *event = PyObject_CallMethodObjArgs((PyObject *)reader, reader->core->read_otherwise, inflated, NULL);
            Py_XDECREF(inflated);
            if (*event == NULL)
                return FAIL;
            if (reader->ended)
                return JUDGE;
            if (*event != Py_None)
                return READ;
        }
        Py_CLEAR(*event);
        int more = reader_refill(reader);
        if (more < 0)
            return FAIL;
        if (!more)
            return is_used_up && !reader->eof ? WANT : JUDGE;
    }
    return JUDGE;
}

static PyObject *iterator_next(Iterator *iterator) {
    if (iterator->reader == NULL)
        return NULL;
    FrameReader *reader = (FrameReader *)Py_NewRef(iterator->reader);
    PyObject *judge = Py_NewRef(iterator->judge), *event = NULL;
    Way way = read_on(reader, &event);
    if (way != READ)
        clear_all(&iterator->reader, iterator->held); /* it is at its end, whatever comes of this */
    if (way == JUDGE)
        event = concluded(reader->core, judge, iterator->by_method, event);
    Py_DECREF(judge);
    Py_DECREF(reader);
    return event;
}

static PyObject *iterator_close(Iterator *iterator, PyObject *Py_UNUSED(none)) {
    clear_all(&iterator->reader, iterator->held);
    Py_RETURN_NONE;
}

static PyMethodDef iterator_methods[] = {
    {"close", (PyCFunction)iterator_close, METH_NOARGS, PyDoc_STR("close($self)\n--\n\nYield nothing more.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},
    {Py_tp_traverse, object_traverse},
    {Py_tp_clear, object_clear},
    {Py_tp_dealloc, iterator_dealloc},
    {Py_tp_methods, iterator_methods},
    {0, NULL},
};

PyType_Spec iterator_spec = {
    "wsproto._core.Events",
    sizeof(Iterator),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    iterator_slots,
};
