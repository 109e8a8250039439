"""What the proxies share: each stands in front of an echo server of this library."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from contract import HOST, ready

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

START = 20.0
"""Seconds that a proxy has to accept connections."""


def stand(
    arguments: Namespace, command: str, configuration: str = "", *, name: str = "conf", **variables: str
) -> None:
    """Run a proxy until the testee is ended.

    In its command and configuration stand `$port` for where it listens, `$echo` for the port behind it,
    `$file` for the file `name` of its configuration, `$folder` for the folder of that, and `$certificate` and
    `$key` for the files of HTTP/3. `variables` are of its environment.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    echo = [*shlex.split(arguments.echo), "--max-message-size", str(arguments.max_message_size)]
    with TemporaryDirectory(prefix="testee-") as folder, _running(echo, stdout=subprocess.PIPE) as behind:
        words = {
            **vars(arguments),
            "port": str(arguments.port or _free_port()),
            "echo": _listening(behind),
            "folder": folder,
            "file": str(Path(folder, name)),
        }
        Path(folder, name).write_text(Template(configuration).substitute(words))
        started = shlex.split(Template(command).substitute(words))
        with _running(started, stdout=2, env={**os.environ, **variables, "HOME": folder}) as proxy:
            _await_listening(int(words["port"]), proxy)
            ready(int(words["port"]))
            sys.exit(f"{started[0]} ended with exit code {proxy.wait()}")


@contextmanager
def _running(command: list[str], **how: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process, and end it at last."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, **how)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        process.kill()


def _listening(server: subprocess.Popen[bytes]) -> str:
    """Return the port that a server says."""
    said = server.stdout.readline() if server.stdout else b""
    found = re.search(rb"istening on .*?(\d+)$", said.strip())
    if not found:
        sys.exit("the server behind the proxy does not listen")
    return found[1].decode()


def _await_listening(port: int, proxy: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and proxy.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.05)
    sys.exit("the proxy does not listen")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])
