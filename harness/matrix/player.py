"""Plays the cases against one implementation, in each of its roles; what is kept is not played again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.matrix.kept import Kept, harness_fingerprint
from harness.matrix.programs import program_of, this_library
from harness.matrix.results import RoleResult, count_text, without_limit
from harness.patience import SLOWER, Usual
from harness.run import carried
from harness.setup_runner import SetupRunner
from harness.setups import TRANSPORTS
from harness.testee.commands import Testee, library
from harness.transports.carriage import Carriage
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
    from harness.setups import Setup


SHARES = 4
"""Parts of the cases that are played at once: some implementations let each case wait for seconds."""

RARE = 5
"""One case of so many may take too long by chance."""

FEW = 40
"""Cases that make no part of their own."""


def doubtful(cases: Sequence[str], found: Mapping[str, CaseReport]) -> list[str]:
    """List the cases that were not asked for, or took too long, as others were played beside them.

    Where many took too long, that is how the testee is, and no doubt.
    """
    left_out = [case for case in cases if case not in found]
    too_long = [case for case, report in found.items() if " under test hangs" in report.get("result", "")]
    return left_out + (too_long if len(too_long) <= len(cases) // RARE else [])


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

    async def play(self, implementation: Implementation, cases: Mapping[Setup, list[str]], row: Row) -> None:
        """Run one implementation in all its roles at once, over one transport after the other."""
        for transport in TRANSPORTS:
            await self._play_over(
                implementation,
                {
                    setup: of_setup
                    for setup, of_setup in cases.items()
                    if setup.transport == transport and implementation.has(setup)
                },
                row,
            )

    async def _play_over(
        self, implementation: Implementation, cases: Mapping[Setup, list[str]], row: Row
    ) -> None:
        playing = [
            self._play_setup(implementation, setup, of_setup, row) for setup, of_setup in cases.items()
        ]
        for failed in await asyncio.gather(*playing, return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed
        for number in (*map(str, range(1, SHARES)), ""):
            with suppress(OSError):  # it holds logs
                (self.folder / row.name / number).rmdir()

    async def _play_setup(
        self, implementation: Implementation, setup: Setup, cases: list[str], row: Row
    ) -> None:
        result = row.roles[setup] = RoleResult(cases)
        testees_file = implementation.files.get(setup)
        try:
            if testees_file:
                program = await program_of(
                    testees_file, lambda line: self.say(f"{row.title}: {line}"), self.cache
                )
                testee = Testee(row.title, program.command, program.command)
            else:
                program, testee = this_library(setup), replace(library(), name=row.title)
        except CommandError as error:
            result.errors.append(str(error))
            self.say(f"{row.title}: cannot be run as {setup}: {error}")
            return
        judges = harness_fingerprint(
            self.suite.version(),
            self.patience.timeout,
            self.patience.time_limit,
            streams=setup.transport != "h1",
        )
        file = self.cache / "results" / f"{row.name}-{str(setup).replace('/', '-')}.json"
        kept = Kept.read(file, f"{program.fingerprint} {judges}")
        missing = cases if self.again else kept.missing(cases)
        tls = setup.transport == "h2" and testees_file is not None and testees_file.tls
        carriage = Carriage(setup.transport, "own", tls)
        try:
            await self._play_missing(setup, carriage, missing, row, testee, kept)
        finally:  # also where it is interrupted
            result.reports = {case: kept.reports[case] for case in cases if case in kept.reports}
            if testees_file and testees_file.unlimited:
                result.reports = {case: without_limit(case, of) for case, of in result.reports.items()}
            result.played = len(missing)
            result.duration = kept.duration
        self.shown.finished(f"{row.name} {setup}")
        minutes, seconds = divmod(round(result.duration), 60)
        took = f"in {minutes}:{seconds:02}" if missing else "kept"
        why = f"; {result.error}" if result.error else ""
        self.say(f"{row.title} as {setup} {took}: {count_text(result.counts())}{why}")

    async def _play_missing(  # noqa: PLR0913, PLR0917  # all that a setup is
        self, setup: Setup, way: Carriage, cases: list[str], row: Row, testee: Testee, kept: Kept
    ) -> None:
        """Run what is not kept, suite after suite; note the error that keeps one from its end."""
        usual = Usual(slower=SLOWER[setup.transport])
        for suite, part, carriage in carried(way, cases, self.suite, testee.name, self.patience.timeout):
            shares = [part[number :: self._shares(part)] for number in range(self._shares(part))]
            began = time.monotonic()
            found: dict[str, CaseReport] = {}

            def report(
                _: Setup, case: str, of_case: CaseReport, found: dict[str, CaseReport] = found
            ) -> None:
                found[case] = of_case

            def runner(
                number: int, share: list[str], suite: Suite = suite, carriage: Carriage = carriage
            ) -> SetupRunner:
                folder = self.folder / row.name / (str(number) if number else "")
                shown = OfRow(row.name, self.shown)
                return SetupRunner(
                    setup, share, suite, shown, folder, self.patience, testee, report, carriage, usual
                )

            runners = [runner(number, share) for number, share in enumerate(shares)]
            try:
                ended = await asyncio.gather(*(one.run() for one in runners), return_exceptions=True)
                if len(shares) > 1 and (left := doubtful(part, found)):
                    ended += await asyncio.gather(runner(0, left).run(), return_exceptions=True)
            finally:
                kept.add(found, time.monotonic() - began)  # also where it is interrupted
            for failed in ended:
                if isinstance(failed, CommandError):
                    row.roles[setup].errors.append(str(failed))
                elif failed:
                    raise failed

    def _shares(self, cases: Sequence[str]) -> int:
        """Return in how many parts cases are played at once, each by a process of its own."""
        return min(SHARES, -(-len(cases) // FEW))
