"""Faults of `handshake_stages.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake_stages.py"

FAULTS: Final = (
    Fault(
        "what comes with the request is lost",
        "RFC 6455 4.2",
        _FILE,
        "self._agree(extensions, bytes(self._early_data))",
        'self._agree(extensions, b"")',
    ),
    Fault(
        "the body of a rejection has no bound",
        "Limits.max_reject_body_size",
        _FILE,
        "        self._body_received += len(data)\n",
        "        self._body_received = len(data)\n",
    ),
    Fault(
        "end of file before the answer is forgotten",
        "RFC 6455 7.1.5",
        _FILE,
        "Agreement(extensions, trailing_data, self._eof)",
        "Agreement(extensions, trailing_data, eof=False)",
    ),
)
