"""The steps of a case of section H. What stands between two steps that wait goes out in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from harness.extra.frames import Frame, close, text
from harness.streams.fields import REQUEST, RESPONSE, Fields


class Do(Enum):
    """A step without a parameter."""

    AWAIT_ANSWER = auto()
    """Wait for the final response to the request of the stream, or the stream's end."""
    AWAIT_CLOSE = auto()
    """Wait for the peer's Close, or the stream's end."""
    AWAIT_END = auto()
    """Wait until the peer has ended the stream, in order or not, or the connection."""
    AWAIT_LATE_END = auto()
    """The same, with the patience that a grace of the peer takes."""
    AWAIT_RESET = auto()
    """Wait until the peer has reset the stream, with the same patience."""
    END = auto()
    """End the stream in order: END_STREAM, FIN."""
    CUT = auto()
    """End the connection without a word."""
    FIRST = auto()
    """Go on with the first stream."""
    LAST = auto()
    """Go on with the stream that was opened last."""
    DATAGRAM = auto()
    """Send a datagram of HTTP/3 for the stream (RFC 9297), where the peer takes any."""
    RECONNECT = auto()
    """Have a client come again: a Close, then the end of the connection."""


@dataclass(frozen=True)
class Ask:
    """Send a request, on a new stream."""

    fields: Fields = REQUEST
    end: bool = False
    pieces: int = 1
    """Frames (HTTP/2) or packets (HTTP/3) of the header section."""


@dataclass(frozen=True)
class Answer:
    """Send a header section on the stream: a response, or trailers."""

    fields: Fields = RESPONSE
    end: bool = False
    accept: bool = True
    """Whether a 2xx answers the key of a client that sends one: then it may not do without."""


@dataclass(frozen=True)
class Send:
    """Send frames of the WebSocket in one DATA frame, as soon as there is room for it."""

    frames: tuple[Frame, ...] = ()
    end: bool = False
    """Whether END_STREAM or FIN goes with it."""
    size: int = 0
    """The bytes in each DATA frame, where it is not one."""
    pad: int | None = None
    """Bytes of padding (HTTP/2)."""
    until_stuck: bool = False
    """Whether the case goes on where the peer gives no more room."""


@dataclass(frozen=True)
class Part:
    """Send some bytes of a frame that has the masking key of the example in RFC 6455 5.7."""

    frame: Frame
    start: int
    stop: int | None = None


@dataclass(frozen=True)
class Octets:
    """Send a DATA frame with any bytes."""

    data: bytes = b""
    end: bool = False


@dataclass(frozen=True)
class Raw:
    """Send a frame of any type on the stream, or about the connection."""

    h2: int
    h3: int
    payload: bytes = b""
    flags: int = 0
    of_connection: bool = False
    h3_payload: bytes | None = None
    """The payload over HTTP/3, where that differs."""


@dataclass(frozen=True)
class Reset:
    """Reset the stream, by the codes of both protocols."""

    h2: str = "CANCEL"
    h3: str = "H3_REQUEST_CANCELLED"
    stop_only: bool = False
    """Whether only STOP_SENDING is sent (HTTP/3)."""


@dataclass(frozen=True)
class Settings:
    """Send SETTINGS."""

    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Credit:
    """Let the peer send so many bytes more on the stream."""

    count: int


@dataclass(frozen=True)
class GoAway:
    """Send GOAWAY without an error; `below`: whether the stream is not served any more."""

    below: bool = False


@dataclass(frozen=True)
class Await:
    """Wait until so many messages and pongs have come on the stream."""

    events: int = 1


@dataclass(frozen=True)
class AwaitBytes:
    """Wait until so many bytes of DATA have come on the stream, then see that no more come."""

    count: int


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


Step = (
    Do
    | Ask
    | Answer
    | Send
    | Part
    | Octets
    | Raw
    | Reset
    | Settings
    | Credit
    | GoAway
    | Await
    | AwaitBytes
    | Pause
)
Steps = tuple[Step, ...]

HELLO = text("Hello")
SEND_HELLO = Send((HELLO,))
CLOSE = Send((close(1000),))
ECHO: Steps = (SEND_HELLO, Await())
OPEN: Steps = (Ask(), Do.AWAIT_ANSWER)
"""Opens a WebSocket on a server under test."""
