"""The results in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bench.peers import COPY
from bench.results import noise
from tooling.console import say

if TYPE_CHECKING:
    from rich.console import Console

    from bench.ratios import Estimate
    from bench.results import Results, Row


def show(results: Results, console: Console) -> None:
    """Print the table, the noise, the goals that were missed, and the worst ratio to each peer."""
    peers = results.compared()
    table = Table(title="this library's cost, and the ratio to each peer's (under 1 is less; range of 95 %)")
    table.add_column("workload / role")
    table.add_column("ours", justify="right")
    table.add_column("unit")
    for peer in peers:
        table.add_column(f"{peer} {results.peers[peer]['version']}", justify="right")
    table.add_column("goal")
    for row in results.rows:
        table.add_row(
            row.label,
            number(row.ours.value),
            row.unit,
            *(_cell(row, peer) for peer in peers),
            _goals(row),
        )
    console.print(table)
    for line in closing(results):
        say(console, line)


def closing(results: Results) -> list[str]:
    """Sum up: noise, goals, worst ratios, and what was left out."""
    lines = []
    copies = noise(results.rows)
    if copies:
        worst = max((row for row in results.rows if COPY.name in row.ratios), key=_distance)
        lines.append(
            f"noise: this library against a copy of itself {copies[0]:.3f} to {copies[-1]:.3f}, median"
            f" {copies[len(copies) // 2]:.3f}; farthest from 1 in {worst.label}"
        )
    verdicts = [(row, verdict) for row in results.rows for verdict in row.verdicts()]
    lines.append(f"goals: {sum(verdict.met for _, verdict in verdicts)} of {len(verdicts)} met")
    for row, verdict in verdicts:
        if not verdict.met:
            what = (
                f"{verdict.value:.2f} × {verdict.peer}"
                if verdict.peer
                else f"{number(verdict.value)} {row.unit}"
            )
            close = "" if verdict.sure else ", within the range"
            lines.append(f"  missed: {row.label}: {what}, goal {number(verdict.limit)}{close}")
    for peer in results.compared():
        highest = results.worst(peer)
        if highest is not None:
            lines.append(f"worst against {peer}: {highest.ratios[peer].value:.2f} in {highest.label}")
    return [*lines, *results.notes]


def number(value: float) -> str:
    """Write a number with three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ranged(found: Estimate) -> str:
    """Write a ratio with its range."""
    if found.low == found.high:
        return f"{found.value:.2f}"
    return f"{found.value:.2f} ({found.low:.2f}-{found.high:.2f})"


def _distance(row: Row) -> float:
    return abs(row.ratios[COPY.name].value - 1)


def _cell(row: Row, peer: str) -> Text:
    found = row.ratios.get(peer)
    if found is None:
        return Text("-", "dim")
    return Text(ranged(found), "green" if found.high < 1 else "red" if found.low > 1 else "")


def _goals(row: Row) -> Text:
    """Write each goal, and whether it is met."""
    text = Text()
    for verdict in row.verdicts():
        bound = f"{verdict.limit:g}" + (f" × {verdict.peer}" if verdict.peer else f" {row.unit}")
        text.append("\n" if text else "")
        text.append(f"{bound} {'met' if verdict.met else 'MISSED'}", "green" if verdict.met else "bold red")
    return text
