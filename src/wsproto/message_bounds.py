"""What the limits leave of the message that is being received (RFC 6455 10.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .errors import ParseFailed

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

    def judge_frame(self, size: int, known: int) -> None:
        """Judge a data frame on its header, before any of its payload.

        :param size: bytes of its payload.
        :param known: bytes of the message that are in it, as far as that is known.
        """
        limits = self._limits
        if limits.max_frame_size is not None and size > limits.max_frame_size:
            raise _too_big(f"Frame of {size} bytes, limit {limits.max_frame_size}")
        if limits.max_fragments is not None and self._fragments >= limits.max_fragments:
            raise _too_big(f"Message of more than {limits.max_fragments} fragments")
        if limits.max_message_size is not None and self._size + known > limits.max_message_size:
            raise self.message_too_big()

    def add_frame(self, known: int) -> None:
        """Count a data frame, and the bytes of the message that are known to be in it."""
        self._fragments += 1
        self._size += known

    def room(self, most: int) -> int:
        """Return how many of `most` bytes the next event may have: enough to show a message too big."""
        limit = self._limits.max_message_size
        return most if limit is None else min(most, limit - self._size + 1)

    def take(self, size: int) -> int:
        """Count those of `size` more bytes that are within the bound of the message; return how many."""
        limit = self._limits.max_message_size
        if limit is not None:
            size = min(size, limit - self._size)
        self._size += size
        return size

    def message_too_big(self) -> ParseFailed:
        """Make the failure of a message that goes beyond its bound."""
        return _too_big(f"Message of more than {self._limits.max_message_size} bytes")


def _too_big(message: str) -> ParseFailed:
    return ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)
