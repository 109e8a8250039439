"""The setups of a run, some of them at once, until all is done or one stops the run."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from harness.setup_runner import SetupRun, cancel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.progress import Progress
    from harness.results import CpuTime
    from harness.setup_runner import SetupRunner
    from harness.setups import Setup

AT_ONCE = 4
"""Setups that are run at once: cases wait more than they work, so that two processors have room for four."""


class Stop:
    """The end of a run before its time: `reason` says why."""

    def __init__(self) -> None:
        self.reason = ""
        self._asked = asyncio.Event()

    def __call__(self, reason: str) -> None:
        """End the run."""
        self.reason = self.reason or reason
        self._asked.set()

    async def wait(self) -> None:
        """Wait for the end."""
        await self._asked.wait()


class Runner(Protocol):
    """Runs one setup, or a part of its cases."""

    setup: Setup
    progress: Progress

    async def run(self) -> None:
        """Run all of its cases."""


async def run_setups(runners: Sequence[Runner], stop: Stop, budget: float) -> None:
    """Run the setups in their order, `AT_ONCE` of them at once; where one fails, all end.

    :param runners: those of the variant default come first: they have most to do.
    :param budget: seconds after which the run is stopped.
    """
    rows: dict[Setup, list[Runner]] = {}
    for runner in runners:
        rows.setdefault(runner.setup, []).append(runner)
    waiting = deque(rows.values())
    work = [asyncio.create_task(_run_waiting(waiting)) for _ in range(min(AT_ONCE, len(waiting)))]
    stopping = asyncio.create_task(stop.wait())
    try:
        pending: set[asyncio.Task[None]] = {*work, stopping}
        until = time.monotonic() + budget
        while not stop.reason and not all(task.done() for task in work):
            # Not gather(): it cancels too, and a second cancellation would leave children half ended.
            done, pending = await asyncio.wait(
                pending, timeout=max(until - time.monotonic(), 0), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                stop(f"the time for the whole run was over after {budget:g} s (--budget)")
            for task in filter(asyncio.Task.done, work):  # also those that have ended since
                task.result()
    finally:
        await cancel([*work, stopping])


async def _run_waiting(waiting: deque[list[Runner]]) -> None:
    """Run one setup after the other, until none waits; the suites of a setup likewise."""
    while waiting:
        for runner in (row := waiting.popleft()):
            await runner.run()
        row[-1].progress.finished(str(row[-1].setup))


def joined(runners: Iterable[SetupRunner]) -> dict[Setup, SetupRun]:
    """Return the findings so far of each setup, over all of its suites."""
    runs: dict[Setup, SetupRun] = {}
    for runner in runners:
        found = runner.result()
        if runner.setup in runs:
            before = runs[runner.setup]
            cpu_time: CpuTime | None = None
            if before.cpu_time and found.cpu_time:
                cpu_time = {  # of both suites
                    "testee": (before.cpu_time["testee"] or 0.0) + (found.cpu_time["testee"] or 0.0),
                    "suite": before.cpu_time["suite"] or found.cpu_time["suite"],
                }
            found = SetupRun({**before.reports, **found.reports}, before.duration + found.duration, cpu_time)
        runs[runner.setup] = found
    return runs
