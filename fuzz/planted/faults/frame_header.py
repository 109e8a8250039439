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
        "a length of 125 is accepted in 16 bits",
        "RFC 6455 5.2",
        _FILE,
        "(LENGTH_16 if form == LENGTH_16 else 1 << 16)",
        "(LENGTH_16 - 1 if form == LENGTH_16 else 1 << 16)",
    ),
    Fault(
        "a length of 65535 is accepted in 64 bits",
        "RFC 6455 5.2",
        _FILE,
        "(LENGTH_16 if form == LENGTH_16 else 1 << 16)",
        "(LENGTH_16 if form == LENGTH_16 else (1 << 16) - 1)",
    ),
    Fault(
        "a length of 126 in 16 bits, or of 65536 in 64 bits, is refused",
        "RFC 6455 5.2",
        _FILE,
        "if length < (LENGTH_16",
        "if length <= (LENGTH_16",
    ),
    Fault(
        "a length with its most significant bit set is accepted",
        "RFC 6455 5.2",
        _FILE,
        "if length >> 63:",
        "if length >> 64:",
    ),
    Fault(
        "a control frame of more than 125 bytes is accepted",
        "RFC 6455 5.5",
        _FILE,
        "if first & CONTROL and second & 0x7F > MAX_CONTROL_PAYLOAD:",
        "if first & CONTROL and second & 0x7F > LENGTH_16:",
    ),
    Fault(
        "a fragmented control frame is accepted",
        "RFC 6455 5.5",
        _FILE,
        'return None if first & FIN else "Fragmented control frame (RFC 6455 5.5)"',
        "return None",
    ),
)
