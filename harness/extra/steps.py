"""What the harness does in a case beside sending frames: waiting, ending, resetting, another connection.

A case lists its frames and steps in the order in which they are played; frames that follow one another go
out in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from harness.extra.frames import Frame


class Do(Enum):
    """A step without a parameter."""

    END = auto()
    """End this direction (FIN, over TLS behind a close_notify), and read on."""
    CUT_OFF = auto()
    """End this direction (FIN), over TLS without a close_notify, and read on."""
    RESET = auto()
    """Reset the TCP connection (RST)."""
    STOP_READING = auto()
    READ_AGAIN = auto()
    AWAIT_CLOSE = auto()
    """Wait for the peer's Close, or its end of the TCP connection."""
    AWAIT_END = auto()
    """Wait for the peer's end of the TCP connection."""
    ANOTHER = auto()
    """Open another connection to the server, and go on there. A client comes once, and gets no more steps."""
    FIRST = auto()
    """Go on with the first connection."""
    LAST = auto()
    """Go on with the connection that was opened last."""


@dataclass(frozen=True)
class Await:
    """Wait until so many more messages and pongs have come."""

    events: int = 1


@dataclass(frozen=True)
class Pause:
    """Wait, and read nothing meanwhile but what the system keeps."""

    seconds: float


@dataclass(frozen=True)
class Flood:
    """The same frame again and again, all with the same masking key; `unread`: whether it goes on unread.

    Without `unread`, it is sent as the peer takes it.
    """

    frame: Frame
    times: int
    unread: bool = False


@dataclass(frozen=True)
class Part:
    """The first bytes of a frame, or with a negative number all but the last ones."""

    frame: Frame
    size: int


@dataclass(frozen=True)
class Rest:
    """The bytes of a frame behind a `Part` of it; the frame has a masking key of its own."""

    frame: Frame
    size: int


Step = Frame | Do | Await | Pause | Flood | Part | Rest
Steps = tuple[Step, ...]
