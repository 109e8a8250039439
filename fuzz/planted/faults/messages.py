"""Faults of `messages.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "messages.py"

FAULTS: Final = (
    Fault(
        "the text of a joined message is counted in characters",
        "MessageJoiner.max_size",
        _FILE,
        "len(data.encode() if isinstance(data, str) and not data.isascii() else data)",
        "len(data)",
    ),
    Fault(
        "a joined message keeps the size of the one before it",
        "MessageJoiner.max_size",
        _FILE,
        "            self._size = 0\n            return event",
        "            return event",
    ),
)
