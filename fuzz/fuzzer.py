"""Runs one target under atheris: first on the empty input, for the baseline, then fuzzing.

Not in libFuzzer's fork mode. For frames_server, 20 s from the seeds, that made 63,000 executions in the
processor time of 89,000 without, since each job imports everything again; its edges were counted wrong (2,968
for 637), since they have other numbers in each process; and an input that ended a job went unnoticed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fuzz import crashes
from fuzz.folders import shown
from fuzz.libfuzzer import Monitor, executed
from fuzz.minimizer import Budget
from fuzz.replay import MEMORY_LIMIT, TIME_LIMIT
from fuzz.results import TargetResult
from fuzz.worker import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from fuzz.folders import Folders, Target
    from fuzz.progress import Progress

DEFAULTS: Final = {"timeout": f"{TIME_LIMIT:.0f}", "rss_limit_mb": str(MEMORY_LIMIT)}
"""Options where a target has none of its own: seconds for an input, MiB for the process."""

GRACE: Final = 60.0
"""Seconds that a target may take for starting, for reading its corpus and for ending."""

BASELINE_TIME: Final = 1.0
"""Seconds for which the empty input is executed."""
BASELINE_LOT: Final = 50
BASELINE_LOTS: Final = 20_000

CHUNK: Final = 2**16


class Fuzzer:
    """One target of a campaign."""

    def __init__(
        self, folders: Folders, target: Target, seconds: int, progress: Progress, stop: asyncio.Event
    ) -> None:
        self._folders = folders
        self._target = target
        self._seconds = seconds
        self._progress = progress
        self._stop = stop
        self._monitor = Monitor()
        self._log = folders.log_of(target.name)
        self.result = TargetResult(target.name, target.title)

    async def run(self) -> TargetResult:
        """Fuzz, and tell what came of it; whatever happens is in the result."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._folders.crashes.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        before = _names(self._target.inputs())
        await self._measure_baseline()
        if self.result.status == "clean" and not self._monitor.artifacts:
            await self._fuzz()
        self.result.new_inputs = len(_names(self._target.inputs()) - before)
        await self._keep_artifacts()
        self._progress.finished(self.result)
        return self.result

    async def _measure_baseline(self) -> None:
        """Execute the empty input over and over, in the same process set-up but without mutation."""
        self._progress.phase(self._target.name, "baseline")
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            empty = Path(folder) / "empty"
            empty.touch()
            arguments = [f"-runs={BASELINE_LOT}", *[str(empty)] * BASELINE_LOTS]
            lots, first, last = 0, 0.0, 0.0
            async with self._started(arguments, folder) as process:
                async for line in self._lines(process):
                    if executed(line):
                        last = time.monotonic()
                        first = first or last  # the first lot is for warming up
                        lots += 1
                        if last - first > BASELINE_TIME:
                            break
                    else:
                        self._monitor.feed(line)
                else:
                    await self._judge_early_end(process, lots)
        if lots > 1 and last > first:
            self.result.baseline = BASELINE_LOT * (lots - 1) / (last - first)

    async def _judge_early_end(self, process: asyncio.subprocess.Process, lots: int) -> None:
        """Judge a process that the empty input has ended, or that never came to it."""
        if self._stop.is_set():
            self.result.status = "interrupted"
        elif not self._monitor.artifacts and await process.wait():
            self.result.status = "died" if lots else "not started"
            self.result.problem = self._end_of(process) + (" on the empty input" if lots else "")

    async def _fuzz(self) -> None:
        """Fuzz for the time that was asked for."""
        self._progress.phase(self._target.name, "reading the corpus")
        limit = self._seconds + GRACE + 2 * float(self._options()["timeout"])
        self._monitor = Monitor()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            async with self._started([*self._arguments(), str(self._target.corpus)], folder) as process:
                try:
                    await asyncio.wait_for(self._watch(process), limit)
                    code = await process.wait()
                except asyncio.TimeoutError:
                    self.result.status = "hung"
                    self.result.problem = f"did not end within {limit:.0f} s, and was killed"
                else:
                    self._judge_end(process, code)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Follow the figures; time and rate count from where the corpus has been read."""
        result, monitor = self.result, self._monitor
        began, read = 0.0, 0
        async for line in self._lines(process):
            edges, executions = monitor.edges, monitor.executions
            monitor.feed(line)
            if monitor.executions == executions:
                continue
            if not began:
                began, read = time.monotonic(), monitor.executions
                self._progress.phase(self._target.name, "fuzzing")
            result.seconds = round(time.monotonic() - began, 2)
            result.executions, result.edges = monitor.executions, monitor.edges
            result.corpus = monitor.corpus
            if result.seconds:
                result.rate = round((result.executions - read) / result.seconds, 1)
            if monitor.edges != edges:
                result.growth.append((result.seconds, monitor.edges))
            self._progress.figures(result)

    def _judge_end(self, process: asyncio.subprocess.Process, code: int) -> None:
        if self._stop.is_set():
            self.result.status = "interrupted"
        elif code or not self._monitor.fuzzing:
            self.result.status = "died"  # unless it left an input that says why
            self.result.problem = self._end_of(process)
            if not self._monitor.fuzzing:
                corpus = shown(self._target.corpus)
                self.result.problem += (
                    f"; find the input: python -m fuzz replay --target {self._target.name} {corpus}"
                )

    async def _keep_artifacts(self) -> None:
        """Minimise and explain what libFuzzer wrote down, one input after the other."""
        for number, artifact in enumerate(dict.fromkeys(self._monitor.artifacts), 1):
            self.result.status, self.result.problem = "crashed", ""
            self._progress.phase(self._target.name, f"minimising crash {number}")
            kind = artifact.name.removeprefix(f"{self._target.name}-").partition("-")[0]
            finding = await asyncio.to_thread(
                crashes.keep,
                self._folders,
                self._target,
                artifact.read_bytes(),
                kind,
                Budget(crashes.MINIMIZE_TIME, self._stop.is_set),
            )
            artifact.unlink()
            if finding.file not in {known.file for known in self.result.findings}:
                self.result.problem = self.result.problem or finding.title.partition(":")[0]
                self.result.findings.append(finding)
                self._progress.found(self.result, finding)

    def _end_of(self, process: asyncio.subprocess.Process) -> str:
        code = process.returncode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        words = self._monitor.last_words
        return f"{how}: {words}" if words else how

    def _options(self) -> dict[str, str]:
        return {**DEFAULTS, **self._target.options}

    def _arguments(self) -> list[str]:
        """Give libFuzzer's arguments."""
        options = self._options() | {
            "max_total_time": str(self._seconds),
            "print_final_stats": "1",
        }
        return [f"-{name}={value}" for name, value in options.items()]

    @asynccontextmanager
    async def _started(
        self, arguments: Sequence[str], temporary: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the target, and end it and all that it started with the block."""
        prefix = self._folders.crashes / f"{self._target.name}-"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fuzz.supervised", str(self._target.file), f"-artifact_prefix={prefix}"),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": temporary},
            start_new_session=True,
        )
        stopping = asyncio.ensure_future(self._kill_when_stopped(process))
        try:
            yield process
        finally:
            stopping.cancel()
            _kill(process)
            await process.wait()

    async def _kill_when_stopped(self, process: asyncio.subprocess.Process) -> None:
        await self._stop.wait()
        _kill(process)

    async def _lines(self, process: asyncio.subprocess.Process) -> AsyncIterator[str]:
        """Give what the target prints, line by line, and keep it in its log."""
        assert process.stdout is not None  # noqa: S101  # it was asked for
        rest = b""
        with self._log.open("ab") as log:
            while chunk := await process.stdout.read(CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if not executed(text := line.decode(errors="replace")) and not text.startswith(
                        "Running: "
                    ):
                        log.write(line + b"\n")
                    yield text
            if rest:
                log.write(rest)
                yield rest.decode(errors="replace")


def _names(files: Iterable[Path]) -> set[str]:
    return {file.name for file in files}


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
