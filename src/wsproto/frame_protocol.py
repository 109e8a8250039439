"""The frame codec of one connection: bytes in, events out; event in, bytes out (RFC 6455 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from .close_codes import CloseReason
from .codec import frame_codec
from .errors import ParseFailed
from .events import CloseConnection, ControlEvent, Event, Message, Ping, Pong, TextMessage
from .frame_decoder import FrameDecoder
from .frame_encoder import FrameEncoder
from .frame_header import Opcode, RsvBits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .extension import Extension
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
    """A received frame, or the piece of it that has come (RFC 6455 5.2, 5.4)."""

    opcode: Opcode
    """The message's, on a continuation too."""
    payload: bytes | str | tuple[int, str]
    """str for text, (code, reason) for a Close, else bytes."""
    frame_finished: bool
    """Whether the frame ends here."""
    message_finished: bool
    """Whether the message ends here."""


class FrameProtocol:
    """The codec of one connection as frames (RFC 6455 5), usable by itself.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    __slots__ = ("__weakref__", "_decoder", "_encoder", "client", "extensions")

    def __init__(
        self, client: bool, extensions: Sequence[Extension], *, limits: Limits | None = None
    ) -> None:
        self.client: bool = client
        self.extensions: list[Extension] = list(extensions)
        self._decoder, self._encoder = frame_codec(extensions, limits, client=client)

    def receive_bytes(self, data: BytesLike) -> None:
        """Take in `data`, the bytes that the transport received.

        :raises LocalProtocolError: for what is not bytes-like.
        """
        self._decoder.receive_bytes(data)

    def received_frames(self) -> Iterator[Frame]:
        """Yield what was received as frames, a Close included.

        :raises ParseFailed: when a frame breaks the protocol.
        """
        return map(_frame_of, self._decoder.events())

    def send_data(self, payload: BytesLike | str, fin: bool = True) -> bytes:
        """Return a frame of a message, text or binary after the type of `payload`; `fin` ends the message.

        :raises LocalProtocolError: for what is neither, or not of the type of the message that was begun.
        """
        return self._encoder.send(Message(payload, message_finished=fin))

    def ping(self, payload: BytesLike = b"") -> bytes:
        """Return a Ping with a `payload` of at most 125 bytes (RFC 6455 5.5.2).

        :raises LocalProtocolError: for a longer one.
        """
        return self._encoder.send(Ping(payload))

    def pong(self, payload: BytesLike = b"") -> bytes:
        """Return a Pong with a `payload` of at most 125 bytes (RFC 6455 5.5.3).

        :raises LocalProtocolError: for a longer one.
        """
        return self._encoder.send(Pong(payload))

    def close(self, code: int | None = None, reason: str | None = None) -> bytes:
        """Return a Close (RFC 6455 5.5.1).

        :param code: the close code (RFC 6455 7.4); None for a Close without one.
        :param reason: why, at most 123 bytes of UTF-8; a longer one is cut.
        :raises LocalProtocolError: for a code that may not travel, or a reason without a code.
        """
        return self._encoder.send(
            CloseConnection(CloseReason.NO_STATUS_RCVD if code is None else code, reason)
        )


def _frame_of(event: Event) -> Frame:
    if isinstance(event, Message):
        opcode = Opcode.TEXT if isinstance(event, TextMessage) else Opcode.BINARY
        return Frame(opcode, event.data, event.frame_finished, event.message_finished)
    if isinstance(event, CloseConnection):
        return Frame(Opcode.CLOSE, (event.code, event.reason or ""), True, True)
    opcode = Opcode.PING if isinstance(event, Ping) else Opcode.PONG
    return Frame(opcode, cast(ControlEvent, event).payload, True, True)
