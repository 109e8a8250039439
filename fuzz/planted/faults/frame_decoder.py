"""Faults of `frame_decoder.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_decoder.py"

FAULTS: Final = (
    Fault(
        "the masking key is turned one byte too far for the next piece of a frame",
        "RFC 6455 5.3",
        _FILE,
        "if turn := (stop - start) & 3:",
        "if turn := (stop - start + 1) & 3:",
    ),
    Fault(
        "an unmasked frame from a client is accepted",
        "RFC 6455 5.1",
        _FILE,
        "        size = buffer[position + 1] ^ self._mask\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n"
        "            judge_second",
        "        size = buffer[position + 1] & (0xFF if self.client else 0x7F)\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n"
        "            judge_second",
    ),
    Fault(
        "a masked frame from the server is accepted",
        "RFC 6455 5.1",
        _FILE,
        "        size = buffer[position + 1] ^ self._mask\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n"
        "            judge_second",
        "        size = (buffer[position + 1] ^ self._mask) & (0x7F if self.client else 0xFF)\n"
        "        if size > MAX_CONTROL_PAYLOAD:\n"
        "            judge_second",
    ),
    Fault(
        "RSV1 is accepted without an extension",
        "RFC 6455 5.2",
        _FILE,
        "            if fault is not None or self._extensions is None:\n",
        "            if fault is not None or (self._extensions is None and first & 0x30):\n",
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
        "a compressed frame that comes whole is inflated at once, however large",
        "any cutting gives the same events",
        _FILE,
        "(compression is not None and size > compression.rest_size)",
        "(compression is not None and size < 0)",
    ),
    Fault(
        "what comes behind a violation is read",
        "RFC 6455 7.1.7",
        _FILE,
        "                event = self._end(failure)\n            if self._ended:\n",
        "                event = failure\n            if self._ended or type(event) is ParseFailed:\n",
    ),
    Fault(
        "what comes behind the peer's Close is read",
        "RFC 6455 5.5.1",
        _FILE,
        "            return self._end(read_close(payload))\n",
        "            return read_close(payload)\n",
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
)
