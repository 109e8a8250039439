"""The echo server in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 60.0


class EchoServer:
    """A running `python -m harness serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        url = urlsplit(self.line.split()[-1])
        assert url.hostname is not None
        assert url.port is not None
        self.address = (url.hostname, url.port)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, TIMEOUT)


@contextmanager
def serving(*options: str) -> Iterator[EchoServer]:
    command = [sys.executable, "-m", "harness", "serve", "--port", "0", *options]
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield EchoServer(process)
        finally:
            process.kill()
