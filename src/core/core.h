/* The compiled core: what all of its files share.
 *
 * C reads and writes what needs no judgement. Where anything is not plainly right, it calls the Python class that
 * is derived from its own (`_read_otherwise`, `_send_otherwise`, `_receive_otherwise`), with nothing consumed: a
 * rule, a text and a state stand in Python alone.
 *
 * References: a function that returns a `PyObject *` returns a new reference, one that takes a `PyObject *` borrows
 * it, unless its comment says otherwise. A call out of C may run any Python, which may change every object here:
 * that is calling Python, and allocating an object that the garbage collector knows, since up to Python 3.11 that
 * may collect garbage. So what is read is committed before an event is allocated, and pointers into a buffer do
 * not outlive such a call.
 */
#ifndef WSPROTO_CORE_H
#define WSPROTO_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

/* What one interpreter has of this module; all members before `held_to_here` are objects, which it owns. What
 * Python brings is looked up when the first object that needs it is made (`new_object`). */
typedef struct {
    PyTypeObject *message_state, *message_fields, *control_fields, *reader, *iterator, *writer, *front;
    PyTypeObject *text_message, *bytes_message, *ping, *pong, *frame_decoder, *frame_encoder;
    PyObject *open, *key_pool, *as_bytes, *raise_failure;
    PyObject *conclude, *direct, *eof, *read_otherwise, *send_otherwise, *receive_otherwise, *all_events; /* names */
    char held_to_here;
    char package[64]; /* the name of the package, with its dot */
    int spare_count; /* of `spare_event` and those behind it */
    struct Fields *spare_event; /* the memory of an event that is gone, or NULL */
    void *spare_iterator; /* the same of an iterator */
} Core;

extern struct PyModuleDef core_module;

/* How all objects here begin, but for events. */
typedef struct {
    PyObject_HEAD Core *core; /* lives as long as the type does */
    Py_ssize_t held; /* how many objects follow, which it owns; each may be NULL */
    PyObject *objects[1];
} Object;

/* Make an object of `type` that holds so many others, all of them NULL; its other members are zero. */
PyObject *new_object(PyTypeObject *type, Py_ssize_t held);
int object_traverse(Object *object, visitproc visit, void *arg);
/* Clear references that can be part of a cycle; bytes objects stay. */
int object_clear(Object *object);
void object_dealloc(Object *object);

#define COLLECTED (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC)

static inline int visit_all(PyObject **held, Py_ssize_t count, visitproc visit, void *arg) {
    for (Py_ssize_t at = 0; at < count; at++)
        Py_VISIT(held[at]);
    return 0;
}

static inline int clear_all(PyObject **held, Py_ssize_t count) {
    for (Py_ssize_t at = 0; at < count; at++)
        Py_CLEAR(held[at]);
    return 0;
}

/* events.c: the fields of messages, pings and pongs. */
typedef struct Fields {
    PyObject_HEAD PyObject *content; /* `data` of a message, `payload` of a Ping or Pong */
    PyObject *frame_finished, *message_finished; /* of a message */
} Fields;

extern PyType_Spec message_fields_spec, control_fields_spec;
/* Let `type`, one of the package's own classes of events, be made and freed by the quickest way. */
void make_quick(Core *core, PyTypeObject *type);
/* Make an event of such a class, at which the garbage collector does not look; steals `content`, also where it fails.
 * `core` may be NULL. */
PyObject *new_event(Core *core, PyTypeObject *type, PyObject *content, PyObject *frame_finished,
                    PyObject *message_finished);
/* Free the memory that is kept for events, and keep none from now on. */
void free_spare_events(Core *core);

/* message.c: the message that is being received. */
enum { NO_MESSAGE, TEXT, BINARY }; /* and the opcodes of the last two */

