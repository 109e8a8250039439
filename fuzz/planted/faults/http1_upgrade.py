"""Faults of `http1_upgrade.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "http1_upgrade.py"

FAULTS: Final = (
    Fault(
        "the accept token is not compared",
        "RFC 6455 4.1",
        _FILE,
        'single(fields, "Sec-WebSocket-Accept") != generate_accept_token(key)',
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
