"""Faults of `inbound_extensions.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "inbound_extensions.py"

FAULTS: Final = (
    Fault(
        "RSV2 and RSV3 are accepted beside permessage-deflate",
        "RFC 6455 5.2",
        _FILE,
        "if first & RSV & ~claimed:",
        "if first & 0x40 & ~claimed:",
    ),
    Fault(
        "the tail is inflated behind the last unit of a message, not with it",
        "any cutting gives the same events",
        _FILE,
        "if not message.remaining and self.rest_size:",
        "if not message.remaining and self.rest_size and not message.fin:",
    ),
    Fault(
        "a compressed frame is inflated as it comes",
        "any cutting gives the same events",
        _FILE,
        "            self._unit = max(self._unit, extension.state.unit)\n",
        "",
    ),
    Fault(
        "where zlib stops depends on which events were taken before",
        "any cutting gives the same events",
        _FILE,
        "            self.room -= len(payload)\n",
        "",
    ),
    Fault(
        "an extension is not asked of a frame that permessage-deflate alone would need",
        "RFC 6455 9.1, 5.2",
        _FILE,
        "self.rest_size: int = extensions[0].state.rest_size if len(extensions) == 1 else 0",
        "self.rest_size: int = extensions[0].state.rest_size",
    ),
)
