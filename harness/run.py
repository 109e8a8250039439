"""`python -m harness run`, `judge` and `collect`: from the user's order to the exit code."""

from __future__ import annotations

import asyncio
import platform
import signal
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from harness.cases import AUTOBAHN_CASES, SelectionError, is_for, select
from harness.engines import wstest_files
from harness.engines.extra import ExtraSuite
from harness.extra import EXTRA
from harness.judge import EXPECTED, Baseline, judge, verdicts_of
from harness.progress import progress
from harness.report import remove_report, write_report
from harness.results import FORMAT, read_cases, write_results
from harness.role_runner import RoleRun, RoleRunner, run_roles
from harness.summary import (
    count_of,
    counts_by_role,
    print_changes,
    print_cpu_time,
    print_differences,
    print_role,
    print_table,
)
from harness.testee.echo import AGENT
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Container, Coroutine, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.cases import Profile
    from harness.engines.suite import Suite
    from harness.judge import Difference, Verdict
    from harness.results import CaseReport, Results
    from harness.roles import Role


ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Order:
    """The roles and cases that a user asked for."""

    roles: Sequence[Role]
    profile: Profile
    patterns: Sequence[str] = ()
    expected: Path = EXPECTED
    update_baseline: bool = False
    only: Mapping[Role, Container[str]] | None = None
    """The cases of each role to which the order is narrowed; None for all."""

    def cases(self) -> dict[Role, list[str]]:
        """List the cases of each role that has some.

        Raises `SelectionError` for a pattern that matches none, and where no role has any.
        """
        chosen = select(self.profile, self.patterns)
        cases: dict[Role, list[str]] = {}
        for role in self.roles:
            only = chosen if self.only is None else self.only.get(role, ())
            if of_role := [case for case in chosen if is_for(case, role) and case in only]:
                cases[role] = of_role
        if not cases and self.only is None:
            raise SelectionError(f"{' '.join(self.patterns)!r} means no case of the role {self.roles[0]}")
        return cases

    def narrowed(self, only: Mapping[Role, Container[str]]) -> Order:
        """Return the order for some cases of each role, and for no role that is left without one."""
        order = replace(self, only=only)
        return replace(order, roles=list(order.cases()))

    def baselines(self) -> dict[Role, Baseline]:
        """Read the baseline of each role; raises `CommandError` for a corrupt one."""
        return {
            role: Baseline(role, self.expected).load(may_be_missing=self.update_baseline)
            for role in self.cases()
        }


@dataclass(frozen=True)
class Outcome:
    """The results of an order."""

    order: Order
    baselines: Mapping[Role, Baseline]
    runs: Mapping[Role, RoleRun]
    differences: Mapping[Role, Sequence[Difference]]


def run(order: Order, suite: Suite, folder: Path, time_limit: float, console: Console) -> ExitCode:
    """Run the cases in each role, Autobahn's by `suite`, judge them, and write `results.json` and the report.

    Raises `CommandError` where that cannot be done.
    """
    cases, baselines, engine = order.cases(), order.baselines(), suite.version()
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    results_path = folder / "results.json"
    remove_report(folder)  # an old report would mislead after a run that failed
    if order.only is None:  # else the old file says what to repeat, until there is a new one
        results_path.unlink(missing_ok=True)
    say(console, f"{AGENT} against {engine}: {counts_by_role(cases)}")
    with progress(console, cases) as shown:
        runners = [
            RoleRunner(role, part, engine_of_part, shown, folder, time_limit)
            for role, chosen in cases.items()
            for engine_of_part, part in parts_of(chosen, suite, AGENT)
        ]
        runs = asyncio.run(run_until_signal(run_roles(runners)))
    differences = _judge(cases, baselines, runs, suite.options)
    outcome = Outcome(order, baselines, runs, differences)
    return _conclude_in(folder, outcome, _results(outcome, engine, started), console)


def collect(order: Order, folder: Path, console: Console) -> ExitCode:
    """Judge what wstest has written to the folders `server` and `client`; write `results.json` beside them.

    Raises `CommandError` where wstest has not written them since they were judged last.
    """
    baselines, results_path = order.baselines(), folder / "results.json"
    runs: dict[Role, RoleRun] = {role: _collect_role(folder / role, results_path) for role in order.roles}
    results_path.unlink(missing_ok=True)
    remove_report(folder)
    cases: dict[Role, list[str]] = {
        role: [case for case in chosen if case in AUTOBAHN_CASES] for role, chosen in order.cases().items()
    }
    differences = _judge(cases, baselines, runs)
    reports = [report for found in runs.values() for report in found.reports.values()]
    started = min((report.get("started", "") for report in reports), default="")
    engine = f"wstest {wstest_files.version_of(reports)}"
    outcome = Outcome(order, baselines, runs, differences)
    return _conclude_in(folder, outcome, _results(outcome, engine, started), console)


