"""The frame codec of one connection: bytes in, events out; event in, bytes out (RFC 6455 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from .close_codes import CloseReason
from .errors import ParseFailed
from .events import CloseConnection, Event, Message, Ping, Pong, TextMessage
from .frame_decoder import FrameDecoder
from .frame_encoder import FrameEncoder
from .frame_header import Opcode, RsvBits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .extensions import Extension
    from .limits import Limits
    from .typing import BytesLike

__all__ = [
    "CloseReason",
    "Frame",
    "FrameDecoder",
    "FrameEncoder",
    "FrameProtocol",
    "Opcode",
    "ParseFailed",
    "RsvBits",
]


class Frame(NamedTuple):
    """A received frame, or the piece of it that has come."""

    opcode: Opcode
    """The message's, on a continuation too."""
    payload: bytes | str | tuple[int, str]
    """str of a text, (code, reason) of a Close."""
    frame_finished: bool
    message_finished: bool


class FrameProtocol:
    """The codec that a `Connection` stands on, usable by itself.

    A connection uses `receive_bytes`, `events`, `send` and the two properties; a compiled codec has to offer
    the same.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    __slots__ = (
        "_decoder",
        "_encoder",
        "client",
        "events",
        "extensions",
        "receive_bytes",
        "receive_eof",
        "send",
    )

    def __init__(
        self, client: bool, extensions: Sequence[Extension], *, limits: Limits | None = None
    ) -> None:
        self.client = client
        self.extensions = [extension.for_connection() for extension in extensions]
        self._decoder = FrameDecoder(client, self.extensions, limits=limits)
        self._encoder = FrameEncoder(client, self.extensions)
        # Handed through as they are: a call less for each read and each message (0.05 microseconds).
        self.receive_bytes = self._decoder.receive_bytes
        self.receive_eof = self._decoder.receive_eof
        self.events = self._decoder.events
        self.send = self._encoder.send

    @property
    def drained(self) -> bool:
        """Whether all that was received has been read, as far as it can be."""
        return self._decoder.drained

    @property
    def message_begun(self) -> bool:
        """Whether a message was begun with `send` and not finished."""
        return self._encoder.message_begun

    def received_frames(self) -> Iterator[Frame]:
        """Yield what was received as frames, a Close included.

        :raises ParseFailed: when a frame breaks the protocol.
        """
        return map(_frame_of, self._decoder.events())

    def send_data(self, payload: BytesLike | str, fin: bool = True) -> bytes:
        """Return a frame of a message, text or binary after the type of `payload`; `fin` ends the message."""
        return self._encoder.message(payload, fin)

    def ping(self, payload: BytesLike = b"") -> bytes:
        """Return a Ping."""
        return self._encoder.control(Opcode.PING, payload)

    def pong(self, payload: BytesLike = b"") -> bytes:
        """Return a Pong."""
        return self._encoder.control(Opcode.PONG, payload)

    def close(self, code: int | None = None, reason: str | None = None) -> bytes:
        """Return a Close; a reason needs a code."""
        return self._encoder.close(code, reason)


def _frame_of(event: Event) -> Frame:
    """Tell an event as the frame that it came from."""
    if isinstance(event, Message):
        opcode = Opcode.TEXT if isinstance(event, TextMessage) else Opcode.BINARY
        return Frame(opcode, event.data, event.frame_finished, event.message_finished)
    if isinstance(event, CloseConnection):
        return Frame(
            Opcode.CLOSE, (event.code, event.reason or ""), frame_finished=True, message_finished=True
        )
    if isinstance(event, Ping):
        return Frame(Opcode.PING, event.payload, frame_finished=True, message_finished=True)
    pong = cast(Pong, event)  # nothing else is left
    return Frame(Opcode.PONG, pong.payload, frame_finished=True, message_finished=True)
