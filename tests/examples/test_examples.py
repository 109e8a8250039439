"""The example programs against each other, and against a hand-made peer."""

from __future__ import annotations

import signal
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from tests.examples.running import (
    ACCEPT_OF_REQUEST,
    HOST,
    REQUEST,
    accept,
    raw_server,
    read_frame,
    read_head,
    run,
    serving,
)
from tests.oracle import wire

if TYPE_CHECKING:
    from collections.abc import Callable

SERVERS = ["synchronous_server.py", "asyncio_server.py"]
CLIENTS = ["synchronous_client.py", "asyncio_client.py"]
ALL_SERVERS = [*SERVERS, "http2_server.py"]
ALL_CLIENTS = [*CLIENTS, "http2_client.py"]


def conversation(*texts: str) -> str:
    received = "".join(f"received {text!r}\n" for text in texts)
    return f"connected\n{received}received pong b'still there?'\nclosed with 1000 'bye'\n"


@pytest.mark.parametrize("server_program", SERVERS)
def test_every_client_talks_to_every_server_in_sequence(server_program: str) -> None:
    texts = ["gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n", "", "x" * 100_000]
    with serving(server_program) as server:
        for client_program in CLIENTS:
            client = run(client_program, HOST, server.port, *texts)
            assert (client.status, client.errors) == (0, "")
            assert client.output == conversation(*texts)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("accepted '/'\n") == len(CLIENTS)
    assert ended.output.count("closed with 1000 'bye'\n") == len(CLIENTS)


@pytest.mark.parametrize("program", SERVERS)
def test_server_answers_fragments_pings_and_close_and_hangs_up_first(program: str) -> None:
    def client_frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
        return wire.frame(opcode, payload, fin=fin, mask=wire.MASK)

    with serving(program) as server, server.connect() as sock:
        sock.sendall(REQUEST)
        assert ACCEPT_OF_REQUEST in read_head(sock)
        sock.sendall(client_frame(wire.TEXT, b"frag", fin=False))
        sock.sendall(client_frame(wire.PING, b"between"))
        sock.sendall(client_frame(wire.CONTINUATION, b"ments"))
        echo = b""
        pongs = []
        while True:
            frame = read_frame(sock)
            assert frame.mask is None
            if frame.opcode == wire.PONG:
                pongs.append(frame.payload)
                continue
            assert frame.opcode == (wire.CONTINUATION if echo else wire.TEXT)
            echo += frame.payload
            if frame.fin:
                break
        assert (echo, pongs) == (b"fragments", [b"between"])
        # The server leaves what comes after the Close unread, and the client still gets the answer.
        sock.sendall(
            client_frame(wire.CLOSE, wire.close_payload(4000, "over")) + client_frame(wire.TEXT, b"late")
        )
        close = read_frame(sock)
        assert (close.opcode, close.close_code, close.close_reason) == (wire.CLOSE, 4000, "over")
        assert sock.recv(1) == b""


@pytest.mark.parametrize("program", SERVERS)
def test_server_closes_with_1002_on_an_unmasked_frame(program: str) -> None:
    with serving(program) as server, server.connect() as sock:
        sock.sendall(REQUEST)
        read_head(sock)
        sock.sendall(wire.frame(wire.TEXT, b"bare"))
        close = read_frame(sock)
        assert (close.opcode, close.close_code) == (wire.CLOSE, 1002)
        assert sock.recv(1) == b""


@pytest.mark.parametrize("program", SERVERS)
def test_server_outlives_clients_that_leave_or_misbehave(program: str) -> None:
    with serving(program) as server:
        with server.connect():
            pass  # leaves before its request
        with server.connect() as sock:
            sock.sendall(REQUEST)
            read_head(sock)  # leaves without a Close
        with server.connect() as sock:
            sock.sendall(REQUEST)
            read_head(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # resets
        with server.connect() as sock:
            sock.sendall(REQUEST.replace(b"Version: 13", b"Version: 8"))
            head = read_head(sock).lower()
            assert head.startswith(b"http/1.1 426 ")
            assert b"sec-websocket-version: 13\r\n" in head
            assert sock.recv(1) == b""
        with server.connect() as sock:
            sock.sendall(b"BREW / HTCPCP/1.0\r\n\r\n")
            assert read_head(sock).startswith(b"HTTP/1.1 400 ")
            assert sock.recv(1) == b""
        client = run("synchronous_client.py", HOST, server.port)
        ended = server.stop()
    assert (client.status, client.output) == (0, conversation("Hello, WebSocket!"))
    assert (ended.status, ended.errors) == (0, "")
    assert "closed with 1006 " in ended.output


def test_asyncio_server_says_goodbye_when_it_stops() -> None:
    with serving("asyncio_server.py") as server, server.connect() as sock, server.connect():
        sock.sendall(REQUEST)
        read_head(sock)
        server.signal(signal.SIGTERM)
        close = read_frame(sock)
        assert (close.opcode, close.close_code) == (wire.CLOSE, 1001)
        sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(1001), mask=wire.MASK))
        assert sock.recv(1) == b""
        sock.close()
        ended = server.end()
    assert (ended.status, ended.errors) == (0, "")


