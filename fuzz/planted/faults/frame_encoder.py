"""Faults of `frame_encoder.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_encoder.py"

FAULTS: Final = (
    Fault(
        "a control frame of 126 bytes is written",
        "RFC 6455 5.5",
        _FILE,
        "        if len(payload) > MAX_CONTROL_PAYLOAD:\n            raise",
        "        if len(payload) > MAX_CONTROL_PAYLOAD + 1:\n            raise",
    ),
    Fault(
        "a refused fragment begins a message",
        "a refused send changes nothing",
        _FILE,
        "            opcode = Opcode.TEXT\n            try:\n",
        "            opcode = Opcode.TEXT\n"
        "            self._opcode = self._opcode or opcode\n"
        "            try:\n",
    ),
    Fault(
        "a text that is no Unicode raises UnicodeEncodeError",
        "sending raises LocalProtocolError alone",
        _FILE,
        "            except UnicodeEncodeError as error:\n                message",
        "            except UnicodeDecodeError as error:\n                message",
    ),
)
