/* `events()`: reads on with each step. It owns its reader and its owner or `conclude`, and lets go of all at its
 * end, as a generator does.
 */
#include "core.h"

typedef struct {
    PyObject_HEAD PyObject *reader; /* NULL once it is at its end */
    PyObject *owner; /* whose method `_conclude` judges the end, or NULL */
    PyObject *conclude; /* else: what judges it, or NULL */
} Events;

PyObject *new_events(FrameReader *reader, PyObject *owner, PyObject *conclude) {
    if (reader->message == NULL) {
        PyErr_SetString(PyExc_TypeError, "FrameReader.__init__() was not called");
        return NULL;
    }
    Core *core = reader->core;
    Events *events = core->spare_events;
    Py_INCREF(reader); /* what is allocated may collect garbage, whose finalizers let go of the reader */
    if (events != NULL) {
        core->spare_events = NULL;
        PyObject_Init((PyObject *)events, core->events);
    } else if ((events = PyObject_GC_New(Events, core->events)) == NULL) {
        Py_DECREF(reader);
        return NULL;
    }
    events->reader = (PyObject *)reader;
    events->owner = Py_XNewRef(owner);
    events->conclude = Py_XNewRef(conclude);
    PyObject_GC_Track(events);
    return (PyObject *)events;
}

static int events_traverse(Events *events, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(events));
    return visit_all(&events->reader, 3, visit, arg);
}

static int events_clear(Events *events) {
    return clear_all(&events->reader, 3);
}

static void events_dealloc(Events *events) {
    PyTypeObject *type = Py_TYPE(events);
    PyObject_GC_UnTrack(events);
    events_clear(events);
    /* NULL where the garbage collector has taken the type from its module, which may be gone. */
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    Core *core = module == NULL ? NULL : PyModule_GetState(module);
    if (core != NULL && core->events == type && core->spare_events == NULL)
        core->spare_events = events; /* for the next call of events(), of any connection */
    else
        PyObject_GC_Del(events);
    Py_DECREF(type);
}

/* Return what is to be yielded for `end`, which is stolen: a Close, a failure, or NULL. NULL for nothing. */
static PyObject *concluded(Events *events, FrameReader *reader, PyObject *end) {
    if (end == NULL)
        end = Py_NewRef(Py_None);
    PyObject *owner = Py_XNewRef(events->owner), *conclude = Py_XNewRef(events->conclude), *last;
    events_clear(events); /* it is at its end, whatever comes of this */
    if (owner != NULL) {
        last = PyObject_CallMethodOneArg(owner, reader->core->conclude, end);
    } else if (conclude != NULL) {
        last = PyObject_CallOneArg(conclude, end);
    } else if (PyExceptionInstance_Check(end)) {
        PyErr_SetObject((PyObject *)Py_TYPE(end), end);
        last = NULL;
    } else {
        last = Py_NewRef(end);
    }
    Py_XDECREF(owner);
    Py_XDECREF(conclude);
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

static PyObject *events_next(Events *events) {
    if (events->reader == NULL)
        return NULL;
    FrameReader *reader = (FrameReader *)Py_NewRef(events->reader);
    PyObject *event = NULL;
    Way way = read_on(reader, &event);
    if (way == JUDGE)
        event = concluded(events, reader, event);
    else if (way != READ)
        events_clear(events);
    Py_DECREF(reader);
    return event;
}

static PyObject *events_close(Events *events, PyObject *Py_UNUSED(none)) {
    events_clear(events);
    Py_RETURN_NONE;
}

static PyMethodDef events_methods[] = {
    {"close", (PyCFunction)events_close, METH_NOARGS, PyDoc_STR("close($self)\n--\n\nYield nothing more.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot events_slots[] = {
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, events_next},
    {Py_tp_traverse, events_traverse},
    {Py_tp_clear, events_clear},
    {Py_tp_dealloc, events_dealloc},
    {Py_tp_methods, events_methods},
    {0, NULL},
};

PyType_Spec events_spec = {
    "wsproto._core.Events",
    sizeof(Events),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    events_slots,
};
