"""Faults of `masking.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "masking.py"

FAULTS: Final = (
    Fault(
        "each masking key serves twice",
        "RFC 6455 5.3, 10.3",
        _FILE,
        "return random_bytes(64 if first else 1024)",
        "return random_bytes((64 if first else 1024) // 2) * 2",
    ),
    Fault(
        "a payload above 256 KiB is masked in pieces that are no multiple of the key",
        "RFC 6455 5.3",
        _FILE,
        "PIECE = 2**18  ",
        "PIECE = 2**18 + 1  ",
    ),
)
