"""The example programs against each other, and against a hand-made peer."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest

from tests.examples.running import (
    ACCEPT_OF_REQUEST,
    EXAMPLES,
    HOST,
    IN_BACKGROUND,
    REQUEST,
    TIMEOUT,
    accept,
    raw_server,
    read_frame,
    read_head,
    run,
    serving,
)
from tooling import frames as wire

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
            assert b"connection: close\r\n" in head  # RFC 9112 9.6
            assert sock.recv(1) == b""
        for start, status in (
            (b"BREW / HTCPCP/1.0\r\n\r\n", b"HTTP/1.1 400 "),
            (REQUEST.replace(b"/chat", b"/elsewhere?/chat"), b"HTTP/1.1 404 "),
        ):
            with server.connect() as sock:
                sock.sendall(start)
                head = read_head(sock)
                assert head.startswith(status)
                assert b"\r\nconnection: close\r\n" in head.lower()
                assert sock.recv(1) == b""
        client = run("synchronous_client.py", HOST, server.port)
        ended = server.stop()
    assert (client.status, client.output) == (0, conversation("Hello, WebSocket!"))
    assert (ended.status, ended.errors) == (0, "")
    assert "closed with 1006 " in ended.output


@pytest.mark.parametrize("program", SERVERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_that_stops_says_goodbye_to_every_client(program: str, number: signal.Signals) -> None:
    # A shell's background job and its children ignore SIGINT: the servers listen to it all the same.
    with (
        serving(program, prefix=IN_BACKGROUND, LINGER_SECONDS=TIMEOUT) as server,
        server.connect() as silent,  # accepted before those that get an answer
        server.connect() as first,
        server.connect() as second,
    ):
        for sock in (first, second):  # at the same time: neither waits for the other
            sock.sendall(REQUEST)
            read_head(sock)
        server.signal(number)
        for sock in (first, second):
            close = read_frame(sock)
            assert (close.opcode, close.close_code) == (wire.CLOSE, 1001)
            # What the client had under way arrives before its Close, and gets no echo any more.
            sock.sendall(wire.frame(wire.TEXT, b"late", mask=wire.MASK))
            sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(1001), mask=wire.MASK))
            assert sock.recv(1) == b""
            sock.close()
        assert silent.recv(1) == b""
        ended = server.end()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1001 ''\n") == 2


def test_servers_stop_although_a_client_does_not_answer() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(program, LINGER_SECONDS=0.1)) for program in SERVERS]
        socks = [stack.enter_context(server.connect()) for server in servers]
        for server, sock in zip(servers, socks, strict=True):
            sock.sendall(REQUEST)
            read_head(sock)
            server.signal(signal.SIGINT)
            server.signal(signal.SIGINT)  # an impatient user's
        for server, sock in zip(servers, socks, strict=True):
            ended = server.end()
            assert (ended.status, ended.errors) == (0, "")
            assert read_frame(sock).close_code == 1001


@pytest.mark.parametrize("program", SERVERS)
def test_server_waits_only_so_long_for_a_request_that_comes_byte_by_byte(program: str) -> None:
    with serving(program, HANDSHAKE_SECONDS=0.3) as server, server.connect() as sock:
        with suppress(ConnectionError):  # as soon as the server has given up
            while True:
                sock.sendall(b"G")
                time.sleep(0.05)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert "connection lost: " in ended.output


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


def web_page(sock: socket.socket) -> None:
    read_head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nwithout an end")
    sock.recv(1)  # the client has heard enough, and goes


def silence(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def drip(sock: socket.socket) -> None:
    """Answer a byte at a time, each of which may begin a response, and never come to its end."""
    read_head(sock)
    with suppress(OSError):  # until the client has gone
        for byte in chain(b"HTTP/1.1 101 ", repeat(ord("x"))):
            sock.sendall(bytes([byte]))
            time.sleep(0.05)


@pytest.mark.parametrize("program", ALL_CLIENTS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_client_of_a_silent_server_gives_up(program: str, scheme: str) -> None:
    with raw_server(silence) as port:
        client = run(program, "--timeout", 0.3, f"{scheme}://{HOST}:{port}/")
    assert (client.status, client.output) == (2, "")
    assert client.errors == f"{HOST}:{port}: no answer within 0.3 seconds\n"


@pytest.mark.parametrize("program", CLIENTS)
def test_client_of_a_server_that_answers_byte_by_byte_gives_up(program: str) -> None:
    with raw_server(drip) as port:
        client = run(program, "--timeout", 0.5, HOST, port)
    assert (client.status, client.output) == (2, "")
    assert client.errors == f"{HOST}:{port}: no answer within 0.5 seconds\n"


@pytest.mark.parametrize("program", ALL_CLIENTS)
def test_client_that_ctrl_c_ends_shows_no_traceback(program: str) -> None:
    asked = threading.Event()

    def serve(sock: socket.socket) -> None:
        assert sock.recv(1)
        asked.set()
        with suppress(OSError):
            silence(sock)

    # The program gets the signal's default disposition, whatever the caller's is.
    restore = (
        "import os, signal as s, sys; s.signal(s.SIGINT, s.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with raw_server(serve) as port:
        command = [sys.executable, "-c", restore, sys.executable, str(EXAMPLES / program), HOST, str(port)]
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert asked.wait(TIMEOUT)
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output) == (130, ("", ""))


@pytest.mark.parametrize("program", CLIENTS)
@pytest.mark.parametrize(
    ("serve", "status", "reason"),
    [
        (masked_frame, 1, "mask"),
        (end_of_file, 1, "1006"),
        (end_inside_a_frame, 1, "1006"),
        (refusal, 2, "status 403"),
        (web_page, 2, "status 200"),
        (not_http, 2, "Bad HTTP message"),
        (no_response, 2, ""),
    ],
)
def test_client_says_in_one_line_why_it_failed(
    program: str, serve: Callable[[socket.socket], None], status: int, reason: str
) -> None:
    with raw_server(serve) as port:
        client = run(program, HOST, port)
    assert client.status == status
    assert client.errors.startswith(f"{HOST}:{port}: ")
    assert reason.lower() in client.errors.lower()
    assert client.errors.count("\n") == 1


@pytest.mark.parametrize("program", ALL_CLIENTS)
def test_client_of_a_closed_port_says_so(program: str) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    client = run(program, HOST, port)
    assert (client.status, client.output) == (2, "")
    assert client.errors == f"{HOST}:{port}: connection refused\n"


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
        (["a..b", "8000"], ["'a..b'", "label"]),
        (["ws://user:secret@localhost/"], ["user info", "RFC 6455 3"]),
        (["ws://a..b/"], ["'a..b'", "label"]),
        (["http://localhost/"], ["'http://localhost/'", "wss://"]),
        (["--timeout", "0"], ["'0'", "seconds"]),
        (["--insecure", "ws://localhost/"], ["--insecure", "wss://"]),
        (["--ca", "/nowhere", "wss://localhost/"], ["'/nowhere'", "No such file"]),
        (["127.0.0.1", "8000", "\udcff"], ["UTF-8"]),
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
