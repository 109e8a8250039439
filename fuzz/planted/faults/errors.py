"""Faults of `errors.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "errors.py"

FAULTS: Final = (
    Fault(
        "an error does not keep the event that tells the peer",
        "errors of the handshake have an event_hint",
        _FILE,
        "        self.event_hint = event_hint\n",
        "        self.event_hint = None\n",
    ),
)
