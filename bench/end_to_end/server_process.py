"""A server in a process of its own."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from bench.end_to_end.peers import ROOT
from tooling.errors import CommandError
from tooling.guard import GUARD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from bench.end_to_end.peers import Peer

START_TIMEOUT = 30.0
"""Seconds until a server accepts connections."""

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""Makes glibc keep the memory that a program frees, in all servers alike.

asyncio allocates 256 KiB for every read. Whether glibc gives that back to the system each time depends on
where it comes to lie, so on chance, and costs 17 microseconds a read: as much as the rest of a short echo.
"""

READY = re.compile(r"Listening on (\S+) port (\d+) with (.+)\n")


class ServerProcess:
    """A server that accepts connections."""

    def __init__(self, peer: Peer, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.peer = peer
        self._process = process
        self._errors = errors
        found = READY.fullmatch(self._first_line())
        if not found:
            raise self.failure("did not say that it listens")
        self.address = (found[1], int(found[2]))
        self.releases = found[3]

    def _first_line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            return self._process.stdout.readline() if selector.select(START_TIMEOUT) else ""

    def cpu_time(self) -> float:
        """Return the CPU time that it has used with its children so far: seconds, user and system.

        The system counts in steps of 10 ms.
        """
        try:
            server = psutil.Process(self._process.pid)
            times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
        except psutil.Error:
            raise self.failure("is gone") from None
        return sum(time.user + time.system for time in times)

    def failure(self, what: str) -> CommandError:
        """Describe what went wrong with it, with the last line of its standard error."""
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return CommandError(f"the server {self.peer.name} {what}" + (f": {said[-1]}" if said else ""))


@contextmanager
def serving(peer: Peer) -> Iterator[ServerProcess]:
    """Start a server, and end it; it ends as well when this process is gone."""
    command = [
        *GUARD,
        str(peer.python()),
        "-m",
        f"bench.end_to_end.servers.{peer.command[0]}",
        *peer.command[1:],
    ]
    # The checkout's library, wherever it is installed besides.
    library = {"PYTHONPATH": str(ROOT / "src"), "WSPROTO_PURE": str(int(peer.pure))}
    environment = {**os.environ, **MALLOC, **library}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,  # a Ctrl-C is for this process
        ) as process,
    ):
        try:
            yield ServerProcess(peer, process, errors)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
