"""Faults of `handshake_fields.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake_fields.py"

FAULTS: Final = (
    Fault(
        "the application may write the library's own headers",
        "RFC 6455 11.3",
        _FILE,
        "if name.lower() in reserved:",
        "if name in reserved:",
    ),
    Fault(
        "Sec-WebSocket-Key may come twice",
        "RFC 6455 11.3.1",
        _FILE,
        "    if len(values) > 1:\n",
        '    if len(values) > 1 and name != "Sec-WebSocket-Key":\n',
    ),
)
