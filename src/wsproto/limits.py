"""Every bound that the library puts on what a peer can make it hold or do (RFC 6455 10.4)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .errors import LocalTypeError, LocalValueError


@dataclass(frozen=True)
class Limits:
    """Bounds on what a peer may send. None stands for no bound; sizes are in bytes.

    Messages are unlimited by default, since the library hands their pieces on as they come and keeps none.
    A frame or message over its limit fails the connection with 1009, a handshake with a
    `RemoteProtocolError` whose hint is a 431, 414 or 400 response.
    """

    max_frame_size: int | None = None
    """Payload of one data frame, judged on its header."""
    max_message_size: int | None = None
    """Payload of one message, after inflating."""
    max_fragments: int | None = None
    """Data frames in one message, empty ones included."""
    max_inflated_size: int = 2**20
    """Inflated data in one event; more of it comes in further events."""
    max_handshake_size: int = 2**16
    """The head of a request or response: its first line and its header fields.

    A chunk's line and the trailer section of a rejection's body (RFC 9112 7.1) have this bound, too.
    """
    max_header_line_size: int = 2**14
    """The request line (else 414) or one header line (else 431)."""
    max_headers: int = 128
    """Header lines of a request or response."""
    max_interim_responses: int = 16
    """103 responses that a server may send before the final one (RFC 9110 15.2)."""
    max_early_data: int = 2**20
    """What a client may send behind its request before it is answered."""
    max_reject_body_size: int = 2**20
    """The body of a response that rejects the handshake."""

    @property
    def bound_messages(self) -> bool:
        """Whether there is any bound on frames and messages."""
        return not self.max_frame_size is self.max_message_size is self.max_fragments is None

    def __post_init__(self) -> None:
        """Refuse a bound that is no int of at least 0, or of at least 1 where 0 would mean no progress."""
        for field in fields(self):
            bound = getattr(self, field.name)
            if bound is None and field.default is None:
                continue
            if type(bound) is not int:
                raise LocalTypeError(f"{field.name} must be an int, not {bound!r}")
            least = 1 if field.name == "max_inflated_size" else 0
            if bound < least:
                raise LocalValueError(f"{field.name} must be at least {least}, not {bound}")


DEFAULT_LIMITS = Limits()
