"""Draws the ratios."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from tooling.written import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.results import Results, Row

COLOURS: Final = {
    "pure": "#999999",
    "wsproto": "#4477aa",
    "websockets": "#ee6677",
    "aiohttp": "#228833",
    "picows": "#aa3377",
}
ROW_HEIGHT: Final = 0.2
"""Inches."""
LEAST, MOST = 0.01, 100.0
TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)

# The same results give the same file.
mpl.rcParams["svg.hashsalt"] = "wsproto"


def draw(results: Results) -> Figure:
    """Plot a line for each row, a dot for each peer, its range, and the goals."""
    rows = [row for row in results.rows if any(peer in row.ratios for peer in results.compared())]
    figure = Figure(figsize=(10, 1.2 + ROW_HEIGHT * max(4, len(rows))), layout="constrained")
    axes = figure.subplots()
    for peer in results.compared():
        _draw_peer(axes, rows, peer, f"{peer} {results.peers[peer]['version']}")
    _draw_goals(axes, rows)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(LEAST / 1.4, MOST * 1.4)
    axes.set_xticks(TICKS)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="x", labeltop=True, top=True)
    axes.grid(visible=True, axis="both", alpha=0.25)
    axes.set_xlabel("this library's cost / the peer's: left of 1 this library costs less")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return figure


def _draw_peer(axes: Axes, rows: Sequence[Row], peer: str, label: str) -> None:
    """Draw the dots and ranges of a peer; a value off the scale stands at its end, with its number."""
    found = [(row.ratios[peer], index) for index, row in enumerate(rows) if peer in row.ratios]
    colour = COLOURS.get(peer, "black")
    for estimate, index in found:
        if not LEAST <= estimate.value <= MOST:
            end, side = (LEAST, "left") if estimate.value < LEAST else (MOST, "right")
            axes.text(end, index, f"{estimate.value:.3g}", color=colour, fontsize=7, ha=side, va="center")
    found = [(estimate, index) for estimate, index in found if LEAST <= estimate.value <= MOST]
    axes.errorbar(
        [estimate.value for estimate, _ in found],
        [index for _, index in found],
        xerr=[
            [estimate.value - estimate.low for estimate, _ in found],
            [estimate.high - estimate.value for estimate, _ in found],
        ],
        fmt="o",
        markersize=4,
        linewidth=1,
        color=colour,
        label=label,
    )


def _draw_goals(axes: Axes, rows: Sequence[Row]) -> None:
    """Mark each goal by a bar in the colour of its peer."""
    for index, row in enumerate(rows):
        for verdict in row.verdicts():
            if verdict.peer and verdict.limit != 1:
                axes.plot([verdict.limit], [index], marker="|", markersize=9, color=COLOURS.get(verdict.peer))
    axes.plot([], [], marker="|", linestyle="", color="black", label="goal")


def svg(figure: Figure) -> bytes:
    """Return a figure as an SVG file, without the time it was made at."""
    content = BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def save(file: Path, figure: Figure) -> None:
    """Write a figure in the format that the file's suffix names."""
    if file.suffix == ".svg":
        write_bytes(file, svg(figure))
        return
    content = BytesIO()
    figure.savefig(content, format=file.suffix.lstrip(".") or "png", dpi=150)
    write_bytes(file, content.getvalue())
