"""Shows the progress of a run: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from tooling.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import TaskID

QUIET = 15.0
"""Seconds between two lines."""


class Progress:
    """Told of every step, it shows them in the way that fits the console; silent without one."""

    def __init__(self, console: Console | None = None, bar: RichProgress | None = None) -> None:
        self._console = console
        self._bar = bar
        self._task: TaskID | None = None
        self._total = 0
        self._done = 0
        self._said = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line for good."""
        if self._console is not None:
            say(self._console, line)

    def expect(self, steps: int) -> None:
        """Set the number of steps from now on."""
        self._total, self._done = steps, 0
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task("", total=steps)

    def step(self, what: str) -> None:
        """Begin a step."""
        self._done += 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=what)
        elif time.monotonic() > self._said + QUIET:
            self._said = time.monotonic()
            self.say(f"{100 * self._done // max(1, self._total)} %: {what}")


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Show the progress in the way that fits the console."""
    if not console.is_terminal:
        yield Progress(console)
        return
    with RichProgress(
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
    ) as bar:
        yield Progress(console, bar)
