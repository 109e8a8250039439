from __future__ import annotations

import select
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.harness.serving import TIMEOUT, serving
from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, RSV1, TEXT, Frame

if TYPE_CHECKING:
    from tests.harness.serving import EchoServer

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    return wire.frame(opcode, payload, fin=fin, rsv=rsv, mask=MASK)


def zeros(length: int, opcode: int = BINARY, *, fin: bool = False) -> bytes:
    """Write a long frame quickly: of zeros, under a mask of zeros."""
    return bytes([(0x80 if fin else 0) | opcode, 0x80 | 127]) + length.to_bytes(8, "big") + bytes(4 + length)


def head_of(sock: socket.socket) -> str:
    """Read up to the empty line of the response, not a byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    return head.decode().lower()


def opened(server: EchoServer, headers: bytes = b"") -> socket.socket:
    sock = server.connect()
    sock.sendall(REQUEST + headers + b"\r\n")
    assert head_of(sock).startswith("http/1.1 101 ")
    return sock


def rest(sock: socket.socket) -> list[Frame]:
    """Read frames until the server has closed its half."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return wire.decode_frames(data)


def closing(code: int | None = 1000) -> bytes:
    return frame(CLOSE, wire.close_payload(code))


def test_it_says_where_it_listens(echo_server: EchoServer) -> None:
    host, port = echo_server.address
    assert echo_server.line == f"Listening on ws://{host}:{port}\n"
    assert host == "127.0.0.1"
    assert port > 0


