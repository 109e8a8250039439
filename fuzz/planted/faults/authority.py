"""Faults of `authority.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "authority.py"

FAULTS: Final = (
    Fault(
        "a host that is not ASCII raises UnicodeDecodeError",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        'received.decode("latin-1")',
        'received.decode("ascii")',
    ),
)
