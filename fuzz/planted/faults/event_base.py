"""Faults of `event_base.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "event_base.py"

FAULTS: Final = (
    Fault(
        "vars() of an event leaves its first field out",
        "vars(event) gives all fields",
        _FILE,
        "[field.name for field in fields(event)] if",
        "[field.name for field in fields(event)[1:]] if",
    ),
)
