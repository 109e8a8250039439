"""Child processes that never outlive the process that starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence
    from pathlib import Path

STOP_TIMEOUT = 5.0
"""Seconds between SIGTERM and SIGKILL."""

MAX_LINE = 64 * 2**20
"""Bytes in the longest line that a child prints: a case's report with its wire log."""


class Child:
    """A process whose standard output is read by line; its standard error goes to a log file."""

    cpu_time: float | None = None
    """Seconds, user and system, that it and its children have used; None while it runs."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], output: asyncio.StreamReader, log: Path
    ) -> None:
        self.name = name
        self.log = log
        self.pid = process.pid
        self._process = process
        self._output = output
        # Not asyncio's own way of waiting, which drops the resource usage of the process.
        self._end = asyncio.get_running_loop().run_in_executor(
            ThreadPoolExecutor(1), os.wait4, process.pid, 0
        )

    async def lines(self) -> AsyncIterator[str]:
        """Yield the lines that it prints, until it closes its output."""
        async for line in self._output:
            yield line.decode().rstrip("\n")

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        _, status, used = await asyncio.shield(self._end)
        self.cpu_time = round(used.ru_utime + used.ru_stime, 3)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode

    async def must_live(self) -> None:
        """Raise `CommandError` when it ends."""
        raise self.death(await self.ended())

    def death(self, code: int) -> CommandError:
        """Describe an end that nobody asked for."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = self.log.read_text(errors="replace").strip().splitlines()
        return CommandError(
            f"{self.name} {how}" + (f": {said[-1]} (all of it in {self.log})" if said else "")
        )

    async def stop(self) -> None:
        """End it by SIGTERM, or by SIGKILL where that does not help, and read the rest of its output."""
        if not self._end.done():
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)
        for _ in range(2):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.gather(self.ended(), self._output.read()), STOP_TIMEOUT)
                return
            self.kill_group()  # a process that it started may hold its output open

    def kill_group(self) -> None:
        """Kill it, and all processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@asynccontextmanager
async def start(
    name: str, command: Sequence[str], log: Path, cwd: Path | None = None
) -> AsyncIterator[Child]:
    """Run a command and stop it at the end.

    It leads a session of its own, so that a Ctrl-C reaches it through this process alone. Its standard input
    stays open as long as this process lives: `tooling.supervised` in the child makes use of that.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        try:
            process = subprocess.Popen(  # noqa: ASYNC220, S603  # asyncio's own loses the resource usage
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"cannot start {name}: {error}") from error
    output = asyncio.StreamReader(MAX_LINE)
    child = Child(name, process, output, log)
    try:
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), process.stdout
        )
        yield child
    finally:
        try:
            await _whatever_happens(child.stop())
        finally:
            process.stdin.close()  # type: ignore[union-attr]  # it was asked for
            child.kill_group()
            _remove_if_empty(log)


async def _whatever_happens(work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end even if cancelled, then be cancelled: a child must not be left half ended."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _remove_if_empty(log: Path) -> None:
    if not log.stat().st_size:
        log.unlink()