def _collect_role(folder: Path, results_path: Path) -> RoleRun:
    index = folder / "index.json"
    if not index.is_file():
        raise CommandError(f"there is no {index}: wstest did not come to its end")
    if results_path.exists() and results_path.stat().st_mtime_ns >= index.stat().st_mtime_ns:
        raise CommandError(f"{index} is of an earlier run: {results_path} is newer, so it was judged before")
    reports = dict(wstest_files.read_reports(lambda name: (folder / name).read_bytes(), str(folder)))
    return RoleRun(reports, wstest_files.duration_of(reports.values()))


def _results(outcome: Outcome, engine: str, started: str) -> Results:
    order, differences = outcome.order, outcome.differences
    return {
        "format": FORMAT,
        "engine": engine,
        "library": AGENT,
        "python": platform.python_version(),
        "started": started,
        "profile": order.profile,
        "patterns": list(order.patterns),
        "command": "",
        "commit": "",
        "host": "",
        "complete": True,
        "stopped": "",
        "asExpected": not any(differences.values()),
        "cpuTime": round(time.process_time(), 3),
        "setups": {
            role: {
                "role": role,
                "variant": "",
                "duration": round(found.duration, 3),
                "cpuTime": found.cpu_time,
                "differences": [difference.report() for difference in differences[role]],
                "whys": {
                    case: why for case, why in outcome.baselines[role].whys.items() if case in found.reports
                },
                "cases": found.reports,
            }
            for role, found in outcome.runs.items()
        },
    }


def _conclude_in(folder: Path, outcome: Outcome, results: Results, console: Console) -> ExitCode:
    """Write `results.json` and the report, and conclude."""
    try:
        write_results(folder / "results.json", results)
        page = write_report(folder, results)
    finally:  # the results are shown even where they cannot be written
        code = _conclude(outcome, console)
    print_cpu_time(console, results)
    say(console, f"report: {page}")
    return code


def judge_file(order: Order, path: Path, agent: str | None, console: Console) -> ExitCode:
    """Judge the verdicts of an earlier run: a `results.json`, or the `index.json` of Autobahn's wstest."""
    baselines = order.baselines()
    runs: dict[Role, RoleRun] = {role: RoleRun(read_cases(path, role, agent), 0.0) for role in baselines}
    cases: dict[Role, list[str]] = {
        role: _asked(order.cases()[role], found.reports, path) for role, found in runs.items()
    }
    return _conclude(Outcome(order, baselines, runs, _judge(cases, baselines, runs)), console)


def _asked(cases: Sequence[str], reports: Mapping[str, CaseReport], path: Path) -> list[str]:
    """List the cases that a file has to hold: Autobahn's own file needs no extra case."""
    asked = [case for case in cases if case in AUTOBAHN_CASES or not reports.keys().isdisjoint(EXTRA)]
    if not asked:
        raise CommandError(f"{path} holds no extra case: it is Autobahn's own")
    return asked


def parts_of(cases: Sequence[str], suite: Suite, agent: str) -> list[tuple[Suite, list[str]]]:
    """Share the cases out between the engine that plays Autobahn's part and the extra suite."""
    parts: list[tuple[Suite, list[str]]] = [
        (suite, [case for case in cases if case not in EXTRA]),
        (ExtraSuite(agent), [case for case in cases if case in EXTRA]),
    ]
    return [(engine, part) for engine, part in parts if part]


def _judge(
    cases: Mapping[Role, Sequence[str]],
    baselines: Mapping[Role, Baseline],
    runs: Mapping[Role, RoleRun],
    options: str = "",
) -> dict[Role, list[Difference]]:
    """Judge each role; `options` are those of `run` that repeat it."""
    return {
        role: [
            replace(difference, options=options)
            for difference in judge(
                role, cases[role], baselines[role].verdicts, verdicts_of(found.reports, role)
            )
        ]
        for role, found in runs.items()
    }


def _conclude(outcome: Outcome, console: Console) -> ExitCode:
    """Print the results, update the baselines if asked, and decide the exit code."""
    order, runs, differences = outcome.order, outcome.runs, outcome.differences
    verdicts: dict[Role, dict[str, Verdict]] = {
        role: verdicts_of(found.reports, role) for role, found in runs.items()
    }
    print_table(console, verdicts)
    for role, found in runs.items():
        (print_changes if order.update_baseline else print_differences)(console, differences[role])
        print_role(console, role, found.reports, len(differences[role]), found.duration)
    if not order.update_baseline:
        return ExitCode.BAD if any(differences.values()) else ExitCode.GOOD
    for role, baseline in outcome.baselines.items():
        if unfit := [found for found in differences[role] if found.kind in {"missing", "extra"}]:
            raise CommandError(f"{baseline.path} is left as it was: case {unfit[0].case} is {unfit[0].kind}")
        baseline.update(verdicts[role])
        say(console, f"{baseline.path}: {count_of([found.case for found in differences[role]])} changed")
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
