"""Faults of `frame_writer.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_writer.py"

FAULTS: Final = (
    Fault(
        "a pong is written with the opcode of a ping",
        "RFC 6455 5.5.3",
        _FILE,
        "_PONG if kind is Pong else _PING",
        "_PING",
    ),
)
