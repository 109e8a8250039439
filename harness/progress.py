"""Shows how far a run is: a bar per role on a terminal, else a line now and then."""

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

    from harness.roles import Role

QUIET = 30.0
"""Seconds after which a plain line is printed even inside a section."""


class Progress(Protocol):
    """Gets every case that begins."""

    def begun(self, role: Role, case: str) -> None:
        """Tell that a case has begun, and the one before it has ended."""

    def finished(self, role: Role) -> None:
        """Tell that the last case has ended."""


@contextmanager
def progress(
    console: Console, cases: Mapping[Role, Sequence[str]], *, by_section: bool = True
) -> Iterator[Progress]:
    """Show the progress in the way that fits the console; off a terminal a line a section, or fewer."""
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
        yield Bars(bars, cases)


class Bars:
    """A bar per role. It grows by the time that a case usually takes, so that the time left is realistic."""

    def __init__(self, bars: RichProgress, cases: Mapping[Role, Sequence[str]]) -> None:
        self._bars = bars
        self._cases = cases
        self._tasks = {
            role: bars.add_task(
                role, total=sum(map(weight, chosen)), count=0, cases=len(chosen), case="starting"
            )
            for role, chosen in cases.items()
        }

    def begun(self, role: Role, case: str) -> None:
        """Move the bar to a case."""
        cases = self._cases[role]
        count = cases.index(case)
        done = sum(map(weight, cases[:count]))
        self._bars.update(self._tasks[role], completed=done, count=count, case=f"case {case}")

    def finished(self, role: Role) -> None:
        """Fill the bar."""
        cases = self._cases[role]
        self._bars.update(self._tasks[role], completed=sum(map(weight, cases)), count=len(cases), case="done")


class Lines:
    """A line for each section, and now and then one between."""

    def __init__(
        self, console: Console, cases: Mapping[Role, Sequence[str]], *, by_section: bool = True
    ) -> None:
        self._by_section = by_section
        self._console = console
        self._cases = cases
        self._sections: dict[Role, str] = {}
        self._said: dict[Role, float] = {}

    def begun(self, role: Role, case: str) -> None:
        """Say where the run is, if that is new."""
        section = section_of(case)
        if not self._by_section:
            self._said.setdefault(role, time.monotonic())
        same = not self._by_section or self._sections.get(role) == section
        if same and time.monotonic() < self._said[role] + QUIET:
            return
        self._sections[role] = section
        self._said[role] = time.monotonic()
        cases = self._cases[role]
        title = f"section {section}, {SECTIONS[section]}"
        self._console.print(
            f"{role}: case {case} ({cases.index(case) + 1} of {len(cases)}), {title}", highlight=False
        )

    def finished(self, role: Role) -> None:
        """Say that all have run."""
        if not self._by_section:
            return
        self._console.print(f"{role}: all {len(self._cases[role])} cases have run", highlight=False)
