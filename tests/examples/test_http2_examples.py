"""The HTTP/2 examples (RFC 8441) against each other, and against `h2` driven by hand."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
)
from h2.settings import SettingCodes, Settings
from hpack import Encoder

from tests.examples.running import HOST, raw_server, read_exactly, run, serving
from tooling import frames as wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

CONNECT = {
    b":method": b"CONNECT",
    b":protocol": b"websocket",
    b":scheme": b"http",
    b":path": b"/chat",
    b":authority": b"localhost",
    b"sec-websocket-version": b"13",
}


class Http2Peer:
    """One end of an HTTP/2 connection on a blocking socket."""

    def __init__(self, sock: socket.socket, *, client: bool, extended_connect: bool = True) -> None:
        self.http2 = H2Connection(H2Configuration(client_side=client, header_encoding=None))
        if not client:
            values = {SettingCodes.ENABLE_CONNECT_PROTOCOL: int(extended_connect)}
            self.http2.local_settings = Settings(client=False, initial_values=values)
        self.http2.initiate_connection()
        self._sock = sock

    def events(self) -> Iterator[Event]:
        """Send what there is, receive, and give back all flow control window at once."""
        while True:
            self._sock.sendall(self.http2.data_to_send())
            data = self._sock.recv(65536)
            if not data:
                return
            for event in self.http2.receive_data(data):
                if isinstance(event, DataReceived):
                    self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                yield event

    def flush(self) -> None:
        """Send what there is."""
        self._sock.sendall(self.http2.data_to_send())

    def connect(self, **changes: bytes) -> dict[bytes, bytes]:
        """Ask for a WebSocket on stream 1, once the server has allowed it; gives the response's headers."""
        events = self.events()
        assert any(isinstance(event, RemoteSettingsChanged) for event in events)
        assert self.http2.remote_settings.enable_connect_protocol == 1
        headers = {**CONNECT, **{name.encode(): value for name, value in changes.items()}}
        self.http2.send_headers(1, [(name, value) for name, value in headers.items() if value])
        response = next(event for event in self.events() if isinstance(event, ResponseReceived))
        return {bytes(name): bytes(value) for name, value in response.headers}


def test_client_and_server_exchange_more_than_a_flow_control_window() -> None:
    texts = ["hello", *(f"{number}".zfill(6) * 20_000 for number in (1, 2))]
    with serving("http2_server.py") as server:
        client = run("http2_client.py", HOST, server.port, *texts)
        ended = server.stop()
    assert (client.status, client.errors) == (0, "")
    received = "".join(f"received {text!r}\n" for text in texts)
    assert client.output == f"connected\n{received}received pong b'still there?'\nclosed with 1000 'bye'\n"
    assert (ended.status, ended.errors) == (0, "")
    assert "accepted '/'\nclosed with 1000 'bye'\n" in ended.output


def conversation(sent: bytes, *options: str) -> list[wire.Frame]:
    """Send frames to the server in one DATA frame; gives its own, to the end of the stream."""
    received = b""
    with serving("http2_server.py", *options) as server, server.connect() as sock:
        peer = Http2Peer(sock, client=True)
        assert peer.connect()[b":status"] == b"200"
        peer.http2.send_data(1, sent)
        for event in peer.events():
            if isinstance(event, DataReceived):
                received += event.data
            elif isinstance(event, StreamEnded):
                break
    return wire.decode_frames(received)


def test_server_sends_back_as_one_fragment_what_comes_together_and_pongs_in_its_place() -> None:
    """A fragment for each piece of a few bytes cost it more than the bytes."""
    pieces = [
        wire.frame(wire.TEXT, "zwölf".encode()[:3], mask=wire.MASK, fin=False),
        wire.frame(wire.CONTINUATION, "zwölf".encode()[3:], mask=wire.MASK),
        wire.frame(wire.BINARY, b"a", mask=wire.MASK, fin=False),
        wire.frame(wire.PING, b"?", mask=wire.MASK),
        wire.frame(wire.CONTINUATION, b"b", mask=wire.MASK),
        wire.frame(wire.CLOSE, wire.close_payload(1000), mask=wire.MASK),
    ]
    assert [(frame.opcode, frame.payload, frame.fin) for frame in conversation(b"".join(pieces))] == [
        (wire.TEXT, "zwölf".encode(), True),
        (wire.BINARY, b"a", False),
        (wire.PONG, b"?", True),
        (wire.CONTINUATION, b"b", True),
        (wire.CLOSE, b"\x03\xe8", True),
    ]


