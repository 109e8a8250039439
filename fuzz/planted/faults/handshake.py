"""Faults of `handshake.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake.py"

FAULTS: Final = (
    Fault(
        "what comes with the request is lost",
        "RFC 6455 4.2",
        _FILE,
        "agreed(extensions, bytes(self._early_data),",
        'agreed(extensions, b"",',
    ),
    Fault(
        "what a server says before it is asked is passed over",
        "RFC 6455 4.1",
        _FILE,
        '                    raise refused("The server spoke before it was asked (RFC 6455 4.1)")\n',
        "                    return\n",
    ),
    Fault(
        "a request with too much early data behind it is lost",
        "any cutting gives the same events",
        _FILE,
        "            self._events.append(self._request)\n            data = self._exchange.trailing_data\n",
        "            data = self._exchange.trailing_data\n"
        "            if len(data) <= self._limits.max_early_data:\n"
        "                self._events.append(self._request)\n",
    ),
    Fault(
        "the body of a rejection has no bound",
        "Limits.max_reject_body_size",
        _FILE,
        "        self._body_received += len(data)\n",
        "        self._body_received = len(data)\n",
    ),
)
