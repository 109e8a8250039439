"""Runs one target under atheris: first on the empty input, for the baseline, then fuzzing.

It does not use libFuzzer's fork mode. With frames_server, 20 s from the seeds, that mode made 63,000
executions in the processor time of 89,000 without it, since each job imports everything again. It counted
edges wrong (2,968 for 637), since these have other numbers in each process. And an input that ended a job
went unnoticed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fuzz import crashes
from fuzz.folders import shown
from fuzz.libfuzzer import Monitor, executed
from fuzz.minimizer import Budget
from fuzz.process import started
from fuzz.replay import MEMORY_LIMIT, TIME_LIMIT
from fuzz.results import TargetResult
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from fuzz.folders import Folders, Target
    from fuzz.process import Process
    from fuzz.progress import Progress

DEFAULTS: Final = {"timeout": f"{TIME_LIMIT:.0f}", "rss_limit_mb": str(MEMORY_LIMIT)}
"""Options where a target has none of its own: seconds for an input, MiB for the process."""

GRACE: Final = 60.0
"""Seconds that a target may take to end, beyond its time."""

BASELINE_TIME: Final = 1.0
"""Seconds for which the empty input is executed."""
BASELINE_LIMIT: Final = 60.0
"""Seconds that a target may take to start and to measure the baseline."""
BASELINE_LOT: Final = 200
BASELINE_LOTS: Final = 5000


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
        """Fuzz, and return the result, whatever happens."""
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._folders.crashes.mkdir(parents=True, exist_ok=True)
            self._log.write_bytes(b"")
            await self._limited(self._measure_baseline(), BASELINE_LIMIT)
            if self.result.status == "clean" and not self._monitor.artifacts:
                before = self._corpus()
                # The time includes reading the corpus.
                await self._limited(
                    self._fuzz(), self._seconds + GRACE + 2 * float(str(self._options["timeout"]))
                )
                self.result.new_inputs = len(self._corpus() - before)
            await self._keep_artifacts()
            self._judge_folders()
        except (CommandError, OSError) as error:
            self.result.status, self.result.problem = "died", str(error)
        self._progress.finished(self.result)
        return self.result

    async def _measure_baseline(self) -> None:
        """Execute the empty input over and over, in the same process set-up but without mutation."""
        self._progress.phase(self._target.name, "baseline")
        empty = self._log.with_name("empty")
        empty.write_bytes(b"")
        lots, began, cpu = 0, 0.0, 0.0
        async with self._started([f"-runs={BASELINE_LOT}", *[str(empty)] * BASELINE_LOTS]) as process:
            async for line in process.lines():
                if not executed(line):
                    self._monitor.feed(line)
                    continue
                lots += 1
                if lots == 1:  # the first one only warms up
                    began, cpu = time.monotonic(), process.cpu_time
                elif process.cpu_time > cpu:
                    self.result.baseline = round(BASELINE_LOT * (lots - 1) / (process.cpu_time - cpu), 1)
                    if time.monotonic() - began > BASELINE_TIME:
                        return
            await self._judge_early_end(process, lots)

    async def _judge_early_end(self, process: Process, lots: int) -> None:
        """Judge a process that ended on the empty input, or before it."""
        if self._stop.is_set():
            self.result.status = "interrupted"
        elif not self._monitor.artifacts and await process.ended():
            self.result.status = "died" if lots else "not started"
            self.result.problem = self._end_of(process) + (" on the empty input" if lots else "")

    async def _fuzz(self) -> None:
        """Fuzz for the time that was asked for."""
        self._progress.phase(self._target.name, "reading the corpus")
        self._monitor = Monitor()
        options = {**self._options, "max_total_time": self._seconds, "print_final_stats": 1}
        arguments = [*(f"-{name}={value}" for name, value in options.items()), str(self._target.corpus)]
        async with self._started(arguments) as process:
            await self._watch(process)
            self._judge_end(process, await process.ended())

    async def _watch(self, process: Process) -> None:
        """Follow the figures; time and rate count from where the corpus has been read."""
        result, monitor = self.result, self._monitor
        began, cpu, read = 0.0, 0.0, 0
        async for line in process.lines():
            edges, executions = monitor.edges, monitor.executions
            monitor.feed(line)
            if monitor.executions == executions:
                continue
            if not began:
                began, cpu, read = time.monotonic(), process.cpu_time, monitor.executions
                self._progress.phase(self._target.name, "fuzzing")
            result.seconds = round(time.monotonic() - began, 2)
            result.executions, result.edges = monitor.executions, monitor.edges
            result.corpus = monitor.corpus
            if process.cpu_time > cpu:
                result.rate = round((result.executions - read) / (process.cpu_time - cpu), 1)
            if monitor.edges != edges:
                result.growth.append((result.seconds, monitor.edges))
            self._progress.figures(result)

    def _judge_end(self, process: Process, code: int) -> None:
        if self._stop.is_set():
            self.result.status = "interrupted"
        elif code or not self._monitor.fuzzing:
            self.result.status = "died"  # unless it left an input that shows the reason
            self.result.problem = self._end_of(process)
            if not self._monitor.fuzzing:
                name, corpus = self._target.name, shown(self._target.corpus)
                self.result.problem += f"; find the input: python -m fuzz replay --target {name} {corpus}"

    async def _keep_artifacts(self) -> None:
        """Minimise and explain the inputs that libFuzzer kept, one after the other."""
        for number, artifact in enumerate(self._monitor.artifacts, 1):
            kind = artifact.name.removeprefix(f"{self._target.name}-").partition("-")[0]
            data = self._monitor.content_of(artifact)
            if data is None:
                self.result.status = "not kept"
                self.result.problem = f"the input of a {kind} could not be written to {shown(artifact)}"
                continue
            self.result.status, self.result.problem = "crashed", ""
            self._progress.phase(self._target.name, f"minimising crash {number}")
            finding = await asyncio.to_thread(
                crashes.keep,
                self._folders,
                self._target,
                data,
                kind,
                Budget(crashes.MINIMIZE_TIME, self._stop.is_set),
            )
            if not finding.not_kept or not _holds(artifact, data):
                _unlink(artifact)
            if finding.file not in {known.file for known in self.result.findings}:
                self.result.problem = self.result.problem or finding.title.partition(":")[0]
                self.result.findings.append(finding)
                self._progress.found(self.result, finding)

    def _judge_folders(self) -> None:
        """See that all could be kept that was found: nothing is clean where it could not."""
        if self.result.status in {"clean", "crashed"}:
            try:
                self._folders.check_writable([self._target])
            except CommandError as error:
                self.result.problem = f"{self.result.problem}; {error}".removeprefix("; ")
                if self.result.status == "clean":
                    self.result.status = "not kept"

    async def _limited(self, doing: Coroutine[None, None, None], seconds: float) -> None:
        """Limit its time."""
        try:
            await asyncio.wait_for(doing, seconds)
        except asyncio.TimeoutError:
            self.result.status = "hung"
            self.result.problem = f"did not end within {seconds:.0f} s, and was killed"

    def _end_of(self, process: Process) -> str:
        words = self._monitor.last_words
        return f"{process.end}: {words}" if words else process.end

    @property
    def _options(self) -> dict[str, object]:
        return {**DEFAULTS, **self._target.options}

    def _corpus(self) -> set[str]:
        return {file.name for file in self._target.inputs()}

    def _started(self, arguments: Sequence[str]) -> AbstractAsyncContextManager[Process]:
        prefix = f"-artifact_prefix={self._folders.crashes / self._target.name}-"
        limits = [f"-{name}={self._options[name]}" for name in DEFAULTS]
        return started(self._target.file, [prefix, *limits, *arguments], self._log, self._stop)


def _unlink(file: Path) -> None:
    with suppress(OSError):  # the folder may be read-only by now
        file.unlink()


def _holds(file: Path, data: bytes) -> bool:
    try:
        return file.read_bytes() == data
    except OSError:
        return False
