"""The opening handshake over HTTP/1.1 (RFC 6455 4): h11 reads, the tables of `states` say what may follow."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from . import utilities
from .connection import Connection
from .errors import LocalProtocolError, LocalTypeError, LocalValueError, RemoteProtocolError
from .events import AcceptConnection, Event, RejectConnection, RejectData, Request
from .handshake_fields import WEBSOCKET_VERSION, judge_head_size, refused, written_head
from .handshake_request import JudgedRequest, judge_request, request_headers, written_target
from .handshake_response import (
    client_extensions_handshake,
    declared_length,
    judge_acceptance,
    rejection_headers,
    server_extensions_handshake,
    written_acceptance,
)
from .http_head import RequestHead, ResponseHead, regular_acceptance, regular_request
from .limits import DEFAULT_LIMITS, Limits
from .states import (
    CLIENT_HANDSHAKE,
    SERVER_HANDSHAKE,
    STATE_OF_STAGE,
    ConnectionState,
    ConnectionType,
    HandshakeInput,
    Stage,
)
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Generator

    from .extensions import Extension
    from .h11_exchange import H11Exchange
    from .typing import BytesLike, Headers

__all__ = [
    "WEBSOCKET_VERSION",
    "H11Handshake",
    "client_extensions_handshake",
    "server_extensions_handshake",
]

_INPUT_OF_EVENT = {
    Request: HandshakeInput.SEND_REQUEST,
    AcceptConnection: HandshakeInput.SEND_ACCEPT,
    RejectConnection: HandshakeInput.SEND_REJECT,
    RejectData: HandshakeInput.SEND_BODY,
}
_EARLY_HINTS = 103
_SWITCHING_PROTOCOLS = 101


class H11Handshake:
    """The opening handshake of one connection, up to its `connection`.

    :param connection_type: which side this is.
    :param limits: bounds on what the peer may send.
    """

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        if not isinstance(connection_type, ConnectionType):
            raise LocalTypeError(f"connection_type must be a ConnectionType, not {connection_type!r}")
        self.client = connection_type is ConnectionType.CLIENT
        self._table = CLIENT_HANDSHAKE if self.client else SERVER_HANDSHAKE
        self._stage = Stage.INITIAL
        self._limits = limits or DEFAULT_LIMITS
        self._exchange: H11Exchange | None = None
        self._head_read = b""  # a request's head that h11 has not seen
        self._events: deque[Event] = deque()
        self._connection: Connection | None = None

        self._request: Request  # a client's, from the stage REQUESTED on
        self._offered: list[Extension] = []
        self._key = b""
        self._interim_responses = 0
        self._body_received = 0

        self._judged: JudgedRequest  # the request that a server has got, from the stage REQUESTED on
        self._early_data = bytearray()
        self._eof = False
        self._body_left: int | None = None  # bytes until a rejection's Content-Length is reached

    @property
    def state(self) -> ConnectionState:
        """How far the handshake has come."""
        return STATE_OF_STAGE[self._stage]

    @property
    def announced(self) -> bool:
        """Whether `events` has nothing to yield."""
        return not self._events

    @property
    def connection(self) -> Connection | None:
        """The connection, once the handshake is complete."""
        return self._connection

    def __repr__(self) -> str:
        return f"{type(self).__name__}(client={self.client}, state={self.state})"

    def can_send(self, event_type: type[Event]) -> bool:
        """Tell whether an event of this class is permitted at this stage."""
        return any(_INPUT_OF_EVENT.get(kind) in self._table[self._stage] for kind in event_type.__mro__)

    def _next_stage(self, what: HandshakeInput) -> Stage:
        """Look up where `what` leads.

        :raises LocalProtocolError: where it is not permitted.
        """
        stage = self._table[self._stage].get(what)
        if stage is None:
            role = "client" if self.client else "server"
            raise LocalProtocolError(
                f"{what.name} is not permitted to a {role} in state {self.state} ({self._stage.name})"
            )
        return stage

    # Sending

    def send(self, event: Event) -> bytes:
        """Return the bytes that say `event` to the peer.

        :raises LocalProtocolError: where the stage does not permit it or it cannot be written; then nothing
            has changed.
        """
        try:
            if isinstance(event, Request):
                return self._send_request(event)
            if isinstance(event, AcceptConnection):
                return self._send_accept(event)
            if isinstance(event, RejectConnection):
                return self._send_reject(event)
            if isinstance(event, RejectData):
                return self._send_body(event)
        except LocalProtocolError:
            raise
        except (AttributeError, TypeError, ValueError) as error:
            raise LocalTypeError(f"{event!r} holds what cannot be sent: {error}") from error
        raise LocalProtocolError(
            f"{event!r} cannot be sent in state {self.state}, before the handshake is complete"
        )

    def _send_request(self, event: Request) -> bytes:
        """Write a client's request (RFC 6455 4.1)."""
        stage = self._next_stage(HandshakeInput.SEND_REQUEST)
        key = utilities.generate_nonce()
        headers, offered = request_headers(event, key)
        data = written_head(b"GET %b HTTP/1.1" % written_target(event.target), headers)
        self._stage = stage
        self._request = event
        self._offered = offered
        self._key = key
        return data

    def _send_accept(self, event: AcceptConnection) -> bytes:
        """Write the response that accepts (RFC 6455 4.2.2); what came early belongs to the connection."""
        stage = self._next_stage(HandshakeInput.SEND_ACCEPT)
        data, extensions = written_acceptance(event, self._judged)
        connection = Connection(
            ConnectionType.SERVER, extensions, bytes(self._early_data), limits=self._limits
        )
        if self._eof:
            connection.receive_data(None)
        self._connection = connection
        self._stage = stage
        return data

    def _send_reject(self, event: RejectConnection) -> bytes:
        """Write the response that rejects (RFC 6455 4.2.2), or its head."""
        what = HandshakeInput.SEND_REJECT_HEAD if event.has_body else HandshakeInput.SEND_REJECT
        stage = self._next_stage(what)
        headers = rejection_headers(event)
        body_left = declared_length(headers)
        if event.status_code < 200:
            data = written_head(b"HTTP/1.1 %d " % event.status_code, headers)
        else:
            data = self._h11().send_head(event.status_code, headers, has_body=event.has_body)
        self._body_left = body_left
        self._stage = stage
        return data

    def _send_body(self, event: RejectData) -> bytes:
        """Write a piece of the body of a rejection."""
        stage = self._next_stage(
            HandshakeInput.SEND_BODY_END if event.body_finished else HandshakeInput.SEND_BODY
        )
        data = as_bytes(event.data, "The data of a RejectData")
        left = None if self._body_left is None else self._body_left - len(data)
        if left is not None and (left < 0 or (left > 0 and event.body_finished)):
            raise LocalValueError(
                f"{len(data)} bytes of body where Content-Length leaves {self._body_left} (RFC 9110 8.6)"
            )
        sent = self._h11().send_body(data, last=event.body_finished)
        self._body_left = left
        self._stage = stage
        return sent

    def _h11(self) -> H11Exchange:
        """Return h11's part of the exchange, made when there is something for it to read or write."""
        if self._exchange is None:
            # Imported here, since few handshakes come so far: it would be a quarter of the time of
            # `import wsproto` (7 of 28 milliseconds).
            from .h11_exchange import H11Exchange  # noqa: PLC0415

            self._exchange = H11Exchange(client=self.client, limits=self._limits, head_read=self._head_read)
        return self._exchange

    # Receiving

    def events(self) -> Generator[Event, None, None]:
        """Yield what has happened."""
        while self._events:
            yield self._events.popleft()

    def initiate_upgrade_connection(self, headers: Headers, path: bytes | str) -> None:
        """Take in a request that a server has read and parsed already.

        :param headers: its header fields.
        :param path: its target.
        :raises RemoteProtocolError: for a request that may not be accepted.
        :raises LocalProtocolError: on a client, or after a request.
        """
        if self.client:
            raise LocalProtocolError("Cannot initiate an upgrade connection when acting as the client")
        self._next_stage(HandshakeInput.RECEIVE_REQUEST)
        if self._exchange is not None:
            raise LocalProtocolError("Cannot initiate an upgrade connection when a request is being received")
        from .h11_exchange import checked_request  # noqa: PLC0415 - see `_h11`

        try:
            request = checked_request(path, headers)
        except RemoteProtocolError:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_VIOLATION)
            raise
        self.receive_data(written_head(b"GET %b HTTP/1.1" % request.target, request.headers))

    def receive_data(self, data: BytesLike | None) -> None:
        """Take in what the transport received; None stands for end of file.

        :raises RemoteProtocolError: where the peer broke the protocol; `event_hint` is the response to send.
        :raises LocalProtocolError: for data after the handshake came to nothing.
        """
        if data is None:
            self._receive_eof()
            return
        data = as_bytes(data, "Received data")
        if self._stage in (Stage.ENDED, Stage.ACCEPTED):
            raise LocalProtocolError(f"Data cannot be received in state {self.state}")
        if not data:
            return
        try:
            if self.client:
                self._receive_response(data)
            else:
                self._receive_request(data)
        except RemoteProtocolError:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_VIOLATION)
            raise

    def _receive_eof(self) -> None:
        """Judge end of file (RFC 6455 7.2)."""
        if not self.client:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_EOF)
            self._eof = True
            return
        if self._stage is Stage.ENDED:
            return
        try:
            if self._stage is not Stage.BODY:
                raise refused(
                    "The connection ended before the opening handshake was complete (RFC 6455 7.2.1)"
                )
            self._h11().receive_eof()  # where a body without a length ends
            self._read_response()
        except RemoteProtocolError:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_VIOLATION)
            raise

    def _receive_request(self, data: bytes) -> None:
        """Read a client's request; what comes behind it waits until it is answered."""
        if self._stage is Stage.REQUESTED:
            self._keep_early_data(data)
        if self._stage is not Stage.INITIAL:
            return
        head = self._whole_head(data)
        request = regular_request(head)
        if request is not None:
            self._head_read = head
            trailing_data = data[len(head) :]
        else:
            exchange = self._h11()
            exchange.receive(data)
            found = exchange.next()
            if not isinstance(found, RequestHead):
                return
            request = found
            trailing_data = exchange.trailing_data
        self._judged = judge_request(request, self._limits)
        self._stage = self._next_stage(HandshakeInput.RECEIVE_REQUEST)
        self._events.append(self._judged.event)
        self._keep_early_data(trailing_data)

    def _whole_head(self, data: bytes) -> bytes:
        """Return the head with which `data` begins; empty where it is in part, or too long."""
        if self._exchange is not None:
            return b""
        limits = self._limits
        size = data.find(b"\r\n\r\n") + 4
        if size > limits.max_handshake_size or data.find(b"\n") > limits.max_header_line_size:
            return b""
        return data[:size] if size > 3 else b""

    def _keep_early_data(self, data: bytes) -> None:
        if len(self._early_data) + len(data) > self._limits.max_early_data:
            raise refused(f"More than {self._limits.max_early_data} bytes before the handshake was answered")
        self._early_data += data

    def _receive_response(self, data: bytes) -> None:
        """Read a server's response, and the body of one that rejects."""
        if self._stage is Stage.INITIAL:
            raise refused("The server spoke before it was asked (RFC 6455 4.1)")
        head = self._whole_head(data)
        accepted = regular_acceptance(head)
        if accepted is not None:
            self._receive_acceptance(accepted, data[len(head) :])
            return
        self._h11().receive(data)
        self._read_response()

    def _read_response(self) -> None:
        """Read what there is of a response with h11."""
        exchange = self._h11()
        while self._stage in (Stage.REQUESTED, Stage.BODY):
            found = exchange.next()
            if isinstance(found, ResponseHead):
                self._receive_response_head(found)
            elif isinstance(found, bytes):
                self._receive_body(found)
            else:
                return

    def _receive_acceptance(self, headers: Headers, trailing_data: bytes) -> None:
        """Judge a 101 response; what comes behind it belongs to the connection."""
        judge_head_size(headers, self._limits)
        accepted = judge_acceptance(headers, self._request, self._offered, self._key)
        self._connection = Connection(
            ConnectionType.CLIENT, accepted.extensions, trailing_data, limits=self._limits
        )
        self._events.append(accepted)
        self._stage = self._next_stage(HandshakeInput.RECEIVE_ACCEPT)

    def _receive_response_head(self, response: ResponseHead) -> None:
        """Accept a 101, skip a 103 (RFC 9110 15.2), take any other as a rejection."""
        if response.status_code == _SWITCHING_PROTOCOLS:
            if not b"1.1" <= response.http_version < b"2":
                raise refused("A 101 response must be HTTP/1.1 (RFC 6455 4.2.2)")
            self._receive_acceptance(response.headers, self._h11().trailing_data)
            return
        judge_head_size(response.headers, self._limits)
        if response.status_code == _EARLY_HINTS:
            self._interim_responses += 1
            if self._interim_responses > self._limits.max_interim_responses:
                raise refused(f"More than {self._limits.max_interim_responses} interim responses")
            self._stage = self._next_stage(HandshakeInput.RECEIVE_INTERIM)
            return
        final = response.status_code >= 200
        self._events.append(RejectConnection(response.status_code, response.headers, has_body=final))
        self._stage = self._next_stage(
            HandshakeInput.RECEIVE_REJECT_HEAD if final else HandshakeInput.RECEIVE_REJECT
        )

    def _receive_body(self, data: bytes) -> None:
        """Hand on a piece of the body of a rejection, or its end."""
        left = self._limits.max_reject_body_size - self._body_received
        if len(data) > left:
            if left:
                self._events.append(RejectData(data[:left], body_finished=False))
            raise refused(f"A rejection with more than {self._limits.max_reject_body_size} bytes of body")
        self._body_received += len(data)
        self._events.append(RejectData(data, body_finished=not data))
        self._stage = self._next_stage(
            HandshakeInput.RECEIVE_BODY if data else HandshakeInput.RECEIVE_BODY_END
        )
