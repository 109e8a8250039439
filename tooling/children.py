"""Child processes that never outlive the process that starts them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from tooling.errors import CommandError
from tooling.guard import GUARD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence
    from pathlib import Path

STOP_TIMEOUT = 5.0
"""Seconds between SIGTERM and SIGKILL."""

TAIL = 2000
"""Characters at the end of a log that a report shows."""

MAX_LINE = 64 * 2**20
"""Bytes in the longest line that a child prints: a case's report with its wire log."""


class ChildError(CommandError):
    """A child has ended, or no longer answers; `log` is the end of what it wrote to its standard error."""

    def __init__(self, what: str, log: str = "", path: Path | None = None) -> None:
        self.what = what
        self.log = log
        super().__init__(f"{what}: {log.splitlines()[-1]} (all of it in {path})" if log else what)


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

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return not self._end.done()

    async def must_live(self) -> None:
        """Raise `CommandError` when it ends."""
        raise self.death(await self.ended())

    def death(self, code: int) -> ChildError:
        """Describe an end that nobody asked for."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return ChildError(f"{self.name} {how}", self.tail(), self.log)

    def tail(self) -> str:
        """Return the end of what it wrote to its standard error."""
        return self.log.read_text(errors="replace").strip()[-TAIL:]

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

    It leads a session of its own, so that a Ctrl-C reaches it through this process alone. `tooling.guard`
    ends it where this process is killed.
    """
    if shutil.which(command[0]) is None:
        raise CommandError(f"cannot start {name}: there is no program {command[0]!r}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: ASYNC220, S603  # asyncio's own loses the resource usage
            [*GUARD, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=cwd,
            start_new_session=True,
        )
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
