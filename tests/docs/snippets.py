"""The pages of the documentation, their snippets, and what the snippets run with."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wsproto
from tests.examples.running import REQUEST, TIMEOUT, accept_token
from tooling import frames as wire
from wsproto import ConnectionType, WSConnection, events, extensions, stream_handshake, utilities

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
HOST = "127.0.0.1"
PORT = "8000"  # in the pages

PAGES = {
    **{path.relative_to(DOCS).with_suffix("").as_posix(): path for path in sorted(DOCS.rglob("*.md"))},
    "README": ROOT / "README.md",
}
NAMES = {
    **{
        name: value
        for module in (wsproto, events, extensions, stream_handshake, utilities)
        for name, value in vars(module).items()
        if not name.startswith("_")
    },
    "replace": replace,
}


@cache
def blocks(page: str, language: str = "python") -> list[str]:
    """The code of a page, in order."""
    text = PAGES[page].read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def program_name(block: str) -> str | None:
    """The name of a block that is a whole program, which stands in its first line."""
    found = re.match(r"# (\w+\.py)\n", block)
    return found and found[1]


def fragments(page: str) -> list[str]:
    """The blocks of a page that are no programs."""
    return [block for block in blocks(page) if program_name(block) is None]


def program(page: str, name: str, folder: Path, port: int | None = None) -> Path:
    """Write a program of a page into a folder, with another port."""
    (code,) = [block for block in blocks(page) if program_name(block) == name]
    path = folder / name
    path.write_text(code.replace(PORT, str(port or PORT)), encoding="utf-8")
    return path


class FakeSocket:
    """Keeps what is sent, and gives what it was told to."""

    def __init__(self, *received: bytes) -> None:
        self.sent = b""
        self.received = [*received]

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def writelines(self, parts: tuple[bytes, bytes]) -> None:
        self.sent += b"".join(parts)

    def recv(self, _size: int) -> bytes:
        return self.received.pop(0)

    def taken(self) -> bytes:
        """What was sent since the last time."""
        sent, self.sent = self.sent, b""
        return sent


class Fragments:
    """The fragments of a page, which run one after the other with the same names."""

    def __init__(self, page: str, names: dict[str, Any]) -> None:
        self.names = {**NAMES, **names}
        self.left = fragments(page)
        self._last = ""

    def run(self, **names: Any) -> dict[str, Any]:
        """Run the next one; return all names."""
        self._last = self.left.pop(0)
        return self.again(**names)

    def again(self, **names: Any) -> dict[str, Any]:
        """Run the last one once more."""
        self.names.update(names)
        exec(compile(self._last, "a snippet", "exec"), self.names)  # noqa: S102
        return self.names


@contextmanager
def page(name: str, **names: Any) -> Iterator[Fragments]:
    """Run the fragments of a page: at the end, none may be left."""
    running = Fragments(name, names)
    yield running
    assert running.left == []


def open_server(*received: bytes) -> WSConnection:
    """A server whose client has connected, and sent these bytes behind."""
    ws = WSConnection(ConnectionType.SERVER)
    ws.receive_data(REQUEST)
    assert [type(event) for event in ws.events()] == [events.Request]
    ws.send(events.AcceptConnection())
    for data in received:
        ws.receive_data(data)
    return ws


def response_to(request: bytes) -> bytes:
    """A server's acceptance of a request."""
    key = re.search(rb"Sec-WebSocket-Key: *([^\r]+)", request)
    assert key
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_token(key[1]) + b"\r\n\r\n"
    )


def open_client() -> WSConnection:
    """A client whose server has accepted."""
    ws = WSConnection(ConnectionType.CLIENT)
    ws.receive_data(response_to(ws.send(events.Request(host="localhost", target="/"))))
    assert [type(event) for event in ws.events()] == [events.AcceptConnection]
    return ws


def from_client(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A client's frame."""
    return wire.frame(opcode, payload, fin=fin, mask=wire.MASK)


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(*command: object, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the end of the block, from when it listens."""
    with subprocess.Popen(  # noqa: S603
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a process listens."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def output_of(*command: object, folder: Path | None = None) -> str:
    """Run a program to its end, which has to be a good one; return what it printed."""
    done = subprocess.run(  # noqa: S603
        [*map(str, command)], capture_output=True, text=True, timeout=60, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PYTHON = sys.executable
