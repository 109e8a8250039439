"""`x-flipped-bits`: an extension of the harness's own, to see what an endpoint makes of any extension.

It turns each bit in the payload of data frames, and sets their RSV2 (RFC 6455 9.2). It has no parameters.
"""

from __future__ import annotations

NAME = "x-flipped-bits"

_FLIPPED = bytes(255 - byte for byte in range(256))


def flip(payload: bytes) -> bytes:
    """Turn each bit."""
    return payload.translate(_FLIPPED)