@pytest.mark.parametrize("program", CLIENTS)
def test_client_takes_fragments_pings_and_close(program: str) -> None:
    def serve(sock: socket.socket) -> None:
        accept(sock)
        text = read_frame(sock)
        assert (text.opcode, text.payload, text.fin) == (wire.TEXT, b"hello", True)
        assert text.mask is not None
        reply = [
            wire.frame(wire.TEXT, b"hel\xe2\x98", fin=False),
            wire.frame(wire.PING, b"between"),
            wire.frame(wire.CONTINUATION, b"", fin=False),
            wire.frame(wire.CONTINUATION, b"\x83lo"),
        ]
        for byte in b"".join(reply):
            sock.sendall(bytes([byte]))
        assert read_frame(sock).payload == b"between"
        ping = read_frame(sock)
        assert ping.opcode == wire.PING
        sock.sendall(wire.frame(wire.PONG, ping.payload))
        close = read_frame(sock)
        assert (close.opcode, close.close_code, close.close_reason) == (wire.CLOSE, 1000, "bye")
        sock.sendall(wire.frame(wire.CLOSE, close.payload))
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""  # the client sends nothing after its Close

    with raw_server(serve) as port:
        client = run(program, HOST, port, "hello")
    assert (client.status, client.errors) == (0, "")
    assert client.output == conversation("hel\N{SNOWMAN}lo")


def test_client_that_is_told_to_close_answers() -> None:
    def serve(sock: socket.socket) -> None:
        accept(sock)
        read_frame(sock)
        sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(1001, "restart")))
        close = read_frame(sock)
        assert (close.opcode, close.close_code) == (wire.CLOSE, 1001)

    for program in CLIENTS:
        with raw_server(serve) as port:
            client = run(program, HOST, port)
        assert (client.status, client.output) == (1, "connected\n")
        assert client.errors == f"{HOST}:{port}: the server closed with 1001 'restart'\n"


def masked_frame(sock: socket.socket) -> None:
    accept(sock)
    read_frame(sock)
    sock.sendall(wire.frame(wire.TEXT, b"masked", mask=wire.MASK))
    assert read_frame(sock).close_code == 1002


def end_of_file(sock: socket.socket) -> None:
    accept(sock)
    read_frame(sock)


def end_inside_a_frame(sock: socket.socket) -> None:
    accept(sock)
    read_frame(sock)
    sock.sendall(wire.frame(wire.TEXT, b"half")[:4])


def refusal(sock: socket.socket) -> None:
    read_head(sock)
    sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")


def not_http(sock: socket.socket) -> None:
    read_head(sock)
    sock.sendall(b"220 mail.example ESMTP\r\n\r\n")


def no_response(sock: socket.socket) -> None:
    read_head(sock)


@pytest.mark.parametrize("program", CLIENTS)
@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (masked_frame, "mask"),
        (end_of_file, "1006"),
        (end_inside_a_frame, "1006"),
        (refusal, "status 403"),
        (not_http, "Bad HTTP message"),
        (no_response, ""),
    ],
)
def test_client_says_in_one_line_why_it_failed(
    program: str, serve: Callable[[socket.socket], None], reason: str
) -> None:
    with raw_server(serve) as port:
        client = run(program, HOST, port)
    assert client.status == 1
    assert client.errors.startswith(f"{HOST}:{port}: ")
    assert reason.lower() in client.errors.lower()
    assert client.errors.count("\n") == 1


@pytest.mark.parametrize("program", ALL_CLIENTS)
def test_client_of_a_closed_port_says_so(program: str) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    client = run(program, HOST, port)
    assert (client.status, client.output) == (1, "")
    assert "refused" in client.errors.lower()
    assert client.errors.count("\n") == 1


@pytest.mark.parametrize("program", ALL_SERVERS)
def test_server_on_a_taken_port_says_so(program: str) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        server = run(program, HOST, port)
    assert (server.status, server.output) == (1, "")
    assert server.errors.startswith(f"cannot listen on {HOST} port {port}: ")
    assert server.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["127.0.0.1", "http"], ["'http'", "whole number", "65535"]),
        (["127.0.0.1", "65536"], ["'65536'", "65535"]),
        (["127.0.0.1", "-1"], ["'-1'", "65535"]),
        (["127.0.0.1"], ["PORT", "missing"]),
        (["", "8000"], ["''", "host"]),
        (["ws://localhost", "8000"], ["'ws://localhost'", "host"]),
        (["--verbose"], ["--verbose"]),
    ],
)
def test_wrong_argument_is_named_in_one_line(arguments: list[str], words: list[str]) -> None:
    program = "synchronous_client.py"
    ended = run(program, *arguments)
    assert (ended.status, ended.output) == (2, "")
    assert ended.errors.startswith(f"{program}: ")
    assert ended.errors.count("\n") == 1
    for word in words:
        assert word in ended.errors


@pytest.mark.parametrize(
    ("program", "port", "lowest"), [("http2_client.py", "0", 1), ("http2_server.py", "x", 0)]
)
def test_a_server_may_ask_for_port_0_and_a_client_may_not(program: str, port: str, lowest: int) -> None:
    ended = run(program, HOST, port)
    assert ended.status == 2
    assert f"{port!r} is not a whole number from {lowest} to 65535" in ended.errors
