"""Plays the cases against one implementation, in each of its roles; what is kept is not played again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.matrix.kept import Kept, harness_fingerprint
from harness.matrix.programs import program_of, this_library
from harness.matrix.results import RoleResult, count_text, without_limit
from harness.run import parts_of
from harness.setup_runner import SetupRunner
from harness.setups import Setup
from harness.testee.commands import Testee
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.engines.suite import Suite
    from harness.matrix.implementations import Implementation
    from harness.matrix.results import Row
    from harness.patience import Patience
    from harness.progress import Progress
    from harness.results import CaseReport
    from harness.roles import Role


SHARES = 4
"""Parts of the cases that are played at once: some implementations let each case wait for seconds."""

FEW = 40
"""Cases that make no part of their own."""


def is_doubtful(report: CaseReport | None) -> bool:
    """Tell whether a case took too long, or was not asked for, as others were played beside it."""
    return report is None or " under test hangs" in report.get("result", "")


@dataclass(frozen=True)
class OfRow:
    """The progress of one implementation among several."""

    name: str
    shown: Progress

    def begun(self, label: str, case: str) -> None:
        """Tell that a case has begun."""
        self.shown.begun(f"{self.name} {label}", case)

    def finished(self, label: str) -> None:
        """Tell that the last case has ended."""
        self.shown.finished(f"{self.name} {label}")


@dataclass
class Player:
    """Plays one implementation after the other, or several at once."""

    suite: Suite
    folder: Path
    """Gets their logs."""
    patience: Patience
    cache: Path
    again: bool
    shown: Progress
    say: Callable[[str], None]

    async def play(self, implementation: Implementation, cases: Mapping[Role, list[str]], row: Row) -> None:
        """Run one implementation in all its roles at once."""
        roles: list[Role] = [
            role for role in cases if role in implementation.files or not implementation.files
        ]
        playing = [self._play_role(implementation, role, cases[role], row) for role in roles]
        for failed in await asyncio.gather(*playing, return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed
        for number in (*map(str, range(1, SHARES)), ""):
            with suppress(OSError):  # it holds logs
                (self.folder / row.name / number).rmdir()

    async def _play_role(
        self, implementation: Implementation, role: Role, cases: list[str], row: Row
    ) -> None:
        result = row.roles[role] = RoleResult(cases)
        try:
            if implementation.files:
                program = await program_of(
                    implementation.files[role], lambda line: self.say(f"{row.title}: {line}"), self.cache
                )
            else:
                program = this_library(role)
        except CommandError as error:
            result.errors.append(str(error))
            self.say(f"{row.title}: cannot be run as {role}: {error}")
            return
        judges = harness_fingerprint(self.suite.version(), self.patience.timeout, self.patience.time_limit)
        file = self.cache / "results" / f"{row.name}-{role}.json"
        kept = Kept.read(file, f"{program.fingerprint} {judges}")
        has_variants = not implementation.files
        testee = Testee(row.title, program.command, program.command, has_variants=has_variants)
        missing = cases if self.again else kept.missing(cases)
        try:
            await self._play_missing(role, missing, row, testee, kept)
        finally:  # also where it is interrupted
            result.reports = {case: kept.reports[case] for case in cases if case in kept.reports}
            if role in implementation.files and implementation.files[role].unlimited:
                result.reports = {case: without_limit(case, of) for case, of in result.reports.items()}
            result.played = len(missing)
            result.duration = kept.duration
        self.shown.finished(f"{row.name} {role}")
        minutes, seconds = divmod(round(result.duration), 60)
        took = f"in {minutes}:{seconds:02}" if missing else "kept"
        why = f"; {result.error}" if result.error else ""
        self.say(f"{row.title} as {role} {took}: {count_text(result.counts())}{why}")

    async def _play_missing(self, role: Role, cases: list[str], row: Row, testee: Testee, kept: Kept) -> None:
        """Run what is not kept, suite after suite; note the error that keeps one from its end."""
        for suite, part in parts_of(cases, self.suite, testee.name, self.patience.timeout):
            shares = [part[number :: self._shares(part)] for number in range(self._shares(part))]
            began = time.monotonic()
            found: dict[str, CaseReport] = {}

            def report(
                _: Setup, case: str, of_case: CaseReport, found: dict[str, CaseReport] = found
            ) -> None:
                found[case] = of_case

            def runner(number: int, share: list[str], suite: Suite = suite) -> SetupRunner:
                folder = self.folder / row.name / (str(number) if number else "")
                shown = OfRow(row.name, self.shown)
                return SetupRunner(Setup(role), share, suite, shown, folder, self.patience, testee, report)

            runners = [runner(number, share) for number, share in enumerate(shares)]
            try:
                ended = await asyncio.gather(*(one.run() for one in runners), return_exceptions=True)
                if len(shares) > 1 and (left := [case for case in part if is_doubtful(found.get(case))]):
                    ended += await asyncio.gather(runner(0, left).run(), return_exceptions=True)
            finally:
                kept.add(found, time.monotonic() - began)  # also where it is interrupted
            for failed in ended:
                if isinstance(failed, CommandError):
                    row.roles[role].errors.append(str(failed))
                elif failed:
                    raise failed

    def _shares(self, cases: Sequence[str]) -> int:
        """Return in how many parts cases are played at once, each by a process of its own."""
        return min(SHARES, -(-len(cases) // FEW))
