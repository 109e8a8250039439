"""Plays the cases against a server, several at once; a server that dies or hangs fails the case."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.case_texts import read_titles
from harness.cases import is_own, weight
from harness.endpoints.reach import GoneError, UnreachableError, still_answers
from harness.endpoints.relay import relay
from harness.engines.extra import ExtraSuite
from harness.engines.streams import StreamSuite
from harness.engines.suite import Begun, Ended, Finished
from harness.extra import EXTRA
from harness.judge import verdict_of
from harness.results import CpuTime
from harness.setup_runner import ENDS, MOST_DEATHS, SetupRun, first_of
from harness.setups import Setup
from harness.streams import STREAMS
from harness.transports.carriage import SETTLED
from tooling.children import ChildError
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from pathlib import Path

    from harness.endpoints.choice import Choice
    from harness.endpoints.endpoint import Endpoint
    from harness.endpoints.target import Target
    from harness.engines.suite import Step, Suite
    from harness.patience import Patience
    from harness.progress import Progress
    from harness.results import CaseReport
    from harness.setup_queue import Stop

SERVER = Setup("server")

LOG = "server.log"
"""The file with the standard error of a server that was started here."""


class Unseen:
    """Progress that nobody looks at."""

    def begun(self, label: str, case: str) -> None:
        """Say nothing."""

    def finished(self, label: str) -> None:
        """Say nothing."""


class HangError(ChildError):
    """A case did not come to its end in time."""


@dataclass
class EndpointRunner:
    """One run of all cases against one server; `run` may be called once.

    :param suite_of: makes the engine that plays Autobahn's part with so many cases at once.
    """

    choice: Choice
    endpoint: Endpoint
    suite_of: Callable[[int], Suite]
    jobs: int
    folder: Path
    patience: Patience
    stop: Stop
    reported: Callable[[Setup, str, CaseReport], None]
    setup: Setup = SERVER
    progress: Progress = field(default_factory=Unseen)

    _reports: dict[str, CaseReport] = field(default_factory=dict, init=False)
    _running: dict[str, float] = field(default_factory=dict, init=False)
    """When the cases began that are played now."""
    _duration: float = field(default=0.0, init=False)
    _suite_time: float | None = field(default=None, init=False)

    async def run(self) -> None:
        """Play all cases; a server that was started here is started again where it dies.

        Raises `CommandError` where an engine does not do its work.
        """
        began = time.monotonic()
        try:
            for of_engine in (lambda case: not is_own(case), EXTRA.__contains__, STREAMS.__contains__):
                await self._play_part(list(filter(of_engine, self.choice.cases)))
        finally:
            self._duration = time.monotonic() - began

    def result(self) -> SetupRun:
        """Return what has been found so far, in the order of the cases."""
        reports = {case: self._reports[case] for case in self.choice.cases if case in self._reports}
        testee = round(self.endpoint.cpu_time, 3) if self.endpoint.command else None
        return SetupRun(reports, self._duration, CpuTime(testee=testee, suite=self._suite_time))

    async def _play_part(self, rest: list[str]) -> None:
        """Play the cases of one engine; after a death with several under way, those one by one."""
        suspects: list[str] = []
        deaths = 0
        while rest and not self.stop.reason:
            self._running.clear()
            before = len(self._reports)
            try:
                await self._play(suspects or rest, 1 if suspects else self.jobs)
            except (ChildError, UnreachableError) as death:
                deaths = 1 if len(self._reports) > before + 1 else deaths + 1
                guilty = list(self._running) or rest[:1]
                if not isinstance(death, HangError):
                    await self.endpoint.stop()  # it may be alive, and hang
                suspects = self._take_death(death, guilty)
            rest = [case for case in rest if case not in self._reports]
            suspects = [case for case in suspects if case in rest]
            if deaths == MOST_DEATHS:
                self.stop(f"the server died {MOST_DEATHS} times in a row")

    def _take_death(self, death: ChildError | UnreachableError, guilty: list[str]) -> list[str]:
        """Fail the case in which the server died; where that is not clear, return those to be repeated."""
        if isinstance(death, HangError):
            for case in guilty:
                if self._overdue(case):
                    self._bury(case, death.what, death.log)
            return []
        if self.endpoint.command:
            if len(guilty) > 1:
                return guilty
            what, log = (death.what, death.log) if isinstance(death, ChildError) else (str(death), "")
            self._bury(guilty[0], what, log)
            return []
        at_once = f" These cases were under way: {', '.join(guilty)}." if len(guilty) > 1 else ""
        for case in guilty:
            self._bury(case, f"the server does not answer any more: {death}.{at_once}", "")
        self.stop(f"the server does not answer any more, since case {', '.join(guilty)}: {death}")
        return []

    async def _play(self, cases: Sequence[str], jobs: int) -> None:
        try:
            target = await self.endpoint.ensure(self.folder / LOG)
        except CommandError as error:
            self.stop(f"the server did not start again: {error}")
            return
        child = self.endpoint.child
        async with AsyncExitStack() as stack:
            if cases[0] in STREAMS and target.over:
                suite: Suite = StreamSuite(
                    self.endpoint.name,
                    target.over.transport,
                    self.patience.timeout,
                    target=target.over,
                    jobs=jobs,
                )
                url = target.url
            elif cases[0] in EXTRA:
                suite = ExtraSuite(
                    self.endpoint.name,
                    self.patience.timeout,
                    place=target.place,
                    cases=self.choice.extra,
                    jobs=jobs,
                )
                url = target.url
            else:
                suite = self.suite_of(jobs)
                url = target.url if target.is_plain else await stack.enter_async_context(relay(target.place))
            log = self.folder / f"server-{suite.label}suite.log"
            steps: AsyncGenerator[Step, None] = await stack.enter_async_context(
                aclosing(suite.fuzz_server(url, list(cases), log))
            )
            guards = [self._must_move(target)] + ([child.must_live()] if child else [])
            await first_of(self._collect(steps, target, cases[-1]), *guards)

    async def _collect(self, steps: AsyncIterator[Step], target: Target, last: str) -> None:
        """Take in the steps; after a case that went badly, or was the last, see whether the server lives."""
        async for step in steps:
            match step:
                case Begun(case):
                    self._running[case] = time.monotonic()
                    self.progress.begun(str(self.setup), case)
                case Ended(case, report):
                    if case == last or self._is_odd(report):
                        await self._must_answer(target)
                    self._running.pop(case, None)
                    self._report(case, report)
                case Finished(cpu_time):
                    self._suite_time = (self._suite_time or 0.0) + cpu_time

    def _is_odd(self, report: CaseReport) -> bool:
        """Tell whether the server may have died in a case; one that was not played says nothing."""
        verdict = verdict_of(report, "a report")
        return not verdict.ok and verdict.behavior != "UNIMPLEMENTED"

    async def _must_answer(self, target: Target) -> None:
        """Raise an error where the server has died, or does not answer a request any more."""
        child = self.endpoint.child
        if child:
            await asyncio.sleep(SETTLED)
            if not child.alive():
                raise child.death(await child.ended())
        try:
            await still_answers(target, self.patience.time_limit)
        except UnreachableError as error:
            if child is None:
                raise
            if isinstance(error, GoneError):  # its end may show a little later than that of its port
                with suppress(asyncio.TimeoutError):
                    raise child.death(await asyncio.wait_for(child.ended(), ENDS)) from None
            raise ChildError(f"{child.name} hangs: {error}", child.tail(), child.log) from None

    def _limit(self, case: str) -> float:
        """Return the seconds that a case may take; long ones that run at once share the server's time."""
        return self.patience.limit(case) * (self.jobs if weight(case) > 1 else 1)

    def _overdue(self, case: str) -> bool:
        return time.monotonic() - self._running[case] >= self._limit(case)

    async def _must_move(self, target: Target) -> None:
        """Raise an error when a case takes too long."""
        while not (late := [case for case in self._running if self._overdue(case)]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # the time counts here, not an event
        await self._must_answer(target)
        raise HangError(f"the case did not come to its end within {self._limit(late[0]):g} s (--timeout)")

    def _report(self, case: str, report: CaseReport) -> None:
        if case in self._reports:
            raise CommandError(f"the suite reported case {case} twice")
        self._reports[case] = report
        self.reported(self.setup, case, report)

    def _bury(self, case: str, what: str, log: str) -> None:
        """Fail the case in which the server died or hung."""
        report: CaseReport = {
            "behavior": "FAILED",
            "behaviorClose": "FAILED",
            "remoteCloseCode": None,
            "description": read_titles().get(case, ""),
            "agent": self.endpoint.name,
            "result": f"{what[:1].upper()}{what[1:].rstrip('.')}.",
            "resultClose": "There is nothing to say of the closing handshake.",
        }
        if log:
            report["log"] = log
        self._report(case, report)
