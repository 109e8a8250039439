"""The programs of the pages run as they stand, but for their port."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tests.docs.snippets import (
    HOST,
    PYTHON,
    blocks,
    free_port,
    from_client,
    open_server,
    output_of,
    program,
    response_to,
    started,
)
from tests.examples.running import TIMEOUT, read_head
from tooling import frames as wire
from wsproto import ConnectionState
from wsproto.events import CloseConnection, Event, Pong, TextMessage

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SERVERS = [("start", "echo_server.py"), ("howto/asyncio", "asyncio_echo.py"), ("howto/trio", "trio_echo.py")]


def module(path: Path) -> ModuleType:
    """Import a program that has classes for others."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize(("page", "name"), SERVERS)
def test_a_server_echoes_to_every_client(page: str, name: str, tmp_path: Path) -> None:
    port = free_port()
    with started(PYTHON, program(page, name, tmp_path, port), port=port):
        printed = output_of(PYTHON, program("start", "echo_client.py", tmp_path, port))
        (shown,) = blocks("start", "text")
        assert printed == shown
        assert output_of(PYTHON, program("README", "client.py", tmp_path, port)) == "Hello, WebSocket!\n"
        listen = program("howto/asyncio", "asyncio_listen.py", tmp_path)
        assert output_of(PYTHON, listen, HOST, port, "one", "two") == "one\ntwo\n"


@pytest.mark.parametrize(
    ("page", "name", "arguments"),
    [
        ("README", "client.py", ()),
        ("start", "echo_client.py", ()),
        ("howto/asyncio", "asyncio_listen.py", ("a",)),
    ],
)
def test_a_client_stands_a_server_that_sends_on_behind_its_close(
    page: str, name: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """In a read of its own, what is sent there would be an error in state CLOSED."""

    def serve(listening: socket.socket) -> None:
        sock, _ = listening.accept()
        with sock:
            ws = open_server()
            sock.sendall(response_to(read_head(sock)))
            while ws.state is not ConnectionState.CLOSED:
                ws.receive_data(sock.recv(2**16) or None)
                for event in ws.events():
                    sock.sendall(ws.send(event.response() if isinstance(event, CloseConnection) else event))
            time.sleep(0.3)
            with suppress(OSError):  # the client may have left
                sock.sendall(b"x")

    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        text = "a" if arguments else "Hello, WebSocket!"
        path = program(page, name, tmp_path, port)
        assert output_of(PYTHON, path, *((HOST, port, *arguments) if arguments else ())).startswith(text)
        thread.join(TIMEOUT)


@pytest.mark.parametrize(("page", "name"), SERVERS)
def test_a_server_refuses_and_goes_on(page: str, name: str, tmp_path: Path) -> None:
    port = free_port()
    with started(PYTHON, program(page, name, tmp_path, port), port=port):
        for _ in range(2):
            with socket.create_connection((HOST, port), timeout=TIMEOUT) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_head(sock).startswith(b"HTTP/1.1 400 ")
                assert sock.recv(1) == b""


def test_trio_sends_whole_frames(tmp_path: Path) -> None:
    sender = module(program("howto/trio", "trio_sender.py", tmp_path)).Sender

    async def main() -> bytes:
        here, there = trio.testing.memory_stream_pair()
        sending = sender(open_server(), here)
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(sending.send, TextMessage(str(number)))
        await here.send_eof()
        received = b""
        async for data in there:
            received += data
        return received

    frames = wire.decode_frames(trio.run(main))
    assert sorted(frame.payload for frame in frames) == [b"0", b"1", b"2", b"3", b"4"]


class Writer:
    """Keeps what is written, and whether the connection was given up."""

    def __init__(self) -> None:
        self.sent = b""
        self.transport = self
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize("answers", [True, False])
def test_keep_alive(answers: bool, tmp_path: Path) -> None:
    path = program("howto/pings", "keep_alive.py", tmp_path)
    keep_alive = module(path).KeepAlive

    async def main() -> Writer:
        ws, writer = open_server(), Writer()
        pings = keep_alive(ws, writer, every=0.01, patience=0.05)
        task = asyncio.create_task(pings.run())
        while not task.done() and pings.number < 4:
            await asyncio.sleep(0.005)
            pings.received(Pong(b"unasked"))
            if answers:
                pings.received(Pong(b"%d" % pings.number))
        if answers:
            ws.send(CloseConnection(1000))
            ws.receive_data(from_client(wire.CLOSE, wire.close_payload(1000)))
            list(ws.events())
            pings.received(Pong(b"%d" % pings.number))
        await asyncio.wait_for(task, TIMEOUT)
        return writer

    writer = asyncio.run(main())
    assert writer.aborted != answers
    sent = [frame.payload for frame in wire.decode_frames(writer.sent)]
    assert sent[:1] == [b"1"]
    assert (len(sent) >= 4) == answers


def test_two_threads_share_a_connection(tmp_path: Path) -> None:
    shared = module(program("howto/two-threads", "shared.py", tmp_path)).Shared
    here, there = socket.socketpair()
    handled: list[Event] = []
    with ExitStack() as stack:
        for sock in (here, there):
            stack.enter_context(sock)
            sock.settimeout(TIMEOUT)
        connection = shared(open_server(), here)
        threads = [threading.Thread(target=connection.read, args=[handled.append])]
        threads += [
            threading.Thread(target=lambda: [connection.send(TextMessage("a" * 1000)) for _ in range(50)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        received = b""
        while received.count(b"a") < 200_000:
            received += there.recv(65536)
        there.sendall(from_client(wire.PING, b"x") + from_client(wire.CLOSE, wire.close_payload(1000)))
        while not received.endswith(wire.frame(wire.CLOSE, wire.close_payload(1000))):
            received += there.recv(65536)
        for thread in threads:
            thread.join(TIMEOUT)
        frames = wire.decode_frames(received)
        assert len(frames) == 202
        assert frames[-2].payload == b"x"
        assert [type(event).__name__ for event in handled] == ["Ping", "CloseConnection"]


def test_the_page_about_tests_has_a_test_that_passes(tmp_path: Path) -> None:
    path = program("howto/testing", "test_chat.py", tmp_path)
    # Neither this project's settings nor its plugins.
    command = [PYTHON, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", path.name]
    assert "6 passed" in output_of(*command, folder=tmp_path)
