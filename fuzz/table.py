"""The output at the end: tables of targets, of a campaign, of coverage; and the facts about a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from fuzz.crashes import explain
from fuzz.report import figure, verdict
from tooling.console import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from fuzz.corpus_coverage import Covered, Measured
    from fuzz.folders import Target
    from fuzz.results import Results

MAX_MISSING: Final = 10
"""Branches of a module that the table names."""


def _table(text: Sequence[str], numbers: Sequence[str], last: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in text:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right")
    for heading in last:
        table.add_column(heading, overflow="fold")
    return table


def show_targets(console: Console, targets: Iterable[Target]) -> None:
    """Print the targets, with their corpora and dictionaries."""
    table = _table(("target",), ("corpus",), ("dictionary", "fuzzes"))
    for target in targets:
        dictionary = target.options.get("dict", "-").rpartition("/")[2]
        table.add_row(target.name, str(len(target.inputs())), dictionary, escape(target.title))
    console.print(table)


def show_campaign(console: Console, results: Results) -> None:
    """Print the crashes, then the result of each target."""
    for target in results.targets:
        for finding in target.findings:
            console.rule(f"{target.name}: crash", style="red")
            say(console, explain(finding))
    table = _table(
        ("target",),
        ("executions", "a CPU second", "baseline", "edges", "new inputs", "crashes"),
        ("status",),
    )
    for target in results.targets:
        status = f"{target.status}: {target.problem}" if target.problem else target.status
        colour = "green" if target.status == "clean" else "red"
        table.add_row(
            target.name,
            figure(target.executions),
            figure(target.rate),
            figure(target.baseline),
            figure(target.edges),
            figure(target.new_inputs),
            str(len(target.findings)),
            f"[{colour}]{escape(status)}[/]",
        )
    console.print(table)
    legend = "a CPU second: executions in one, on one core; baseline: with the empty input, without mutation"
    console.print(legend, style="dim", highlight=False)
    console.print(verdict(results), style="green" if results.clean else "red", highlight=False)


def show_coverage(console: Console, measured: Measured) -> None:
    """Print the branches that each target reaches alone, and those of each module that all reach together."""
    alone = _table(("target alone",), ("inputs", "covered", "%"))
    for row in measured.targets:
        alone.add_row(row.name, str(row.inputs), str(row.covered), f"{row.percent:.1f}")
    together = _table(("module",), ("branches", "covered", "%"), ("missing branches",))
    for row in (*measured.modules, measured.total):
        _add(together, row)
    console.print(alone, "", together)


def _add(table: Table, row: Covered) -> None:
    missing = ", ".join(row.missing[:MAX_MISSING])
    if len(row.missing) > MAX_MISSING:
        missing += f" and {len(row.missing) - MAX_MISSING} more"
    table.add_row(row.name, str(row.branches), str(row.covered), f"{row.percent:.1f}", missing)
