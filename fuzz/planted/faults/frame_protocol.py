"""Faults of `frame_protocol.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_protocol.py"

FAULTS: Final = (
    Fault(
        "a received frame is told as finished while more of it is to come",
        "Frame.frame_finished",
        _FILE,
        "return Frame(opcode, event.data, event.frame_finished, event.message_finished)",
        'return Frame(opcode, event.data, event.data != b"", event.message_finished)',
    ),
)
