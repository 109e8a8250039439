"""The end of a run: its results judged, written, shown, and if asked made the expected ones."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.between import unlike_between
from harness.by_rfc import ByRfc
from harness.case_texts import visible
from harness.judge import Baseline, verdict_of, verdicts_of
from harness.reasons import MAX_TEXT
from harness.report import write_report
from harness.results import FORMAT, write_results
from harness.sections import reference_of
from harness.stored_results import read_results
from harness.summary import (
    count_of,
    print_changes,
    print_cpu_time,
    print_differences,
    print_setup,
    print_table,
    print_unlike,
)
from harness.wording import repeat_all_of
from tooling.console import say
from tooling.errors import CommandError, ExitCode
from tooling.tree import IS_CHECKOUT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.judge import Difference, Verdict
    from harness.order import Order
    from harness.results import CaseReport, JudgedBy, Results
    from harness.roles import Role
    from harness.setup_queue import Stop
    from harness.setup_runner import SetupRun
    from harness.setups import Setup


@dataclass(frozen=True)
class Outcome:
    """The results of an order."""

    order: Order
    baselines: Mapping[Role, Baseline | ByRfc]
    runs: Mapping[Setup, SetupRun]
    differences: Mapping[Setup, Sequence[Difference]]
    stopped: str = ""
    """Why not all cases were run."""
    endpoint: bool = False
    """Whether another endpoint than this library was tested."""

    @property
    def judged_by(self) -> JudgedBy:
        """What the verdicts are compared with."""
        for judge in self.baselines.values():
            if isinstance(judge, ByRfc):
                return judge.fail_on
        return "baseline"


@dataclass
class Failures:
    """Counts the cases that differ, as they come, and stops the run when there are enough."""

    baselines: Mapping[Role, Baseline | ByRfc]
    most: int | None
    stop: Stop
    _cases: set[tuple[Setup, str]] = field(default_factory=set)

    def reported(self, setup: Setup, case: str, report: CaseReport) -> None:
        """Judge a report, as far as the verdict goes."""
        if self.most is None:
            return
        if not self.baselines[setup.role].accepts(setup, case, verdict_of(report, case)):
            self._cases.add((setup, case))
            if len(self._cases) >= self.most:
                self.stop(f"{self.most} verdict{'s' * (self.most > 1)} differed (--max-failures)")


def judge_all(
    cases: Mapping[Setup, Sequence[str]],
    baselines: Mapping[Role, Baseline | ByRfc],
    runs: Mapping[Setup, SetupRun],
    command: Callable[[Setup], str] = lambda _: "",
    *,
    complete: bool = True,
) -> dict[Setup, list[Difference]]:
    """Judge each setup.

    :param command: gives the command that repeats a setup, but for its cases; empty for `run` alone.
    :param complete: whether all cases had to be run.
    """
    differences: dict[Setup, list[Difference]] = {}
    for setup, found in runs.items():
        asked = [case for case in cases[setup] if complete or case in found.reports]
        judged = baselines[setup.role].judge(setup, asked, found.reports)
        differences[setup] = [replace(difference, command=command(setup)) for difference in judged]
    return differences


def conclude(outcome: Outcome, console: Console) -> ExitCode:
    """Print the results, update the baselines if asked, and decide the exit code."""
    order, runs, differences = outcome.order, outcome.runs, outcome.differences
    verdicts = {setup: verdicts_of(found.reports, str(setup)) for setup, found in runs.items()}
    print_table(console, verdicts)
    if order.update_baseline:
        print_changes(console, [found for of_setup in differences.values() for found in of_setup])
    else:
        print_differences(console, differences, {setup: found.reports for setup, found in runs.items()})
    print_unlike(console, unlike_between({setup: found.reports for setup, found in runs.items()}))
    for setup, found in runs.items():
        count = len(differences[setup])
        print_setup(console, str(setup), found.reports, count, found.duration, outcome.judged_by)
    if outcome.stopped:
        say(console, f"NOT COMPLETE: {outcome.stopped}", style="bold red")
    if not order.update_baseline or outcome.stopped:  # half a run makes no baseline
        return ExitCode.BAD if outcome.stopped or any(differences.values()) else ExitCode.GOOD
    _update(outcome, verdicts, console)
    return ExitCode.GOOD


def _update(outcome: Outcome, verdicts: Mapping[Setup, Mapping[str, Verdict]], console: Console) -> None:
    """Make the results the expected ones; raises `CommandError` where they do not fit the order."""
    runs, differences = outcome.runs, outcome.differences
    baselines = {role: judge for role, judge in outcome.baselines.items() if isinstance(judge, Baseline)}
    changed: dict[Path, set[str]] = {}
    for setup, of_setup in differences.items():
        if unfit := [found for found in of_setup if found.kind in {"missing", "extra"}]:
            raise CommandError(f"the baseline is left as it was: case {unfit[0].case} is {unfit[0].kind}")
        durations = {
            case: (report.get("duration") or 0) / 1000 for case, report in runs[setup].reports.items()
        }
        baseline = baselines[setup.role].update(verdicts[setup], setup.variant, durations, setup.transport)
        if outcome.endpoint:  # the user may say it better
            baseline.explain({case: _why(case, report) for case, report in runs[setup].reports.items()})
        cases = changed.setdefault(baseline.path_of(setup.transport), set())
        cases.update(found.case for found in of_setup)
    for baseline in baselines.values():
        baseline.save()
    for path, cases in changed.items():
        say(console, f"{path}: the verdicts of {count_of(cases)} changed")


def _why(case: str, report: CaseReport) -> str:
    """Say why a verdict is not OK, as the suite does."""
    said = [report.get("result", ""), report.get("resultClose", "")]
    wrong = [report["behavior"] != "OK", report["behaviorClose"] != "OK"]
    text = visible(" ".join(what for what, is_wrong in zip(said, wrong, strict=True) if is_wrong and what))
    rule = report.get("rfc") or reference_of(case)
    return f"{text[:MAX_TEXT]} ({rule})" if rule else text[:MAX_TEXT]


def results_of(outcome: Outcome, name: str, engine: str, started: str) -> Results:
    """Return the results as `results.json` has them; `name` is what was tested, with its version."""
    order, differences = outcome.order, outcome.differences
    return {
        "format": FORMAT,
        "engine": engine,
        "library": name,
        "endpoint": outcome.endpoint,
        "judgedBy": outcome.judged_by,
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
                "transport": setup.transport,
                "duration": round(found.duration, 3),
                "cpuTime": found.cpu_time,
                "differences": [difference.report() for difference in differences[setup]],
                "whys": {
                    case: why
                    for case, why in outcome.baselines[setup.role].whys_of(setup).items()
                    if case in found.reports
                },
                "cases": found.reports,
            }
            for setup, found in outcome.runs.items()
        },
    }


def _commit() -> str:
    """Return the commit of the checkout, and whether it has changes; nothing where there is none."""
    if not IS_CHECKOUT:  # git would name the repository of the user, whose environment this is in
        return ""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=, changed"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def conclude_in(folder: Path, outcome: Outcome, results: Results, console: Console) -> ExitCode:
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
        code = conclude(outcome, console)
    differing = sum(map(len, outcome.differences.values()))
    if differing > 1 and not outcome.order.update_baseline:
        say(console, f"to repeat all that differ: {repeat_all_of(results)}")
    print_cpu_time(console, results)
    say(console, f"report: {page}")
    return code
