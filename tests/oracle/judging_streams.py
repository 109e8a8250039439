"""Judges what a `StreamHandshake` makes of any header sections and data of a stream.

A strict reader of its own says of a request or a response which rules it breaks (RFC 8441, 9113, 9114, 9220),
and so what has to become of it; it shares no code with the library.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.oracle.judging_handshakes import assert_opened
from wsproto import Connection, ConnectionState, ConnectionType, Ending, Limits
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.stream_handshake import StreamHandshake, asks_for_websocket
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsproto.typing import Headers

Step = list[tuple[bytes, bytes]] | bytes | None
"""A header section, data, or the end of the stream."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_PATH: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_PROTOCOL: Final = re.compile(_TOKEN + rb"(?:/" + _TOKEN + rb")?")
_HOST: Final = re.compile(
    rb"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[([0-9A-Fa-f:.]+)\]"
    rb"|\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~:!$&'()*+,;=]+\])(?::[0-9]*)?"
)
_EXTENSION: Final = re.compile(
    rb"T(?:[ \t]*;[ \t]*T(?:[ \t]*=[ \t]*(?:T|\"(?:\\?[!#$%&'*+\-.^_`|~0-9A-Za-z])+\"))?)*".replace(
        b"T", _TOKEN
    )
)
_HOP_BY_HOP: Final = {b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"transfer-encoding"}
_REQUEST: Final = {b":method", b":protocol", b":scheme", b":authority", b":path"}
_PERMITTED_ERRORS: Final = {400, 431, 501}


class Read(NamedTuple):
    """A header section as the strict reader takes it."""

    faults: set[int]
    """The statuses that may refuse it; none where nothing is wrong."""
    unsure: bool
    """Whether it has a quoted string or an IDNA label, which this reader leaves to others."""
    fields: dict[bytes, list[bytes]]

    def one(self, name: bytes) -> bytes:
        """The only value of a field, empty where there is not one."""
        values = self.fields.get(name, [])
        return values[0] if len(values) == 1 else b""

    def elements(self, name: bytes) -> list[bytes]:
        """The elements of a list over all its lines."""
        parts = [part.strip(b" \t") for value in self.fields.get(name, []) for part in value.split(b",")]
        return [part for part in parts if part]


def _read(section: Headers, pseudo: set[bytes], limits: Limits) -> Read:
    faults: set[int] = set()
    if sum(32 + len(name) + len(value) for name, value in section) > limits.max_handshake_size:
        faults.add(431)
    if len(section) > limits.max_headers:
        faults.add(431)
    fields: dict[bytes, list[bytes]] = {}
    regular = False
    for name, value in section:
        if len(name) + len(value) + 2 > limits.max_header_line_size:
            faults.add(431)
        if not _VALUE.fullmatch(value):
            faults.add(400)
        if name[:1] == b":":
            if regular or name in fields or name not in pseudo:
                faults.add(400)
        else:
            regular = True
            if not _NAME.fullmatch(name) or name in _HOP_BY_HOP:
                faults.add(400)
            if name == b"te" and value.lower() != b"trailers":
                faults.add(400)
        fields.setdefault(name, []).append(value)
    lists = (b"sec-websocket-extensions", b"sec-websocket-protocol")
    unsure = any(b'"' in value for name in lists for value in fields.get(name, []))
    unsure = unsure or any(b"xn--" in value.lower() for value in fields.get(b":authority", []))
    return Read(faults, unsure, fields)


def _lists_are_right(read: Read) -> bool:
    """Whether the lists of subprotocols and extensions have elements, which keep to their grammar."""
    subprotocols = read.elements(b"sec-websocket-protocol")
    extensions = read.elements(b"sec-websocket-extensions")
    return (
        bool(subprotocols) is (b"sec-websocket-protocol" in read.fields)
        and bool(extensions) is (b"sec-websocket-extensions" in read.fields)
        and all(re.fullmatch(_TOKEN, subprotocol) for subprotocol in subprotocols)
        and all(_EXTENSION.fullmatch(extension) for extension in extensions)
    )


