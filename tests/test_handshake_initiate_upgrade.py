"""`initiate_upgrade_connection`: a handshake whose request a server has parsed already."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import (
    ACCEPT,
    KEY,
    REQUEST_HEADERS,
    asked_server,
    change,
    read_head,
    read_response,
    request,
    state_of,
)
from tests.oracle.receiving import feed
from tooling.frames import MASK, TEXT, frame
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage
from wsproto.handshake import H11Handshake
from wsproto.utilities import LocalProtocolError, ProtocolError, RemoteProtocolError

Changes = dict[bytes, list[bytes]]

LOWER_CASE = [(name.lower(), value) for name, value in REQUEST_HEADERS]


def upgraded(changes: Changes | None = None, path: bytes | str = "/chat") -> tuple[WSConnection, Request]:
    server = WSConnection(ConnectionType.SERVER)
    server.initiate_upgrade_connection(change(REQUEST_HEADERS, changes or {}), path)
    (event,) = server.events()
    assert type(event) is Request
    return server, event


@pytest.mark.requirement("R6455-4.2-01")
@pytest.mark.parametrize("path", ["/chat", b"/chat"], ids=["str", "bytes"])
def test_it_gives_the_event_that_the_bytes_would_give(path: bytes | str) -> None:
    changes: Changes = {
        b"Sec-WebSocket-Protocol": [b"a, b", b"c"],
        b"Sec-WebSocket-Extensions": [b"x; y=1"],
        b"Origin": [b"http://example.com"],
    }
    server, event = upgraded(changes, path)
    assert [event] == feed(WSConnection(ConnectionType.SERVER), request(changes))
    assert event.target == "/chat"
    assert server.state is ConnectionState.CONNECTING


@pytest.mark.requirement("R6455-4.2-01", "R6455-4.1-49")
def test_header_names_may_come_in_lower_case() -> None:
    server = WSConnection(ConnectionType.SERVER)
    server.initiate_upgrade_connection(LOWER_CASE, "/chat")
    (event,) = server.events()
    assert isinstance(event, Request)
    assert event.host == "server.example.com"


@pytest.mark.requirement("R6455-4.2-01", "R6455-4.2.2-18")
def test_it_can_be_accepted_and_used() -> None:
    server, _ = upgraded()
    head, rest = read_head(server.send(AcceptConnection()))
    assert (head.status, head.one(b"Sec-WebSocket-Accept"), rest) == (101, ACCEPT, b"")
    assert server.state is ConnectionState.OPEN
    assert feed(server, frame(TEXT, b"Hello", mask=MASK)) == [TextMessage("Hello")]
    assert server.send(TextMessage("Hello")) == frame(TEXT, b"Hello")


def test_it_can_be_rejected() -> None:
    server, _ = upgraded()
    assert read_response(server.send(RejectConnection(403)))[0].status == 403
    assert server.state is ConnectionState.CLOSED


def test_bytes_before_the_acceptance_are_kept() -> None:
    server, _ = upgraded()
    assert feed(server, frame(TEXT, b"Hello", mask=MASK)) == []
    server.send(AcceptConnection())
    assert list(server.events()) == [TextMessage("Hello")]


BAD: list[tuple[str, Changes, int]] = [
    ("no-host", {b"Host": []}, 400),
    ("two-hosts", {b"Host": [b"a", b"b"]}, 400),
    ("bad-host", {b"Host": [b"xn--0"]}, 400),
    ("no-upgrade", {b"Upgrade": []}, 400),
    ("other-upgrade", {b"Upgrade": [b"h2c"]}, 400),
    ("no-connection", {b"Connection": []}, 400),
    ("other-connection", {b"Connection": [b"close"]}, 400),
    ("no-key", {b"Sec-WebSocket-Key": []}, 400),
    ("bad-key", {b"Sec-WebSocket-Key": [b"x"]}, 400),
    ("two-keys", {b"Sec-WebSocket-Key": [KEY, KEY]}, 400),
    ("no-version", {b"Sec-WebSocket-Version": []}, 400),
    ("other-version", {b"Sec-WebSocket-Version": [b"8"]}, 426),
    ("content-length", {b"Content-Length": [b"5"]}, 400),
    ("transfer-encoding", {b"Transfer-Encoding": [b"chunked"]}, 400),
    ("bad-subprotocol", {b"Sec-WebSocket-Protocol": [b"a b"]}, 400),
    ("bad-extension", {b"Sec-WebSocket-Extensions": [b"a b"]}, 400),
    ("non-ascii-connection", {b"Connection": [b"\xff"]}, 400),
]


@pytest.mark.requirement("R6455-4.2-01", "R6455-4.2.1-01")
@pytest.mark.parametrize(("changes", "status"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_headers_are_refused(changes: Changes, status: int) -> None:
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError) as caught:
        server.initiate_upgrade_connection(change(REQUEST_HEADERS, changes), "/chat")
    hint = caught.value.event_hint
    assert isinstance(hint, RejectConnection)
    assert hint.status_code == status
    assert list(server.events()) == []
    with pytest.raises(LocalProtocolError):
        server.send(AcceptConnection())
    assert state_of(server) is ConnectionState.CONNECTING
    assert read_response(server.send(hint))[0].status == status
    assert state_of(server) is ConnectionState.CLOSED


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({b"Host": []}, "Missing header, 'Host'"),
        ({b"Upgrade": []}, "Missing header, 'Upgrade: websocket'"),
        ({b"Connection": []}, "Missing header, 'Connection: Upgrade'"),
        ({b"Sec-WebSocket-Version": []}, "Missing header, 'Sec-WebSocket-Version'"),
        ({b"Sec-WebSocket-Key": []}, "Missing header, 'Sec-WebSocket-Key'"),
    ],
    ids=["host", "upgrade", "connection", "version", "key"],
)
def test_a_missing_header_is_named(changes: Changes, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        WSConnection(ConnectionType.SERVER).initiate_upgrade_connection(
            change(REQUEST_HEADERS, changes), "/chat"
        )
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ((b"X", b"a\r\nY: b"), "/chat"),
        ((b"X", b"a\0b"), "/chat"),
        ((b"X Y", b"a"), "/chat"),
        ((b"", b"a"), "/chat"),
        ((b"X", b"a"), "/a b"),
        ((b"X", b"a"), "/a\r\nX: y"),
        ((b"X", b"a"), b"/\xff"),
    ],
    ids=["value-crlf", "value-nul", "name-space", "name-empty", "path-space", "path-crlf", "path-non-ascii"],
)
def test_what_no_parser_would_give_is_a_protocol_error(
    header: tuple[bytes, bytes], path: bytes | str
) -> None:
    with pytest.raises(ProtocolError):
        WSConnection(ConnectionType.SERVER).initiate_upgrade_connection([*REQUEST_HEADERS, header], path)


def test_a_client_cannot_do_it() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    with pytest.raises(LocalProtocolError):
        client.initiate_upgrade_connection(REQUEST_HEADERS, "/chat")
    assert client.state is ConnectionState.CONNECTING
    assert client.send(Request("localhost", "/")).startswith(b"GET / HTTP/1.1\r\n")


def test_it_can_be_done_once() -> None:
    server, _ = upgraded()
    with pytest.raises(LocalProtocolError):
        server.initiate_upgrade_connection(REQUEST_HEADERS, "/chat")
    assert server.send(AcceptConnection()) == asked_server().send(AcceptConnection())


@pytest.mark.parametrize("read", [True, False], ids=["events-read", "events-unread"])
def test_it_cannot_be_done_once_the_connection_is_open(read: bool) -> None:
    server, _ = upgraded()
    server.send(AcceptConnection())
    if read:
        assert list(server.events()) == []
    with pytest.raises(LocalProtocolError):
        server.initiate_upgrade_connection(REQUEST_HEADERS, "/chat")
    assert state_of(server) is ConnectionState.OPEN


@pytest.mark.parametrize("received", [request(), request()[:10]], ids=["whole", "half"])
def test_it_cannot_follow_a_request_in_bytes(received: bytes) -> None:
    server = WSConnection(ConnectionType.SERVER)
    feed(server, received)
    with pytest.raises(LocalProtocolError):
        server.initiate_upgrade_connection(REQUEST_HEADERS, "/chat")


def test_the_handshake_by_itself_does_it_too() -> None:
    handshake = H11Handshake(ConnectionType.SERVER)
    handshake.initiate_upgrade_connection(REQUEST_HEADERS, "/chat")
    (event,) = handshake.events()
    assert isinstance(event, Request)
    assert read_head(handshake.send(AcceptConnection()))[0].one(b"Sec-WebSocket-Accept") == ACCEPT
    assert handshake.state is ConnectionState.OPEN
