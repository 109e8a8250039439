"""Event in, bytes out: the sending half of the frame codec (RFC 6455 5, 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .close_frame import written_close
from .errors import LocalProtocolError, LocalTypeError, LocalValueError
from .events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from .extension import bound
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, NO_RSV, OPCODES, Opcode, write_header
from .frame_writer import FrameWriter
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .extension import Extension
    from .typing import BytesLike


class FrameEncoder(FrameWriter):
    """Turns what one side of a connection sends into frames (RFC 6455 5, 6.1).

    A call that raises has changed nothing: values are checked before an extension or a masking key is used.

    :param client: whether this is the client's side, which masks (RFC 6455 5.3).
    :param extensions: the negotiated extensions, in the order of the response.
    """

    __slots__ = ("_extensions",)

    def __init__(self, client: bool, extensions: Sequence[Extension] = ()) -> None:
        super().__init__(client, not extensions)
        self._extensions = tuple(bound(extension, client=client) for extension in extensions)

    def send_parts(self, event: Event) -> tuple[bytes, bytes]:
        """Return the frame that says `event` in two parts: of a server the header, and the payload uncopied.

        :raises LocalProtocolError: for an event that cannot be written as a frame.
        """
        if self.client:
            return self.send(event), b""
        first, payload, self._opcode = self._judged(event)
        return write_header(first, len(payload), 0), payload

    def _send_otherwise(self, event: Event) -> bytes:
        first, payload, opcode = self._judged(event)
        frame = self._frame(first, payload)
        self._opcode = opcode
        return frame

    def _judged(self, event: Event) -> tuple[int, bytes, int]:
        """Return a frame's first byte, its payload, and the opcode of the message under way behind it."""
        if isinstance(event, Message):
            return self._message(event)
        if isinstance(event, Pong):
            return self._control(Opcode.PONG, event.payload)
        if isinstance(event, Ping):
            return self._control(Opcode.PING, event.payload)
        if isinstance(event, CloseConnection):
            return self._control(Opcode.CLOSE, written_close(event.code, event.reason))
        raise LocalProtocolError(f"{type(event).__name__} cannot be sent in a frame")

    def _message(self, event: Message[Any]) -> tuple[int, bytes, int]:
        """Judge a frame of a message: the first, or the next of the one under way (RFC 6455 5.4, 5.6)."""
        data = event.data
        if isinstance(event, TextMessage) and not isinstance(data, str):
            raise LocalTypeError(f"The data of a TextMessage must be str, not {type(data).__name__}")
        if isinstance(event, BytesMessage) and isinstance(data, str):
            raise LocalTypeError("The data of a BytesMessage must be bytes, not str")
        if isinstance(data, str):
            opcode = Opcode.TEXT
            try:
                payload = data.encode()
            except UnicodeEncodeError as error:
                message = f"Text that is not valid Unicode: {error.reason} (RFC 6455 8.1)"
                raise LocalValueError(message) from error
        else:
            opcode = Opcode.BINARY
            payload = as_bytes(data, "The data of a message")
        begun, fin = self._opcode, FIN if event.message_finished else 0  # R6455-6.1-07
        if begun and begun != opcode:  # R6455-5.4-11
            raise LocalTypeError(f"{opcode.name} data in a {OPCODES[begun].name} message (RFC 6455 5.4)")
        sent_as = Opcode.CONTINUATION if begun else opcode  # R6455-5.4-02, -09, R6455-6.1-05, -06
        return *self._extended(fin | sent_as, payload), 0 if fin else opcode

    def _control(self, opcode: Opcode, payload: BytesLike) -> tuple[int, bytes, int]:
        """Judge a Ping, Pong or Close frame (RFC 6455 5.5)."""
        if type(payload) is not bytes:
            payload = as_bytes(payload, "The payload of a control frame")
        if len(payload) > MAX_CONTROL_PAYLOAD:  # R6455-5.5-01
            raise LocalValueError(
                f"{opcode.name} with {len(payload)} bytes of payload, at most 125 (RFC 6455 5.5)"
            )
        return *self._extended(FIN | opcode, payload), self._opcode

    def _extended(self, first: int, payload: bytes) -> tuple[int, bytes]:
        """Pass a frame through the extensions (RFC 6455 9.1)."""
        rsv = NO_RSV  # R6455-5.2-02
        for extension in self._extensions:
            rsv, payload = extension.hooks.frame_outbound(
                extension.state, OPCODES[first & 0x0F], rsv, payload, bool(first & FIN)
            )
        return first | rsv.in_first_byte(), bytes(payload)
