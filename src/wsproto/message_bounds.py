"""What the limits leave of the message that is being received (RFC 6455 10.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .frame_header import ParseFailed

if TYPE_CHECKING:
    from .limits import Limits


class MessageBounds:
    """Counts the frames and bytes of a message; what goes beyond `limits` is a `ParseFailed` with 1009."""

    __slots__ = ("_fragments", "_limits", "_size")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.end_message()

    def end_message(self) -> None:
        """Begin to count anew."""
        self._fragments = self._size = 0

    def judge_frame(self, size: int) -> None:
        """Judge a data frame of `size` bytes on its header, before any of its payload."""
        limits = self._limits
        if limits.max_frame_size is not None and size > limits.max_frame_size:
            raise _too_big(f"Frame of {size} bytes, limit {limits.max_frame_size}")
        if limits.max_fragments is not None and self._fragments >= limits.max_fragments:
            raise _too_big(f"Message of more than {limits.max_fragments} fragments")

    def judge_bytes(self, size: int) -> None:
        """Judge `size` more bytes of the message as the application gets it."""
        limit = self._limits.max_message_size
        if limit is not None and self._size + size > limit:
            raise _too_big(f"Message of more than {limit} bytes")

    def add_frame(self) -> None:
        """Count a data frame."""
        self._fragments += 1

    def add_bytes(self, size: int) -> None:
        """Count bytes of the message."""
        self._size += size

    def room(self, most: int) -> int:
        """Return how many bytes, up to `most`, the next event may have: enough to show a message too big."""
        limit = self._limits.max_message_size
        return most if limit is None else min(most, limit - self._size + 1)


def _too_big(message: str) -> ParseFailed:
    return ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)
