"""The opening handshake over any transport (RFC 6455 4): what each event does to its stage.

The tables of `states` say what may follow what. `handshake` has what HTTP/1.1 adds, and `stream_handshake`
what HTTP/2 and HTTP/3 add.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from .connection import Connection
from .errors import LocalProtocolError, LocalTypeError, LocalValueError, RemoteProtocolError
from .events import AcceptConnection, Event, RejectConnection, RejectData, Request
from .handshake_fields import Fields, checked_headers, refused
from .handshake_messages import answer_fields, offer_fields, read_answer, read_offers, rejection_fields
from .limits import Limits, checked_limits
from .states import (
    CLIENT_HANDSHAKE,
    SERVER_HANDSHAKE,
    STATE_OF_STAGE,
    ConnectionState,
    ConnectionType,
    Input,
    Stage,
)
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Generator

    from .extensions import Extension
    from .typing import BytesLike, Headers

Written = TypeVar("Written")
"""What a transport takes: bytes, or a header section of a stream."""

_INPUT_OF_EVENT = {
    Request: Input.SEND_REQUEST,
    AcceptConnection: Input.SEND_ACCEPT,
    RejectConnection: Input.SEND_REJECT,
    RejectData: Input.SEND_BODY,
}


class Agreement(NamedTuple):
    """What a finished handshake leaves to its connection: all that was agreed on, and what came after it."""

    extensions: list[Extension]
    """Those in use, in the order of the response: the objects of this one connection."""
    trailing_data: bytes
    """Bytes that came after the handshake, for the connection to read."""
    eof: bool
    """Whether the transport ended after them."""


class Handshake(Generic[Written]):
    """The opening handshake of one connection over any transport, up to its `agreement`."""

    agreement: Agreement | None = None
    """What the handshake leaves to the connection, once it is complete."""
    failed: bool = False
    """Whether the peer has broken the protocol."""
    _reserved: frozenset[bytes]  # names of fields that an application may not write
    _reserved_in_rejection: frozenset[bytes]
    _connection: Connection | None = None
    _eof = False

    _request: Request  # set, as the next one, once the stage is REQUESTED
    _offered: list[Extension]  # a client's
    _interim_responses = 0
    _body_received = 0
    _body_left: int | None = None  # bytes until a rejection's Content-Length is reached

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        if not isinstance(connection_type, ConnectionType):
            raise LocalTypeError(f"connection_type must be a ConnectionType, not {connection_type!r}")
        self.client: bool = connection_type is ConnectionType.CLIENT
        self._connection_type = connection_type
        self._table = CLIENT_HANDSHAKE if self.client else SERVER_HANDSHAKE
        self._stage = Stage.INITIAL
        self._limits = checked_limits(limits)
        self._events: deque[Event] = deque()
        self._early_data = bytearray()

    @property
    def state(self) -> ConnectionState:
        """How far the handshake has come."""
        return STATE_OF_STAGE[self._stage]

    @property
    def connection(self) -> Connection | None:
        """The connection that the agreement opens, each time the same, once the handshake is complete."""
        if self._connection is None and self.agreement is not None:
            extensions, data, eof = self.agreement
            self._connection = Connection(self._connection_type, extensions, data, limits=self._limits)
            if eof:
                self._connection.receive_data(None)
        return self._connection

    def __repr__(self) -> str:
        return f"{type(self).__name__}(client={self.client}, state={self.state})"

    def can_send(self, event_type: type[Event] | Event) -> bool:
        """Tell whether an event is permitted at this stage.

        :param event_type: the class of the event, or the event itself.
        """
        kind = event_type if isinstance(event_type, type) else type(event_type)
        return any(_INPUT_OF_EVENT.get(base) in self._table[self._stage] for base in kind.__mro__)

    def events(self) -> Generator[Event, None, None]:
        """Yield what has happened, each event once."""
        while self._events:
            yield self._events.popleft()

    def _next_stage(self, what: Input) -> Stage:
        """Look up where `what` leads, if it is permitted."""
        stage = self._table[self._stage].get(what)
        if stage is None:
            role = self._connection_type.name.lower()
            raise LocalProtocolError(
                f"{what.name} is not permitted to a {role} in state {self.state.name} ({self._stage.name})"
            )
        return stage

    def send(self, event: Event) -> Written:
        """Return `event` as it is to be sent to the peer.

        :raises LocalProtocolError: where the stage does not permit it or it cannot be written; then nothing
            has changed.
        """
        try:
            return self._sent(event)
        except LocalProtocolError:
            raise
        except (AttributeError, TypeError, ValueError) as error:
            raise LocalTypeError(f"{event!r} holds what cannot be sent: {error}") from error

    def _sent(self, event: Event) -> Written:
        """Look up the next stage and write the event; only then change anything."""
        if isinstance(event, Request):
            stage = self._next_stage(Input.SEND_REQUEST)
            fields, offered = offer_fields(event)
            # R6455-4.1-02, -18
            written = self._written_request(event, fields + self._own_fields(event.extra_headers))
            self._request, self._offered = event, offered
        elif isinstance(event, AcceptConnection):
            stage = self._next_stage(Input.SEND_ACCEPT)
            own = self._own_fields(event.extra_headers)  # before an extension agrees to anything
            fields, extensions = answer_fields(event, self._request)
            written = self._written_acceptance(fields + own)  # R6455-4.2.2-01
            self._agree(extensions, bytes(self._early_data))  # R6455-4.2.2-18
        elif isinstance(event, RejectConnection):
            stage = self._next_stage(Input.SEND_REJECT_HEAD if event.has_body else Input.SEND_REJECT)
            own = self._own_fields(event.headers, rejecting=True)
            fields, length = rejection_fields(event, own)
            written = self._written_rejection(event, fields)
            self._body_left = length
        elif isinstance(event, RejectData):
            stage = self._next_stage(Input.SEND_BODY_END if event.body_finished else Input.SEND_BODY)
            body = as_bytes(event.data, "The data of a RejectData")
            left = None if self._body_left is None else self._body_left - len(body)
            if left is not None and (left < 0 or (left > 0 and event.body_finished)):  # R9110-8.6-02
                raise LocalValueError(
                    f"{len(body)} bytes of body where Content-Length leaves {self._body_left} (RFC 9110 8.6)"
                )
            written = self._written_body(body, last=event.body_finished)
            self._body_left = left
        else:
            # R6455-4.1-40, R9110-7.8-06
            raise LocalProtocolError(f"{type(event).__name__} cannot be sent in state {self.state.name}")
        self._stage = stage
        return written

    def _own_fields(self, headers: Headers, *, rejecting: bool = False) -> Headers:
        """Return the application's header fields, which have to be permitted over this transport."""
        return checked_headers(headers, self._reserved_in_rejection if rejecting else self._reserved)

    @abstractmethod
    def _written_request(self, event: Request, fields: Headers) -> Written:
        """Write a request with `fields` and those of this transport."""

    @abstractmethod
    def _written_acceptance(self, fields: Headers) -> Written:
        """Write the acceptance of the request."""

    @abstractmethod
    def _written_rejection(self, event: RejectConnection, fields: Headers) -> Written:
        """Write a rejection."""

    @abstractmethod
    def _written_body(self, body: bytes, *, last: bool) -> Written:
        """Write a piece of the body of a rejection."""

    def receive_data(self, data: BytesLike | None) -> None:
        """Take in `data` of the transport, until a connection does that; None stands for its end.

        `b""` says nothing, unless a rejection's body ends with the TCP connection: then it is that end. Once
        the request is accepted, bytes are for the connection to receive, and the end changes nothing here.

        :raises RemoteProtocolError: where the peer broke the protocol; `event_hint` is the response to send,
            None where a stream is to be reset.
        :raises LocalProtocolError: for data after end of file, or after the handshake has ended.
        """
        if data is not None:
            data = as_bytes(data, "Received data")
            if not data and self._stage is not Stage.BODY:
                return
        if data is None:
            what = Input.RECEIVE_EOF
        else:
            what = Input.RECEIVE_LATE_BYTES if self._eof else Input.RECEIVE_BYTES
        stage = self._next_stage(what)
        try:
            self._receive_data(data)
        except RemoteProtocolError as error:
            self._fail(error)
            raise
        if data is None:
            self._eof = True  # R9113-8.5-04
            self._stage = stage

    @abstractmethod
    def _receive_data(self, data: bytes | None) -> None:
        """Judge data, or the end, where the stage permits it."""

    def _fail(self, _error: RemoteProtocolError) -> None:
        """Take in how the peer has broken the protocol."""
        self.failed = True
        self._stage = self._next_stage(Input.RECEIVE_VIOLATION)  # R6455-7.2.1-01, R6455-7.2.2-01

    def _receive(self, what: Input, event: Event) -> None:
        self._stage = self._next_stage(what)
        self._events.append(event)

    def _receive_offers(self, headers: Headers, fields: Fields, host: bytes, target: str) -> None:
        self._request = read_offers(headers, fields, host, target)
        self._receive(Input.RECEIVE_REQUEST, self._request)

    def _receive_early(self, data: bytes) -> None:
        """Keep what a client sends before its request is answered, for the connection."""
        limit = self._limits.max_early_data
        if len(self._early_data) + len(data) > limit:
            raise refused(f"More than {limit} bytes before the handshake was answered")
        self._early_data += data

    def _receive_interim(self) -> None:
        """Skip an interim response (RFC 9110 15.2), up to a number of them."""
        self._interim_responses += 1
        if self._interim_responses > self._limits.max_interim_responses:
            raise refused(f"More than {self._limits.max_interim_responses} interim responses")
        self._stage = self._next_stage(Input.RECEIVE_INTERIM)

    def _agree(self, extensions: list[Extension], trailing_data: bytes) -> None:
        if extensions:
            extensions = [extension.for_connection() for extension in extensions if extension.enabled()]
        self.agreement = Agreement(extensions, trailing_data, self._eof)

    def _receive_answer(self, headers: Headers, fields: Fields, trailing_data: bytes = b"") -> None:
        accepted = read_answer(headers, fields, self._request, self._offered)
        self._agree(accepted.extensions, trailing_data)  # R8441-5-09
        self._receive(Input.RECEIVE_ACCEPT, accepted)

    def _receive_body(self, data: bytes) -> None:
        """Hand on a piece of the body of a rejection, or its end."""
        left = self._limits.max_reject_body_size - self._body_received
        if len(data) > left:
            if left:
                self._events.append(RejectData(data[:left], body_finished=False))
            raise refused(f"A rejection with more than {self._limits.max_reject_body_size} bytes of body")
        self._body_received += len(data)
        event = RejectData(data, body_finished=not data)
        self._receive(Input.RECEIVE_BODY if data else Input.RECEIVE_BODY_END, event)
