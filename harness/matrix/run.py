"""`python -m harness matrix`: this library and others through the same cases, compared on one page."""

from __future__ import annotations

import asyncio
import json
import platform
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness.judge import judge, verdicts_of
from harness.matrix.implementations import FOLDERS, THIS, implementations
from harness.matrix.page import render
from harness.matrix.player import Player
from harness.matrix.programs import lacking, title_of
from harness.matrix.results import FORMAT, Row
from harness.progress import progress
from harness.run import run_until_signal
from harness.summary import count_of, print_differences
from harness.transports.carriage import Carriage
from tooling.console import say
from tooling.environments import CACHE
from tooling.errors import CommandError, ExitCode, MissingError
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
    from harness.setups import Setup

JOBS = 2
"""Implementations at once: most of the time they are waited for, which may do nothing."""


@dataclass
class Matrix:
    """A run of several implementations."""

    order: Order
    suite: Suite
    folder: Path
    patience: Patience
    console: Console
    only: Sequence[str] = ()
    testees: Sequence[Path] = FOLDERS
    cache: Path = CACHE
    jobs: int = JOBS
    again: bool = False
    """Whether to play what is kept as well."""
    rows: list[Row] = field(default_factory=list, init=False)

    def run(self) -> ExitCode:
        """Run all, write `matrix.json` and `matrix.html`, and judge this library by its baseline.

        Raises `CommandError` where an implementation could not be run, and where a signal comes; the page is
        written all the same, in the latter case of what has been played.
        """
        chosen = implementations(self.testees, self.only, self.order.transports)
        for transport in self.order.transports:
            Carriage(transport).check()
        baselines, engine, cases = self.order.baselines(), self.suite.version(), self.order.cases()
        self.rows = [self._row(implementation) for implementation in chosen]
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        for page in ("matrix.json", "matrix.html"):
            (self.folder / page).unlink(missing_ok=True)  # an old page would mislead after a run that failed
        counts = ", ".join(f"as {setup} {count_of(of_setup)}" for setup, of_setup in cases.items())
        running = sum(not row.left_out for row in self.rows)
        self._say(f"{running} implementation{'s' * (running != 1)}: {counts}")
        interrupted: CommandError | None = None
        try:
            asyncio.run(run_until_signal(self._play(chosen, cases)))
        except CommandError as error:
            if not any(result.reports for row in self.rows for result in row.roles.values()):
                raise
            interrupted = error
        self._write({"engine": engine, "started": started, "stopped": str(interrupted or "")}, cases)
        if interrupted:
            self._say(f"{self.folder / 'matrix.html'} has what was played")
            raise interrupted
        self._say(f"{self.folder / 'matrix.html'} compares them")
        return self._conclude(
            {
                setup: judge_this(
                    self.rows, setup, baselines[setup.role].verdicts("default", setup.transport)
                )
                for setup in cases
            }
        )

    def _row(self, implementation: Implementation) -> Row:
        """Begin a row; raises `MissingError` where this machine lacks what one needs that was asked for."""
        row = Row(implementation.name, title_of(implementation), implementation.language)
        needs = sorted({need for file in implementation.files.values() if (need := lacking(file))})
        if needs:
            row.left_out = f"needs {', '.join(needs)}"
            if implementation.name in self.only:
                raise MissingError(f"cannot run {implementation.name}: it {row.left_out}")
            self._say(f"{row.title} is left out: it {row.left_out}")
        return row

    async def _play(self, chosen: Sequence[Implementation], cases: Mapping[Setup, list[str]]) -> None:
        """Run those that can be run, so many at once."""
        of_rows = {
            f"{one.name} {setup}": of_setup
            for one in chosen
            for setup, of_setup in cases.items()
            if one.has(setup)
        }
        room = asyncio.Semaphore(self.jobs)
        with progress(self.console, of_rows, by_section=False, at_first=False) as shown:
            player = Player(self.suite, self.folder, self.patience, self.cache, self.again, shown, self._say)

            async def play(implementation: Implementation, row: Row) -> None:
                async with room:
                    await player.play(implementation, cases, row)

            playing = [play(one, row) for one, row in zip(chosen, self.rows, strict=True) if not row.left_out]
            for failed in await asyncio.gather(*playing, return_exceptions=True):
                if isinstance(failed, BaseException):
                    raise failed

    def _write(self, about_run: Mapping[str, str], cases: Mapping[Setup, list[str]]) -> None:
        about: dict[str, Any] = {
            "format": FORMAT,
            "python": platform.python_version(),
            "profile": self.order.profile,
            "patterns": list(self.order.patterns),
            **about_run,
        }
        content = {**about, "implementations": [row.report() for row in self.rows]}
        write_text(self.folder / "matrix.json", json.dumps(content, indent=1) + "\n")
        write_text(self.folder / "matrix.html", render(about, cases, self.rows))

    def _conclude(self, differences: Mapping[Setup, Sequence[Difference]]) -> ExitCode:
        reports = {
            setup: result.reports
            for row in self.rows
            if row.name == THIS
            for setup, result in row.roles.items()
        }
        print_differences(self.console, differences, reports)
        unfinished = [
            f"{row.title} as {setup}: {result.error}"
            for row in self.rows
            for setup, result in row.roles.items()
            if result.error
        ]
        if unfinished:
            more = f" (and {len(unfinished) - 1} more)" if len(unfinished) > 1 else ""
            raise CommandError(f"could not run {unfinished[0]}{more}")
        return ExitCode.BAD if any(differences.values()) else ExitCode.GOOD

    def _say(self, line: str) -> None:
        say(self.console, line)


def judge_this(rows: Sequence[Row], setup: Setup, expected: Any) -> list[Difference]:
    """Compare this library's verdicts with its baseline, if it has run."""
    return [
        difference
        for row in rows
        if row.name == THIS and setup in row.roles
        for difference in judge(
            setup, row.roles[setup].cases, expected, verdicts_of(row.roles[setup].reports, str(setup))
        )
    ]
