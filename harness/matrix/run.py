"""`python -m harness matrix`: this library and others through the same cases, compared on one page."""

from __future__ import annotations

import asyncio
import json
import platform
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness.judge import judge, verdicts_of
from harness.matrix.implementations import FOLDER, THIS, implementations
from harness.matrix.page import render
from harness.matrix.results import FORMAT, RoleResult, Row, count_text
from harness.progress import progress
from harness.run import parts_of, run_until_signal
from harness.setup_runner import SetupRunner
from harness.setups import Setup
from harness.summary import count_of, print_differences
from harness.testee.commands import library
from tooling.console import say
from tooling.environments import CACHE, environment_with
from tooling.errors import CommandError, ExitCode
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.engines.suite import Suite
    from harness.judge import Difference
    from harness.matrix.implementations import Implementation
    from harness.order import Order
    from harness.patience import Patience
    from harness.progress import Progress
    from harness.roles import Role
    from harness.testee.commands import Testee


@dataclass
class Matrix:
    """A run of several implementations, one after the other."""

    order: Order
    suite: Suite
    folder: Path
    patience: Patience
    console: Console
    only: Sequence[str] = ()
    testees: Path = FOLDER
    cache: Path = CACHE
    rows: list[Row] = field(default_factory=list, init=False)

    def run(self) -> ExitCode:
        """Run all, write `matrix.json` and `matrix.html`, and judge this library by its baseline.

        Raises `CommandError` where an implementation could not be run; the page is written all the same.
        """
        chosen = implementations(self.testees, self.only)
        baselines, engine = self.order.baselines(), self.suite.version()
        cases: dict[Role, list[str]] = {
            setup.role: of_setup for setup, of_setup in self.order.cases().items()
        }
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        for page in ("matrix.json", "matrix.html"):
            (self.folder / page).unlink(missing_ok=True)  # an old page would mislead after a run that failed
        for implementation in chosen:
            self.rows.append(asyncio.run(run_until_signal(self._play(implementation, cases))))
        about: dict[str, Any] = {
            "format": FORMAT,
            "engine": engine,
            "python": platform.python_version(),
            "started": started,
            "profile": self.order.profile,
            "patterns": list(self.order.patterns),
        }
        content = {**about, "implementations": [row.report() for row in self.rows]}
        write_text(self.folder / "matrix.json", json.dumps(content, indent=1) + "\n")
        write_text(self.folder / "matrix.html", render(about, cases, self.rows))
        self._say(f"{self.folder / 'matrix.html'} compares them")
        return self._conclude(
            {
                role: judge_this(self.rows, role, baseline.verdicts("default"))
                for role, baseline in baselines.items()
            }
        )

    def _conclude(self, differences: Mapping[Role, Sequence[Difference]]) -> ExitCode:
        reports = {
            Setup(role): result.reports
            for row in self.rows
            if row.name == THIS
            for role, result in row.roles.items()
        }
        print_differences(self.console, {Setup(role): found for role, found in differences.items()}, reports)
        unfinished = [
            f"{row.title} as {role}: {result.error}"
            for row in self.rows
            for role, result in row.roles.items()
            if result.error
        ]
        if unfinished:
            more = f" (and {len(unfinished) - 1} more)" if len(unfinished) > 1 else ""
            raise CommandError(f"could not run {unfinished[0]}{more}")
        return ExitCode.BAD if any(differences.values()) else ExitCode.GOOD

    async def _play(self, implementation: Implementation, cases: Mapping[Role, list[str]]) -> Row:
        """Run one implementation in all its roles at once."""
        row = Row(implementation.name, implementation.title, {})
        testee = await self._prepare(implementation, cases, row)
        ready: dict[Role, list[str]] = {
            role: chosen
            for role, chosen in cases.items()
            if role not in row.roles and (testee.server if role == "server" else testee.client)
        }
        counts = ", ".join(f"as {role} {count_of(chosen)}" for role, chosen in ready.items())
        self._say(f"{row.title}: {counts or 'cannot be run'}")
        with progress(
            self.console, {str(role): chosen for role, chosen in ready.items()}, by_section=False
        ) as shown:
            playing = [self._play_role(role, ready[role], row, testee, shown) for role in ready]
            for failed in await asyncio.gather(*playing, return_exceptions=True):
                if isinstance(failed, BaseException):
                    raise failed
        with suppress(OSError):  # it holds logs
            (self.folder / row.name).rmdir()
        for role, result in row.roles.items():
            minutes, seconds = divmod(round(result.duration), 60)
            error = f"; {result.error}" if result.error else ""
            self._say(f"  {role} in {minutes}:{seconds:02}: {count_text(result.counts())}{error}")
        return row

    async def _prepare(
        self, implementation: Implementation, cases: Mapping[Role, list[str]], row: Row
    ) -> Testee:
        """Make the environments that it needs; a role whose environment cannot be made has an error."""
        if implementation.name == THIS:
            return library()
        pythons: dict[Role, Path] = {}
        for role, file in implementation.files.items():
            if role in cases:
                try:
                    pythons[role] = await environment_with(
                        file.packages, lambda line: self._say(f"{row.title}: {line}"), self.cache
                    )
                except CommandError as error:
                    row.roles[role] = RoleResult(cases[role], errors=[str(error)])
        return implementation.testee(pythons)

    async def _play_role(
        self, role: Role, cases: list[str], row: Row, testee: Testee, shown: Progress
    ) -> None:
        """Run one role, suite after suite; note the error that keeps one from its end."""
        result = row.roles[role] = RoleResult(cases)
        began = time.monotonic()
        for suite, part in parts_of(cases, self.suite, testee.name, self.patience.timeout):
            runner = SetupRunner(
                Setup(role), part, suite, shown, self.folder / row.name, self.patience, testee
            )
            try:
                await runner.run()
            except CommandError as error:
                result.errors.append(str(error))
            result.reports.update(runner.result().reports)
        result.duration = time.monotonic() - began
        shown.finished(role)

    def _say(self, line: str) -> None:
        say(self.console, line)


def judge_this(rows: Sequence[Row], role: Role, expected: Any) -> list[Difference]:
    """Compare this library's verdicts with its baseline, if it has run."""
    return [
        difference
        for row in rows
        if row.name == THIS and role in row.roles
        for difference in judge(
            Setup(role), row.roles[role].cases, expected, verdicts_of(row.roles[role].reports, role)
        )
    ]
