"""One run: starts testee and suite for each role, both roles at once, and gathers the reports."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from harness.engines.suite import Begun, Ended, Finished, Listening
from harness.testee.commands import LIBRARY
from tooling import children
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
    from pathlib import Path

    from harness.engines.suite import Step, Suite
    from harness.progress import Progress
    from harness.results import CaseReport, CpuTime
    from harness.roles import Role
    from harness.testee.commands import Testee
    from tooling.children import Child

ResultT = TypeVar("ResultT")

LISTENING = re.compile(r"Listening on (ws://\S+)")
DRIVING = re.compile(r"case (\d+) of \d+")


@dataclass(frozen=True)
class RoleRun:
    """The findings of one role of a run; times are in seconds."""

    reports: dict[str, CaseReport]
    duration: float
    cpu_time: CpuTime | None = None


@dataclass
class RoleRunner:
    """Runs a testee in one role against a suite; `run` may be called once."""

    role: Role
    cases: Sequence[str]
    suite: Suite
    progress: Progress
    folder: Path
    time_limit: float
    """Seconds that a case may take."""
    testee: Testee = LIBRARY

    _reports: dict[str, CaseReport] = field(default_factory=dict, init=False)
    _case: str = field(default="(none yet)", init=False)
    _moved: float = field(default_factory=time.monotonic, init=False)
    _suite_cpu_time: float | None = field(default=None, init=False)

    async def run(self) -> RoleRun:
        """Run all cases.

        Raises `CommandError` where the suite or the testee does not start, ends on its own, or stands still.
        """
        begun = time.monotonic()
        testee = await (self._run_server() if self.role == "server" else self._run_client())
        cpu_time: CpuTime = {"testee": testee.cpu_time, "suite": self._suite_cpu_time}
        return RoleRun(self.reports, time.monotonic() - begun, cpu_time)

    @property
    def reports(self) -> dict[str, CaseReport]:
        """The reports that have come so far, in the order of the cases, those nobody asked for last."""
        asked = {case: self._reports[case] for case in self.cases if case in self._reports}
        return {**asked, **self._reports}

    async def _run_server(self) -> Child:
        command = [*self.testee.server, "--port", "0", *self.suite.testee_options]
        async with children.start("the server under test", command, self._log("testee")) as testee:
            url = await _first(self._wait_listening(testee), testee.must_live(), self._must_move())
            async with aclosing(self.suite.fuzz_server(url, self.cases, self._log("suite"))) as steps:
                await _first(self._collect(steps), testee.must_live(), self._must_move())
            if not await _listens(url):
                # The testee has died, and the suite had reported its failures before asyncio heard of that.
                await _first(testee.must_live(), self._must_move())
        return testee

    async def _run_client(self) -> Child:
        async with aclosing(self.suite.fuzz_client(self.cases, self._log("suite"))) as steps:
            listening = await _first(anext(steps), self._must_move())
            if not isinstance(listening, Listening):
                raise CommandError(f"the suite does not listen, it said {listening!r:.80}")
            options = ["--agent", self.testee.name, *self.suite.testee_options, *self.suite.client_options]
            command = [*self.testee.client, listening.url, *options]
            async with children.start("the client under test", command, self._log("testee")) as testee:
                await _first(self._collect(steps), self._follow(testee), self._must_move())
        return testee

    def _log(self, who: str) -> Path:
        return self.folder / f"{self.role}-{self.suite.label}{who}.log"

    async def _wait_listening(self, testee: Child) -> str:
        async for line in testee.lines():
            if found := LISTENING.search(line):
                return found[1]
        raise testee.death(await testee.ended())

    async def _collect(self, steps: AsyncIterator[Step]) -> None:
        async for step in steps:
            match step:
                case Begun(case):
                    self._move(case)
                case Ended(case, report):
                    if case in self._reports:
                        raise CommandError(f"{self.role}: the suite reported case {case} twice")
                    self._reports[case] = report
                case Finished(cpu_time):
                    self._suite_cpu_time = cpu_time

    async def _follow(self, testee: Child) -> None:
        """Follow the client under test, which may end when it is done, but not fail."""
        async for line in testee.lines():
            if found := DRIVING.search(line):
                self._move(self.cases[int(found[1]) - 1])
        if code := await testee.ended():
            raise testee.death(code)
        await asyncio.Event().wait()

    def _move(self, case: str) -> None:
        self._case = case
        self._moved = time.monotonic()
        self.progress.begun(self.role, case)

    async def _must_move(self) -> None:
        """Raise `CommandError` when a case takes too long."""
        left = self.time_limit
        while left > 0:
            await asyncio.sleep(left)
            left = self._moved + self.time_limit - time.monotonic()
        raise CommandError(
            f"{self.role}: case {self._case} did not end within {self.time_limit:g} s (--time-limit), gave up"
        )


async def run_roles(runners: Sequence[RoleRunner]) -> dict[Role, RoleRun]:
    """Run several roles at once, of one role a suite after the other; where one fails, all end."""
    of_role: dict[Role, list[RoleRunner]] = {}
    for runner in runners:
        of_role.setdefault(runner.role, []).append(runner)
    tasks: dict[Role, asyncio.Task[RoleRun]] = {
        role: asyncio.create_task(_run_row(row)) for role, row in of_role.items()
    }
    try:
        # Not gather(): it cancels too, and a second cancellation would interrupt the ending of the children.
        done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        return {role: task.result() for role, task in tasks.items()}
    finally:
        await _cancel(tasks.values())


async def _run_row(runners: Sequence[RoleRunner]) -> RoleRun:
    """Run the suites of one role, one after the other."""
    runs = [await runner.run() for runner in runners]
    runners[0].progress.finished(runners[0].role)
    reports = {case: report for run in runs for case, report in run.reports.items()}
    spent = [run.cpu_time for run in runs if run.cpu_time]
    cpu_time: CpuTime = {
        "testee": sum(part["testee"] or 0.0 for part in spent),
        "suite": sum(part["suite"] or 0.0 for part in spent) or None,  # a suite in this process does not say
    }
    return RoleRun(reports, sum(run.duration for run in runs), cpu_time)


async def _listens(url: str) -> bool:
    """Tell whether the server at `url` still accepts connections."""
    server = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(server.hostname, server.port)
    except OSError:
        return False
    writer.close()
    return True


async def _first(work: Awaitable[ResultT], *guards: Awaitable[None]) -> ResultT:
    """Do the work while the guards watch; a guard ends only by raising."""
    task = asyncio.ensure_future(work)
    watchers = [asyncio.ensure_future(guard) for guard in guards]
    try:
        await asyncio.wait([task, *watchers], return_when=asyncio.FIRST_COMPLETED)
        for watcher in watchers:
            if watcher.done():
                watcher.result()
        return await task
    finally:
        await _cancel([task, *watchers])


async def _cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
