"""The opening of docs/performance.md: how many times as long each peer takes, in lines and as a picture."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.chart import COLOURS
from bench.peers import PURE

if TYPE_CHECKING:
    from bench.results import Results

#: Rows that stand for what programs do most, in the words of the picture.
SHOWN: Final = {
    "receive text 32 B, 64 KiB reads / server": "receive 32 bytes, many in a read",
    "receive text 32 B, one per call / server": "receive 32 bytes, one in a read",
    "receive binary 64 KiB / server": "receive 64 KiB",
    "receive deflate 1 KiB / server": "receive 1 KiB, compressed",
    "send text 32 B / server": "send 32 bytes",
    "send binary 64 KiB / client": "send 64 KiB, as a client",
    "ping answered / server": "answer a ping",
}
BAR: Final = 0.16
"""Of the distance between two workloads."""


def _title(results: Results, peer: str) -> str:
    version = results.peers[peer]["version"]
    return f"this library without its C ({version})" if peer == PURE.name else f"{peer} {version}"


def lines(results: Results) -> list[str]:
    """Say for each peer how many times as long it takes: the median of all workloads, the least, the most."""
    said = []
    for peer in results.compared():
        times = sorted(
            1 / row.ratios[peer].value
            for row in results.rows
            if row.unit.startswith("µs per") and peer in row.ratios and row.ratios[peer].value
        )
        if times:
            said.append(
                f"**{_title(results, peer)}** takes {median(times):.2g} times as long as this library in "
                f"the median of {len(times)} workloads; {times[0]:.2g} to {times[-1]:.2g} times in each."
            )
    return said


def draw(results: Results) -> Figure:
    """Plot a bar for each peer and workload: as long as it takes, where this library takes 1."""
    rows = {row.label: row for row in results.rows}
    shown = [label for label in SHOWN if label in rows]
    figure = Figure(figsize=(8, 1 + 0.75 * max(1, len(shown))), layout="constrained")
    axes = figure.subplots()
    for number, peer in enumerate(results.compared()):
        found = [(at, rows[label].ratios.get(peer)) for at, label in enumerate(shown)]
        bars = axes.barh(
            [at + (number - 2) * BAR for at, _ in found],
            [1 / estimate.value if estimate and estimate.value else 0 for _, estimate in found],
            BAR,
            color=COLOURS.get(peer),
            label=_title(results, peer),
        )
        axes.bar_label(bars, fmt=lambda times: f" {times:.2g}" if times else "", fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(left=0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(shown)), [SHOWN[label] for label in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("CPU time; this library takes 1, a longer bar is slower")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return figure