def _is_host(authority: bytes) -> bool:
    match = _HOST.fullmatch(authority)
    if match is None or len(authority) > 261:
        return False
    try:
        return match[1] is None or IPv6Address(match[1].decode()) is not None
    except AddressValueError:
        return False


def read_request(section: Headers, limits: Limits) -> Read:
    """Read a request: what is wrong with it as an extended CONNECT for a WebSocket."""
    read = _read(section, _REQUEST, limits)
    fields = read.fields
    if b":protocol" not in fields:
        strange = read.one(b":method") == b"CONNECT" and (b":scheme" in fields or b":path" in fields)
        read.faults.add(400 if strange else 501)
        return read
    protocol = read.one(b":protocol")
    if _PROTOCOL.fullmatch(protocol) and protocol.lower() != b"websocket":
        read.faults.add(501)
    subprotocols = read.elements(b"sec-websocket-protocol")
    host = fields.get(b"host", [read.one(b":authority")])
    right = (
        read.one(b":method") == b"CONNECT",
        _PROTOCOL.fullmatch(protocol),
        read.one(b":scheme").lower() in {b"http", b"https"},
        _PATH.fullmatch(read.one(b":path")),
        _is_host(read.one(b":authority")),
        [one.lower() for one in host] == [read.one(b":authority").lower()],
        fields.get(b"sec-websocket-version") == [b"13"],
        b"content-length" not in fields or re.fullmatch(rb"0+", read.one(b"content-length")),
        len(set(subprotocols)) == len(subprotocols),
        _lists_are_right(read),
    )
    if not all(right):
        read.faults.add(400)
    return read


def assert_server_handles(
    steps: Sequence[Step], limits: Limits, *, reject: RejectConnection | None = None
) -> None:
    """Let a server receive `steps`, then accept or `reject` what it has to, and judge all of it."""
    server = StreamHandshake(ConnectionType.SERVER, limits=limits)
    asked: Read | None = None
    early, ended = b"", False
    for step in steps:
        faults: set[int] = set()
        unsure = False
        if isinstance(step, list):
            asked, faults, unsure = _request_step(asked, step, limits)
        elif step and asked is None:
            faults = {400}
        elif step:
            early += step
            faults = {400} if len(early) > limits.max_early_data else set()
        error = _receive(server, step)
        if error is not None or (faults and not unsure):
            assert error is not None, f"it breaks a rule, and was let through: {step!r}"
            assert faults or unsure, f"{error}: {step!r}"
            assert_refused(server, error, faults | ({400} if unsure else set()))
            return
        if step is None:
            ended = True
            break
    events = list(server.events())
    if asked is None:
        assert events == []
        assert server.state is (ConnectionState.CLOSED if ended else ConnectionState.CONNECTING)
        return
    (request,) = events
    assert isinstance(request, Request)
    assert_request(server, request, asked)
    if reject is None:
        assert_accepted(server, early, eof=ended)
    else:
        _assert_rejected(server, reject)


def _request_step(asked: Read | None, step: Headers, limits: Limits) -> tuple[Read, set[int], bool]:
    if asked is not None:
        return asked, {400}, False
    read = read_request(step, limits)
    assert not (not read.faults and not asks_for_websocket(step))
    return read, read.faults, read.unsure


def _receive(handshake: StreamHandshake, step: Step) -> RemoteProtocolError | None:
    """Receive one step; only a RemoteProtocolError may refuse it."""
    try:
        if isinstance(step, list):
            handshake.receive_headers(step)
        else:
            handshake.receive_data(step)
    except RemoteProtocolError as error:
        return error
    return None


def assert_refused(server: StreamHandshake, error: RemoteProtocolError, statuses: set[int]) -> None:
    """A server that refuses answers with the hint of its error, and with a rejection only."""
    hint = error.event_hint
    assert isinstance(hint, RejectConnection)
    assert hint.status_code in statuses <= _PERMITTED_ERRORS
    assert server.state is ConnectionState.CONNECTING
    assert server.failed
    _assert_cannot_send(server, AcceptConnection())
    _assert_rejected(server, hint)


