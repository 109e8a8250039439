"""`python -m harness run`, `judge` and `collect`: from the user's order to the exit code."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.cases import AUTOBAHN_CASES, SelectionError, in_profile, is_for, select
from harness.engines import wstest_files
from harness.engines.extra import ExtraSuite
from harness.extra import EXTRA
from harness.judge import EXPECTED, Baseline, judge, verdict_of, verdicts_of
from harness.patience import Patience, slow_cases, usual_duration
from harness.progress import progress
from harness.report import write_report
from harness.results import FORMAT, read_cases, write_results
from harness.roles import ROLES
from harness.setup_runner import SetupRun, SetupRunner, Stop, joined, run_setups
from harness.setups import Setup, setups_of
from harness.stored_results import read_results
from harness.summary import (
    count_of,
    counts_by_setup,
    print_changes,
    print_cpu_time,
    print_differences,
    print_setup,
    print_table,
)
from harness.testee.commands import library
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Container, Coroutine, Iterator, Mapping, Sequence

    from rich.console import Console

    from harness.cases import Profile
    from harness.engines.suite import Suite
    from harness.judge import Difference
    from harness.results import CaseReport, Results
    from harness.roles import Role
    from harness.setups import Variant

ResultT = TypeVar("ResultT")

ROOM = 8 * 2**20
"""Bytes that a report may take: its folder has to have room for them before the run begins."""


@dataclass(frozen=True)
class Order:
    """The roles, variants and cases that a user asked for."""

    roles: Sequence[Role]
    profile: Profile
    patterns: Sequence[str] = ()
    expected: Path = EXPECTED
    update_baseline: bool = False
    only: Mapping[Setup, Container[str]] | None = None
    """The cases of each setup to which the order is narrowed; None for all."""
    variants: Sequence[Variant] = ("default",)
    command: str = ""
    """The command line, for the report."""

    def cases(self) -> dict[Setup, list[str]]:
        """List the cases of each setup that has some; a variant plays those of the profile fast.

        Raises `SelectionError` for a pattern that matches none, and where no setup has any.
        """
        chosen = select(self.profile, self.patterns)
        cases: dict[Setup, list[str]] = {}
        for setup in setups_of(self.roles, self.variants):
            only = chosen if self.only is None else self.only.get(setup, ())
            if of_setup := [case for case in chosen if plays(setup, case) and case in only]:
                cases[setup] = of_setup
        if not cases and self.only is None:
            of = f"the role {self.roles[0]}" if len(self.roles) == 1 else "these roles and variants"
            raise SelectionError(f"{' '.join(self.patterns)!r} means no case of {of}")
        return cases

    def narrowed(self, only: Mapping[Setup, Container[str]]) -> Order:
        """Return the order for some cases of each setup, and for no role that is left without one."""
        order = replace(self, only=only)
        return replace(order, roles=list(dict.fromkeys(setup.role for setup in order.cases())))

    def baselines(self) -> dict[Role, Baseline]:
        """Read the baseline of each role; raises `CommandError` for a corrupt one."""
        asked = {setup.role for setup in self.cases()}
        return {
            role: Baseline(role, self.expected).load(may_be_missing=self.update_baseline)
            for role in ROLES
            if role in asked
        }


def plays(setup: Setup, case: str) -> bool:
    """Tell whether a case is for a setup; TLS is none of the library's, so one variant is enough."""
    of_variants = in_profile(case, "fast") and not (case in EXTRA and EXTRA[case].over_tls)
    return is_for(case, setup.role) and (setup.variant == "default" or of_variants)


@dataclass(frozen=True)
class Outcome:
    """The results of an order."""

    order: Order
    baselines: Mapping[Role, Baseline]
    runs: Mapping[Setup, SetupRun]
    differences: Mapping[Setup, Sequence[Difference]]
    stopped: str = ""
    """Why not all cases were run."""


@dataclass
class Failures:
    """Counts the cases that differ, as they come, and stops the run when there are enough."""

    baselines: Mapping[Role, Baseline]
    most: int | None
    stop: Stop
    _cases: set[tuple[Setup, str]] = field(default_factory=set)

    def reported(self, setup: Setup, case: str, report: CaseReport) -> None:
        """Judge a report, as far as the verdict goes."""
        if self.most is None:
            return
        if verdict_of(report, case) != self.baselines[setup.role].verdict(case, setup.variant):
            self._cases.add((setup, case))
            if len(self._cases) >= self.most:
                self.stop(f"{self.most} verdict{'s' * (self.most > 1)} differed (--max-failures)")


