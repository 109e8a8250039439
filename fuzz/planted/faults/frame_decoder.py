"""Faults of `frame_decoder.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "frame_decoder.py"

FAULTS: Final = (
    Fault(
        "an unmasked frame from a client is accepted",
        "RFC 6455 5.1",
        _FILE,
        "size = buffer[position + 1] ^ self._mask",
        "size = buffer[position + 1] & (0xFF if self.client else 0x7F)",
    ),
    Fault(
        "a masked frame from the server is accepted",
        "RFC 6455 5.1",
        _FILE,
        "size = buffer[position + 1] ^ self._mask",
        "size = (buffer[position + 1] ^ self._mask) & (0x7F if self.client else 0xFF)",
    ),
    Fault(
        "a length of 125 is accepted in 16 bits",
        "RFC 6455 5.2",
        _FILE,
        "<< 8 | buffer[start - 1], LENGTH_16",
        "<< 8 | buffer[start - 1], LENGTH_16 - 1",
    ),
    Fault(
        "a length of 65535 is accepted in 64 bits",
        "RFC 6455 5.2",
        _FILE,
        '"big"), 1 << 16',
        '"big"), (1 << 16) - 1',
    ),
    Fault(
        "a length of 126 in 16 bits, or of 65536 in 64 bits, is refused",
        "RFC 6455 5.2",
        _FILE,
        "if size < least or",
        "if size <= least or",
    ),
    Fault(
        "a length with its most significant bit set is accepted",
        "RFC 6455 5.2",
        _FILE,
        "or size >> 63:",
        "or size >> 64:",
    ),
    Fault(
        "a control frame of more than 125 bytes is accepted",
        "RFC 6455 5.5",
        _FILE,
        "if size > LENGTH_64 or first & CONTROL:",
        "if size > LENGTH_64:",
    ),
    Fault(
        "RSV1 is accepted without an extension",
        "RFC 6455 5.2",
        _FILE,
        "            if fault is not None or self._extensions is None:\n",
        "            if fault is not None or (self._extensions is None and first & 0x30):\n",
    ),
    Fault(
        "a compressed frame that comes whole is inflated at once, however large",
        "any cutting gives the same events",
        _FILE,
        "(compression is not None and size > compression.rest_size)",
        "(compression is not None and size < 0)",
    ),
    Fault(
        "what comes behind a violation is read",
        "RFC 6455 7.1.7",
        _FILE,
        "            self._end()\n            return failure\n",
        "            return failure\n",
    ),
    Fault(
        "what comes behind the peer's Close is read",
        "RFC 6455 5.5.1",
        _FILE,
        "            close = read_close(payload)\n            self._end()\n            return close\n",
        "            return read_close(payload)\n",
    ),
)
