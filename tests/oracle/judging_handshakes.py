"""Judges what a server or a client makes of any bytes in the opening handshake, and of what follows it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.oracle import judging
from tests.oracle.expected_events import Deflate
from tests.oracle.handshake_bytes import ACCEPT, KEY, accept_token, asked_server, read_head, read_response
from tests.oracle.judging import Setting, by_frame
from wsproto import Connection, ConnectionState, ConnectionType, Limits, WSConnection, utilities
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    RejectConnection,
    RejectData,
    Request,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wsproto.typing import Headers

_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n){0,8}")
_INTERIM: Final = re.compile(rb"1(?!01)[0-9][0-9]")
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: An extension with its parameters (RFC 6455 9.1); what is quoted has to be a token all the same.
_EXTENSION: Final = re.compile(
    r"T(?:[ \t]*;[ \t]*T(?:[ \t]*=[ \t]*(?:T|\"(?:\\?C)+\"))?)*".replace("T", "C+").replace(
        "C", r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
    )
)
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_LENGTH: Final = re.compile(rb"0*")
_WINDOW: Final = re.compile(rb"_max_window_bits=([0-9]+)")


class LooseHead(NamedTuple):
    """A head as a lenient reader takes it: what is found here may well be refused."""

    start_line: bytes
    fields: list[tuple[bytes, bytes]]
    behind: bytes
    """What comes after it."""
    size: int

    def all(self, name: bytes) -> list[bytes]:
        """The values of each line `name`, which is in lower case."""
        return [value for own, value in self.fields if own == name]

    def options(self, name: bytes) -> list[bytes]:
        """The elements of the lists in the lines `name`, in lower case."""
        return [option.lower() for option in _elements(self.all(name))]


def _elements(values: list[bytes]) -> list[bytes]:
    """The elements of the lists in `values`, but for empty ones (RFC 9110 5.6.1.2)."""
    parts = [part.strip(b" \t") for value in values for part in value.split(b",")]
    return [part for part in parts if part]


def loose_request(data: bytes) -> LooseHead | None:
    """Read the head of a request, behind the empty lines that a server skips (RFC 9112 2.2)."""
    empty_lines = _EMPTY_LINES.match(data)
    return loose_head(data[empty_lines.end() :] if empty_lines else data)


def loose_head(data: bytes) -> LooseHead | None:
    """Read the head that `data` begins with, None where it does not end."""
    end = _END_OF_HEAD.search(data)
    if end is None:
        return None
    first, *lines = _FOLD.sub(b" ", data[: end.start()]).split(b"\n")
    pairs = [line.rstrip(b"\r").partition(b":") for line in lines]
    fields = [(name.lower(), value.strip(b" \t")) for name, _, value in pairs]
    return LooseHead(first.rstrip(b"\r"), fields, data[end.end() :], end.end())


def _assert_within(head: LooseHead, limits: Limits) -> None:
    """A head that the library let through keeps to the limits."""
    assert head.size <= limits.max_handshake_size
    assert len(head.fields) <= limits.max_headers
    assert all(len(name + value) <= limits.max_header_line_size for name, value in head.fields)


class Outcome(NamedTuple):
    """What a connection made of what it received."""

    events: list[Event]
    error: tuple[str, Event | None] | None
    state: ConnectionState


@contextmanager
def known_key() -> Iterator[None]:
    """Let a client ask with the key of RFC 6455 1.3, which `ACCEPT` answers."""
    generate = utilities.generate_nonce
    utilities.generate_nonce = lambda: KEY
    try:
        yield
    finally:
        utilities.generate_nonce = generate


def _received(connection: WSConnection, pieces: Sequence[bytes | None]) -> Outcome:
    """Receive `pieces` until one is refused; only a RemoteProtocolError may refuse."""
    events: list[Event] = []
    error = None
    for piece in pieces:
        if connection.state is ConnectionState.CLOSED and piece is not None:
            break
        if piece == b"":
            continue  # which may be the end of a body
        try:
            connection.receive_data(piece)
        except RemoteProtocolError as refusal:
            error = str(refusal), refusal.event_hint
        events += connection.events()
        if error:
            break
    return Outcome(by_frame(_bodies_joined(events)), error, connection.state)


def _bodies_joined(events: list[Event]) -> list[Event]:
    """Join the pieces of a rejection's body."""
    bodies = [event for event in events if isinstance(event, RejectData)]
    if not bodies:
        return events
    assert not any(body.body_finished for body in bodies[:-1])
    others = [event for event in events if not isinstance(event, RejectData)]
    return [*others, RejectData(b"".join(body.data for body in bodies), bodies[-1].body_finished)]


# Servers -----------------------------------------------------------------------------------------