def test_text_and_binary_come_back_and_the_server_closes_first(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        sock.sendall(frame(TEXT, "grüße".encode()) + frame(BINARY, b"\x00\xff") + frame(TEXT) + closing(3000))
        assert rest(sock) == [
            Frame(TEXT, "grüße".encode()),
            Frame(BINARY, b"\x00\xff"),
            Frame(TEXT, b""),
            Frame(CLOSE, b"\x0b\xb8"),
        ]


def test_fragments_come_back_as_one_message_and_a_ping_between_them_at_once(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        sock.sendall(frame(TEXT, b"a\xc3", fin=False) + frame(PING, b"?"))
        assert wire.decode_frame(sock.recv(100)) == Frame(PONG, b"?")
        sock.sendall(frame(CONTINUATION, b"\xa4", fin=False) + frame(CONTINUATION, b"z") + closing())
        assert rest(sock)[0] == Frame(TEXT, "aäz".encode())


def test_what_follows_the_request_in_the_same_segment_is_answered(echo_server: EchoServer) -> None:
    with echo_server.connect() as sock:
        sock.sendall(REQUEST + b"\r\n" + frame(TEXT, b"early") + closing())
        head_of(sock)
        assert rest(sock) == [Frame(TEXT, b"early"), Frame(CLOSE, b"\x03\xe8")]


def test_one_byte_at_a_time(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        for byte in frame(TEXT, b"slowly") + closing(None):
            sock.send(bytes([byte]))
        assert rest(sock) == [Frame(TEXT, b"slowly"), Frame(CLOSE)]


def test_the_answers_to_one_read_come_in_one_piece(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        sock.sendall(frame(TEXT, b"x") * 100)
        assert len(wire.decode_frames(sock.recv(65536))) == 100


def test_a_large_message_comes_back_behind_what_was_sent_before_it(echo_server: EchoServer) -> None:
    """Its payload is written by itself."""
    with opened(echo_server) as sock:
        sock.sendall(
            frame(TEXT, b"before") + zeros(300_000, fin=True) + frame(TEXT, b"behind") + frame(CLOSE)
        )
        assert rest(sock) == [
            Frame(TEXT, b"before"),
            Frame(BINARY, bytes(300_000)),
            Frame(TEXT, b"behind"),
            Frame(CLOSE),
        ]


def test_permessage_deflate_is_accepted_where_it_is_offered(echo_server: EchoServer) -> None:
    with echo_server.connect() as sock:
        sock.sendall(REQUEST + DEFLATE + b"\r\n")
        assert "sec-websocket-extensions: permessage-deflate" in head_of(sock)
        deflater = zlib.compressobj(wbits=-15)
        payload = deflater.compress(b"again " * 50) + deflater.flush(zlib.Z_SYNC_FLUSH)
        sock.sendall(frame(TEXT, payload.removesuffix(b"\x00\x00\xff\xff"), rsv=RSV1) + closing())
        echo, close = rest(sock)
    assert (echo.opcode, echo.rsv, close.opcode) == (TEXT, RSV1, CLOSE)
    assert zlib.decompressobj(wbits=-15).decompress(echo.payload + b"\x00\x00\xff\xff") == b"again " * 50


def test_without_an_offer_there_is_no_extension(echo_server: EchoServer) -> None:
    with echo_server.connect() as sock:
        sock.sendall(REQUEST + b"\r\n")
        assert "sec-websocket-extensions" not in head_of(sock)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (wire.frame(TEXT, b"not masked"), 1002),
        (frame(TEXT, b"x", rsv=RSV1), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(0x3), 1002),
    ],
)
def test_a_violation_is_answered_with_its_code(echo_server: EchoServer, sent: bytes, code: int) -> None:
    with opened(echo_server) as sock:
        sock.sendall(frame(TEXT, b"before") + sent)
        before, close = rest(sock)
    assert before == Frame(TEXT, b"before")
    assert close.close_code == code


def test_a_message_over_the_limit_is_refused_and_the_closing_handshake_ended(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        sock.sendall(zeros(2**23, BINARY) + zeros(2**23, CONTINUATION))
        sock.sendall(frame(CONTINUATION, b"!") + frame(TEXT, b"late") + closing(1009))
        (close,) = rest(sock)
    assert close.close_code == 1009


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (REQUEST.replace(b"Version: 13", b"Version: 12") + b"\r\n", "426"),
        (b"nonsense\r\n\r\n", "400"),
    ],
)
def test_what_is_no_websocket_request_is_rejected(
    echo_server: EchoServer, request_bytes: bytes, status: str
) -> None:
    with echo_server.connect() as sock:
        sock.sendall(request_bytes)
        assert head_of(sock).startswith(f"http/1.1 {status} ")
        assert sock.recv(1) == b""


def test_the_answer_arrives_although_input_was_left_unread(echo_server: EchoServer) -> None:
    """A socket that is closed with unread input resets the connection, and the echo would be lost."""
    with opened(echo_server) as sock:
        sock.sendall(zeros(2**20, fin=True) + closing() + frame(PING, b"too late") * 1000)
        time.sleep(0.1)
        sock.sendall(frame(PING, b"later still"))
        echo, close = rest(sock)
    assert echo.payload == bytes(2**20)
    assert close.close_code == 1000


def test_a_half_closed_peer_gets_what_it_asked_for(echo_server: EchoServer) -> None:
    with opened(echo_server) as sock:
        sock.sendall(frame(TEXT, b"last words"))
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == [Frame(TEXT, b"last words")]


def test_an_end_before_the_request_ends_the_connection(echo_server: EchoServer) -> None:
    with echo_server.connect() as sock:
        sock.sendall(REQUEST)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def test_a_reset_harms_nobody_else(echo_server: EchoServer) -> None:
    with opened(echo_server) as other:
        with opened(echo_server) as sock:
            sock.sendall(zeros(2**20, fin=True))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.sendall(frame(TEXT, b"still here") + closing())
        assert rest(other)[0] == Frame(TEXT, b"still here")


def test_a_peer_that_does_not_read_is_not_read_from(echo_server: EchoServer) -> None:
    message = zeros(2**17, fin=True)
    with opened(echo_server) as sock:
        sock.setblocking(False)
        sent = 0
        while select.select([], [sock], [], 0.3)[1]:
            sent += sock.send(message[sent % len(message) :])
            assert sent < 2**27, "the server takes in more and more"
        sock.settimeout(TIMEOUT)
        echoed = 0
        whole = sent // len(message)
        while echoed < whole * (len(message) - len(MASK)):
            echoed += len(sock.recv(2**20))
    assert whole > 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_connections_and_exits_0(number: signal.Signals) -> None:
    with serving() as server, opened(server) as sock, server.connect() as silent:
        server.process.send_signal(number)
        (close,) = wire.decode_frames(sock.recv(100))
        assert close.close_code == 1001
        sock.sendall(closing(1001))
        assert sock.recv(1) == b""
        assert silent.recv(1) == b""
        sock.close()  # the server waits for that
        _, errors = server.process.communicate(timeout=TIMEOUT)
    assert (server.process.returncode, errors) == (0, "")


def test_a_peer_that_does_not_answer_the_close_does_not_keep_the_server() -> None:
    with serving() as server, opened(server):
        server.process.terminate()
        assert server.process.wait(TIMEOUT) == 0


def test_a_port_in_use_is_one_line_and_exit_2(echo_server: EchoServer) -> None:
    command = [sys.executable, "-m", "harness", "serve", "--port", str(echo_server.address[1])]
    found = subprocess.run(  # noqa: S603 - this very interpreter
        command, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert found.returncode == 2
    assert found.stderr.startswith(f"error: cannot listen on '127.0.0.1', port {echo_server.address[1]}: ")
    assert "address already in use" in found.stderr
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (REQUEST.replace(b"Version: 13", b"Version: 12") + b"\r\n", "426"),
    ],
)
def test_a_refusal_says_that_the_connection_ends(
    echo_server: EchoServer, request_bytes: bytes, status: str
) -> None:
    """A proxy would otherwise send the next request on a connection that nobody reads (RFC 9112 9.6)."""
    with echo_server.connect() as sock:
        sock.sendall(request_bytes)
        head = head_of(sock)
    options = [line.partition(":")[2] for line in head.splitlines() if line.startswith("connection:")]
    assert head.startswith(f"http/1.1 {status} ")
    assert "close" in [option.strip() for line in options for option in line.split(",")]
    assert ("upgrade: websocket" in head) is (status == "426")


