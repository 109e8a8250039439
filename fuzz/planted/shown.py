"""The output of a hunt: lines while it runs, then a table, and the same as Markdown and JSON."""

from __future__ import annotations

import json
import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fuzz.report import filled
from tooling.console import say
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from fuzz.planted.fault import Fault
    from fuzz.planted.hunt import Hunt, Outcome

    Told = Callable[[Fault, Outcome | None], None]


@contextmanager
def progress(console: Console, count: int) -> Iterator[Told]:
    """Tell of each fault as it is found or missed, in a line; on a terminal, show a bar below them."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("nothing planted", total=count)

        def told(fault: Fault, outcome: Outcome | None) -> None:
            if outcome is None:
                bar.update(task, description=escape(fault.name))
                return
            bar.advance(task)
            say(console, _line(outcome))

        yield told


def _line(outcome: Outcome) -> str:
    by = f"{outcome.found.kind} {outcome.found.by}" if outcome.found else "NOT FOUND"
    return f"{outcome.seconds:5.1f} s  {outcome.fault.name}: {by}"


def show_faults(console: Console, faults: Sequence[Fault]) -> None:
    """Print the faults."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("fault", "breaks", "src/wsproto/"):
        table.add_column(heading, overflow="fold")
    for fault in faults:
        table.add_row(escape(fault.name), escape(fault.section), fault.file)
    console.print(table)


def show_hunt(console: Console, hunt: Hunt) -> None:
    """Print what found each fault, and how long it took."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("fault", "breaks", "found by", "kind"):
        table.add_column(heading, overflow="fold")
    table.add_column("s", justify="right")
    for outcome in hunt.outcomes:
        by, kind = (escape(outcome.found.by), outcome.found.kind) if outcome.found else ("NOT FOUND", "")
        style = "" if outcome.found else "red"
        cells = (escape(outcome.fault.name), escape(outcome.fault.section), by, kind)
        table.add_row(*cells, f"{outcome.seconds:.1f}", style=style)
    console.print(table)
    console.print(verdict(hunt), style="red" if hunt.missed else "green", highlight=False)


def verdict(hunt: Hunt) -> str:
    """Say in a line how the hunt ended."""
    found = len(hunt.outcomes) - len(hunt.missed)
    longest = max((outcome.seconds for outcome in hunt.outcomes if outcome.found), default=0.0)
    left_out = "" if hunt.with_targets else "; atheris is missing, so the targets were left out"
    return (
        f"{found} of {len(hunt.outcomes)} faults found within {hunt.limit} s each, the last to be found in"
        f" {longest:.1f} s{left_out}"
    )


def write_hunt(hunt: Hunt, files: Sequence[Path]) -> None:
    """Write files, JSON where their names end so and Markdown elsewhere; raises `OSError`."""
    for file in files:
        if file.suffix == ".json":
            python = platform.python_version()
            text = json.dumps({"python": python, "verdict": verdict(hunt), **hunt.as_dict()}, indent=1) + "\n"
        else:
            text = filled(
                "planted.md.jinja", hunt=hunt, verdict=verdict(hunt), python=platform.python_version()
            )
        write_text(file, text)
