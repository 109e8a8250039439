"""Faults of `utilities.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "utilities.py"

FAULTS: Final = (
    Fault(
        "what the application received into is kept, not copied",
        "bytes received are the library's own",
        _FILE,
        "    if type(data) is bytes:\n        return data\n",
        "    if type(data) in (bytes, bytearray):\n        return data  # type: ignore[return-value]\n",
    ),
    Fault(
        "the accept token is computed without the GUID's last byte",
        "RFC 6455 4.2.2",
        _FILE,
        "hashlib.sha1(token + ACCEPT_GUID,",
        "hashlib.sha1(token + ACCEPT_GUID[:-1],",
    ),
)
