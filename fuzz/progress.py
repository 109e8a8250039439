"""Shows the progress of a campaign: a live line per target on a terminal, else plain lines now and then."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from tooling.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.progress import TaskID

    from fuzz.results import Finding, TargetResult

QUIET: Final = 5.0
"""Seconds between two plain lines of a target."""

IDLE: Final = ("waiting", "clean", "crashed", "died", "hung", "not started", "not kept", "interrupted")
"""The text for a target that does not run."""


class Progress:
    """Told of all that happens, it shows plain lines."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self._console = console
        self._phases = dict.fromkeys(names, "waiting")
        self._since = dict.fromkeys(names, time.monotonic())
        self._results: dict[str, TargetResult] = {}
        self._said = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line for good."""
        say(self._console, line)

    def phase(self, name: str, phase: str) -> None:
        """Take note of what a target does now."""
        self._phases[name] = phase
        self._since[name] = time.monotonic()

    def figures(self, result: TargetResult) -> None:
        """Take note of a target's figures."""
        self._results[result.name] = result

    def found(self, result: TargetResult, finding: Finding) -> None:
        """Take note of a crash."""
        self.say(f"{result.name}: {finding.title} ({finding.file}, {finding.size} bytes)")

    def finished(self, result: TargetResult) -> None:
        """Take note of a target's result."""
        self.figures(result)
        self.phase(result.name, result.status)
        problem = f": {result.problem}" if result.problem else ""
        self.say(f"{result.name}: {result.status}{problem}; {figures_of(result)}")

    def tick(self) -> None:
        """Look at the clock."""
        if time.monotonic() < self._said + QUIET:
            return
        self._said = time.monotonic()
        for name, phase in self._phases.items():
            if phase not in IDLE:
                known = self._results.get(name)
                self.say(
                    f"{name}: {phase} for {self._seconds(name)} s"
                    + (f", {figures_of(known)}" if known else "")
                )

    def _seconds(self, name: str) -> int:
        return int(time.monotonic() - self._since[name])


class LiveProgress(Progress):
    """Shows a table that changes."""

    live: Live

    def tick(self) -> None:
        """Draw it again."""
        self.live.update(self.table(), refresh=True)

    def table(self) -> Table:
        """Draw the table."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("target")
        for heading in ("a CPU second", "executions", "edges", "corpus", "crashes"):
            table.add_column(heading, justify="right")
        table.add_column("")
        for name, phase in self._phases.items():
            cells = ["", "", "", "", ""]
            if name in self._results:
                result = self._results[name]
                figures = (result.rate or 0, result.executions, result.edges, result.corpus)
                cells = [*(f"{figure:,.0f}" for figure in figures), str(len(result.findings))]
            doing = phase if phase in IDLE else f"{phase} for {self._seconds(name)} s"
            bad = phase in {"crashed", "died", "hung", "not started", "not kept"}
            table.add_row(name, *cells, doing, style="red" if bad else "dim" if phase in IDLE else "")
        return table


def figures_of(result: TargetResult) -> str:
    """Return the figures of a target in a line."""
    rate = f" ({result.rate:,.0f} a CPU second)" if result.rate else ""
    return (
        f"{result.executions:,} executions{rate}, {result.edges} edges, corpus {result.corpus},"
        f" {len(result.findings)} crashes"
    )


@contextmanager
def progress(console: Console, names: Sequence[str]) -> Iterator[Progress]:
    """Show the progress in the way that fits the console."""
    if not console.is_terminal:
        yield Progress(console, names)
        return
    shown = LiveProgress(console, names)
    with Live(console=console, auto_refresh=False, transient=True) as shown.live:
        yield shown


class Steps:
    """Told of every input that is replayed, it shows a bar for each target, else a line now and then."""

    def __init__(self, console: Console, bars: Bars | None = None) -> None:
        self._console = console
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Print a line for good."""
        say(self._console, line)

    def step(self, name: str, number: int, count: int) -> None:
        """Take note that a target has done so many of its inputs."""
        if self._bars is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=count)
            self._bars.update(self._tasks[name], completed=number)
        elif time.monotonic() > self._said.setdefault(name, time.monotonic()) + QUIET:
            self._said[name] = time.monotonic()
            self.say(f"{name}: {number} of {count} inputs")


@contextmanager
def steps(console: Console) -> Iterator[Steps]:
    """Show the steps in the way that fits the console."""
    if not console.is_terminal:
        yield Steps(console)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield Steps(console, bars)
