"""Shows how far a run is: a bar per setup on a terminal, else a line now and then."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from harness.cases import SECTIONS, section_of, weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console


QUIET = 30.0
"""Seconds after which a plain line is printed even inside a section."""


class Progress(Protocol):
    """Gets every case that begins."""

    def begun(self, label: str, case: str) -> None:
        """Tell that a case has begun, and the one before it has ended."""

    def finished(self, label: str) -> None:
        """Tell that the last case has ended."""


@contextmanager
def progress(
    console: Console,
    cases: Mapping[str, Sequence[str]],
    *,
    by_section: bool = True,
    at_first: bool = True,
) -> Iterator[Progress]:
    """Show the progress in the way that fits the console; off a terminal a line a section, or fewer.

    :param at_first: whether every bar is there from the start to the end; else only while its cases run.
    """
    if not console.is_terminal:
        yield Lines(console, cases, by_section=by_section)
        return
    with RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]} of {task.fields[cases]}"),
        TextColumn("{task.fields[case]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    ) as bars:
        yield Bars(bars, cases, at_first=at_first)


class Bars:
    """A bar per setup. It grows by the time that a case usually takes, so that the time left is realistic."""

    def __init__(
        self, bars: RichProgress, cases: Mapping[str, Sequence[str]], *, at_first: bool = True
    ) -> None:
        self._at_first = at_first
        self._bars = bars
        self._cases = cases
        self._tasks = {
            label: bars.add_task(
                label,
                total=sum(map(weight, chosen)),
                visible=at_first,
                count=0,
                cases=len(chosen),
                case="starting",
            )
            for label, chosen in cases.items()
        }

    def begun(self, label: str, case: str) -> None:
        """Move the bar to a case."""
        cases = self._cases[label]
        count = cases.index(case)
        done = sum(map(weight, cases[:count]))
        self._bars.update(self._tasks[label], visible=True, completed=done, count=count, case=f"case {case}")

    def finished(self, label: str) -> None:
        """Fill the bar."""
        cases = self._cases[label]
        self._bars.update(
            self._tasks[label],
            visible=self._at_first,
            completed=sum(map(weight, cases)),
            count=len(cases),
            case="done",
        )


class Lines:
    """A line for each section, and now and then one between."""

    def __init__(
        self, console: Console, cases: Mapping[str, Sequence[str]], *, by_section: bool = True
    ) -> None:
        self._by_section = by_section
        self._console = console
        self._cases = cases
        self._sections: dict[str, str] = {}
        self._said: dict[str, float] = {}

    def begun(self, label: str, case: str) -> None:
        """Say where the run is, if that is new."""
        section = section_of(case)
        if not self._by_section:
            self._said.setdefault(label, time.monotonic())
        same = not self._by_section or self._sections.get(label) == section
        if same and time.monotonic() < self._said[label] + QUIET:
            return
        self._sections[label] = section
        self._said[label] = time.monotonic()
        cases = self._cases[label]
        title = f"section {section}, {SECTIONS[section]}"
        self._console.print(
            f"{label}: case {case} ({cases.index(case) + 1} of {len(cases)}), {title}", highlight=False
        )

    def finished(self, label: str) -> None:
        """Say that all have run."""
        if not self._by_section:
            return
        self._console.print(f"{label}: all {len(self._cases[label])} cases have run", highlight=False)
