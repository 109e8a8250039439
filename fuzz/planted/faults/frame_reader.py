"""Faults of `frame_reader.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_reader.py"

FAULTS: Final = (
    Fault(
        "the masking key is turned one byte too far for the next piece of a frame",
        "RFC 6455 5.3",
        _FILE,
        "if turn := (stop - start) & 3:",
        "if turn := (stop - start + 1) & 3:",
    ),
    Fault(
        "the rest of the buffer is copied behind each short frame",
        "work is linear in the bytes received",
        _FILE,
        "                self._position = stop\n                yield event\n",
        "                self._buffer = self._buffer[stop:]\n"
        "                self._position = 0\n"
        "                yield event\n",
    ),
    Fault(
        "reads that wait for events() are copied with each further one",
        "work is linear in the bytes received",
        _FILE,
        "            self._pending += data\n",
        "            self._pending = self._pending + data\n",
    ),
    Fault(
        "what was received is kept after a violation",
        "nothing is held for a connection that failed",
        _FILE,
        "        self._drained = False\n"
        '        self._buffer = b""\n'
        "        self._position = 0\n"
        "        self._pending = bytearray()\n",
        "        self._drained = False\n",
    ),
    Fault(
        "what is received after a violation is kept",
        "nothing is held for a connection that failed",
        _FILE,
        "        elif not self._ended:\n            self._pending += data\n",
        "        else:\n            self._pending += data\n",
    ),
    Fault(
        "the flag of a finished frame is lost on the fast path",
        "Message.frame_finished",
        _FILE,
        "                set_frame_finished(event, True)\n                set_message",
        "                set_frame_finished(event, first >= FIN)\n                set_message",
    ),
    Fault(
        "the fast path takes the length 126 for a payload of 126 bytes",
        "RFC 6455 5.2",
        _FILE,
        "**_FRAGMENTS}, MAX_CONTROL_PAYLOAD)",
        "**_FRAGMENTS}, MAX_CONTROL_PAYLOAD + 1)",
    ),
    Fault(
        "the fast path begins a message inside of another one",
        "RFC 6455 5.4",
        _FILE,
        "kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind,",
        "kind: _kinds(_CONTROL | _BEGUN | {Opcode.CONTINUATION: kind,",
    ),
    Fault(
        "the fast path does not know the limit of a message",
        "RFC 6455 10.4",
        _FILE,
        "min([MAX_CONTROL_PAYLOAD, *sizes])",
        "MAX_CONTROL_PAYLOAD",
    ),
    Fault(
        "the fast path decodes a text though the last one left a part of a code point",
        "RFC 6455 5.6",
        _FILE,
        "self.fast.in_code_point if unfinished_code_point else self.fast.short[kind]",
        "self.fast.short[kind]",
    ),
)
