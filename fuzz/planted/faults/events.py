"""Faults of `events.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "events.py"

FAULTS: Final = (
    Fault(
        "the payload of a ping loses its trailing zeros",
        "RFC 6455 5.5.3",
        _FILE,
        "return self._as(Pong)",
        'return Pong(self.payload.rstrip(b"\\0"))',
    ),
)