typedef struct {
    PyObject_HEAD Core *core;
    Py_ssize_t held; /* nothing */
    long long remaining; /* bytes of the frame's payload that have not come; a peer may announce up to 2**63 - 1 */
    long long fragments, size; /* of the message so far */
    long long max_frame_size, max_message_size, max_fragments; /* -1 for no bound */
    unsigned char unfinished[3]; /* the first bytes of a code point */
    unsigned char unfinished_size;
    unsigned char kind; /* of the message under way */
    char frames; /* any frames may pass; else whole messages alone, if the next is not 0 */
    Py_ssize_t max_compressed_size, max_inflated_size; /* of a message that permessage-deflate marks */
    char in_frame, fin, event_due;
} MessageState;

extern PyType_Spec message_state_spec;
/* Take in which message is under way, and the first bytes of a code point that it ends with. */
void message_goes_on(MessageState *message, int kind, const unsigned char *unfinished, Py_ssize_t size);
/* Count a data frame, and `size` bytes that are known to be the message's. */
void message_count(MessageState *message, long long size);

/* reader.c: from bytes to events. */
typedef struct {
    PyObject_HEAD Core *core;
    Py_ssize_t held;
    MessageState *message;
    PyObject *inflater; /* deflate.Inflater, or NULL or None */
    PyObject *buffer; /* bytes, being read from `position` on */
    PyObject *pending; /* a bytearray of what came since, or NULL */
    Py_ssize_t position;
    unsigned char key[4]; /* of a data frame, turned to where its payload goes on */
    unsigned char mask; /* the mask bit that frames must have */
    char client, drained, eof, ended;
} FrameReader;

extern PyType_Spec frame_reader_spec;
/* Twin of FrameReader.receive_bytes. */
PyObject *reader_receive_bytes(FrameReader *reader, PyObject *data);
/* Let go of what was read, and put what has come in since behind the rest: 1, or 0 if there was none, or -1. */
int reader_refill(FrameReader *reader);

/* frames.c: what the next bytes are. */
typedef enum {
    READ, /* an event was made */
    WANT, /* no fault so far: more bytes are wanted */
    JUDGE, /* for Python to judge; nothing is consumed */
    FAIL, /* a Python error is set */
} Way;

/* Read what has come of the next frame, or of the one whose payload is under way, into `*event`. With JUDGE that may be
 * what a message was inflated to already. */
Way read_frame(FrameReader *reader, PyObject **event);
Way read_piece(FrameReader *reader, PyObject **event);
/* Twin of FrameReader._take_payload. */
PyObject *reader_take_payload(FrameReader *reader, PyObject *args);

/* iterator.c: `events()`. */
extern PyType_Spec iterator_spec;
/* Iterate over the events of `reader`; `judge` is called for their end, or its method `_conclude` if `by_method`. */
PyObject *new_iterator(FrameReader *reader, PyObject *judge, int by_method);

/* writer.c: from events to bytes. */
typedef struct {
    PyObject_HEAD Core *core;
    Py_ssize_t held;
    PyObject *pool; /* bytes from which masking keys are taken, or NULL */
    Py_ssize_t pool_position;
    unsigned char opcode; /* of the message under way */
    char client, plain; /* plain: there are no extensions */
} FrameWriter;

extern PyType_Spec frame_writer_spec;
PyObject *writer_send(FrameWriter *writer, PyObject *event);

/* front.c: the methods of a connection. */
extern PyType_Spec connection_front_spec;

/* mask.c: XOR with a key of 4 bytes (RFC 6455 5.3). */
void mask_setup(void);
/* Write `size` bytes of `from` XOR `key` to `to`; return the OR of what was written: below 0x80 it is ASCII. */
unsigned char mask_into(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char key[4]);
extern PyMethodDef mask_methods[];

#define FIN 0x80
#define MASK 0x80
#define RSV1 0x40
#define CONTROL 0x08
#define PING 0x9
#define PONG 0xA
#define MAX_CONTROL_PAYLOAD 125

#endif
