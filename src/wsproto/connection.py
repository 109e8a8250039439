"""An established connection: the frame codec, and the closing handshake around it (RFC 6455 5, 7)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .codec import frame_codec
from .connection_front import ConnectionFront
from .errors import LocalProtocolError, LocalTypeError, RemoteProtocolError
from .events import CloseConnection, Event, Message, Ping, Pong
from .states import CONNECTION, ConnectionState, ConnectionType, Ending, Input
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .errors import ParseFailed
    from .extension import Extension
    from .limits import Limits
    from .typing import BytesLike

__all__ = ["CLIENT", "SERVER", "Connection", "ConnectionState", "ConnectionType", "Ending"]

CLIENT = ConnectionType.CLIENT
SERVER = ConnectionType.SERVER

_INPUT_OF_EVENT: dict[type, Input] = {
    Message: Input.SEND_MESSAGE,
    Ping: Input.SEND_PING,
    Pong: Input.SEND_PONG,
    CloseConnection: Input.SEND_CLOSE,
}


class Connection(ConnectionFront):
    """A connection after its opening handshake (RFC 6455 5 to 7), over TCP or a stream of HTTP/2 or HTTP/3.

    :param connection_type: which side this is.
    :param extensions: the negotiated extensions, in the order of the response; those not enabled are ignored.
    :param trailing_data: what came behind the handshake already.
    :param limits: bounds on what the peer may send.
    """

    _protocol_error: RemoteProtocolError | None = None
    _abnormal_closure: CloseConnection | None = None  # to be yielded

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
        self.client: bool = connection_type is CLIENT
        self._state = ConnectionState.OPEN
        self._eof = False
        enabled = [extension for extension in extensions or () if extension.enabled()]
        self._decoder, self._encoder = frame_codec(enabled, limits, client=self.client)
        if trailing_data:
            self.receive_data(trailing_data)

    @property
    def state(self) -> ConnectionState:
        """What has happened on the connection so far."""
        return self._state

    @property
    def protocol_error(self) -> RemoteProtocolError | None:
        """How the peer broke the protocol; None where it did not, as when it only sent a Close."""
        return self._protocol_error

    @property
    def ending(self) -> Ending:
        """Whether this side is to end the transport now, behind what it has sent, and how (RFC 6455 7.1.1).

        `END` once both have sent a Close, or the peer has ended the transport. A program that gives up in any
        other state, and one whose peer does not end its own side in time, resets the transport.
        """
        # R6455-5.5.1-12, R6455-7.1.2-02, R9112-6.1-02, R9112-6.3-01, -02, R9112-9.3-02, R9112-9.6-01,
        # R9114-4.4-03
        return Ending.END if self._state is ConnectionState.CLOSED else Ending.NONE

    def can_send(self, event_type: type[Event] | Event) -> bool:
        """Tell whether an event is permitted in the present state.

        :param event_type: the class of the event, or the event itself.
        """
        kind = event_type if isinstance(event_type, type) else type(event_type)
        return self._next_state(kind) is not None

    def _next_state(self, event_type: type[Event]) -> ConnectionState | None:
        """Look up where sending an event of this class leads; None where it is not permitted."""
        what = next((_INPUT_OF_EVENT[kind] for kind in event_type.__mro__ if kind in _INPUT_OF_EVENT), None)
        if what is Input.SEND_MESSAGE and self._encoder.message_begun:
            what = Input.SEND_CONTINUATION
        return None if what is None else CONNECTION[self._state].get(what)

    def send_parts(self, event: Event) -> tuple[bytes, bytes]:
        """Return what `send(event)` returns in two parts, to be sent one after the other.

        A server's payload is the second part, which is not copied: the `data` of a `BytesMessage` itself.
        That is faster from about 10 KB, if the transport takes both at once, as `socket.sendmsg` does.

        :param event: what to send, as `send` takes it.
        :raises LocalProtocolError: as `send` does.
        """
        if self._state is ConnectionState.OPEN and isinstance(event, Message):
            return self._encoder.send_parts(event)
        return self.send(event), b""

    def _send_otherwise(self, event: Event) -> bytes:
        """Send what may change the state, or may not be permitted."""
        next_state = self._next_state(type(event))
        if next_state is None:  # R6455-5.5.1-06, R6455-6.1-02, -03
            raise LocalProtocolError(f"{type(event).__name__} cannot be sent in state {self._state.name}")
        data = self._encoder.send(event)
        self._state = next_state
        return data

    def _receive_otherwise(self, data: BytesLike | None) -> None:
        """Take in end of file, or bytes where that may not be permitted."""
        if data is None:
            self._eof = True
            self._decoder.receive_eof()
            if self._decoder.drained:
                self._end_of_file()
            return
        data = as_bytes(data, "Received data")
        # What a failed connection receives is dropped, even if end of file came before the failure was read.
        what = Input.RECEIVE_LATE_BYTES if self._eof else Input.RECEIVE_BYTES
        if what in CONNECTION[self._state]:
            self._decoder.receive_bytes(data)
        elif data:
            raise LocalProtocolError(
                f"Data cannot be received in state {self._state.name}{' after end of file' * self._eof}"
            )

    def _end_of_file(self) -> None:
        """Judge end of file, once all that came before it is read (RFC 6455 7.1.5)."""
        previous = self._state
        self._state = CONNECTION[previous][Input.RECEIVE_EOF]
        if self._state is not previous:
            # R6455-7.1.5-03, R6455-7.2.1-02
            self._abnormal_closure = CloseConnection(CloseReason.ABNORMAL_CLOSURE)

    def inject(self, event: Event) -> None:
        """Let `events` yield `event` before it reads on, as a proxy does that speaks in the peer's place."""
        self._events.append(event)

    @property
    def _events(self) -> deque[Event]:
        """The events that are yielded first, for a program to extend, as mitmproxy does."""
        if self._waiting is None:
            self._waiting = deque()  # made when it is asked for: it would be half of an idle connection
        return self._waiting

    def _all_events(self) -> Iterator[Event]:
        while self._waiting:
            yield self._waiting.popleft()
        self._waiting = None
        yield from self._decoder.events(self._conclude)

    def _conclude(self, end: CloseConnection | ParseFailed | None) -> CloseConnection | None:
        """Take in what ended the frames that were read, and return the last event, if there is one."""
        if end is None:
            if self._eof and self._abnormal_closure is None:
                self._end_of_file()
            closure, self._abnormal_closure = self._abnormal_closure, None
            return closure
        if isinstance(end, CloseConnection):
            self._state = CONNECTION[self._state][Input.RECEIVE_CLOSE]
            return end
        # Without what it was raised from, which would keep the bytes alive that were being read.
        end.__context__ = None
        self._protocol_error = end.with_traceback(None)
        self._state = CONNECTION[self._state][Input.RECEIVE_VIOLATION]
        return CloseConnection(end.code, str(end))  # R6455-7.1.7-01, -03, -05, R6455-10.7-03
