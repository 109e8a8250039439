"""permessage-bzip2, an extension of one's own, against bzip2 streams that the test writes and reads."""

from __future__ import annotations

import bz2
import importlib.util
import tracemalloc

import pytest

from tests.examples.running import ACCEPT_OF_REQUEST, EXAMPLES, REQUEST, accept_token, run
from tests.oracle.receiving import receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage
from wsproto.extensions import Extension
from wsproto.utilities import RemoteProtocolError

TEXT = "Hello, " * 1000
STREAM = bz2.compress(TEXT.encode())


def load() -> type[Extension]:
    spec = importlib.util.spec_from_file_location("permessage_bzip2", EXAMPLES / "permessage_bzip2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    extension: type[Extension] = module.PerMessageBzip2
    return extension


PerMessageBzip2 = load()


def server(*arguments: int) -> Connection:
    extension = PerMessageBzip2(*arguments)
    assert extension.accept("permessage-bzip2") is True
    return Connection(ConnectionType.SERVER, [extension])


def client_frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    return wire.frame(opcode, payload, fin=fin, rsv=rsv, mask=wire.MASK)


def compressed(payload: bytes) -> bytes:
    return client_frame(wire.TEXT, payload, rsv=wire.RSV1)


def test_the_program_shows_a_message_that_got_smaller() -> None:
    ended = run("permessage_bzip2.py")
    assert (ended.status, ended.errors) == (0, "")
    assert "44000 bytes of text took 166 on the wire and came back True\n" in ended.output


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (b"permessage-bzip2", b"permessage-bzip2"),
        (b"permessage-bzip2; level=9, permessage-bzip2", b"permessage-bzip2"),
        (b"permessage-bzip2; level=9", None),
        (b"permessage-deflate", None),
    ],
)
def test_a_server_accepts_an_offer_without_parameters(offer: bytes, answer: bytes | None) -> None:
    ws = WSConnection(ConnectionType.SERVER)
    extension = PerMessageBzip2()
    receive(ws, REQUEST[:-2] + b"Sec-WebSocket-Extensions: " + offer + b"\r\n\r\n")
    head = ws.send(AcceptConnection(extensions=[extension]))
    assert ACCEPT_OF_REQUEST in head
    line = b"" if answer is None else b"\r\nSec-WebSocket-Extensions: " + answer + b"\r\n"
    assert line in head
    assert (b"sec-websocket-extensions" in head.lower()) == extension.enabled() == (answer is not None)


def respond(client: WSConnection, extensions: bytes) -> list[object]:
    request = client.send(Request(host="localhost", target="/", extensions=[PerMessageBzip2()]))
    assert b"\r\nSec-WebSocket-Extensions: permessage-bzip2\r\n" in request
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    return list(
        receive(
            client,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_token(key) + b"\r\n" + extensions + b"\r\n",
        )
    )


def test_a_client_takes_the_answer_that_it_offered_and_no_other() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    (accepted,) = respond(client, b"Sec-WebSocket-Extensions: permessage-bzip2\r\n")
    assert isinstance(accepted, AcceptConnection)
    assert [extension.name for extension in accepted.extensions if isinstance(extension, Extension)] == [
        "permessage-bzip2"
    ]
    frame = wire.decode_frame(client.send(TextMessage(data=TEXT)))
    assert (frame.opcode, frame.rsv, bz2.decompress(frame.payload).decode()) == (wire.TEXT, wire.RSV1, TEXT)
    with pytest.raises(RemoteProtocolError, match="permessage-bzip2; level=9"):
        respond(
            WSConnection(ConnectionType.CLIENT), b"Sec-WebSocket-Extensions: permessage-bzip2; level=9\r\n"
        )


def test_a_client_whose_offer_is_declined_sends_plain_frames() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    respond(client, b"")
    frame = wire.decode_frame(client.send(TextMessage(data="hi")))
    assert (frame.rsv, frame.payload) == (0, b"hi")


def test_a_message_in_frames_with_a_ping_between_is_one_stream_however_it_is_cut() -> None:
    data = (
        client_frame(wire.TEXT, STREAM[:20], fin=False, rsv=wire.RSV1)
        + client_frame(wire.CONTINUATION, b"", fin=False)
        + client_frame(wire.PING, b"between")
        + client_frame(wire.CONTINUATION, STREAM[20:])
        + client_frame(wire.TEXT, b"not compressed")
        + compressed(bz2.compress(b""))
        + compressed(STREAM)
    )
    for cut in (1, 7, len(data)):
        connection = server()
        messages = [""]
        for event in receive_cut(
            connection, [data[start : start + cut] for start in range(0, len(data), cut)]
        ):
            if isinstance(event, Ping):
                assert event.payload == b"between"
                continue
            assert isinstance(event, TextMessage)
            messages[-1] += event.data
            if event.message_finished:
                messages.append("")
        assert messages == [TEXT, "not compressed", "", TEXT, ""]


