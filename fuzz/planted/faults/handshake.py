"""Faults of `handshake.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake.py"

FAULTS: Final = (
    Fault(
        "what a server says before it is asked is passed over",
        "RFC 6455 4.1",
        _FILE,
        'raise refused("The server sent data before the request (RFC 6455 4.1)")\n',
        "return\n",
    ),
    Fault(
        "a request with too much early data behind it is lost",
        "any cutting gives the same events",
        _FILE,
        "            data = self._exchange.trailing_data\n",
        "            data = self._exchange.trailing_data\n"
        "            if len(data) > self._limits.max_early_data:\n"
        "                self._events.clear()\n",
    ),
    Fault(
        "the accept token is not compared",
        "RFC 6455 4.1",
        _FILE,
        'single(fields, "Sec-WebSocket-Accept") != generate_accept_token(self._key)',
        'single(fields, "Sec-WebSocket-Accept") is None',
    ),
    Fault(
        "Connection need not name the upgrade",
        "RFC 6455 4.2.1",
        _FILE,
        'if b"upgrade" not in map(bytes.lower, list_of(fields, "Connection")):',
        'if not list_of(fields, "Connection"):',
    ),
    Fault(
        "a request in HTTP/1.0 is accepted",
        "RFC 6455 4.2.1",
        _FILE,
        'if not b"1.1" <= request.http_version',
        'if not b"1.0" <= request.http_version',
    ),
    Fault(
        "a key of any length is accepted",
        "RFC 6455 4.2.1",
        _FILE,
        '_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")',
        '_KEY = re.compile(rb"[A-Za-z0-9+/]*={0,2}")',
    ),
)
