"""The frames that a case sends, masked as their sender has to mask them, or wrongly on purpose."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

from tooling import frames
from tooling.frames import CLOSE, TEXT

MAX_PAYLOAD: Final = 8 * 2**20
"""Bytes in the longest frame that is read: no case asks for a longer answer."""


@dataclass(frozen=True)
class Frame(frames.Frame):
    """A frame to be masked as its sender has to: by a random key, or the given one.

    `wrong_mask` has a client send it unmasked, and a server masked.
    """

    wrong_mask: bool = False

    def keyed(self, *, by_client: bool) -> Frame:
        """Return the same frame as the client or the server sends it, with a masking key or without."""
        masked = by_client != self.wrong_mask
        return replace(self, mask=(self.mask or os.urandom(4)) if masked else None)


def text(payload: str, *, fin: bool = True, mask: bytes | None = None, wrong_mask: bool = False) -> Frame:
    """Return a text frame."""
    return Frame(TEXT, payload.encode(), fin, mask=mask, wrong_mask=wrong_mask)


def close(code: int | None, reason: bytes = b"") -> Frame:
    """Return a Close frame."""
    return Frame(CLOSE, frames.close_payload(code, reason))
