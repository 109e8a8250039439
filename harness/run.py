"""`python -m harness run` and `judge`: from what was asked for to the exit code."""

from __future__ import annotations

import asyncio
import platform
import signal
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from harness import wstest
from harness.cases import select
from harness.echo import AGENT
from harness.errors import ExitCode, HarnessError
from harness.judge import EXPECTED, Baseline, judge, verdicts_of
from harness.progress import progress
from harness.results import FORMAT, read_cases, write_results
from harness.role_runner import RoleRun, RoleRunner, run_roles
from harness.summary import count_of, print_changes, print_differences, print_role, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.cases import Profile, Role
    from harness.judge import Difference, Verdict
    from harness.results import Results
    from harness.suite import Suite


@dataclass(frozen=True)
class Order:
    """What a user asked for."""

    roles: Sequence[Role]
    profile: Profile
    patterns: Sequence[str] = ()
    expected: Path = EXPECTED
    update_baseline: bool = False

    def cases(self) -> list[str]:
        """List the cases; raises `SelectionError` for a pattern that means none."""
        return select(self.profile, self.patterns)

    def baselines(self) -> dict[Role, Baseline]:
        """Read the baseline of each role; raises `HarnessError` for a corrupt one."""
        return {
            role: Baseline(role, self.expected).load(may_be_missing=self.update_baseline)
            for role in self.roles
        }


def run(order: Order, suite: Suite, folder: Path, time_limit: float, console: Console) -> ExitCode:
    """Run the cases in each role, judge them, and write `results.json`.

    Raises `HarnessError` where that cannot be done.
    """
    cases, baselines, engine = order.cases(), order.baselines(), suite.version()
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    results_path = folder / "results.json"
    results_path.unlink(missing_ok=True)  # an old one beside a run that failed would mislead
    console.print(
        f"{AGENT} as {' and '.join(order.roles)} against {engine}, {count_of(len(cases))}", highlight=False
    )
    with progress(console, dict.fromkeys(order.roles, cases)) as shown:
        runners = [RoleRunner(role, cases, suite, shown, folder, time_limit) for role in order.roles]
        runs = asyncio.run(_run_until_signal(runners))
    differences = _judge(order, baselines, runs, suite.options)
    write_results(results_path, _results(order, engine, started, runs, differences))
    return _conclude(order, console, baselines, runs, differences)


def collect(order: Order, folder: Path, console: Console) -> ExitCode:
    """Judge what wstest has written to the folders `server` and `client`; write `results.json` beside them.

    Raises `HarnessError` where wstest has not written them since the last time.
    """
    baselines, results_path = order.baselines(), folder / "results.json"
    runs: dict[Role, RoleRun] = {role: _collect_role(folder / role, results_path) for role in order.roles}
    results_path.unlink(missing_ok=True)
    differences = _judge(order, baselines, runs)
    reports = [report for found in runs.values() for report in found.reports.values()]
    started = min((report.get("started", "") for report in reports), default="")
    engine = f"wstest {wstest.version_of(reports)}"
    write_results(results_path, _results(order, engine, started, runs, differences))
    return _conclude(order, console, baselines, runs, differences)


def _collect_role(folder: Path, results_path: Path) -> RoleRun:
    index = folder / "index.json"
    if not index.is_file():
        raise HarnessError(f"there is no {index}: wstest did not come to its end")
    if results_path.exists() and results_path.stat().st_mtime_ns >= index.stat().st_mtime_ns:
        raise HarnessError(f"{index} is of an earlier run: {results_path} is newer, so it was judged before")
    reports = dict(wstest.read_reports(lambda name: (folder / name).read_bytes(), str(folder)))
    return RoleRun(reports, wstest.duration_of(reports.values()))


def _results(
    order: Order,
    engine: str,
    started: str,
    runs: Mapping[Role, RoleRun],
    differences: Mapping[Role, Sequence[Difference]],
) -> Results:
    return {
        "format": FORMAT,
        "engine": engine,
        "library": AGENT,
        "python": platform.python_version(),
        "started": started,
        "profile": order.profile,
        "patterns": list(order.patterns),
        "asExpected": not any(differences.values()),
        "roles": {
            role: {
                "duration": round(found.duration, 3),
                "differences": [difference.report() for difference in differences[role]],
                "cases": found.reports,
            }
            for role, found in runs.items()
        },
    }


def judge_file(order: Order, path: Path, agent: str | None, console: Console) -> ExitCode:
    """Judge verdicts that are there already: a `results.json`, or the `index.json` of Autobahn's wstest."""
    baselines = order.baselines()
    runs: dict[Role, RoleRun] = {role: RoleRun(read_cases(path, role, agent), 0.0) for role in order.roles}
    return _conclude(order, console, baselines, runs, _judge(order, baselines, runs))


def _judge(
    order: Order, baselines: Mapping[Role, Baseline], runs: Mapping[Role, RoleRun], options: str = ""
) -> dict[Role, list[Difference]]:
    """Judge each role; `options` are those of `run` that repeat it."""
    cases = order.cases()
    return {
        role: [
            replace(difference, options=options)
            for difference in judge(role, cases, baselines[role].verdicts, verdicts_of(found.reports, role))
        ]
        for role, found in runs.items()
    }


def _conclude(
    order: Order,
    console: Console,
    baselines: Mapping[Role, Baseline],
    runs: Mapping[Role, RoleRun],
    differences: Mapping[Role, Sequence[Difference]],
) -> ExitCode:
    """Print what came out, update the baselines if asked, and decide the exit code."""
    verdicts: dict[Role, dict[str, Verdict]] = {
        role: verdicts_of(found.reports, role) for role, found in runs.items()
    }
    print_table(console, verdicts)
    for role, found in runs.items():
        (print_changes if order.update_baseline else print_differences)(console, differences[role])
        print_role(console, role, len(found.reports), len(differences[role]), found.duration)
    if not order.update_baseline:
        return ExitCode.DIFFERENT if any(differences.values()) else ExitCode.AS_EXPECTED
    for role, baseline in baselines.items():
        if unfit := [found for found in differences[role] if found.kind in {"missing", "extra"}]:
            raise HarnessError(f"{baseline.path} is left as it was: case {unfit[0].case} is {unfit[0].kind}")
        baseline.update(verdicts[role])
        console.print(
            f"{baseline.path}: {count_of(len(differences[role]))} changed", highlight=False, soft_wrap=True
        )
    return ExitCode.AS_EXPECTED


async def _run_until_signal(runners: Sequence[RoleRunner]) -> dict[Role, RoleRun]:
    """Run, and at SIGINT or SIGTERM end all children, then raise `HarnessError`."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(run_roles(runners))
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
        raise HarnessError(f"interrupted by {caught[0].name}, all children have ended") from None
