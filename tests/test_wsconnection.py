"""The surface that programs written for `wsproto` rely on: names, signatures, defaults, texts."""

from __future__ import annotations

import inspect
import subprocess
import sys
from contextlib import suppress
from enum import Enum, IntEnum
from importlib import import_module

import pytest

import wsproto
from tests.oracle.handshake_bytes import (
    accepted,
    asked_server,
    asking_client,
    rejection,
    request,
    response,
)
from tests.oracle.receiving import feed
from tooling.frames import CLOSE, MASK, PING, TEXT, frame, peer_frame
from wsproto import Connection, ConnectionState, ConnectionType, Ending, Limits, WSConnection
from wsproto.connection import CLIENT, SERVER
from wsproto.events import (
    AcceptConnection,
    BinaryMessage,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import SUPPORTED_EXTENSIONS, Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode
from wsproto.handshake import (
    WEBSOCKET_VERSION,
    H11Handshake,
    client_extensions_handshake,
    server_extensions_handshake,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

NAMES = {
    "wsproto": "WSConnection ConnectionType Connection ConnectionState __version__",
    "wsproto.connection": "Connection ConnectionState ConnectionType CLIENT SERVER",
    "wsproto.events": (
        "Event Request AcceptConnection RejectConnection RejectData CloseConnection Message TextMessage "
        "BytesMessage Ping Pong BinaryMessage"
    ),
    "wsproto.extensions": "Extension PerMessageDeflate SUPPORTED_EXTENSIONS",
    "wsproto.frame_protocol": "Opcode CloseReason RsvBits FrameProtocol FrameDecoder Frame ParseFailed",
    "wsproto.handshake": (
        "H11Handshake server_extensions_handshake client_extensions_handshake WEBSOCKET_VERSION"
    ),
    "wsproto.utilities": (
        "ProtocolError LocalProtocolError RemoteProtocolError generate_nonce generate_accept_token "
        "split_comma_header normed_header_dict"
    ),
    "wsproto.typing": "Headers",
    "wsproto.limits": "Limits",
}


@pytest.mark.parametrize(("module", "names"), NAMES.items(), ids=list(NAMES))
def test_every_name_is_where_programs_import_it_from(module: str, names: str) -> None:
    missing = [name for name in names.split() if not hasattr(import_module(module), name)]
    assert missing == []


def test_importing_the_package_makes_every_module_an_attribute() -> None:
    modules = [module for module in NAMES if module != "wsproto"]
    program = f"import wsproto; [{', '.join(modules)}]; print(wsproto.__version__)"
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(  # noqa: S603 - the program stands above
        [sys.executable, "-c", program], env=path, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (wsproto.__version__, "")


def test_the_version_is_plain_numbers() -> None:
    assert wsproto.__version__ == "1.4.0"
    assert tuple(int(part) for part in wsproto.__version__.split(".")) == (1, 4, 0)


def test_the_constants() -> None:
    assert WEBSOCKET_VERSION == b"13"
    assert CLIENT is ConnectionType.CLIENT
    assert SERVER is ConnectionType.SERVER
    assert BinaryMessage is BytesMessage
    assert SUPPORTED_EXTENSIONS["permessage-deflate"] is PerMessageDeflate
    assert wsproto.connection.ConnectionState is ConnectionState
    assert wsproto.connection.Connection is Connection


def test_the_enums() -> None:
    assert issubclass(ConnectionState, Enum)
    assert issubclass(ConnectionType, Enum)
    assert issubclass(CloseReason, IntEnum)
    assert {state.name for state in ConnectionState} == {
        "CONNECTING",
        "OPEN",
        "REMOTE_CLOSING",
        "LOCAL_CLOSING",
        "CLOSED",
        "REJECTING",
    }
    assert {kind.name for kind in ConnectionType} == {"CLIENT", "SERVER"}
    assert {opcode.name: int(opcode) for opcode in Opcode} == {
        "CONTINUATION": 0,
        "TEXT": 1,
        "BINARY": 2,
        "CLOSE": 8,
        "PING": 9,
        "PONG": 10,
    }
    assert [opcode for opcode in Opcode if opcode.iscontrol()] == [Opcode.CLOSE, Opcode.PING, Opcode.PONG]
    assert {reason.name: int(reason) for reason in CloseReason} == {
        "NORMAL_CLOSURE": 1000,
        "GOING_AWAY": 1001,
        "PROTOCOL_ERROR": 1002,
        "UNSUPPORTED_DATA": 1003,
        "NO_STATUS_RCVD": 1005,
        "ABNORMAL_CLOSURE": 1006,
        "INVALID_FRAME_PAYLOAD_DATA": 1007,
        "POLICY_VIOLATION": 1008,
        "MESSAGE_TOO_BIG": 1009,
        "MANDATORY_EXT": 1010,
        "INTERNAL_ERROR": 1011,
        "SERVICE_RESTART": 1012,
        "TRY_AGAIN_LATER": 1013,
        "BAD_GATEWAY": 1014,
        "TLS_HANDSHAKE_FAILED": 1015,
    }


SIGNATURES: list[tuple[object, str]] = [
    (WSConnection, "connection_type, *, limits=None"),
    (Connection, "connection_type, extensions=None, trailing_data=b'', *, limits=None"),
    (H11Handshake, "connection_type, *, limits=None"),
    (WSConnection.send, "self, event"),
    (WSConnection.receive_data, "self, data"),
    (WSConnection.events, "self"),
    (WSConnection.initiate_upgrade_connection, "self, headers, path"),
    (H11Handshake.initiate_upgrade_connection, "self, headers, path"),
    (WSConnection.can_send, "self, event_type"),
    (server_extensions_handshake, "requested, supported"),
    (client_extensions_handshake, "accepted, supported"),
    (RemoteProtocolError, "message, event_hint=None"),
    (
        PerMessageDeflate,
        (
            "client_no_context_takeover=False, client_max_window_bits=Ellipsis, "
            "server_no_context_takeover=False, server_max_window_bits=Ellipsis, "
            "*, compression_level=-1, memory_level=8, min_compress_size=0"
        ),
    ),
]


@pytest.mark.parametrize(
    ("function", "parameters"),
    SIGNATURES,
    ids=[getattr(function, "__qualname__", "") for function, _ in SIGNATURES],
)
def test_signature(function: object, parameters: str) -> None:
    """The compiled core's methods take `self` by position alone, and nothing else so."""
    assert callable(function)
    signature = inspect.signature(function)
    bare = [
        parameter.replace(
            annotation=inspect.Parameter.empty,
            kind=inspect.Parameter.POSITIONAL_OR_KEYWORD if parameter.name == "self" else parameter.kind,
        )
        for parameter in signature.parameters.values()
    ]
    assert str(signature.replace(parameters=bare, return_annotation=signature.empty)) == f"({parameters})"


@pytest.mark.parametrize("kind", ConnectionType)
def test_a_new_connection(kind: ConnectionType) -> None:
    connection = WSConnection(kind)
    assert connection.client is (kind is ConnectionType.CLIENT)
    assert connection.state is ConnectionState.CONNECTING
    assert connection.protocol_error is None
    assert list(connection.events()) == []


@pytest.mark.parametrize("kind", ["client", 1, None, True], ids=repr)
def test_a_connection_is_of_one_of_the_two_types(kind: object) -> None:
    with pytest.raises((LocalProtocolError, TypeError, ValueError)):
        WSConnection(kind)  # type: ignore[arg-type]


def test_what_is_inside_as_programs_look_for_it() -> None:
    """urllib3.future goes on with `connection` alone, once the handshake is complete."""
    ws = WSConnection(CLIENT)
    assert ws.connection is None
    assert isinstance(ws.handshake, H11Handshake)
    ws.send(Request(host="localhost", target="/"))
    opening = WSConnection(SERVER)
    opening.receive_data(request())
    assert opening.connection is None
    opening.send(AcceptConnection())
    assert opening.handshake is None
    assert isinstance(opening.connection, Connection)
    opening.connection.receive_data(peer_frame(opening.client, TEXT, b"text"))
    assert list(opening.connection.events())[-1] == TextMessage("text")


def test_the_state_cannot_be_set() -> None:
    connection = WSConnection(ConnectionType.CLIENT)
    with pytest.raises(AttributeError):
        connection.state = ConnectionState.OPEN  # type: ignore[misc]


def test_repr_of_a_handshake() -> None:
    client = H11Handshake(ConnectionType.CLIENT)
    assert repr(client) == "H11Handshake(client=True, state=ConnectionState.CONNECTING)"
    sent = client.send(Request("localhost", "/"))
    server = H11Handshake(ConnectionType.SERVER)
    server.receive_data(sent)
    assert [type(event) for event in server.events()] == [Request]
    client.receive_data(server.send(AcceptConnection()))
    assert list(client.events()) == [AcceptConnection()]
    assert repr(client) == "H11Handshake(client=True, state=ConnectionState.OPEN)"
    assert repr(server) == "H11Handshake(client=False, state=ConnectionState.OPEN)"


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_received_data_may_be_any_buffer(buffer: type[bytes]) -> None:
    server = WSConnection(ConnectionType.SERVER)
    assert [type(event) for event in feed(server, buffer(request()))] == [Request]
    server.send(AcceptConnection())
    client, key = asking_client()
    assert feed(client, buffer(response(key))) == [AcceptConnection()]
    assert feed(server, buffer(frame(TEXT, b"Hello", mask=MASK))) == [TextMessage("Hello")]


def test_a_buffer_may_be_reused_after_it_was_received() -> None:
    server = WSConnection(ConnectionType.SERVER)
    buffer = bytearray(request()[:-1])
    server.receive_data(buffer)
    buffer[:] = bytes(len(buffer))
    (event,) = feed(server, b"\n")
    assert isinstance(event, Request)
    assert event.target == "/chat"


@pytest.mark.parametrize("thing", ["text", 5, object(), [1]], ids=["str", "int", "object", "list"])
def test_what_is_no_data_is_a_local_error(thing: object) -> None:
    for connection in (WSConnection(ConnectionType.SERVER), asking_client()[0]):
        with pytest.raises((LocalProtocolError, TypeError)):
            connection.receive_data(thing)  # type: ignore[arg-type]
        assert connection.state is ConnectionState.CONNECTING


def test_the_guide_of_the_api_for_a_client() -> None:
    client, key = asking_client(Request(host="example.com", target="foo"))
    events = feed(client, response(key) + frame(PING, b"a") + frame(TEXT, b"Hello"))
    assert events == [AcceptConnection(), Ping(b"a"), TextMessage("Hello")]
    assert client.send(Ping(b"a").response())[0] == 0x8A
    assert client.send(Message(data=b"Hello"))[0] == 0x82
    assert client.send(Message(data="Hello world!"))[0] == 0x81
    assert client.send(CloseConnection(code=1000, reason="bye"))[0] == 0x88
    assert client.state is ConnectionState.LOCAL_CLOSING


def test_the_guide_of_the_api_for_a_server() -> None:
    server = asked_server()
    server.send(AcceptConnection())
    assert feed(server, frame(TEXT, b"Hello", mask=MASK)) == [TextMessage(data="Hello")]
    assert server.send(TextMessage("Hello")) == frame(TEXT, b"Hello")
    assert server.send(Pong(b"a")) == b"\x8a\x01a"
    (event,) = feed(server, frame(8, b"\x03\xe8", mask=MASK))
    assert isinstance(event, CloseConnection)
    assert server.send(event.response()) == b"\x88\x02\x03\xe8"
    assert server.state is ConnectionState.CLOSED


def test_protocol_error_is_none_while_all_goes_well() -> None:
    client, key = asking_client()
    accepted(client, response(key))
    assert client.protocol_error is None
    client, _ = asking_client()
    assert feed(client, rejection(b"204 No Content"))[0] == RejectConnection(204, has_body=True)
    assert client.protocol_error is None


def test_protocol_error_is_that_of_the_frames_too() -> None:
    server = asked_server()
    server.send(AcceptConnection())
    (event,) = feed(server, frame(TEXT, b"Hello"))
    assert isinstance(event, CloseConnection)
    assert event.code == 1002
    assert isinstance(server.protocol_error, RemoteProtocolError)


def test_an_open_connection_keeps_nothing_of_its_handshake() -> None:
    client, key = asking_client()
    accepted(client, response(key))
    server = asked_server()
    server.send(AcceptConnection())
    for connection in (client, server):
        kept = {name for name, value in vars(connection).items() if value is not None}
        assert kept <= vars(Connection(CLIENT)).keys()


def test_negotiated_extensions_are_used_after_the_handshake() -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    feed(server, client.send(Request("localhost", "/", extensions=[PerMessageDeflate()])))
    (event,) = feed(client, server.send(AcceptConnection(extensions=[PerMessageDeflate()])))
    assert isinstance(event, AcceptConnection)
    assert [extension.name for extension in event.extensions] == ["permessage-deflate"]
    for sender, receiver in ((client, server), (server, client)):
        data = sender.send(TextMessage("a" * 1000))
        assert len(data) < 50
        assert feed(receiver, data) == [TextMessage("a" * 1000)]


class Subclass(Connection):
    """Downstream code subclasses Connection."""


def test_one_extension_object_serves_several_connections() -> None:
    deflate = PerMessageDeflate()
    servers = [
        asked_server(request({b"Sec-WebSocket-Extensions": [b"permessage-deflate"]})) for _ in range(2)
    ]
    heads = [server.send(AcceptConnection(extensions=[deflate])) for server in servers]
    assert heads[0] == heads[1]
    frames = [server.send(TextMessage("a" * 1000)) for server in servers]
    assert frames[0] == frames[1]


@pytest.mark.requirement("R8441-5-06", "R8441-5-07", "R8441-5-09", "R9220-3-01")
def test_over_http_2_the_parts_are_used_without_the_handshake() -> None:
    offered, supported = PerMessageDeflate(), PerMessageDeflate()
    offers = f"permessage-deflate; {offered.offer()}"
    answer = server_extensions_handshake([offers], [supported])
    assert answer is not None
    agreed: list[Extension] = client_extensions_handshake([answer.decode()], [offered])
    client, server = Subclass(ConnectionType.CLIENT, agreed), Subclass(ConnectionType.SERVER, [supported])
    assert client.state is server.state is ConnectionState.OPEN
    server.receive_data(client.send(TextMessage("a" * 1000)))
    assert list(server.events()) == [TextMessage("a" * 1000)]


@pytest.mark.requirement("R8441-5-10", "R9220-3-04")
def test_over_http_2_the_end_of_the_stream_is_the_end_of_file() -> None:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(None)
    (event,) = server.events()
    assert isinstance(event, CloseConnection)
    assert event.code == 1006


def test_a_connection_reads_the_trailing_data_of_a_handshake() -> None:
    server = Connection(ConnectionType.SERVER, trailing_data=frame(TEXT, b"Hello", mask=MASK))
    assert list(server.events()) == [TextMessage("Hello")]


def test_injected_events_come_first_at_every_time_of_a_connection() -> None:
    """Before the request, behind it, and on the open connection."""
    server = WSConnection(ConnectionType.SERVER)
    server.inject(TextMessage("early"))
    server.receive_data(request())
    early, asked = server.events()
    assert early == TextMessage("early")
    assert isinstance(asked, Request)
    server.inject(TextMessage("between"))
    server.send(AcceptConnection())
    server.receive_data(peer_frame(False, TEXT, b"read"))
    assert list(server.events()) == [TextMessage("between"), TextMessage("read")]
    server.inject(TextMessage("late"))
    assert list(server.events()) == [TextMessage("late")]


def test_a_request_that_is_parsed_already_opens_it() -> None:
    server = WSConnection(ConnectionType.SERVER)
    headers = [line.split(b": ", 1) for line in request().split(b"\r\n")[1:-2]]
    server.initiate_upgrade_connection([(name, value) for name, value in headers], "/chat")
    assert [type(event) for event in server.events()] == [Request]
    assert server.can_send(AcceptConnection)
    assert not server.can_send(TextMessage)
    server.receive_data(frame(TEXT, b"early", mask=MASK))
    server.receive_data(None)
    server.send(AcceptConnection())
    assert server.can_send(TextMessage)
    assert list(server.events()) == [TextMessage("early"), CloseConnection(1006)]
    with pytest.raises(LocalProtocolError, match="Cannot initiate an upgrade connection in state CLOSED"):
        server.initiate_upgrade_connection([], "/chat")


def test_bytes_like_data_of_an_open_one_is_read_and_what_is_not_is_refused() -> None:
    server = asked_server()
    server.send(AcceptConnection())
    server.receive_data(bytearray(frame(TEXT, b"a", mask=MASK)))
    assert list(server.events()) == [TextMessage("a")]
    with pytest.raises(LocalProtocolError, match="must be bytes, not str"):
        server.receive_data("a")  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError):
        server.send(AcceptConnection())


def test_a_client_leaves_the_end_to_the_server_once_it_is_open() -> None:
    server, (client, key) = asked_server(), asking_client()
    server.send(AcceptConnection())
    accepted(client, response(key))
    endings = []
    for connection in (server, client):
        connection.send(CloseConnection(1000))
        endings.append(connection.ending)
        feed(connection, peer_frame(connection.client, CLOSE))
        endings.append(connection.ending)
    client.receive_data(None)
    assert [*endings, client.ending] == [Ending.NONE, Ending.END, Ending.NONE, Ending.NONE, Ending.END]


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        (rejection(b"403 Forbidden", (b"Content-Length", b"0")), Ending.END),
        (b"HTTP/2", Ending.RESET),
        (None, Ending.END),  # the server has ended it already
    ],
    ids=["rejected", "failed", "unanswered"],
)
def test_a_client_that_is_not_let_in_ends_by_itself(answer: bytes | None, ending: Ending) -> None:
    client, _ = asking_client()
    with suppress(RemoteProtocolError):
        feed(client, answer)
    assert (client.state, client.ending) == (ConnectionState.CLOSED, ending)


def test_the_limits_hold_before_and_behind_the_handshake() -> None:
    server = WSConnection(ConnectionType.SERVER, limits=Limits(max_headers=1))
    with pytest.raises(RemoteProtocolError, match="header lines, at most 1"):
        feed(server, request())
    server = WSConnection(ConnectionType.SERVER, limits=Limits(max_message_size=1))
    feed(server, request())
    server.send(AcceptConnection())
    (event,) = feed(server, frame(TEXT, b"ab", mask=MASK))
    assert isinstance(event, CloseConnection)
    assert event.code == 1009
