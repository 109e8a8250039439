"""The frames that a case sends: masked as their sender has to, or on purpose not."""

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
    """A frame whose mask is its sender's: a random key, or the one that is given.

    `wrong_mask` has a client send it unmasked, and a server masked.
    """

    wrong_mask: bool = False

    def keyed(self, *, by_client: bool) -> Frame:
        """Give the same frame as the client or the server sends it, with a masking key or without."""
        masked = by_client != self.wrong_mask
        return replace(self, mask=(self.mask or os.urandom(4)) if masked else None)


def text(payload: str, *, fin: bool = True, mask: bytes | None = None, wrong_mask: bool = False) -> Frame:
    """Give a text frame."""
    return Frame(TEXT, payload.encode(), fin, mask=mask, wrong_mask=wrong_mask)


def close(code: int | None, reason: bytes = b"") -> Frame:
    """Give a Close frame."""
    return Frame(CLOSE, frames.close_payload(code, reason))
