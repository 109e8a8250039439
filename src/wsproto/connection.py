"""An established connection: the frame codec, and the closing handshake around it (RFC 6455 5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage
from .frame_header import ParseFailed
from .frame_protocol import FrameProtocol
from .states import CONNECTION, ConnectionState, ConnectionType, Input
from .utilities import LocalProtocolError, LocalTypeError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from .extensions import Extension
    from .limits import Limits
    from .typing import BytesLike

__all__ = ["CLIENT", "SERVER", "Connection", "ConnectionState", "ConnectionType"]

CLIENT = ConnectionType.CLIENT
SERVER = ConnectionType.SERVER

_INPUT_OF_EVENT: dict[type, Input] = {
    Message: Input.SEND_MESSAGE,
    TextMessage: Input.SEND_MESSAGE,
    BytesMessage: Input.SEND_MESSAGE,
    Ping: Input.SEND_PING,
    Pong: Input.SEND_PONG,
    CloseConnection: Input.SEND_CLOSE,
}

_MESSAGES = frozenset({TextMessage, BytesMessage})
# The states that neither a message nor a continuation changes: sending skips the look-up of the next state.
_FREE_FOR_MESSAGES = frozenset(
    state
    for state, transitions in CONNECTION.items()
    if transitions.get(Input.SEND_MESSAGE) is transitions.get(Input.SEND_CONTINUATION) is state
)
# The states that take in bytes, none of which changes by that.
_RECEIVING = frozenset(
    state for state, transitions in CONNECTION.items() if Input.RECEIVE_BYTES in transitions
)


def _input_of_subclass(event_type: type[Event]) -> Input | None:
    """Return the input that an event of a user's own class is."""
    return next((_INPUT_OF_EVENT[kind] for kind in event_type.__mro__ if kind in _INPUT_OF_EVENT), None)


class Connection:
    """A connection after its opening handshake, over any transport: TCP, or a stream of HTTP/2 or HTTP/3.

    :param connection_type: which side this is.
    :param extensions: the negotiated extensions, in the order of the response; those not enabled are ignored.
    :param trailing_data: what came behind the handshake already.
    :param limits: bounds on what the peer may send.
    """

    def __init__(
        self,
        connection_type: ConnectionType,
        extensions: list[Extension] | None = None,
        trailing_data: bytes = b"",
        *,
        limits: Limits | None = None,
    ) -> None:
        if not isinstance(connection_type, ConnectionType):
            raise LocalTypeError(f"connection_type must be a ConnectionType, not {connection_type!r}")
        self.client = connection_type is CLIENT
        self._state = ConnectionState.OPEN
        self._protocol_error: RemoteProtocolError | None = None
        self._eof = False  # the transport ended, and what came before has not all been read
        self._abnormal_closure: CloseConnection | None = None  # to be yielded
        enabled = [extension for extension in extensions or () if extension.enabled()]
        self._codec = FrameProtocol(self.client, enabled, limits=limits)
        if trailing_data:
            self.receive_data(trailing_data)

    @property
    def state(self) -> ConnectionState:
        """What has happened on the connection so far."""
        return self._state

    @property
    def protocol_error(self) -> RemoteProtocolError | None:
        """How the peer broke the protocol, where it did: what tells such a failure from a peer's Close."""
        return self._protocol_error

    def can_send(self, event_type: type[Event]) -> bool:
        """Tell whether an event of this class is permitted in the present state."""
        return self._next_state(event_type) is not None

    def _next_state(self, event_type: type[Event]) -> ConnectionState | None:
        """Look up where sending an event of this class leads; None where it is not permitted."""
        what = _INPUT_OF_EVENT.get(event_type) or _input_of_subclass(event_type)
        if what is Input.SEND_MESSAGE and self._codec.message_begun:
            what = Input.SEND_CONTINUATION
        return None if what is None else CONNECTION[self._state].get(what)

    def send(self, event: Event) -> bytes:
        """Return the bytes that say `event` to the peer.

        :raises LocalProtocolError: where the state does not permit it or no frame can say it; then nothing
            has changed.
        """
        if self._state in _FREE_FOR_MESSAGES and type(event) in _MESSAGES:
            return self._codec.send(event)
        next_state = self._next_state(type(event))
        if next_state is None:
            raise LocalProtocolError(f"A {type(event).__name__} cannot be sent in state {self._state}")
        data = self._codec.send(event)
        self._state = next_state
        return data

    def receive_data(self, data: BytesLike | None) -> None:
        """Take in what the transport received; None stands for end of file.

        After the peer's Close, or a failure, data is dropped.

        :raises LocalProtocolError: for data after end of file, or once the connection is closed.
        """
        if data is None:
            self._receive_eof()
            return
        if self._state not in _RECEIVING or (self._eof and self._state is not ConnectionState.REMOTE_CLOSING):
            raise LocalProtocolError(f"Data cannot be received in state {self._state}, or after end of file")
        try:
            self._codec.receive_bytes(data)
        except TypeError as error:
            raise LocalTypeError(f"Received data must be bytes or None, not {type(data).__name__}") from error

    def _receive_eof(self) -> None:
        self._eof = True
        if self._codec.drained:
            self._end_of_file()

    def _end_of_file(self) -> None:
        """Judge end of file, once all that came before it is read (RFC 6455 7.1.5)."""
        previous = self._state
        self._state = CONNECTION[previous][Input.RECEIVE_EOF]
        if self._state is not previous:
            self._abnormal_closure = CloseConnection(CloseReason.ABNORMAL_CLOSURE)

    def events(self) -> Generator[Event, None, None]:
        """Yield what has happened, reading as it goes: the state changes with the event that changes it.

        A frame that breaks the protocol is one `CloseConnection` with the code to answer with.
        """
        codec = self._codec
        try:
            close = yield from codec.events()
            if close is not None:
                self._receive(Input.RECEIVE_CLOSE)
        except ParseFailed as error:
            # Without what it was raised from, which would keep the bytes alive that were being read.
            error.__context__ = None
            self._protocol_error = error.with_traceback(None)
            self._receive(Input.RECEIVE_VIOLATION)
            close = CloseConnection(error.code, str(error))
        if close is not None:
            yield close
        if self._eof and codec.drained and self._abnormal_closure is None:
            self._end_of_file()
        if self._abnormal_closure is not None:
            closure, self._abnormal_closure = self._abnormal_closure, None
            yield closure

    def _receive(self, what: Input) -> None:
        self._state = CONNECTION[self._state][what]