def _assert_rejected(server: StreamHandshake, event: RejectConnection) -> None:
    headers = server.send(event)
    assert headers[0] == (b":status", b"%d" % event.status_code)
    _assert_written(headers)
    if event.has_body:
        assert server.state is ConnectionState.REJECTING
        assert server.send(RejectData(b"N", body_finished=False)) == b"N"
        assert server.send(RejectData(b"o.")) == b"o."
    assert server.state is ConnectionState.CLOSED
    assert server.connection is None


def _assert_cannot_send(handshake: StreamHandshake, event: Event) -> None:
    state = handshake.state
    with pytest.raises(LocalProtocolError):
        handshake.send(event)
    assert handshake.state is state


def _assert_written(headers: Headers) -> None:
    """What is sent is what a strict peer reads: pseudo-headers first, names in lower case."""
    assert _read(headers, _REQUEST | {b":status"}, Limits()).faults == set()


def assert_request(server: StreamHandshake, request: Request, read: Read) -> None:
    """The event says what the fields do."""
    assert request.target.encode() == read.one(b":path")
    assert server.scheme.encode() == read.one(b":scheme").lower()
    if not read.unsure:
        assert request.host.encode() == read.one(b":authority")
        assert [one.encode() for one in request.subprotocols] == read.elements(b"sec-websocket-protocol")
        assert [str(one).encode() for one in request.extensions] == read.elements(b"sec-websocket-extensions")
    own = {b"host", b"sec-websocket-protocol", b"sec-websocket-extensions", *_REQUEST}
    extra = {name: values for name, values in read.fields.items() if name not in own}
    if b"cookie" in extra:
        extra[b"cookie"] = [b"; ".join(extra[b"cookie"])]
    given: dict[bytes, list[bytes]] = {}
    for name, value in request.extra_headers:
        given.setdefault(name, []).append(value)
    assert given == extra


def assert_accepted(server: StreamHandshake, early: bytes, *, eof: bool) -> None:
    """Accept a request; what came before that comes out as if it had come later."""
    extension = PerMessageDeflate()
    _assert_cannot_send(server, AcceptConnection(subprotocol="never offered, not a token"))
    headers = server.send(AcceptConnection(extensions=[extension]))
    _assert_written(headers)
    assert headers[0] == (b":status", b"200")
    assert not {b"content-length", b"sec-websocket-accept"} & dict(headers).keys()
    agreed = b"".join(value for name, value in headers if name == b"sec-websocket-extensions")
    connection = server.connection
    assert connection is not None
    assert_opened(connection, agreed, early, list(connection.events()), eof=eof)
    assert_ends(connection)
    error = _receive(server, [])
    assert error is not None
    assert error.event_hint is None


def assert_ends(connection: Connection) -> None:
    """The stream is ended behind both Closes, or where the peer has ended it, and not before."""
    over = connection.state is ConnectionState.CLOSED
    assert connection.ending is (Ending.END if over else Ending.NONE)


# Clients -----------------------------------------------------------------------------------------


class Response:
    """What a client has to make of the steps of a server, up to the acceptance."""

    def __init__(self, request: Request, limits: Limits) -> None:
        self.status = 0  # the final one, once it is there
        self.body = b""
        self._length: int | None = None  # of the body, where the head says it
        self.accepted: Read | None = None
        self._request = request
        self._limits = limits
        self._interim = 0

    def takes(self, step: Step) -> tuple[bool, bool]:
        """Take one step; tell whether it has to fail the client, and whether that is for others to say."""
        if isinstance(step, list):
            read = _read(step, set() if self.status else {b":status"}, self._limits)
            wrong = bool(read.faults) or (not self.status and not self._takes_head(read))
            extension = self.accepted is not None and b"sec-websocket-extensions" in read.fields
            return wrong, read.unsure or extension
        if self.status:
            self.body += step or b""
            size = len(self.body)
            wrong = self._length is not None and (
                size > self._length or (step is None and size < self._length)
            )
            return wrong or size > self._limits.max_reject_body_size, False
        return step != b"", False

    def _takes_head(self, read: Read) -> bool:
        """Take the head of a response; tell whether it may stand."""
        written = read.one(b":status")
        if not re.fullmatch(rb"[1-9][0-9]{2}", written) or written == b"101":
            return False
        if written < b"200":
            self._interim += 1
            return self._interim <= self._limits.max_interim_responses
        self.status = int(written)
        self.accepted = read if self.status < 300 else None
        return self._takes_length(read) if self.accepted is None else _is_choice(read, self._request)

    def _takes_length(self, read: Read) -> bool:
        """Take the length of a rejection's body; that of a 304 is another response's (RFC 9110 8.6)."""
        lengths = read.fields.get(b"content-length", [])
        if not lengths or self.status == 304:
            return len(lengths) < 2
        if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,20}", lengths[0]):
            return False
        self._length = int(lengths[0])
        return True