def run(  # noqa: PLR0913  # what a user can choose
    order: Order,
    suite: Suite,
    folder: Path,
    patience: Patience,
    console: Console,
    *,
    max_failures: int | None = None,
) -> ExitCode:
    """Run the cases in each setup, Autobahn's by `suite`, judge them, and write the report.

    A run works in a folder of its own beside the last report, and replaces that at its end; where it is
    interrupted, by what there is. Raises `CommandError` where that cannot be done.
    """
    cases, baselines, engine, testee = order.cases(), order.baselines(), suite.version(), library()
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    say(console, f"{testee.name} against {engine}: {counts_by_setup(cases)}")
    interrupted: CommandError | None = None
    with (
        _aside(folder) as aside,
        progress(console, {str(setup): chosen for setup, chosen in cases.items()}) as shown,
    ):
        stop = Stop()
        failures = Failures(baselines, max_failures, stop)
        runners = [
            SetupRunner(setup, part, player, shown, aside, patience, testee, failures.reported)
            for setup, chosen in cases.items()
            for player, part in parts_of(chosen, suite, testee.name, patience.timeout)
        ]
        usual = sum(usual_duration(chosen, baselines[setup.role].seconds) for setup, chosen in cases.items())
        try:
            asyncio.run(run_until_signal(run_setups(runners, stop, patience.whole(usual))))
        except CommandError as error:
            interrupted = error
        stopped = str(interrupted or stop.reason)
        # Where all had to be run, a setup without a report misses all of its cases.
        runs = {setup: found for setup, found in joined(runners).items() if found.reports or not stopped}
        if interrupted and not runs:
            raise interrupted
    differences = _judge(cases, baselines, runs, suite.options, complete=not stopped)
    outcome = Outcome(order, baselines, runs, differences, stopped)
    code = _conclude_in(folder, outcome, _results(outcome, testee.name, engine, started), console)
    if interrupted:
        raise interrupted
    return code


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """Make a folder for the logs of a run, which move to the report's folder at its end.

    Raises `CommandError` where the report's folder cannot be written, or has no room.
    """
    aside: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder, prefix=".run-"))
        room = aside / "room"
        room.write_bytes(bytes(ROOM))
        room.unlink()
    except OSError as error:
        if aside:
            shutil.rmtree(aside, ignore_errors=True)
        raise CommandError(f"cannot write the report to {folder}: {error.strerror}") from error
    try:
        yield aside
    finally:
        for log in folder.glob("*.log"):
            log.unlink()
        for log in aside.glob("*.log"):
            log.replace(folder / log.name)
        shutil.rmtree(aside, ignore_errors=True)


def collect(order: Order, folder: Path, console: Console) -> ExitCode:
    """Judge what wstest has written to the folders `server` and `client`; write `results.json` beside them.

    Raises `CommandError` where wstest has not written them since they were judged last.
    """
    baselines, results_path = order.baselines(), folder / "results.json"
    runs = {Setup(role): _collect_role(folder / role, results_path) for role in order.roles}
    cases = {
        setup: [case for case in chosen if case in AUTOBAHN_CASES] for setup, chosen in order.cases().items()
    }
    differences = _judge(cases, baselines, runs)
    reports = [report for found in runs.values() for report in found.reports.values()]
    started = min((report.get("started", "") for report in reports), default="")
    engine = f"wstest {wstest_files.version_of(reports)}"
    outcome = Outcome(order, baselines, runs, differences)
    return _conclude_in(folder, outcome, _results(outcome, library().name, engine, started), console)


def _collect_role(folder: Path, results_path: Path) -> SetupRun:
    index = folder / "index.json"
    if not index.is_file():
        raise CommandError(f"there is no {index}: wstest did not come to its end")
    if results_path.exists() and results_path.stat().st_mtime_ns >= index.stat().st_mtime_ns:
        raise CommandError(f"{index} is of an earlier run: {results_path} is newer, so it was judged before")
    reports = dict(wstest_files.read_reports(lambda name: (folder / name).read_bytes(), str(folder)))
    return SetupRun(reports, wstest_files.duration_of(reports.values()))


def _results(outcome: Outcome, library_name: str, engine: str, started: str) -> Results:
    order, differences = outcome.order, outcome.differences
    return {
        "format": FORMAT,
        "engine": engine,
        "library": library_name,
        "python": platform.python_version(),
        "started": started,
        "profile": order.profile,
        "patterns": list(order.patterns),
        "command": order.command,
        "commit": _commit(),
        "host": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        "complete": not outcome.stopped,
        "stopped": outcome.stopped,
        "asExpected": not outcome.stopped and not any(differences.values()),
        "cpuTime": round(time.process_time(), 3),
        "setups": {
            str(setup): {
                "role": setup.role,
                "variant": setup.variant,
                "duration": round(found.duration, 3),
                "cpuTime": found.cpu_time,
                "differences": [difference.report() for difference in differences[setup]],
                "whys": {
                    case: why
                    for case, why in outcome.baselines[setup.role].whys.items()
                    if case in found.reports
                },
                "cases": found.reports,
            }
            for setup, found in outcome.runs.items()
        },
    }