def assert_server_handles(
    pieces: Sequence[bytes], limits: Limits, *, eof: bool = False, reject: RejectConnection | None = None
) -> None:
    """Let a server receive `pieces`, then accept or `reject` what it has to, and judge all of it."""
    data = b"".join(pieces)
    end = [None] if eof else []
    server = WSConnection(ConnectionType.SERVER, limits=limits)
    outcome = _received(server, [*pieces, *end])
    assert outcome == _received(WSConnection(ConnectionType.SERVER, limits=limits), [data, *end])
    if outcome.error is not None:
        assert len(outcome.events) <= 1
        assert_refused(server, outcome)
    elif outcome.events:
        (request,) = outcome.events
        assert isinstance(request, Request)
        head = loose_request(data)
        assert head is not None
        assert_acceptable_request(head, request)
        _assert_within(head, limits)
        assert len(head.start_line) <= limits.max_header_line_size
        assert len(head.behind) <= limits.max_early_data
        if reject is not None:
            assert_rejected(server, reject)
        else:
            assert_accepted(server, head, eof=eof)
    else:
        assert outcome.state is (ConnectionState.CLOSED if eof else ConnectionState.CONNECTING)
        assert loose_request(data) is None


def assert_refused(server: WSConnection, outcome: Outcome) -> None:
    """A server that refuses a request answers with the hint of its error, and with a rejection only."""
    assert outcome.error is not None
    hint = outcome.error[1]
    assert isinstance(hint, RejectConnection)
    assert hint.status_code in {400, 414, 426, 431}
    assert outcome.state is ConnectionState.CONNECTING
    assert not server.can_send(AcceptConnection)
    _assert_cannot_send(server, AcceptConnection())
    assert_rejected(server, hint)


def assert_rejected(server: WSConnection, event: RejectConnection) -> None:
    """Send a rejection that is right, with a body where it has one."""
    sent = server.send(event)
    body = b""
    if event.has_body:
        assert server.state is ConnectionState.REJECTING
        body = b"No."
        sent += server.send(RejectData(body[:1], body_finished=False))
        sent += server.send(RejectData(body[1:]))
    assert server.state is ConnectionState.CLOSED
    head, received = read_response(sent)
    assert (head.status, received) == (event.status_code, body)


def _assert_cannot_send(connection: WSConnection, event: Event) -> None:
    state = connection.state
    try:
        connection.send(event)
    except LocalProtocolError:
        assert connection.state is state
    else:
        raise AssertionError(f"{event} was sent in state {state}")


def assert_acceptable_request(head: LooseHead, request: Request) -> None:
    """Hold a request that the library let through to RFC 6455 4.2.1."""
    method, target, version = head.start_line.split(b" ")
    assert method == b"GET"
    assert version == b"HTTP/1.1" or (version > b"HTTP/1.1" and version < b"HTTP/2"), version
    assert b"#" not in target
    assert len(head.all(b"host")) == 1
    assert head.all(b"sec-websocket-version") == [b"13"]
    (key,) = head.all(b"sec-websocket-key")
    assert _KEY.fullmatch(key)
    assert b"websocket" in head.options(b"upgrade")
    assert b"upgrade" in head.options(b"connection")
    assert not head.all(b"transfer-encoding")
    assert all(_LENGTH.fullmatch(length) for length in head.all(b"content-length"))
    assert request.target.startswith("/")
    assert request.target.isascii()
    assert request.host or head.all(b"host") == [b""]
    assert len(set(request.subprotocols)) == len(request.subprotocols)
    assert all(_TOKEN.fullmatch(subprotocol) for subprotocol in request.subprotocols)
    assert request.subprotocols == [
        option.decode() for option in _elements(head.all(b"sec-websocket-protocol"))
    ]
    assert bool(request.subprotocols) is bool(head.all(b"sec-websocket-protocol"))
    assert all(_EXTENSION.fullmatch(str(extension)) for extension in request.extensions)
    _assert_fields(request.extra_headers)


def _assert_fields(headers: Headers) -> None:
    for name, value in headers:
        assert type(name) is type(value) is bytes
        assert name == name.lower()
        assert not set(b"\r\n\0") & {*name, *value}


def assert_accepted(server: WSConnection, head: LooseHead, *, eof: bool) -> None:
    """Accept a request; what came behind it comes out as if it had come later."""
    extension = PerMessageDeflate()
    _assert_cannot_send(server, AcceptConnection(subprotocol="never offered, not a token"))
    sent = server.send(AcceptConnection(extensions=[extension]))
    assert server.state is not ConnectionState.CONNECTING
    sent = sent.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    answer, rest = read_head(sent)
    assert rest == b""
    assert answer.status == 101
    (key,) = head.all(b"sec-websocket-key")
    assert answer.one(b"Sec-WebSocket-Accept") == accept_token(key)
    agreed = b"".join(answer.all(b"Sec-WebSocket-Extensions"))
    assert extension.enabled() is bool(agreed)
    assert_opened(server, agreed, head.behind, list(server.events()), eof=eof)


