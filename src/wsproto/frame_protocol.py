"""The frame codec of one connection: bytes in, events out; event in, bytes out (RFC 6455 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .close_codes import CloseReason
from .events import CloseConnection, Event, Message, Ping, TextMessage
from .frame_decoder import FrameDecoder, ParseFailed
from .frame_encoder import FrameEncoder
from .frame_header import Opcode, RsvBits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from .extensions import Extension
    from .limits import Limits

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

    A connection uses `receive_bytes`, `events`, `send`, and the two properties; a compiled codec has to offer the same.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response; each gives one for this connection.
    :param limits: bounds on frames and messages.
    """

    __slots__ = ("_decoder", "_encoder", "client", "extensions")

    def __init__(self, client: bool, extensions: Sequence[Extension], *, limits: Limits | None = None) -> None:
        self.client = client
        self.extensions = [extension.for_connection() for extension in extensions]
        self._decoder = FrameDecoder(client, self.extensions, limits=limits)
        self._encoder = FrameEncoder(client, self.extensions)

    def receive_bytes(self, data: bytes) -> None:
        """Take in what the transport received."""
        self._decoder.receive_bytes(data)

    def events(self) -> Generator[Event, None, CloseConnection | None]:
        """Yield messages, pings and pongs; return the peer's Close, or None for want of bytes.

        :raises ParseFailed: when a frame breaks the protocol; later input is dropped.
        """
        return self._decoder.events()

    def send(self, event: Event) -> bytes:
        """Return the frame that says `event`.

        :raises LocalProtocolError: for an event that no frame can say; nothing has changed then.
        """
        return self._encoder.send(event)

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
        events = self._decoder.events()
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                if end.value is not None:
                    yield _frame_of(end.value)
                return
            yield _frame_of(event)

    def send_data(self, payload: bytes | str, fin: bool = True) -> bytes:
        """Return a frame of a message, text or binary after the type of `payload`; `fin` ends the message."""
        return self._encoder.message(payload, fin)

    def ping(self, payload: bytes = b"") -> bytes:
        """Return a Ping."""
        return self._encoder.control(Opcode.PING, payload)

    def pong(self, payload: bytes = b"") -> bytes:
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
        return Frame(Opcode.CLOSE, (event.code, event.reason or ""), frame_finished=True, message_finished=True)
    opcode = Opcode.PING if isinstance(event, Ping) else Opcode.PONG
    return Frame(opcode, event.payload, frame_finished=True, message_finished=True)
