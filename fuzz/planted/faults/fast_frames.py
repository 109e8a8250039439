"""Faults of `fast_frames.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "fast_frames.py"

FAULTS: Final = (
    Fault(
        "the fast path takes the length 126 for a payload of 126 bytes",
        "RFC 6455 5.2",
        _FILE,
        "MAX_CONTROL_PAYLOAD, _kinds(_WHOLE)",
        "MAX_CONTROL_PAYLOAD + 1, _kinds(_WHOLE)",
    ),
    Fault(
        "the fast path begins a message inside of another one",
        "RFC 6455 5.4",
        _FILE,
        "kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind,",
        "kind: _kinds(_CONTROL | _BEGUN | {Opcode.CONTINUATION: kind,",
    ),
    Fault(
        "the fast path does not know the limit of a message",
        "RFC 6455 10.4",
        _FILE,
        "min([MAX_CONTROL_PAYLOAD, *sizes])",
        "MAX_CONTROL_PAYLOAD",
    ),
)
