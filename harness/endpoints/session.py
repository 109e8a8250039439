"""`python -m harness test`: from a user's order to the exit code."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from harness.conclusion import Failures, Outcome, conclude_in, judge_all, results_of
from harness.endpoints.runner import LOG, EndpointRunner
from harness.engines.kosoku import KosokuSuite
from harness.extra.driver import is_unplayed
from harness.patience import usual_duration
from harness.progress import progress
from harness.run import aside_of, run_until_signal
from harness.setup_queue import Stop, run_setups
from harness.setups import Setup
from harness.summary import count_of
from tooling.console import say
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from harness.by_rfc import ByRfc
    from harness.endpoints.choice import Choice
    from harness.endpoints.endpoint import Endpoint
    from harness.judge import Baseline
    from harness.order import Order
    from harness.patience import Patience
    from harness.results import CaseReport
    from harness.roles import Role
    from tooling.errors import ExitCode


@dataclass
class Session:
    """A test of one server."""

    endpoint: Endpoint
    choice: Choice
    judge: Baseline | ByRfc
    order: Order
    repeat: str
    """The command that repeats it, but for its cases."""
    folder: Path
    patience: Patience
    jobs: int
    max_failures: int | None
    console: Console

    def run(self) -> ExitCode:
        """Test it, and write the report; raises `CommandError` where it cannot be reached."""
        engine = KosokuSuite().version()
        if not self.endpoint.command:
            asyncio.run(run_until_signal(self._reach()))
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        stop = Stop()
        setup = Setup("server", transport=self.endpoint.transport)
        judges: dict[Role, Baseline | ByRfc] = {setup.role: self.judge}
        interrupted: CommandError | None = None
        with aside_of(self.folder) as aside:
            runner = EndpointRunner(
                self.choice,
                self.endpoint,
                KosokuSuite,
                self.jobs,
                aside,
                self.patience,
                stop,
                Failures(judges, self.max_failures, stop).reported,
                setup,
            )
            try:
                asyncio.run(run_until_signal(self._run(runner, engine)))
            except CommandError as error:
                interrupted = error
            found = runner.result()
            if interrupted and not found.reports:
                raise interrupted
        stopped = str(interrupted or stop.reason)
        runs = {setup: found}
        differences = judge_all(
            {setup: self.choice.cases}, judges, runs, lambda _: self.repeat, complete=not stopped
        )
        outcome = Outcome(self.order, judges, runs, differences, stopped, endpoint=True)
        results = results_of(outcome, self.endpoint.name, engine, started)
        code = conclude_in(self.folder, outcome, results, self.console)
        if modes := self._modes(found.reports):
            say(self.console, modes)
        if interrupted:
            raise interrupted
        return code

    def _modes(self, reports: Mapping[str, CaseReport]) -> str:
        """Say which modes the server has, and which others would have had more cases played."""
        extra = self.choice.extra
        needing = {case: extra[case].mode_name for case in reports if case in extra and extra[case].mode_name}
        unplayed = {case: mode for case, mode in needing.items() if is_unplayed(reports[case], mode)}
        has = ", ".join(sorted(set(needing.values()) - set(unplayed.values()))) or "none"
        others = ", ".join(sorted(set(unplayed.values())))
        left = f"; {count_of(list(unplayed))} not played for want of {others}" if unplayed else ""
        return f"modes of the server: {has}{left}" if needing else ""

    async def _reach(self) -> None:
        """See that it can be reached; the way to it over HTTP/2 and HTTP/3 is made anew for the run."""
        await self.endpoint.ensure(self.folder / LOG)
        if self.endpoint.transport != "h1":
            await self.endpoint.stop()

    async def _run(self, runner: EndpointRunner, engine: str) -> None:
        """Have the server running, say what will be done, and do it."""
        try:
            target = await self.endpoint.ensure(runner.folder / LOG)
            say(
                self.console,
                f"{self.endpoint.name} at {target.url} against {engine}: {count_of(self.choice.cases)}",
            )
            for note in self.choice.notes:
                say(self.console, note)
            watched = any(
                self.choice.extra[case].watch_memory
                for case in self.choice.cases
                if case in self.choice.extra
            )
            if watched and target.place.watch() is None:
                say(
                    self.console,
                    "memory is not watched: this user sees no process of this machine that listens there",
                )
            with progress(self.console, {str(runner.setup): self.choice.cases}) as shown:
                runner.progress = shown
                usual = usual_duration(self.choice.cases, self.judge.seconds_of(runner.setup))
                budget = self.patience.whole(usual)
                await run_setups([runner], runner.stop, budget)
        finally:
            await self.endpoint.stop()