def test_server_refuses_a_message_over_its_limit_with_1009() -> None:
    frames = conversation(wire.frame(wire.TEXT, b"x" * 11, mask=wire.MASK), "--max-message-size", "10")
    assert [(frame.opcode, frame.close_code) for frame in frames] == [(wire.CLOSE, 1009)]


def test_server_echoes_1_mib_within_the_windows_and_ends_the_stream_after_close() -> None:
    message = bytes(range(256)) * 4096
    unsent = wire.frame(wire.BINARY, message, mask=wire.MASK) + wire.frame(
        wire.CLOSE, wire.close_payload(4000, "over"), mask=wire.MASK
    )
    received = b""
    with serving("http2_server.py") as server, server.connect() as sock:
        peer = Http2Peer(sock, client=True)
        response = peer.connect()
        assert response[b":status"] == b"200"
        assert b"sec-websocket-extensions" not in response
        events = peer.events()
        while True:
            room = min(
                peer.http2.local_flow_control_window(1), peer.http2.max_outbound_frame_size, len(unsent)
            )
            if room:
                peer.http2.send_data(1, unsent[:room])
                unsent = unsent[room:]
                continue
            event = next(events)
            if isinstance(event, DataReceived):
                received += event.data
            elif isinstance(event, StreamEnded):
                break
    *data, close = wire.decode_frames(received)
    assert b"".join(frame.payload for frame in data) == message
    assert [frame.fin for frame in data] == [False] * (len(data) - 1) + [True]
    assert (close.opcode, close.close_code, close.close_reason) == (wire.CLOSE, 4000, "over")


def test_server_negotiates_permessage_deflate() -> None:
    offer = b"permessage-deflate; client_max_window_bits"
    with serving("http2_server.py") as server, server.connect() as sock:
        peer = Http2Peer(sock, client=True)
        response = peer.connect(**{"sec-websocket-extensions": offer})
        assert response[b"sec-websocket-extensions"].startswith(b"permessage-deflate")
        # RFC 7692 7.2.3.1: "Hello", compressed.
        hello = bytes.fromhex("f248cdc9c90700")
        peer.http2.send_data(1, wire.frame(wire.TEXT, hello, rsv=wire.RSV1, mask=wire.MASK))
        echo = next(event for event in peer.events() if isinstance(event, DataReceived))
    assert wire.decode_frame(echo.data).rsv == wire.RSV1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({":protocol": b"chess"}, b"501"),
        ({":protocol": b"", ":method": b"GET"}, b"501"),
        ({"sec-websocket-version": b"8"}, b"400"),
        ({"sec-websocket-version": b""}, b"400"),
        ({":path": b"chat"}, b"400"),
        ({":path": b"/elsewhere"}, b"404"),
        ({":scheme": b"wss"}, b"400"),
        ({"content-length": b"5"}, b"400"),
        ({"sec-websocket-extensions": b"a;;b"}, b"400"),
        ({":protocol": b"WebSocket"}, b"200"),
    ],
)
def test_server_answers_a_request_with(changes: dict[str, bytes], status: bytes) -> None:
    with serving("http2_server.py") as server, server.connect() as sock:
        assert Http2Peer(sock, client=True).connect(**changes)[b":status"] == status


