"""Runs wstest: `python -m harness.engines.wstest_worker PATH server URL CASE ...`, or `client CASE ...`.

It prints the lines that `workers` reads. It is a process of its own since its calls block, as those of
`docker_worker` do, and so that wstest ends with it, however it ends.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

from harness.engines.workers import say
from harness.engines.wstest_files import (
    BEGUN,
    LISTENS_NEXT,
    REPORTS,
    UNREACHED,
    WRITTEN,
    client_spec,
    read_reports,
    server_spec,
)
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

HELD = '{ "$@"; echo "wstest ended with $?"; } </dev/null & cat >/dev/null; kill -s KILL 0'
"""A shell script that runs its arguments, and kills them when its standard input ends.

The process at the other end is gone then, even by SIGKILL. When the arguments have ended, the script says so
and stays.
"""

ENDED = re.compile(r"wstest ended with (\d+)")

LOOPBACK = """\
import socket
bind = socket.socket.bind
socket.socket.bind = lambda self, to: bind(self, ("127.0.0.1",) + to[1:] if to[0] == "" else to)
"""
"""A `sitecustomize.py`: without it wstest listens on every interface, and it has no option for that."""


class Place(ABC):
    """A place where wstest runs once; closing it ends wstest and removes its files."""

    @abstractmethod
    def start(self, arguments: Sequence[str], files: Mapping[str, str], port: int | None) -> None:
        """Run wstest with these arguments and these files in its working directory.

        `port` is the TCP port on loopback at which clients reach it.
        """

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """Return what it prints."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read one of the reports that it wrote; raises `OSError` or `KeyError` where there is none."""

    @abstractmethod
    def close(self) -> None:
        """End it and clean up."""


class Installed(Place):
    """The program wstest of this machine, in a temporary directory."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._directory = TemporaryDirectory(prefix="wstest-")
        self._folder = Path(self._directory.name)
        self._process: subprocess.Popen[str] | None = None

    def start(self, arguments: Sequence[str], files: Mapping[str, str], port: int | None) -> None:  # noqa: ARG002
        """Run it."""
        for name, text in {**files, "sitecustomize.py": LOOPBACK}.items():
            (self._folder / name).write_text(text)
        self._process = subprocess.Popen(
            ["sh", "-c", HELD, "sh", self._program, *arguments],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(self._folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            errors="replace",
            start_new_session=True,  # its own group, which `HELD` and `close` kill
        )

    def lines(self) -> Iterator[str]:
        """Return what it prints."""
        assert self._process is not None  # noqa: S101  # it was started
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        return iter(self._process.stdout)

    def read(self, name: str) -> bytes:
        """Read a report."""
        return (self._folder / REPORTS / name).read_bytes()

    def close(self) -> None:
        """Kill the group: wstest has nothing to save."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
        self._directory.cleanup()


def run_server(place: Place, url: str, cases: Sequence[str]) -> None:
    """Run cases against a server, and say what comes of it."""
    _start(place, "fuzzingclient", client_spec(url, cases), None)
    for line in place.lines():
        if found := UNREACHED.search(line):
            raise CommandError(found[0])
        if _said(line) == 0:
            _say_reports(place)
            return
    raise CommandError("wstest was killed")


def run_client(place: Place, cases: Sequence[str]) -> None:
    """Serve cases until the client asks for the reports, and say what came of it."""
    port = _free_port()
    url = f"ws://127.0.0.1:{port}"
    _start(place, "fuzzingserver", server_spec(url, cases), port)
    for line in place.lines():
        if LISTENS_NEXT.match(line):  # in a thread, since wstest may end meanwhile, and a line tells of that
            Thread(target=_say_listening, args=[url, port], daemon=True).start()
        if WRITTEN.match(line):
            _say_reports(place)
            return
        if _said(line) == 0:
            raise CommandError("wstest ended before the client asked for the reports")
    raise CommandError("wstest was killed")


def _start(place: Place, mode: str, spec: Mapping[str, object], port: int | None) -> None:
    arguments = ["--mode", mode, "--spec", "spec.json", "--webport", "0"]
    place.start(arguments, {"spec.json": json.dumps(spec)}, port)


def _said(line: str) -> int | None:
    """Say that a case has begun, or return wstest's exit code, if the line has it; an error ends us too."""
    if found := BEGUN.match(line):
        say(begun=found[1])
    if not (ended := ENDED.match(line)):
        return None
    if (code := int(ended[1])) > 128:  # the exit code by which a shell reports a signal
        raise CommandError(f"wstest was killed by {signal.Signals(code - 128).name}")
    if code:
        sys.exit(code)  # wstest has said why, on standard error
    return code


def _say_reports(place: Place) -> None:
    for case, report in read_reports(place.read, REPORTS):
        say(ended=case, report=report)


def _free_port() -> int:
    """Find a port below those that the system gives to connections: nobody takes it before wstest does."""
    for port in random.sample(range(20_000, 32_768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise CommandError("no TCP port from 20000 to 32767 is free: 100 of them were tried")


def _say_listening(url: str, port: int) -> None:
    while True:
        connection = HTTPConnection("127.0.0.1", port)
        with suppress(OSError, HTTPException):
            connection.request("GET", "/")
            if "Autobahn" in connection.getresponse().headers.get("Server", ""):
                say(listening=url)
                return
        connection.close()
        time.sleep(0.05)


def end(number: int, _frame: FrameType | None) -> None:
    """End, cleaning up: a handler for SIGTERM."""
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
    sys.exit(ExitCode.FAILED)


def run(place: Place, role: str, rest: Sequence[str]) -> None:
    """Run wstest in a place, as the command line says; ends the process with one line where that fails."""
    try:
        if role == "server":
            run_server(place, rest[0], rest[1:])
        else:
            run_client(place, rest)
    except (CommandError, OSError) as error:
        sys.exit(str(error))
    finally:
        place.close()


def main() -> None:
    """Run."""
    signal.signal(signal.SIGTERM, end)
    program, role, *rest = sys.argv[1:]
    run(Installed(program), role, rest)


if __name__ == "__main__":
    main()
