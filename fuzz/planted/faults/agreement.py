"""Faults of `agreement.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "agreement.py"

FAULTS: Final = (
    Fault(
        "end of file before the answer is forgotten",
        "RFC 6455 7.1.5",
        _FILE,
        "return Agreement(extensions, trailing_data, eof)",
        "return Agreement(extensions, trailing_data, eof=False)",
    ),
)
