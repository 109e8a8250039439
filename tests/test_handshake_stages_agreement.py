"""What a finished handshake leaves: the agreement, and the connection that is made of it."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import KEY, rejection, request, response
from tooling.frames import MASK, TEXT, frame
from wsproto import Connection, ConnectionState, ConnectionType, Limits, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import H11Handshake
from wsproto.handshake_stages import Agreement
from wsproto.utilities import LocalProtocolError

HELLO = frame(TEXT, b"Hello", mask=MASK)
DEFLATE = {b"Sec-WebSocket-Extensions": [b"permessage-deflate"]}


def asked(data: bytes, limits: Limits | None = None) -> H11Handshake:
    server = H11Handshake(ConnectionType.SERVER, limits=limits)
    server.receive_data(data)
    assert [type(event) for event in server.events()] == [Request]
    return server


def answered(monkeypatch: pytest.MonkeyPatch, data: bytes, *extensions: Extension) -> H11Handshake:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    client = H11Handshake(ConnectionType.CLIENT)
    client.send(Request("localhost", "/", extensions=extensions))
    client.receive_data(data)
    return client


def test_there_is_none_before_the_end() -> None:
    server = asked(request())
    assert server.agreement is None
    assert server.connection is None
    server.send(RejectConnection(403))
    assert server.agreement is None
    assert server.connection is None


def test_a_server_s_agreement() -> None:
    server = asked(request(DEFLATE) + HELLO)
    deflate, idle = PerMessageDeflate(), Extension()
    idle.name = "idle"
    server.send(AcceptConnection(extensions=[idle, deflate]))
    agreement = server.agreement
    assert isinstance(agreement, Agreement)
    assert (agreement.trailing_data, agreement.eof) == (HELLO, False)
    (bound,) = agreement.extensions
    assert bound is not deflate
    assert bound.enabled()


def test_a_client_s_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    deflate = PerMessageDeflate()
    client = answered(monkeypatch, response(KEY, DEFLATE) + b"\x89\x00", deflate)
    assert client.agreement is not None
    assert client.agreement.trailing_data == b"\x89\x00"
    assert client.agreement.eof is False
    assert [extension.name for extension in client.agreement.extensions] == ["permessage-deflate"]
    assert client.agreement.extensions[0] is not deflate


def test_the_connection_is_made_once() -> None:
    server = asked(request(), Limits(max_message_size=3))
    server.send(AcceptConnection())
    connection = server.connection
    assert type(connection) is Connection
    assert server.connection is connection
    connection.receive_data(HELLO)
    assert [event.code for event in connection.events() if isinstance(event, CloseConnection)] == [1009]


def test_the_connection_has_what_came_early_and_the_end_of_file() -> None:
    server = asked(request() + HELLO)
    server.receive_data(None)
    server.send(AcceptConnection())
    assert server.agreement == ([], HELLO, True)
    assert server.connection is not None
    assert list(server.connection.events()) == [TextMessage("Hello"), CloseConnection(1006)]


@pytest.mark.requirement("R6455-7.2.1-01")
def test_behind_the_101_only_end_of_file_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are the connection's to receive, and so is the end: here it changes nothing."""
    server = asked(request())
    server.send(AcceptConnection())
    for handshake in (server, answered(monkeypatch, response(KEY))):
        before = handshake.agreement
        handshake.receive_data(None)
        handshake.receive_data(b"")
        assert handshake.agreement is before
        assert handshake.state is ConnectionState.OPEN
        with pytest.raises(LocalProtocolError, match=r"RECEIVE_LATE_BYTES .* in state OPEN \(ACCEPTED\)"):
            handshake.receive_data(b"x")


class Counting(WSConnection):
    """A connection that counts what it receives, as programs do."""

    def __init__(self, connection_type: ConnectionType) -> None:
        self.received: list[int | None] = []
        super().__init__(connection_type)

    def receive_data(self, data: bytes | bytearray | memoryview | None) -> None:
        self.received.append(None if data is None else len(data))
        super().receive_data(data)


def test_a_subclass_sees_each_read_once() -> None:
    server = Counting(ConnectionType.SERVER)
    server.receive_data(request() + HELLO)
    server.receive_data(None)
    server.send(AcceptConnection())
    assert server.received == [len(request() + HELLO), None]
    assert [type(event) for event in server.events()] == [Request, TextMessage, CloseConnection]


@pytest.mark.parametrize("kind", [H11Handshake, WSConnection])
def test_a_subclass_of_an_event_is_sent_as_its_base(kind: type[H11Handshake | WSConnection]) -> None:
    class Accepting(AcceptConnection):
        pass

    server = kind(ConnectionType.SERVER)
    server.receive_data(request())
    assert server.can_send(Accepting)
    assert server.can_send(Accepting())
    assert server.send(Accepting()).startswith(b"HTTP/1.1 101 ")


def test_a_loop_that_is_left_loses_no_event() -> None:
    client = H11Handshake(ConnectionType.CLIENT)
    client.send(Request("localhost", "/"))
    client.receive_data(rejection(b"403 Forbidden", (b"Content-Length", b"2"), body=b"no"))
    for event in client.events():
        assert isinstance(event, RejectConnection)
        break
    assert list(client.events()) == [RejectData(b"no", body_finished=False), RejectData(b"")]


@pytest.mark.parametrize("kind", [H11Handshake, WSConnection])
def test_can_send_takes_an_event_for_its_class(kind: type[H11Handshake | WSConnection]) -> None:
    client = kind(ConnectionType.CLIENT)
    assert client.can_send(Request("localhost", "/"))
    assert not client.can_send(AcceptConnection())
    assert not client.can_send(object())  # type: ignore[arg-type]


def test_an_error_names_the_state_alone() -> None:
    server = H11Handshake(ConnectionType.SERVER)
    with pytest.raises(LocalProtocolError) as caught:
        server.send(AcceptConnection())
    assert str(caught.value) == "SEND_ACCEPT is not permitted to a server in state CONNECTING (INITIAL)"
    with pytest.raises(LocalProtocolError, match=r"^TextMessage cannot be sent in state CONNECTING$"):
        server.send(TextMessage("a"))
    assert repr(server) == "H11Handshake(client=False, state=ConnectionState.CONNECTING)"
