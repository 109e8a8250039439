"""Run the examples as programs, and be their hand-made peer on a raw socket."""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tooling import frames as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOST = "127.0.0.1"
TIMEOUT = 20.0
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPT_OF_REQUEST = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    output: str
    errors: str


def run(program: str, *arguments: object) -> Ended:
    """Run an example to its end."""
    command = [sys.executable, str(EXAMPLES / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)  # noqa: S603
    return Ended(done.returncode, done.stdout, done.stderr)


class Server:
    """A server among the examples, while it runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = process
        self._output = ""

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def has_printed(self, line: str, count: int) -> None:
        """Wait until it has printed a line as often as that."""
        assert self._process.stdout is not None
        while self._output.count(f"{line}\n") < count:
            printed = self._process.stdout.readline()
            assert printed, f"it ended, and had printed {self._output!r}"
            self._output += printed

    def end(self) -> Ended:
        """Wait for its end."""
        assert self._process.stdout is not None
        self._output += self._process.stdout.read()  # `communicate` would leave out what is read ahead
        _, errors = self._process.communicate(timeout=TIMEOUT)
        return Ended(self._process.returncode, self._output, errors)

    def stop(self) -> Ended:
        """End it as Ctrl-C does."""
        self.signal(signal.SIGINT)
        return self.end()

    def connect(self) -> socket.socket:
        """Open a TCP connection to it."""
        return socket.create_connection((HOST, self.port), timeout=TIMEOUT)


#: Starts a program as a shell starts a background job: with SIGINT ignored.
IN_BACKGROUND = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")


#: Runs the program of a folder with other values for its constants, as `MODULE.NAME = value`.
WITH_CONSTANTS = (
    "import sys; sys.path.insert(0, {folder!r}); import {module}; {changes}; sys.exit({module}.main())"
)


@contextmanager
def serving(
    program: str, *options: object, prefix: tuple[str, ...] = (), **constants: float
) -> Iterator[Server]:
    """Start a server on a free port, and end it afterwards; its `constants` get other values for the test."""
    module = program.removesuffix(".py")
    changes = "; ".join(f"{module}.{name} = {value}" for name, value in constants.items())
    code = WITH_CONSTANTS.format(folder=str(EXAMPLES), module=module, changes=changes)
    start = ["-c", code] if constants else [str(EXAMPLES / program)]
    command = [*prefix, sys.executable, *start, *map(str, options), HOST, "0"]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            listening = re.fullmatch(rf"listening on {re.escape(HOST)} port (\d+)\n", line)
            assert listening, f"{program} printed {line!r}"
            yield Server(process, int(listening[1]))
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def raw_server(serve: Callable[[socket.socket], None], host: str = HOST) -> Iterator[int]:
    """Serve one TCP connection with `serve` in a thread; what fails there fails the test.

    A client may leave while bytes for it are under way: that the connection is reset then is no failure.
    """
    failures: list[BaseException] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        listener.settimeout(TIMEOUT)

        def accept() -> None:
            try:
                sock, _ = listener.accept()
                with sock:
                    sock.settimeout(TIMEOUT)
                    serve(sock)
            except ConnectionResetError:
                pass
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(TIMEOUT)
    if failures:
        raise failures[0]


def read_head(sock: socket.socket) -> bytes:
    """Read an HTTP head, and nothing after it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, f"end of file after {head!r}"
        head += byte
    return head


def accept_token(key: bytes) -> bytes:
    """Compute the Sec-WebSocket-Accept that answers `key` (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


def accept(sock: socket.socket) -> bytes:
    """Be a server that accepts a client's request; return the request."""
    request = read_head(sock)
    key = re.search(rb"Sec-WebSocket-Key: *([^\r]+)", request, re.IGNORECASE)
    assert key
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_token(key[1]) + b"\r\n\r\n"
    )
    return request


def read_exactly(sock: socket.socket, count: int) -> bytes:
    """Read a number of bytes."""
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, f"end of file after {data!r}"
        data += piece
    return data


def read_frame(sock: socket.socket) -> wire.Frame:
    """Read one frame."""
    data = read_exactly(sock, 2)
    while True:
        try:
            return wire.decode_frame(data)
        except wire.IncompleteFrameError as incomplete:
            data += read_exactly(sock, incomplete.missing)