def test_server_ends_a_stream_that_ends_without_close_and_goes_on() -> None:
    with serving("http2_server.py") as server:
        with server.connect() as sock:
            peer = Http2Peer(sock, client=True)
            peer.connect()
            peer.http2.end_stream(1)
            assert any(isinstance(event, StreamEnded) for event in peer.events())
        with server.connect() as sock:
            peer = Http2Peer(sock, client=True)
            peer.connect()
            peer.http2.reset_stream(1, ErrorCodes.CANCEL)
            peer.flush()
        with server.connect() as sock:
            Http2Peer(sock, client=True).connect()  # and leaves
        with server.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while sock.recv(65536):
                pass
        assert run("http2_client.py", HOST, server.port).status == 0
        server.has_printed("closed with 1006 ''", 3)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1006 ''\n") == 3
    assert "HTTP/2 error: " in ended.output


class RawHttp2:
    """An HTTP/2 client of frames that are written by hand: a full stack hides what must be sent."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._encoder = Encoder()
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000"))

    def send(self, *frames: str) -> None:
        """Send frames, given in hex, in one write."""
        self._sock.sendall(bytes.fromhex("".join(frames)))

    def connect(self, stream: int) -> None:
        """Open a WebSocket without extensions."""
        block = self._encoder.encode(list(CONNECT.items())).hex()
        self.send(f"{len(block) // 2:06x} 01 04 {stream:08x} {block}")

    def read(self, stream: int, kind: int) -> tuple[int, str]:
        """Read up to the next frame of a kind on a stream: its flags and payload. GOAWAY fails the test."""
        while True:
            head = read_exactly(self._sock, 9)
            payload = read_exactly(self._sock, int.from_bytes(head[:3], "big"))
            assert head[3] != 7, f"GOAWAY {payload.hex()}"
            if (head[3], int.from_bytes(head[5:], "big")) == (kind, stream):
                return head[4], payload.hex()


DATA, HEADERS, RST_STREAM = 0, 1, 3


def test_a_stream_that_is_reset_in_the_same_read_as_its_data_ends_no_other() -> None:
    """A reload of a page in Chromium does this, and all its WebSockets were gone (RFC 9113 5.4.2)."""
    with serving("http2_server.py") as server:
        with server.connect() as sock:
            client = RawHttp2(sock)
            for stream in (1, 3):
                client.connect(stream)
                client.read(stream, HEADERS)
            client.send("00000b 00 00 00000003 81850000000068656c6c6f", "000004 03 00 00000003 00000008")
            client.send("00000b 00 00 00000001 81850000000068656c6c6f")
            assert client.read(1, DATA) == (0, "810568656c6c6f")
        server.has_printed("closed with 1006 ''", 2)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert "HTTP/2 error" not in ended.output
    assert ended.output.count("closed with 1006 ''\n") == 2, "each is told"


def test_trailers_in_one_read_with_a_request_that_is_refused_end_nothing_else() -> None:
    with serving("http2_server.py") as server, server.connect() as sock:
        peer = Http2Peer(sock, client=True)
        assert peer.connect()[b":status"] == b"200"
        refused = [(name, value) for name, value in CONNECT.items() if name != b"sec-websocket-version"]
        peer.http2.send_headers(3, refused)
        peer.http2.send_headers(3, [(b"x-trailer", b"1")], end_stream=True)
        peer.http2.send_data(1, wire.frame(wire.TEXT, b"hello", mask=wire.MASK))
        echo = next(event for event in peer.events() if isinstance(event, DataReceived))
        assert (echo.stream_id, wire.decode_frame(echo.data).payload) == (1, b"hello")


def test_a_client_that_never_ends_its_side_uses_up_no_streams() -> None:
    """Firefox does not, and its 101st WebSocket ended the connection: each stream is reset after a grace."""
    with serving("http2_server.py", GRACE_SECONDS=0.01) as server:
        with server.connect() as sock:
            client = RawHttp2(sock)
            for stream in range(1, 203, 2):
                client.connect(stream)
                client.read(stream, HEADERS)
                client.send(f"000008 00 00 {stream:08x} 88820000000003e8")
                assert client.read(stream, DATA) == (1, "880203e8")  # the Close, with END_STREAM
                assert client.read(stream, RST_STREAM) == (0, "00000008")
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1000 ''\n") == 101


def test_a_client_that_ends_its_side_is_not_reset_and_one_that_sends_on_is_dropped() -> None:
    with serving("http2_server.py", GRACE_SECONDS=0.2) as server:
        with server.connect() as sock:
            client = RawHttp2(sock)
            for stream in (1, 3):
                client.connect(stream)
                client.send(f"000008 00 00 {stream:08x} 88820000000003e8")
                client.read(stream, DATA)
            client.send("000000 00 01 00000001", "00000b 00 00 00000003 81850000000068656c6c6f")
            assert client.read(3, RST_STREAM) == (0, "00000008")
            client.send("000008 06 00 00000000 0102030405060708")
            assert client.read(0, 6) == (1, "0102030405060708")  # a ping behind which nothing else came
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")


def test_the_reason_why_the_server_ends_a_connection_arrives_before_its_end() -> None:
    """With input unread, closing TCP resets it, and the GOAWAY is lost (RFC 9113 5.4.1)."""
    with serving("http2_server.py") as server:
        with server.connect() as sock:
            client = RawHttp2(sock)
            client.send(
                "000006 04 00 00000000 0008 00000002", "000008 06 00 00000000 0102030405060708" * 9000
            )
            received = b""
            while piece := sock.recv(65536):
                received += piece
        ended = server.stop()
    assert bytes.fromhex("07 00 00000000 00000000 00000001") in received
    assert (ended.status, ended.errors) == (0, "")


def test_server_that_stops_says_goodbye() -> None:
    with serving("http2_server.py") as server, server.connect() as sock:
        client = RawHttp2(sock)
        client.connect(1)
        client.read(1, HEADERS)
        server.signal(signal.SIGTERM)
        flags, close = client.read(1, DATA)
        assert (flags, close[4:8]) == (0, "03e9")
        client.send("000008 00 01 00000001 88820000000003e9")
        assert client.read(1, DATA) == (1, "")
        assert sock.recv(1) == b""
        ended = server.end()
    assert (ended.status, ended.errors) == (0, "")


def no_extended_connect(sock: socket.socket) -> None:
    for _ in Http2Peer(sock, client=False, extended_connect=False).events():
        pass


def refusal(sock: socket.socket) -> None:
    peer = Http2Peer(sock, client=False)
    for event in peer.events():
        if isinstance(event, RequestReceived):
            peer.http2.send_headers(event.stream_id, [(b":status", b"403")], end_stream=True)


def reset(sock: socket.socket) -> None:
    peer = Http2Peer(sock, client=False)
    for event in peer.events():
        if isinstance(event, RequestReceived):
            peer.http2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)


def cancel_the_conversation(sock: socket.socket) -> None:
    peer = Http2Peer(sock, client=False)
    for event in peer.events():
        if isinstance(event, RequestReceived):
            assert dict(event.headers)[b":protocol"] == b"websocket"
            peer.http2.send_headers(event.stream_id, [(b":status", b"200")])
        elif isinstance(event, DataReceived):
            peer.http2.reset_stream(event.stream_id, ErrorCodes.CANCEL)


def not_http2(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def end_of_file(sock: socket.socket) -> None:
    sock.recv(1024)


@pytest.mark.parametrize(
    ("serve", "status", "reason"),
    [
        (no_extended_connect, 2, "does not offer extended CONNECT"),
        (refusal, 2, "status 403"),
        (reset, 2, "reset the stream"),
        (cancel_the_conversation, 1, "closed with 1006"),
        (not_http2, 2, ""),
        (end_of_file, 2, ""),
    ],
)
def test_client_says_in_one_line_why_it_failed(
    serve: Callable[[socket.socket], None], status: int, reason: str
) -> None:
    with raw_server(serve) as port:
        client = run("http2_client.py", HOST, port)
    assert client.status == status
    assert client.errors.startswith(f"{HOST}:{port}: ")
    assert reason in client.errors
    assert client.errors.count("\n") == 1
