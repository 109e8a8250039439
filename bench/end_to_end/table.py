"""The figures as text, alike for the terminal, the page and the document."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from bench.end_to_end.load import Scenario
    from bench.end_to_end.results import Measured, Results, Spread

HEADINGS = (
    "server",
    "messages/s",
    "CPU per message, µs",
    "library / server",
    "busy",
    "generator, µs",
    "busy",
)


class Row(NamedTuple):
    """A line of a table, a field for each of the headings."""

    server: str
    rate: str
    cpu: str
    ratio: str
    busy: str
    generator_cpu: str
    generator_busy: str


def tables(results: Results) -> dict[Scenario, list[Row]]:
    """Return the table of each scenario."""
    return {
        scenario: [_row(measured, results.ratio(measured)) for measured in found]
        for scenario, found in results.scenarios().items()
    }


def glance(results: Results) -> list[str]:
    """Say for each other server how many times the library's CPU time it takes in the scenarios."""
    ratios: dict[str, list[float]] = {}
    for measured in results.measured:
        ratio = results.ratio(measured)
        if ratio is not None and measured.name != "wsproto-again":
            ratios.setdefault(measured.title, []).append(1 / ratio.median)
    return [
        f"**{title}** takes {median(found):.2g} times as much CPU time for an echo as this library, in the "
        f"scenarios {min(found):.2g} to {max(found):.2g} times."
        for title, found in ratios.items()
    ]


def releases(results: Results) -> list[str]:
    """Say which releases each server ran, a line each."""
    return list(dict.fromkeys(f"{measured.title}: {measured.releases}" for measured in results.measured))


def _row(measured: Measured, ratio: Spread | None) -> Row:
    return Row(
        server=measured.title,
        rate=f"{measured.rate.median:,.0f}{'+' if measured.held_back else ''}",
        cpu=_spread(measured.cpu, 1e6, 1),
        ratio="1" if ratio is None else _spread(ratio, 1, 2),
        busy=f"{measured.server_busy:.0%}",
        generator_cpu=f"{measured.generator_cpu.median * 1e6:.1f}",
        generator_busy=f"{measured.generator_busy:.0%}",
    )


def _spread(figure: Spread, factor: float, digits: int) -> str:
    middle, low, high = (
        f"{value * factor:.{digits}f}" for value in (figure.median, figure.lowest, figure.highest)
    )
    return f"{middle} ({low} to {high})"


def print_tables(console: Console, results: Results) -> None:
    """Print a table per scenario, and what its columns mean."""
    for scenario, rows in tables(results).items():
        table = Table(title=str(scenario), title_justify="left", box=None, pad_edge=False)
        for number, heading in enumerate(HEADINGS):
            if number:
                table.add_column(heading, justify="right", no_wrap=True)
            else:
                table.add_column(heading)  # a narrow terminal folds it
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()
    console.print(
        f"Medians of {results.rounds} rounds of {results.seconds:g} s (lowest to highest). "
        "library / server: CPU per message of this library over that server's, round by round. "
        "generator: the load generator's CPU per message; +: it was as busy as the server, or busier: the "
        f"server could have answered more messages. Other processes kept {results.others:.1f} CPUs busy.",
        highlight=False,
    )