def test_a_verbose_server_says_who_came_and_what_was_refused_and_why() -> None:
    with serving("--verbose") as server:
        with opened(server) as sock:
            good = f"127.0.0.1:{sock.getsockname()[1]}"
            sock.sendall(closing(3000))
            rest(sock)
        with server.connect() as sock:
            refused = f"127.0.0.1:{sock.getsockname()[1]}"
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert head_of(sock)
        with opened(server) as sock:
            failed = f"127.0.0.1:{sock.getsockname()[1]}"
            sock.sendall(frame(TEXT, b"\xff"))
            rest(sock)
        server.process.terminate()
        _, errors = server.process.communicate(timeout=TIMEOUT)
    lines = errors.splitlines()
    assert lines[:4] == [
        f"{good} came",
        f"{good} opened '/chat'",
        f"{good} closed with 3000",
        f"{good} has gone",
    ]
    assert f"{refused} was refused with 400: Missing header, 'Connection: Upgrade'" in lines
    (why,) = [line for line in lines if line.startswith(f"{failed} was failed with 1007: ")]
    assert "UTF-8" in why


def test_a_server_that_is_not_verbose_says_nothing(echo_server: EchoServer) -> None:
    """The fixture sees to it at the end."""
    with echo_server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert head_of(sock)


@pytest.mark.parametrize(
    "target", ["/fragments?size=x", "/close?code=x", "/limit?size=x", "/deflate?server_max_window_bits=99"]
)
def test_a_mode_with_a_number_that_is_none_is_refused(echo_server: EchoServer, target: str) -> None:
    with echo_server.connect() as sock:
        sock.sendall(REQUEST.replace(b"/chat", target.encode()) + b"\r\n")
        assert head_of(sock).startswith("http/1.1 400 ")
