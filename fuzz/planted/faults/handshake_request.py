"""Faults of `handshake_request.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake_request.py"

FAULTS: Final = (
    Fault(
        "a subprotocol may be offered twice",
        "RFC 6455 4.1",
        _FILE,
        "if len(set(request.subprotocols)) < len(request.subprotocols):",
        "if len(set(request.subprotocols)) > len(request.subprotocols):",
    ),
)