def assert_opened(
    connection: Connection, agreed: bytes, behind: bytes, events: list[Event], *, eof: bool
) -> None:
    """Judge what an open connection made of the bytes `behind` a handshake."""
    deflate = None
    if agreed:
        peer = b"server" if connection.client else b"client"
        window = re.search(peer + _WINDOW.pattern, agreed)
        deflate = Deflate(
            int(window[1]) if window else 15, takeover=peer + b"_no_context_takeover" not in agreed
        )
    setting = Setting(ConnectionType.CLIENT if connection.client else ConnectionType.SERVER, deflate)
    due = setting.expected(behind)
    if eof:
        closes = [event for event in events if isinstance(event, CloseConnection)]
        assert len(closes) == 1
        assert events[-1] is closes[0]
        if closes[0].code == 1006:
            events = events[:-1]
            assert connection.state is ConnectionState.CLOSED
            assert by_frame(events) == due.events
            return
    judging.assert_as_read(events, connection, due)


# Clients -----------------------------------------------------------------------------------------


REQUESTS: Final = (
    Request("localhost", "/"),
    Request("localhost", "/", subprotocols=["chat", "superchat"]),
    Request("localhost", "/", extensions=[PerMessageDeflate()]),
    Request(
        "localhost",
        "/",
        extensions=[PerMessageDeflate(True, 10, True, 9)],
        subprotocols=["chat"],
    ),
)


def assert_client_handles(
    pieces: Sequence[bytes], limits: Limits, request: Request, *, eof: bool = False
) -> None:
    """Let a client that has sent `request`, with `KEY`, receive `pieces`, and judge what it makes of them."""
    data = b"".join(pieces)
    end = [None] if eof else []
    client = _asking(request, limits)
    outcome = _received(client, [*pieces, *end])
    assert outcome == _received(_asking(request, limits), [data, *end])
    if outcome.events and isinstance(outcome.events[0], AcceptConnection):
        assert outcome.error is None
        assert_acceptance(client, data, request, outcome, limits=limits, eof=eof)
    elif outcome.error is not None:
        assert outcome.state is ConnectionState.CLOSED
        hint = outcome.error[1]
        assert isinstance(hint, RejectConnection)
        head, _ = read_response(asked_server().send(hint))
        assert head.status == hint.status_code
        _assert_rejection(outcome.events, limits, finished=False)
    elif outcome.events:
        _assert_rejection(outcome.events, limits, finished=outcome.state is ConnectionState.CLOSED)
    else:
        assert outcome.state is ConnectionState.CONNECTING
        assert not eof


def _asking(request: Request, limits: Limits) -> WSConnection:
    client = WSConnection(ConnectionType.CLIENT, limits=limits)
    with known_key():
        client.send(request)
    return client


def assert_acceptance(
    client: WSConnection, data: bytes, request: Request, outcome: Outcome, *, limits: Limits, eof: bool
) -> None:
    """Hold a response that the library let through to RFC 6455 4.1, and to the limits."""
    accepted, *events = outcome.events
    assert isinstance(accepted, AcceptConnection)
    agreed = [one for one in accepted.extensions if isinstance(one, PerMessageDeflate)]
    head = loose_head(data)
    assert head is not None
    assert len(head.start_line) <= limits.max_header_line_size
    interim_responses = 0
    while _INTERIM.fullmatch(head.start_line.split(b" ")[1]):
        interim_responses += 1
        _assert_within(head, limits)
        head = loose_head(head.behind)
        assert head is not None
    assert interim_responses <= limits.max_interim_responses
    _assert_within(head, limits)
    assert re.match(rb"HTTP/1\.[1-9] 101(?: |$)", head.start_line), head.start_line
    assert head.options(b"upgrade") == [b"websocket"]
    assert b"upgrade" in head.options(b"connection")
    assert head.all(b"sec-websocket-accept") == [ACCEPT]
    subprotocols = _elements(head.all(b"sec-websocket-protocol"))
    assert len(head.all(b"sec-websocket-protocol")) == len(subprotocols)
    assert subprotocols == ([] if accepted.subprotocol is None else [accepted.subprotocol.encode()])
    assert accepted.subprotocol in {None, *request.subprotocols}
    assert set(agreed) <= set(request.extensions)
    extensions = _elements(head.all(b"sec-websocket-extensions"))
    assert len(head.all(b"sec-websocket-extensions")) == len(extensions) == len(agreed) <= 1
    _assert_fields(accepted.extra_headers)
    assert_opened(client, _in_force(extensions, agreed), head.behind, events, eof=eof)


def _in_force(extensions: list[bytes], agreed: list[PerMessageDeflate]) -> bytes:
    """What the response says; the values may be quoted."""
    return b"".join(extensions).replace(b'"', b"").replace(b" ", b"") if agreed else b""


def _assert_rejection(events: list[Event], limits: Limits, *, finished: bool) -> None:
    """A rejection is its head, then its body, which may end only once."""
    if not events:
        return
    rejected, *bodies = events
    assert isinstance(rejected, RejectConnection)
    assert rejected.status_code != 101
    _assert_fields(rejected.headers)
    assert all(isinstance(body, RejectData) for body in bodies)
    assert len(bodies) <= 1  # they are joined
    assert (
        sum(len(body.data) for body in bodies if isinstance(body, RejectData)) <= limits.max_reject_body_size
    )
    if finished and rejected.has_body:
        assert isinstance(bodies[0], RejectData)
        assert bodies[0].body_finished
