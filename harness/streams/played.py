"""What an expectation looks at: the streams of a case, and what was measured on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.streams.wire import Stream, Wire


class Played:
    """A case that is played, or has been.

    :param unmet: the verdict where the peer does not do as expected.
    :param closes: whether the harness closes the WebSocket.
    :param values: the server's own, for the requests; of a client the scheme that fits its URL.
    """

    def __init__(self, wire: Wire, unmet: str, values: dict[str, str], *, closes: bool) -> None:
        self.wire, self.unmet, self.closes, self.values = wire, unmet, closes, values
        self.streams: list[Stream] = []
        self.counted: list[int] = []
        """The bytes that had come when no more were to come."""
        self.late = ""
        """What the peer did late, or not at all, at the end."""
        self.lacking = ""
        """What the case needs and the peer does not have."""
