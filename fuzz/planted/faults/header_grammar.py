"""Faults of `header_grammar.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "header_grammar.py"

FAULTS: Final = (
    Fault(
        "a header of the application may hold CR and LF",
        "RFC 9110 5.5",
        _FILE,
        '_FIELD_BYTES = b"\\t" + bytes',
        '_FIELD_BYTES = b"\\t\\r\\n" + bytes',
    ),
    Fault(
        "a token may be empty",
        "RFC 9110 5.6.2",
        _FILE,
        'TOKEN = _TCHAR + rb"+"',
        'TOKEN = _TCHAR + rb"*"',
    ),
)
