"""Faults of `frame_header.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_header.py"

FAULTS: Final = (
    Fault(
        "a length of 125 is written in 16 bits",
        "RFC 6455 5.2",
        _FILE,
        "    if length < LENGTH_16:\n        return (first",
        "    if length < LENGTH_16 - 1:\n        return (first",
    ),
    Fault(
        "a length of 126 is written in 7 bits",
        "RFC 6455 5.2",
        _FILE,
        "    if length < LENGTH_16:\n        return (first",
        "    if length <= LENGTH_16:\n        return (first",
    ),
    Fault(
        "a length of 65535 is written in 64 bits",
        "RFC 6455 5.2",
        _FILE,
        "    if length < 1 << 16:\n        return ((first",
        "    if length < (1 << 16) - 1:\n        return ((first",
    ),
    Fault(
        "a length of 65536 is written in 16 bits, which raises OverflowError",
        "RFC 6455 5.2",
        _FILE,
        "    if length < 1 << 16:\n        return ((first",
        "    if length <= 1 << 16:\n        return ((first",
    ),
    Fault(
        "a fragmented control frame is accepted",
        "RFC 6455 5.5",
        _FILE,
        'return None if first & FIN else "Fragmented control frame (RFC 6455 5.5)"',
        "return None",
    ),
)
