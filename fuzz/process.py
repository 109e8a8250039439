"""The process of a target under atheris: started, listened to, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fuzz.libfuzzer import executed
from fuzz.worker import ROOT
from tooling.guard import GUARD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CHUNK: Final = 2**16
"""Bytes that are read at once."""

LOOK: Final = 0.1
"""Seconds between two looks at the processor time."""

TICKS: Final = os.sysconf("SC_CLK_TCK")


class _Log:
    """A file that takes what a target prints, up to where the disk takes no more; reading goes on then."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)
        self._full = False

    def __enter__(self) -> _Log:  # noqa: PYI034  # typing.Self came with Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, line: bytes) -> None:
        """Write a line."""
        if not self._full:
            try:
                self._file.write(line)
            except OSError:
                self._full = True


class Process:
    """A running target."""

    cpu_time = 0.0
    """Seconds of processor time, user and system, that it has used, as of the last look."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def lines(self) -> AsyncIterator[str]:
        """Yield what it prints, line by line, and keep it in its log."""
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        rest = b""
        with _Log(self._log) as log:
            while chunk := await self._process.stdout.read(CHUNK):
                self.look()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    text = line.decode(errors="replace")
                    if not executed(text) and not text.startswith("Running: "):  # thousands, for the baseline
                        log.write(line + b"\n")
                    yield text
            if rest:
                log.write(rest)
                yield rest.decode(errors="replace")

    async def ended(self) -> int:
        """Wait for its end and return its exit code, below 0 for a signal."""
        return await self._process.wait()

    @property
    def end(self) -> str:
        """Say how it ended."""
        code = self._process.returncode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def look(self) -> None:
        """Read its processor time, as long as there is a process."""
        with suppress(OSError):
            fields = (
                Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            )
            self.cpu_time = (int(fields[11]) + int(fields[12])) / TICKS

    async def attend(self, stop: asyncio.Event) -> None:
        """Look now and then, and kill it, with all that it started, once that is wanted."""
        while not stop.is_set():
            self.look()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK)
        self.kill()

    def kill(self) -> None:
        """End it, and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@asynccontextmanager
async def started(
    program: Path, arguments: Sequence[str], log: Path, stop: asyncio.Event
) -> AsyncIterator[Process]:
    """Start a target with libFuzzer's arguments; it ends with the block, with `stop` or with this process."""
    running = await asyncio.create_subprocess_exec(
        *(*GUARD, sys.executable, str(program), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        start_new_session=True,
    )
    process = Process(running, log)
    attending = asyncio.ensure_future(process.attend(stop))
    try:
        yield process
    finally:
        attending.cancel()
        process.kill()
        await process.ended()
