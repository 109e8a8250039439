"""A running `python -m harness fuzzserver`, and clients that a test leads through its cases by hand."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from tests.harness.serving import TIMEOUT
from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, MASK, PING, PONG, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 2**30

FIELDS = (
    "Host: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: {key}\r\n\r\n"
)


class CaseServer:
    """The process, and where it listens."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        self.url = self.line.split()[-1] if self.line else ""
        self.port = urlsplit(self.url).port or 0

    def end(self, number: int | None = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal, or wait for the end; return exit code and output."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        output, errors = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(TIMEOUT), output, errors


@contextmanager
def case_server(folder: Path, *options: str) -> Iterator[CaseServer]:
    """Start the command on a free port."""
    command = [
        sys.executable,
        "-m",
        "harness",
        "fuzzserver",
        "--port",
        "0",
        "--report",
        str(folder),
        *options,
    ]
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield CaseServer(process)
        finally:
            process.kill()


class Client:
    """One connection; what a test does not ask for, it does not do."""

    def __init__(self, server: CaseServer, target: str, *, host: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = FIELDS.format(host=host or f"127.0.0.1:{server.port}", key=key)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\n{fields}".encode())
        self._data = bytearray()
        self.head = ""

    def open(self) -> Client:
        """Take the response."""
        while b"\r\n\r\n" not in self._data:
            self._read()
        head, self._data[:] = self._data.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        return self

    def _read(self) -> bool:
        try:
            data = self.socket.recv(2**16)
        except ConnectionError:
            data = b""
        self._data += data
        return bool(data)

    def frame(self) -> wire.Frame | None:
        """Return the next frame, or nothing at the end."""
        while (found := wire.take_frame(self._data, LONGEST)) is None:
            if not self._read():
                return None
        return found

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a frame."""
        self.socket.sendall(wire.frame(opcode, payload, mask=MASK))

    def text(self) -> str:
        """Return the answer to a question, and let the server close."""
        found = self.open().frame()
        assert found is not None
        assert found.opcode == TEXT, found
        self.echo()
        return found.payload.decode()

    def echo(self, *, wrong: bool = False) -> None:
        """Send all back, whole or fragmented, or something else, until the server closes."""
        answers = {PING: PONG, CLOSE: CLOSE, TEXT: TEXT, BINARY: BINARY, 0: 0}
        while found := self.frame():
            if found.opcode in answers:
                payload = b"?" if wrong and found.opcode in {TEXT, BINARY} else found.payload
                data = wire.frame(answers[found.opcode], payload, fin=found.fin, mask=MASK)
                try:
                    self.socket.sendall(data)
                except ConnectionError:
                    break
            if found.opcode == CLOSE:
                break
        self.rest()

    def rest(self) -> None:
        """Read to the end, and end as well."""
        while self._read():
            pass
        self.socket.close()

    def leave(self, how: Literal["FIN", "RST"]) -> None:
        """End TCP."""
        if how == "RST":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


def ask(server: CaseServer, target: str) -> str:
    """Ask a question that has an answer."""
    return Client(server, target).text()


def play(server: CaseServer, number: int, agent: str = "A", *, wrong: bool = False) -> None:
    """Go through a case."""
    Client(server, f"/runCase?case={number}&agent={agent}").open().echo(wrong=wrong)


def update_reports(server: CaseServer, agent: str = "A") -> None:
    """Ask for the reports, and wait until they are there."""
    Client(server, f"/updateReports?agent={agent}").open().echo()
