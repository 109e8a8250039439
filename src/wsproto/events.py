"""What happens on a connection, and what an application wants to happen, as values.

Each event is a frozen dataclass: equal by value, and checked when it is sent. Where a type checker sees an
`__init__` of its own, an event may be made of more types than its fields are read as.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from .event_base import ControlFields, Event, MessageFields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .extension import Extension
    from .typing import BytesLike, Headers

    GivenHeaders = Sequence[tuple[bytes | str, bytes | str]]

__all__ = [
    "AcceptConnection",
    "BinaryMessage",
    "BytesMessage",
    "CloseConnection",
    "Event",
    "Message",
    "Ping",
    "Pong",
    "RejectConnection",
    "RejectData",
    "Request",
    "TextMessage",
]

T = TypeVar("T", bound="str | BytesLike")


@dataclass(frozen=True, slots=True)
class Request(Event):
    """The opening handshake's request (RFC 6455 4.1): a client sends it, a server receives it."""

    host: str
    """Host, with a port where it is not the default one."""
    target: str
    """Path and query."""
    extensions: Sequence[Extension] | Sequence[str] = field(default_factory=list)
    """A client's extensions; on a server, each offer with its parameters, as str."""
    extra_headers: Headers = field(default_factory=list)
    """Header fields beyond those that have a place of their own."""
    subprotocols: list[str] = field(default_factory=list)
    """Subprotocols, in the client's order of preference."""

    if TYPE_CHECKING:

        def __init__(
            self,
            host: str,
            target: str,
            extensions: Sequence[Extension] | Sequence[str] = ...,
            extra_headers: GivenHeaders = ...,
            subprotocols: list[str] | tuple[str, ...] = ...,
        ) -> None: ...


@dataclass(frozen=True, slots=True)
class AcceptConnection(Event):
    """The server agrees to the handshake (RFC 6455 4.2.2)."""

    subprotocol: str | None = None
    """The one subprotocol chosen from the client's."""
    extensions: list[Extension] = field(default_factory=list)
    """Sent: the extensions that the server supports. Received: those that it accepted."""
    extra_headers: Headers = field(default_factory=list)
    """Header fields beyond those that have a place of their own."""

    if TYPE_CHECKING:

        def __init__(
            self,
            subprotocol: str | None = None,
            extensions: Sequence[Extension] = ...,
            extra_headers: GivenHeaders = ...,
        ) -> None: ...


@dataclass(frozen=True, slots=True)
class RejectConnection(Event):
    """The server answers the handshake with an HTTP response other than 101 (RFC 6455 4.2.2)."""

    status_code: int = 400
    """The HTTP status."""
    headers: Headers = field(default_factory=list)
    """The response's header fields."""
    has_body: bool = False
    """Whether `RejectData` follows."""

    if TYPE_CHECKING:

        def __init__(
            self, status_code: int = 400, headers: GivenHeaders = ..., has_body: bool = False
        ) -> None: ...


@dataclass(frozen=True, slots=True)
class RejectData(Event):
    """A piece of the body of a response that rejects the handshake (RFC 6455 4.2.2)."""

    data: bytes
    """The piece."""
    body_finished: bool = True
    """Whether it is the last one."""

    if TYPE_CHECKING:

        def __init__(self, data: BytesLike, body_finished: bool = True) -> None: ...


@dataclass(frozen=True, slots=True)
class CloseConnection(Event):
    """The closing handshake (RFC 6455 5.5.1, 7): each side sends one and receives one."""

    code: int
    """The close code (7.4). 1005: there was none. 1006: the transport ended without a Close."""
    reason: str | None = None
    """Why, at most 123 bytes of UTF-8; a longer one is cut."""

    def response(self) -> CloseConnection:
        """Return the Close that answers this one, with its code and reason."""
        return CloseConnection(code=self.code, reason=self.reason)  # R6455-5.5.1-08


@dataclass(frozen=True, init=False)
class Message(MessageFields, Event, Generic[T]):  # type: ignore[misc] # weak references take no room
    """A message, or a piece of one (RFC 6455 5.4, 5.6).

    Pieces come as they arrive, so a frame may be in several events and a message in several frames.
    """

    __slots__ = ()

    data: str | bytes
    """The piece: str for text, bytes for binary data."""
    frame_finished: bool = field(default=True)
    """Whether the frame ends here. It is ignored when sending: each event is sent as one frame."""
    message_finished: bool = field(default=True)
    """Whether the message ends here."""

    if TYPE_CHECKING:

        def __init__(self, data: T, frame_finished: bool = True, message_finished: bool = True) -> None: ...


@dataclass(frozen=True, init=False, repr=False, eq=False)
class TextMessage(Message[str]):
    """A piece of a text message (RFC 6455 5.6). A code point is never split between two."""

    __slots__ = ()

    data: str


@dataclass(frozen=True, init=False, repr=False, eq=False)
class BytesMessage(Message[bytes]):
    """A piece of a binary message (RFC 6455 5.6)."""

    __slots__ = ()

    data: bytes

    if TYPE_CHECKING:

        def __init__(
            self, data: BytesLike, frame_finished: bool = True, message_finished: bool = True
        ) -> None: ...


BinaryMessage = BytesMessage


@dataclass(frozen=True, init=False)
class ControlEvent(ControlFields, Event):  # type: ignore[misc] # the same
    """What Ping and Pong have in common."""

    __slots__ = ()

    payload: bytes = field(default=b"")
    """At most 125 bytes."""

    if TYPE_CHECKING:

        def __init__(self, payload: BytesLike = b"") -> None: ...


# `dataclass` leaves the defaults on the class, where they would hide the fields.
for _event, _names in ((Message, ("frame_finished", "message_finished")), (ControlEvent, ("payload",))):
    for _name in _names:
        delattr(_event, _name)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Ping(ControlEvent):
    """A request for a Pong, which shows that the peer is there (RFC 6455 5.5.2)."""

    __slots__ = ()

    def response(self) -> Pong:
        """Return the Pong that answers this Ping, with its payload."""
        return self._as(Pong)  # R6455-5.5.2-02, R6455-5.5.3-01, -02


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Pong(ControlEvent):
    """The answer to a Ping, with its payload, or an unasked sign of life (RFC 6455 5.5.3)."""

    __slots__ = ()
