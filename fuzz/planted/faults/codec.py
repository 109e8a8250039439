"""Faults of `codec.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "codec.py"

FAULTS: Final = (
    Fault(
        "what is sent passes through the first extension alone",
        "RFC 6455 9.1",
        _FILE,
        "FrameEncoder(client, used)",
        "FrameEncoder(client, used[:1])",
    ),
)
