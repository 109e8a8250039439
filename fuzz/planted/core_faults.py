"""Faults of the C in src/core; each text stands exactly once in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fuzz.planted.fault import SOURCE
from tooling.errors import CommandError


@dataclass(frozen=True)
class CoreFault:
    """One fault."""

    name: str
    """The fault in words."""
    file: str
    """A file of `src/core`."""
    before: str
    after: str

    def planted(self) -> str:
        """Return the text of its file with the fault in it; raises `CommandError` where it does not fit."""
        text = (SOURCE / "core" / self.file).read_text("utf-8")
        if text.count(self.before) != 1:
            raise CommandError(f"the fault {self.name!r} has to be written anew: src/core/{self.file}")
        return text.replace(self.before, self.after)


FAULTS: Final = (
    CoreFault(
        "a key is turned by one byte too many",
        "frames.c",
        "turned[at] = key[(at + size) & 3];",
        "turned[at] = key[(at + size + 1) & 3];",
    ),
    CoreFault(
        "a key is not turned behind a piece",
        "frames.c",
        "    if (frame->left)\n        turn_key(reader->key, frame->size);\n",
        "",
    ),
    CoreFault(
        "a length of 16 bits may be any",
        "frames.c",
        "if (size < (more == 2 ? 126u : 65536u) ||",
        "if (size < (more == 2 ? 0u : 65536u) ||",
    ),
    CoreFault(
        "a length of 64 bits may have its highest bit",
        "frames.c",
        " || size > (uint64_t)PY_SSIZE_T_MAX)",
        ")",
    ),
    CoreFault(
        "a control frame may have 126 bytes and more",
        "frames.c",
        "if (size > 127 || frame->first & CONTROL)",
        "if (size > 127)",
    ),
    CoreFault(
        "a frame may have the wrong mask bit", "frames.c", "bytes[1] ^ reader->mask", "bytes[1] & 0x7F"
    ),
    CoreFault(
        "a header is read before all of it has come",
        "frames.c",
        "if (there < 2 + more)",
        "if (there < more)",
    ),
    CoreFault(
        "a masking key is read before all of it has come",
        "frames.c",
        "if (there < frame->start)",
        "if (there + 1 < frame->start)",
    ),
    CoreFault(
        "a control frame is read before all of it has come",
        "frames.c",
        "    if (way == READ && frame.left && (frame.first & CONTROL))\n        way = WANT;\n",
        "",
    ),
    CoreFault(
        "a payload may go on behind the end of its frame",
        "frames.c",
        "frame->size = remaining < there ? (Py_ssize_t)remaining : there;",
        "frame->size = there;",
    ),
    CoreFault(
        "a message may begin within another",
        "frames.c",
        "return message->frames && message->kind == NO_MESSAGE;",
        "return message->frames;",
    ),
    CoreFault(
        "a message may be continued that was not begun",
        "frames.c",
        "return message->frames && message->kind != NO_MESSAGE;",
        "return message->frames;",
    ),
    CoreFault(
        "a frame of one byte more than its limit may pass",
        "frames.c",
        "size <= message->max_frame_size)",
        "size <= message->max_frame_size + 1)",
    ),
    CoreFault(
        "one fragment more than the limit may pass",
        "frames.c",
        "message->fragments < message->max_fragments)",
        "message->fragments <= message->max_fragments)",
    ),
    CoreFault(
        "what came of a message does not count",
        "message.c",
        "    message->size = sum(message->size, size);\n",
        "",
    ),
    CoreFault(
        "the counts of a message are not set back",
        "message.c",
        "    if (kind == NO_MESSAGE)\n        message->fragments = message->size = 0;\n",
        "",
    ),
    CoreFault(
        "a surrogate is waited for", "frames.c", "rest[0] == 0xED && rest[1] >= 0xA0", "rest[0] == 0xED && 0"
    ),
    CoreFault(
        "the start of a code point is forgotten",
        "frames.c",
        "NO_MESSAGE : kind, rest, rest[3]);",
        "NO_MESSAGE : kind, rest, 0);",
    ),
    CoreFault(
        "a code point may end with its message",
        "frames.c",
        'size, "strict", final ? NULL : &used);',
        'size, "strict", &used);',
    ),
    CoreFault(
        "text that is not ASCII is taken for it",
        "frames.c",
        "if (unmask(reader, frame, bytes + before) < 0x80 && before == 0) {",
        "if (unmask(reader, frame, bytes + before) <= 0xFF && before == 0) {",
    ),
    CoreFault(
        "the last bytes are not looked at for ASCII",
        "mask.c",
        "            all |= rest[at];\n",
        "            (void)rest[at];\n",
    ),
    CoreFault(
        "the last bytes are masked from the start of the key",
        "mask.c",
        "memcpy(to, rest, (size_t)size);",
        "memcpy(to, rest + 1, (size_t)size);",
    ),
    CoreFault(
        "masking writes a whole word at the end",
        "mask.c",
        "memcpy(to, rest, (size_t)size);",
        "memcpy(to, rest, 8);",
    ),
    CoreFault(
        "a reference to the data of an event is lost",
        "events.c",
        "type, Py_NewRef(arguments[0]), frame_finished",
        "type, arguments[0], frame_finished",
    ),
    CoreFault(
        "the memory of an event is used twice",
        "events.c",
        "        core->spare_event = (Fields *)event->content;\n        core->spare_count -= 1;\n",
        "",
    ),
    CoreFault(
        "weak references outlive their event",
        "events.c",
        "    if (type->tp_weaklistoffset)\n        PyObject_ClearWeakRefs((PyObject *)event);\n",
        "",
    ),
    CoreFault(
        "an event that is in a cycle is never freed",
        "events.c",
        "        PyObject_GC_Track(event);\n",
        "        (void)0;\n",
    ),
    CoreFault(
        "a reference to each event's class is kept",
        "events.c",
        "        type->tp_free(event);\n    }\n    Py_DECREF(type);\n",
        "        type->tp_free(event);\n    }\n",
    ),
    CoreFault(
        "a buffer that an event has shares no reference",
        "frames.c",
        "return Py_NewRef(reader->buffer); /* a read",
        "return reader->buffer; /* a read",
    ),
    CoreFault(
        "what a message inflates to may fill all the room",
        "frames.c",
        "PyBytes_GET_SIZE(*inflated) < room) {",
        "PyBytes_GET_SIZE(*inflated) <= room) {",
    ),
    CoreFault(
        "an inflater that is at its end is used again",
        "frames.c",
        "} else if (eof == Py_False && PyBytes",
        "} else if (PyBytes",
    ),
    CoreFault(
        "a compressed message may have any size",
        "frames.c",
        " || frame->size > reader->message->max_compressed_size ||",
        " ||",
    ),
    CoreFault(
        "a payload is not let go of when it was sent",
        "writer.c",
        "    Py_DECREF(payload);\n    if (frame != NULL && !(first & CONTROL)) {",
        "    if (frame != NULL && !(first & CONTROL)) {",
    ),
    CoreFault(
        "a key of the pool serves twice",
        "writer.c",
        "    writer->pool_position += 4;\n",
        "    writer->pool_position += 4 * (writer->pool_position != 4);\n",
    ),
    CoreFault(
        "a key is taken from beyond the pool",
        "writer.c",
        "writer->pool_position < 4) {",
        "writer->pool_position < 0) {",
    ),
    CoreFault(
        "a length of 65535 is written in 64 bits",
        "writer.c",
        "size < 65536 ? 2 : 8;",
        "size < 65535 ? 2 : 8;",
    ),
    CoreFault(
        "a fragment is not remembered",
        "writer.c",
        "(first & FIN ? NO_MESSAGE : opcode);",
        "NO_MESSAGE;",
    ),
    CoreFault(
        "what came in since is read before the rest",
        "reader.c",
        "if (rest == 0 && more != NULL",
        "if (more != NULL",
    ),
    CoreFault(
        "what comes after the end is kept",
        "reader.c",
        "    if (reader->ended)\n        return 0;\n",
        "",
    ),
    CoreFault(
        "a closed connection takes messages",
        "front.c",
        "if (front->state != core->open || !changes_nothing",
        "if (!changes_nothing",
    ),
    CoreFault(
        "bytes may come after the end of file",
        "front.c",
        " || front->eof || data == Py_None",
        " || data == Py_None",
    ),
    CoreFault(
        "what an iterator is made of is not held",
        "iterator.c",
        "    Py_INCREF(reader); /* what is allocated",
        "    /* what is allocated",
    ),
    CoreFault(
        "a class that is made of anything is taken for the package's",
        "module.c",
        "if (!PyType_Check(found) || !PyType_IsSubtype((PyTypeObject *)found, base)) {",
        "if (!PyType_Check(found)) {",
    ),
)
