"""Faults of `wsconnection.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "wsconnection.py"

FAULTS: Final = (
    Fault(
        "the events of a handshake are lost when the connection opens",
        "RFC 6455 4.1",
        _FILE,
        "        self._events.extend(handshake.events())\n",
        "",
    ),
    Fault(
        "injected events are lost when the connection opens",
        "Connection.inject",
        _FILE,
        "super().__init__(connection_type, extensions, limits=limits)\n",
        "super().__init__(connection_type, extensions, limits=limits)\n        self._waiting = None\n",
    ),
)