def assert_client_handles(steps: Sequence[Step], limits: Limits, request: Request) -> None:
    """Let a client that has sent `request` receive `steps`, and judge what it makes of them."""
    client = StreamHandshake(ConnectionType.CLIENT, limits=limits)
    written = client.send(request)
    _assert_written(written)
    assert read_request(written, Limits()).faults == set()
    response = Response(request, limits)
    for number, step in enumerate(steps):
        wrong, unsure = response.takes(step)
        error = _receive(client, step)
        if error is not None or (wrong and not unsure):
            assert error is not None, f"it breaks a rule, and was let through: {step!r}"
            assert wrong or unsure, f"{error}: {step!r}"
            assert error.event_hint is None
            assert client.state is ConnectionState.CLOSED
            assert client.connection is None
            return
        if response.accepted is not None:
            _assert_client_opened(client, response.accepted, request, steps[number + 1 :])
            return
        if step is None:
            break
    _assert_rejection(client, response, finished=client.state is ConnectionState.CLOSED)


def _is_choice(read: Read, request: Request) -> bool:
    """Whether a response chooses a subprotocol that was offered, and an extension if any was."""
    lines = read.fields.get(b"sec-websocket-protocol", [])
    chosen = read.elements(b"sec-websocket-protocol")
    offered = [one.encode() for one in request.subprotocols]
    extensions = read.elements(b"sec-websocket-extensions")
    return (
        _lists_are_right(read)
        and len(lines) == len(chosen) <= 1
        and set(chosen) <= set(offered)
        and len(read.fields.get(b"sec-websocket-extensions", [])) <= 1
        and len(extensions) <= len(request.extensions)
    )


def _assert_client_opened(
    client: StreamHandshake, read: Read, request: Request, rest: Sequence[Step]
) -> None:
    (accepted,) = client.events()
    assert isinstance(accepted, AcceptConnection)
    chosen = [one.decode() for one in read.elements(b"sec-websocket-protocol")]
    assert chosen == ([] if accepted.subprotocol is None else [accepted.subprotocol])
    assert set(accepted.extensions) <= set(request.extensions)
    _assert_extra(accepted.extra_headers)
    connection = client.connection
    assert connection is not None
    behind = b"".join(step for step in rest if isinstance(step, bytes))
    connection.receive_data(behind)
    agreed = b"".join(read.elements(b"sec-websocket-extensions")) if accepted.extensions else b""
    agreed = agreed.replace(b'"', b"").replace(b" ", b"").replace(b"\t", b"")
    eof = None in rest
    if eof:
        connection.receive_data(None)
    assert_opened(connection, agreed, behind, list(connection.events()), eof=eof)
    assert_ends(connection)


def _assert_extra(headers: Headers) -> None:
    for name, value in headers:
        assert type(name) is type(value) is bytes
        assert name == name.lower()
        assert name[:1] != b":"


def _assert_rejection(client: StreamHandshake, response: Response, *, finished: bool) -> None:
    events = list(client.events())
    assert client.connection is None
    if not response.status:
        assert (events, client.state) == ([], ConnectionState.CONNECTING)
        return
    rejected, *pieces = events
    assert isinstance(rejected, RejectConnection)
    assert (rejected.status_code, rejected.has_body) == (response.status, True)
    _assert_extra(rejected.headers)
    assert b"".join(piece.data for piece in pieces if isinstance(piece, RejectData)) == response.body
    assert [piece.body_finished for piece in pieces if isinstance(piece, RejectData)] == [
        *([False] * (len(pieces) - finished)),
        *([True] * finished),
    ]