def test_frames_of_a_message_to_be_sent_are_one_stream_and_control_frames_stay_plain() -> None:
    connection = server()
    sent = [
        wire.decode_frame(connection.send(event))
        for event in (
            BytesMessage(b"first ", message_finished=False),
            Ping(b"between"),
            BytesMessage(b"", message_finished=False),
            BytesMessage(b"last"),
            BytesMessage(b""),
        )
    ]
    assert [(frame.opcode, frame.rsv, frame.fin) for frame in sent] == [
        (wire.BINARY, wire.RSV1, False),
        (wire.PING, 0, True),
        (wire.CONTINUATION, 0, False),
        (wire.CONTINUATION, 0, True),
        (wire.BINARY, wire.RSV1, True),
    ]
    first, ping, empty, last, nothing = (frame.payload for frame in sent)
    assert ping == b"between"
    assert bz2.decompress(first + empty + last) == b"first last"
    assert bz2.decompress(nothing) == b""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (compressed(b"no bzip2 at all"), 1007),
        (compressed(b""), 1007),
        (compressed(STREAM[:-1]), 1007),  # the stream does not end
        (compressed(STREAM + b"more"), 1007),
        (
            client_frame(wire.TEXT, STREAM, fin=False, rsv=wire.RSV1)
            + client_frame(wire.CONTINUATION, b"more"),
            1007,
        ),
        (compressed(bz2.compress(b"\xff")), 1007),  # what comes out is no UTF-8
        (
            client_frame(wire.TEXT, STREAM[:20], fin=False, rsv=wire.RSV1)
            + client_frame(wire.CONTINUATION, STREAM[20:], rsv=wire.RSV1),
            1002,
        ),
        (client_frame(wire.PING, b"", rsv=wire.RSV1), 1002),
        (client_frame(wire.TEXT, STREAM, rsv=wire.RSV2), 1002),
    ],
)
def test_a_message_that_is_no_bzip2_fails_the_connection(data: bytes, code: int) -> None:
    for pieces in ([data], list(single_bytes(data))):
        connection = server()
        *_, close = receive_cut(connection, pieces)
        assert isinstance(close, CloseConnection)
        assert close.code == code
        assert connection.state is ConnectionState.REMOTE_CLOSING


@pytest.mark.parametrize(("size", "fits"), [(6999, False), (7000, True)])
def test_the_size_of_a_message_is_bounded(size: int, fits: bool) -> None:
    for pieces in ([compressed(STREAM)], list(single_bytes(compressed(STREAM)))):
        connection = server(size)
        events = receive_cut(connection, pieces)
        texts = [event.data for event in events if isinstance(event, TextMessage)]
        codes = [event.code for event in events if isinstance(event, CloseConnection)]
        assert ("".join(texts) == TEXT, codes) == (fits, [] if fits else [1009])


def test_a_bomb_does_not_inflate() -> None:
    bomb = bz2.compress(bytes(2**24))  # 16 MiB
    assert len(bomb) < 100
    connection = server()
    tracemalloc.start()
    try:
        *_, close = receive(connection, client_frame(wire.BINARY, bomb, rsv=wire.RSV1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(close, CloseConnection)
    assert close.code == 1009
    assert peak < 2**23  # bytes; bzip2 itself takes 4 for each of the 900,000 of its block


def test_connections_of_one_object_do_not_mix_their_messages() -> None:
    shared = PerMessageBzip2()
    assert shared.accept("permessage-bzip2") is True
    first, second = (Connection(ConnectionType.SERVER, [shared]) for _ in range(2))
    for connection in (first, second):
        receive(connection, client_frame(wire.TEXT, STREAM[:20], fin=False, rsv=wire.RSV1))
    for connection in (first, second):
        events = receive(connection, client_frame(wire.CONTINUATION, STREAM[20:]))
        assert "".join(event.data for event in events if isinstance(event, TextMessage)) == TEXT
    sent = [connection.send(BytesMessage(b"a", message_finished=False)) for connection in (first, second)]
    rest = [connection.send(BytesMessage(b"b")) for connection in (first, second)]
    for begin, end in zip(sent, rest, strict=True):
        stream = wire.decode_frame(begin).payload + wire.decode_frame(end).payload
        assert bz2.decompress(stream) == b"ab"
