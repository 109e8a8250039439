"""Faults of `limits.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "limits.py"

FAULTS: Final = (
    Fault(
        "a limit that permits no progress is let through",
        "Limits.max_inflated_size",
        _FILE,
        "bound.metadata.get(_LEAST, 0)",
        "0",
    ),
)
