"""`python -m harness run`, `judge` and `collect`: from the user's order to the exit code."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.cases import AUTOBAHN_CASES, is_own
from harness.conclusion import Failures, Outcome, conclude, conclude_in, judge_all, results_of
from harness.engines import wstest_files
from harness.engines.extra import ExtraSuite
from harness.extra import EXTRA
from harness.patience import Patience, usual_duration
from harness.progress import progress
from harness.results import read_cases
from harness.setup_queue import Stop, joined, run_setups
from harness.setup_runner import SetupRun, SetupRunner
from harness.setups import Setup
from harness.streams import STREAMS
from harness.summary import counts_by_setup
from harness.testee.commands import library
from harness.transports.carriage import Carriage
from harness.wording import RUN
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping, Sequence

    from rich.console import Console

    from harness.engines.suite import Suite
    from harness.order import Order
    from harness.results import CaseReport
    from harness.transports.bridge import Streams

ResultT = TypeVar("ResultT")

ROOM = 8 * 2**20
"""Bytes that a report may take: its folder has to have room for them before the run begins."""


def run(  # noqa: PLR0913  # what a user can choose
    order: Order,
    suite: Suite,
    folder: Path,
    patience: Patience,
    console: Console,
    *,
    max_failures: int | None = None,
    streams: Streams = "shared",
) -> ExitCode:
    """Run the cases in each setup, Autobahn's by `suite`, judge them, and write the report.

    Over HTTP/2 and HTTP/3 `streams` says whether a server gets one connection, or one for each case.

    A run works in a folder of its own beside the last report, and replaces that at its end; where it is
    interrupted, by what there is. Raises `CommandError` where that cannot be done.
    """
    cases, baselines, engine, testee = order.cases(), order.baselines(), suite.version(), library()
    for transport in order.transports:
        Carriage(transport).check()
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    say(console, f"{testee.name} against {engine}: {counts_by_setup(cases)}")
    interrupted: CommandError | None = None
    with (
        aside_of(folder) as aside,
        progress(console, {str(setup): chosen for setup, chosen in cases.items()}) as shown,
    ):
        stop = Stop()
        failures = Failures(baselines, max_failures, stop)
        usual = {setup: baselines[setup.role].seconds_of(setup) for setup in cases}
        runners = [
            SetupRunner(
                setup, part, player, shown, aside, patience, testee, failures.reported, carriage, usual[setup]
            )
            for setup, chosen in cases.items()
            for player, part, carriage in carried(
                Carriage(setup.transport, streams), chosen, suite, testee.name, patience.timeout
            )
        ]
        whole = patience.whole(sum(usual_duration(chosen, usual[setup]) for setup, chosen in cases.items()))
        try:
            asyncio.run(run_until_signal(run_setups(runners, stop, whole)))
        except CommandError as error:
            interrupted = error
        stopped = str(interrupted or stop.reason)
        # Where all had to be run, a setup without a report misses all of its cases.
        runs = {setup: found for setup, found in joined(runners).items() if found.reports or not stopped}
        if interrupted and not runs:
            raise interrupted
    differences = judge_all(
        cases, baselines, runs, lambda setup: f"{RUN}{suite.options} {setup.options}", complete=not stopped
    )
    outcome = Outcome(order, baselines, runs, differences, stopped)
    code = conclude_in(folder, outcome, results_of(outcome, testee.name, engine, started), console)
    if interrupted:
        raise interrupted
    return code


@contextmanager
def aside_of(folder: Path) -> Iterator[Path]:
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
    differences = judge_all(cases, baselines, runs)
    reports = [report for found in runs.values() for report in found.reports.values()]
    started = min((report.get("started", "") for report in reports), default="")
    engine = f"wstest {wstest_files.version_of(reports)}"
    outcome = Outcome(order, baselines, runs, differences)
    return conclude_in(folder, outcome, results_of(outcome, library().name, engine, started), console)


def _collect_role(folder: Path, results_path: Path) -> SetupRun:
    index = folder / "index.json"
    if not index.is_file():
        raise CommandError(f"there is no {index}: wstest did not come to its end")
    if results_path.exists() and results_path.stat().st_mtime_ns >= index.stat().st_mtime_ns:
        raise CommandError(f"{index} is of an earlier run: {results_path} is newer, so it was judged before")
    reports = dict(wstest_files.read_reports(lambda name: (folder / name).read_bytes(), str(folder)))
    return SetupRun(reports, wstest_files.duration_of(reports.values()))


def judge_file(order: Order, path: Path, agent: str | None, console: Console) -> ExitCode:
    """Judge the verdicts of an earlier run: a `results.json`, or the `index.json` of Autobahn's wstest."""
    baselines = order.baselines()
    runs = {Setup(role): SetupRun(read_cases(path, role, agent), 0.0) for role in baselines}
    cases = {setup: _asked(order.cases()[setup], found.reports, path) for setup, found in runs.items()}
    return conclude(Outcome(order, baselines, runs, judge_all(cases, baselines, runs)), console)


def _asked(cases: Sequence[str], reports: Mapping[str, CaseReport], path: Path) -> list[str]:
    """List the cases that a file has to hold: Autobahn's own file needs no extra case."""
    asked = [case for case in cases if case in AUTOBAHN_CASES or not reports.keys().isdisjoint(EXTRA)]
    if not asked:
        raise CommandError(f"{path} holds no extra case: it is Autobahn's own")
    return asked


def parts_of(cases: Sequence[str], suite: Suite, agent: str, timeout: float) -> list[tuple[Suite, list[str]]]:
    """Share the cases out between the engine that plays Autobahn's part and the extra suite."""
    parts: list[tuple[Suite, list[str]]] = [
        (suite, [case for case in cases if not is_own(case)]),
        (ExtraSuite(agent, timeout), [case for case in cases if case in EXTRA]),
    ]
    return [(engine, part) for engine, part in parts if part]


def carried(
    way: Carriage, cases: Sequence[str], suite: Suite, agent: str, timeout: float
) -> list[tuple[Suite, list[str], Carriage]]:
    """Say who plays which cases, and by which way: section H speaks HTTP/2 and HTTP/3 by itself."""
    carried: list[tuple[Suite, list[str], Carriage]] = [
        (*part, way) for part in parts_of(cases, suite, agent, timeout)
    ]
    of_streams = [case for case in cases if case in STREAMS]
    if of_streams and way.transport != "h1":
        # Imported where it is needed: it needs packages that the other engines do not.
        own = import_module("harness.engines.streams").StreamSuite(agent, way.transport, timeout, tls=way.tls)
        carried.append((own, of_streams, own.carriage))
    return carried


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
