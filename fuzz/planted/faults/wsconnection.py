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
        "        self._events = events\n",
        "",
    ),
    Fault(
        "injected events are lost when the connection opens",
        "Connection.inject",
        _FILE,
        "        self._events = events\n",
        "        self._events.extend(handshake.events())\n",
    ),
)
