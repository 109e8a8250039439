"""Faults of `close_codes.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "close_codes.py"

FAULTS: Final = (
    Fault(
        "1006 travels in a Close",
        "RFC 6455 7.4.1",
        _FILE,
        " CloseReason.ABNORMAL_CLOSURE,",
        "",
    ),
    Fault(
        "the reserved code 1004 is accepted",
        "RFC 6455 7.4.1",
        _FILE,
        "return code in _TRAVELS or 3000",
        "return code in _TRAVELS or code == 1004 or 3000",
    ),
    Fault(
        "the code 2999 is accepted",
        "RFC 6455 7.4.2",
        _FILE,
        "3000 <= code",
        "2999 <= code",
    ),
    Fault(
        "the code 5000 is accepted",
        "RFC 6455 7.4.2",
        _FILE,
        "code <= 4999",
        "code <= 5000",
    ),
)
