"""Faults of `http_head.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "http_head.py"

FAULTS: Final = (
    Fault(
        "white space behind a value is kept where a head comes whole",
        "RFC 9110 5.5",
        _FILE,
        'value.strip(b" \\t")))',
        'value.lstrip(b" \\t")))',
    ),
    Fault(
        "a head that comes whole may have two hosts",
        "RFC 9112 3.2",
        _FILE,
        'count(b"\\r\\nhost:") != 1',
        'count(b"\\r\\nhost:") < 1',
    ),
)