def _commit() -> str:
    """Return the commit of the checkout, and whether it has changes; nothing where there is none."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=, changed"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _conclude_in(folder: Path, outcome: Outcome, results: Results, console: Console) -> ExitCode:
    """Write `results.json` and the report, and conclude."""
    path = folder / "results.json"
    try:
        previous = read_results(path) if path.exists() else None
    except CommandError:  # of another format
        previous = None
    try:
        write_results(path, results)
        page = write_report(folder, results, previous)
    finally:  # the results are shown even where they cannot be written
        code = _conclude(outcome, console)
    print_cpu_time(console, results)
    say(console, f"report: {page}")
    return code


def judge_file(order: Order, path: Path, agent: str | None, console: Console) -> ExitCode:
    """Judge the verdicts of an earlier run: a `results.json`, or the `index.json` of Autobahn's wstest."""
    baselines = order.baselines()
    runs = {Setup(role): SetupRun(read_cases(path, role, agent), 0.0) for role in baselines}
    cases = {setup: _asked(order.cases()[setup], found.reports, path) for setup, found in runs.items()}
    return _conclude(Outcome(order, baselines, runs, _judge(cases, baselines, runs)), console)


def _asked(cases: Sequence[str], reports: Mapping[str, CaseReport], path: Path) -> list[str]:
    """List the cases that a file has to hold: Autobahn's own file needs no extra case."""
    asked = [case for case in cases if case in AUTOBAHN_CASES or not reports.keys().isdisjoint(EXTRA)]
    if not asked:
        raise CommandError(f"{path} holds no extra case: it is Autobahn's own")
    return asked


def parts_of(cases: Sequence[str], suite: Suite, agent: str, timeout: float) -> list[tuple[Suite, list[str]]]:
    """Share the cases out between the engine that plays Autobahn's part and the extra suite."""
    parts: list[tuple[Suite, list[str]]] = [
        (suite, [case for case in cases if case not in EXTRA]),
        (ExtraSuite(agent, timeout), [case for case in cases if case in EXTRA]),
    ]
    return [(engine, part) for engine, part in parts if part]


def _judge(
    cases: Mapping[Setup, Sequence[str]],
    baselines: Mapping[Role, Baseline],
    runs: Mapping[Setup, SetupRun],
    options: str = "",
    *,
    complete: bool = True,
) -> dict[Setup, list[Difference]]:
    """Judge each setup.

    :param options: those of `run` that repeat it.
    :param complete: whether all cases had to be run.
    """
    differences: dict[Setup, list[Difference]] = {}
    for setup, found in runs.items():
        baseline = baselines[setup.role]
        differences[setup] = [
            replace(difference, options=options)
            for difference in judge(
                setup,
                [case for case in cases[setup] if complete or case in found.reports],
                baseline.verdicts(setup.variant),
                verdicts_of(found.reports, str(setup)),
                slow_cases(found.reports, baseline.seconds),
            )
        ]
    return differences


def _conclude(outcome: Outcome, console: Console) -> ExitCode:
    """Print the results, update the baselines if asked, and decide the exit code."""
    order, runs, differences = outcome.order, outcome.runs, outcome.differences
    verdicts = {setup: verdicts_of(found.reports, str(setup)) for setup, found in runs.items()}
    print_table(console, verdicts)
    if order.update_baseline:
        print_changes(console, [found for of_setup in differences.values() for found in of_setup])
    else:
        print_differences(console, differences, {setup: found.reports for setup, found in runs.items()})
    for setup, found in runs.items():
        print_setup(console, str(setup), found.reports, len(differences[setup]), found.duration)
    if outcome.stopped:
        say(console, f"NOT COMPLETE: {outcome.stopped}", style="bold red")
    if not order.update_baseline or outcome.stopped:  # half a run makes no baseline
        return ExitCode.BAD if outcome.stopped or any(differences.values()) else ExitCode.GOOD
    for setup, of_setup in differences.items():
        if unfit := [found for found in of_setup if found.kind in {"missing", "extra"}]:
            raise CommandError(f"the baseline is left as it was: case {unfit[0].case} is {unfit[0].kind}")
        durations = {
            case: (report.get("duration") or 0) / 1000 for case, report in runs[setup].reports.items()
        }
        outcome.baselines[setup.role].update(verdicts[setup], setup.variant, durations)
    for role, baseline in outcome.baselines.items():
        baseline.save()
        changed = {found.case for setup, all_ in differences.items() if setup.role == role for found in all_}
        say(console, f"{baseline.path}: {count_of(changed)} changed")
    return ExitCode.GOOD


async def run_until_signal(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Do the work, and at SIGINT or SIGTERM end all children, then raise `CommandError`."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    caught: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if not caught:  # once: a second one must not interrupt the ending of the children
            task.cancel()
        caught.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        raise CommandError(f"interrupted by {caught[0].name}, all children have ended") from None
