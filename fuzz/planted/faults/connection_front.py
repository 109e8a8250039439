"""Faults of `connection_front.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "connection_front.py"

FAULTS: Final = (
    Fault(
        "bytes are taken after end of file",
        "a mistake of the caller is a LocalProtocolError",
        _FILE,
        "if self._state is _OPEN and data is not None and not self._eof:",
        "if self._state is _OPEN and data is not None:",
    ),
)
