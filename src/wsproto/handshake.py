"""The opening handshake over HTTP/1.1 (RFC 6455 4): h11 reads, the tables of `states` say what may follow."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import h11

from . import utilities
from .connection import Connection
from .events import AcceptConnection, Event, RejectConnection, RejectData, Request
from .frame_encoder import as_bytes
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
from .http_head import RequestHead, regular_acceptance, regular_request
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
from .utilities import LocalProtocolError, LocalTypeError, LocalValueError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from .extensions import Extension
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
# What h11 is told of a client's request, which is written here: that it asks for an upgrade.
_ANY_UPGRADE = h11.Request(
    method="GET", target="/", headers=[("Host", "h"), ("Connection", "upgrade"), ("Upgrade", "websocket")]
)
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
        self._h11: h11.Connection | None = None
        self._head_read = b""  # a request's head that h11 has not seen
        self._events: deque[Event] = deque()
        self._connection: Connection | None = None
        self._head_received = 0  # bytes of the head that is under way
        self._first_line_received = 0  # bytes of its first line
        self._first_line_complete = False

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
        except h11.LocalProtocolError as error:
            raise LocalValueError(f"{event!r} cannot be sent: {error}") from error
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
            response = h11.Response(status_code=event.status_code, headers=headers)
            data = self._sent_by_h11(response, *([] if event.has_body else [h11.EndOfMessage()]))
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
        sent = self._sent_by_h11(h11.Data(data=data), *([h11.EndOfMessage()] if event.body_finished else []))
        self._body_left = left
        self._stage = stage
        return sent

    def _sent_by_h11(self, *events: h11.Event) -> bytes:
        connection = self._h11_connection()
        return b"".join(connection.send(event) or b"" for event in events)

    def _h11_connection(self) -> h11.Connection:
        """Return h11's view of the exchange, made when there is something for it to read or write."""
        connection = self._h11
        if connection is None:
            role = h11.CLIENT if self.client else h11.SERVER
            connection = h11.Connection(role, max_incomplete_event_size=self._limits.max_handshake_size)
            if self.client:
                connection.send(_ANY_UPGRADE)
                connection.send(h11.EndOfMessage())
            elif self._head_read:
                connection.receive_data(self._head_read)
                connection.next_event()
            self._h11 = connection
        return connection

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
        if self._head_received:
            raise LocalProtocolError("Cannot initiate an upgrade connection when a request is being received")
        try:
            request = h11.Request(method=b"GET", target=path, headers=headers)
        except (h11.LocalProtocolError, TypeError, ValueError) as error:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_VIOLATION)
            raise self._bad_http(error) from error
        self.receive_data(written_head(b"GET %b HTTP/1.1" % request.target, list(request.headers)))

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
            self._receive_response(b"")  # which tells h11 that a body without a length ends here
        except RemoteProtocolError:
            self._stage = self._next_stage(HandshakeInput.RECEIVE_VIOLATION)
            raise

    def _next_h11_event(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        """Let h11 parse.

        :raises RemoteProtocolError: where the peer's message is not HTTP.
        """
        try:
            return self._h11_connection().next_event()
        except h11.RemoteProtocolError as error:
            raise self._bad_http(error) from error

    def _bad_http(self, error: Exception) -> RemoteProtocolError:
        """Turn an error of h11 into ours, whose text existing users compare with."""
        if isinstance(error, h11.ProtocolError) and error.error_status_hint == 431:
            return refused("Bad HTTP message", 431)
        return refused(
            "Missing header, 'Host'" if "Missing mandatory Host" in str(error) else "Bad HTTP message"
        )

    def _count_head(self, data: bytes, status_code: int) -> None:
        """Count what is received of a head, and hold its first line to its limit."""
        self._head_received += len(data)
        if self._first_line_complete:
            return
        end = data.find(b"\n")
        self._first_line_complete = end >= 0
        self._first_line_received += end if end >= 0 else len(data)
        if self._first_line_received > self._limits.max_header_line_size:
            raise refused(f"First line of more than {self._limits.max_header_line_size} bytes", status_code)

    def _end_of_head(self) -> bytes:
        """Hold the head that h11 has just read to its limit; return what came behind it."""
        trailing_data, _ = self._h11_connection().trailing_data
        size = self._head_received - len(trailing_data)
        self._head_received = len(trailing_data)
        if size > self._limits.max_handshake_size:
            raise refused(
                f"Head of {size} bytes, at most {self._limits.max_handshake_size} are permitted", 431
            )
        return trailing_data

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
            self._count_head(data, 414)
            self._h11_connection().receive_data(data)
            event = self._next_h11_event()
            if not isinstance(event, h11.Request):
                return
            trailing_data = self._end_of_head()
            request = RequestHead(event.method, event.target, event.http_version, list(event.headers))
        self._judged = judge_request(request, self._limits)
        self._keep_early_data(trailing_data)
        self._stage = self._next_stage(HandshakeInput.RECEIVE_REQUEST)
        self._events.append(self._judged.event)

    def _whole_head(self, data: bytes) -> bytes:
        """Return the head with which `data` begins; empty where it is in part, or too long."""
        if self._head_received:
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
        if self._h11 is None:
            head = self._whole_head(data)
            accepted = regular_acceptance(head)
            if accepted is not None:
                self._receive_acceptance(accepted, data[len(head) :])
                return
        self._count_head(data, 431)
        self._h11_connection().receive_data(data)
        while self._stage in (Stage.REQUESTED, Stage.BODY):
            event = self._next_h11_event()
            if isinstance(event, h11.InformationalResponse):
                self._receive_informational_response(event)
            elif isinstance(event, h11.Response):
                self._end_of_head()
                headers = self._judged_headers(event)
                self._events.append(RejectConnection(event.status_code, headers, has_body=True))
                self._stage = self._next_stage(HandshakeInput.RECEIVE_REJECT_HEAD)
            elif isinstance(event, h11.Data):
                self._receive_body(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._events.append(RejectData(b"", body_finished=True))
                self._stage = self._next_stage(HandshakeInput.RECEIVE_BODY_END)
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

    def _judged_headers(self, response: h11.InformationalResponse | h11.Response) -> Headers:
        headers = list(response.headers)
        judge_head_size(headers, self._limits)
        return headers

    def _receive_informational_response(self, response: h11.InformationalResponse) -> None:
        """Accept a 101, skip a 103 (RFC 9110 15.2), take any other as a rejection."""
        trailing_data = self._end_of_head()
        if response.status_code == _SWITCHING_PROTOCOLS:
            if response.http_version < b"1.1":
                raise refused("A 101 response must be HTTP/1.1 (RFC 6455 4.2.2)")
            self._receive_acceptance(list(response.headers), trailing_data)
            return
        headers = self._judged_headers(response)
        if response.status_code == _EARLY_HINTS:
            self._interim_responses += 1
            if self._interim_responses > self._limits.max_interim_responses:
                raise refused(f"More than {self._limits.max_interim_responses} interim responses")
            self._stage = self._next_stage(HandshakeInput.RECEIVE_INTERIM)
        else:
            self._events.append(RejectConnection(response.status_code, headers, has_body=False))
            self._stage = self._next_stage(HandshakeInput.RECEIVE_REJECT)

    def _receive_body(self, data: bytes) -> None:
        """Hand on a piece of the body of a rejection."""
        self._body_received += len(data)
        if self._body_received > self._limits.max_reject_body_size:
            raise refused(f"A rejection with more than {self._limits.max_reject_body_size} bytes of body")
        self._events.append(RejectData(data, body_finished=False))
        self._stage = self._next_stage(HandshakeInput.RECEIVE_BODY)
