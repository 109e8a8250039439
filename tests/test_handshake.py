"""The opening handshake as a whole: both sides together, every cutting, early data, random input."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import (
    KEY,
    asked_server,
    asking_client,
    every_cutting,
    pieces_joined,
    request,
    response,
)
from tests.oracle.receiving import feed
from tooling.frames import MASK, TEXT, frame
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import H11Handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

# -- Both sides together


@pytest.mark.requirement("R6455-4.1-02", "R6455-4.2.2-01", "R6455-4.2.2-18", "R6455-5.1-07")
def test_a_client_and_a_server_come_to_terms() -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    sent = Request(
        "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example:8080", "chat?a=b", subprotocols=["a", "b"]
    )
    (received,) = feed(server, client.send(sent))
    assert isinstance(received, Request)
    assert (received.host, received.target, received.subprotocols) == (sent.host, "/chat?a=b", ["a", "b"])
    answer = AcceptConnection(subprotocol="b", extra_headers=[(b"x-a", b"c")])
    assert feed(client, server.send(answer)) == [answer]
    assert client.state is server.state is ConnectionState.OPEN
    assert feed(server, client.send(TextMessage("Hello"))) == [TextMessage("Hello")]
    assert feed(client, server.send(TextMessage("World"))) == [TextMessage("World")]


def test_a_client_learns_why_a_server_refused_it() -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    feed(server, client.send(Request("localhost", "/")))
    sent = server.send(RejectConnection(403, [(b"x-a", b"b"), (b"content-length", b"5")], has_body=True))
    sent += server.send(RejectData(b"Hello"))
    assert pieces_joined(feed(client, sent)) == [
        RejectConnection(403, [(b"x-a", b"b"), (b"content-length", b"5")], has_body=True),
        RejectData(b"Hello"),
    ]
    assert client.state is server.state is ConnectionState.CLOSED


def test_a_client_reads_the_hint_for_another_version() -> None:
    server, (client, _) = WSConnection(ConnectionType.SERVER), asking_client()
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, request({b"Sec-WebSocket-Version": [b"8"]}))
    assert caught.value.event_hint is not None
    event, *_, last = feed(client, server.send(caught.value.event_hint))
    assert isinstance(event, RejectConnection)
    assert event.status_code == 426
    assert (b"sec-websocket-version", b"13") in event.headers
    assert last == RejectData(b"")


# -- Every cutting

FRAMES = frame(TEXT, b"Hello", mask=MASK) + frame(TEXT, b"World", mask=MASK)


@pytest.mark.requirement("R6455-6.2-01")
def test_a_request_and_frames_in_any_cutting() -> None:
    data = request({b"Connection": [b"keep-alive", b"Upgrade"], b"Sec-WebSocket-Protocol": [b"a", b"b"]})
    whole = feed(WSConnection(ConnectionType.SERVER), data)
    assert [type(event) for event in whole] == [Request]
    for pieces in every_cutting(data + FRAMES):
        server = WSConnection(ConnectionType.SERVER)
        assert feed(server, *pieces) == whole
        server.send(AcceptConnection())
        assert pieces_joined(server.events()) == [TextMessage("Hello"), TextMessage("World")]


@pytest.mark.requirement("R6455-6.2-01", "R6455-4.1-50")
def test_a_response_and_frames_in_any_cutting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    early_hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    answer = response(KEY, {b"Connection": [b"keep-alive", b"Upgrade"], b"Server": [b"test"]})
    data = early_hints + answer + frame(TEXT, b"Hello") + frame(TEXT, b"World")
    for pieces in every_cutting(data):
        client, _ = asking_client()
        assert pieces_joined(feed(client, *pieces)) == [
            AcceptConnection(extra_headers=[(b"server", b"test")]),
            TextMessage("Hello"),
            TextMessage("World"),
        ]


# -- What a client sends before it is answered


@pytest.mark.parametrize("cut", range(len(FRAMES) + 1))
def test_early_data_is_read_once_the_request_is_accepted(cut: int) -> None:
    for early in ((request() + FRAMES[:cut],), (request(), FRAMES[:cut])):
        server = WSConnection(ConnectionType.SERVER)
        assert [type(event) for event in feed(server, *early)] == [Request]
        server.send(AcceptConnection())
        events = [*server.events(), *feed(server, FRAMES[cut:])]
        assert pieces_joined(events) == [TextMessage("Hello"), TextMessage("World")]


def test_early_data_is_compressed_where_that_was_agreed() -> None:
    client, key = asking_client(Request("localhost", "/", extensions=[PerMessageDeflate()]))
    answer = response(key, {b"Sec-WebSocket-Extensions": [b"permessage-deflate"]})
    assert len(feed(client, answer)) == 1
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"permessage-deflate"]}))
    feed(server, client.send(TextMessage("a" * 1000)))
    server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    assert list(server.events()) == [TextMessage("a" * 1000)]


def test_early_data_that_is_no_frame_fails_the_open_connection() -> None:
    server = asked_server(request())
    assert feed(server, frame(TEXT, b"Hello")) == []
    server.send(AcceptConnection())
    (event,) = server.events()
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


def test_early_data_comes_in_the_loop_in_which_the_request_is_accepted() -> None:
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(request() + FRAMES)
    texts = []
    for event in server.events():
        if isinstance(event, Request):
            server.send(AcceptConnection())
        elif isinstance(event, TextMessage):
            texts.append(event.data)
    assert texts == ["Hello", "World"]


def test_a_generator_from_before_the_handshake_gives_the_frames_after_it() -> None:
    client, key = asking_client()
    early = client.events()
    assert feed(client, response(key)) == [AcceptConnection()]
    client.receive_data(frame(TEXT, b"Hello"))
    assert list(early) == [TextMessage("Hello")]
    assert list(client.events()) == []


def test_events_can_be_left_and_taken_up_again() -> None:
    client, key = asking_client()
    client.receive_data(response(key) + frame(TEXT, b"Hello"))
    for event in client.events():
        assert event == AcceptConnection()
        break
    assert list(client.events()) == [TextMessage("Hello")]


def test_a_handshake_by_itself_leaves_a_connection() -> None:
    handshake = H11Handshake(ConnectionType.SERVER)
    handshake.receive_data(request() + frame(TEXT, b"early", mask=MASK))
    handshake.receive_data(None)
    assert [type(event) for event in handshake.events()] == [Request]
    assert handshake.connection is None
    handshake.send(AcceptConnection())
    assert (handshake.state, handshake.client) == (ConnectionState.OPEN, False)
    assert repr(handshake).startswith("H11Handshake(client=False, state=")
    connection = handshake.connection
    assert connection is not None
    assert connection is handshake.connection
    assert list(connection.events()) == [TextMessage("early"), CloseConnection(1006)]


def test_a_side_is_a_connection_type() -> None:
    with pytest.raises(LocalProtocolError, match="connection_type must be a ConnectionType, not 'client'"):
        H11Handshake("client")  # type: ignore[arg-type]
