"""How cost grows: with the size of a message, and with the number of reads that it comes in."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.figure import Figure
from rich.table import Table

from bench import environments
from bench.chart import save
from bench.peers import OURS, SOURCE
from bench.processes import Worker
from bench.results import Curve
from bench.workloads import KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.peers import Peer
    from bench.progress import Progress
    from bench.workloads import Action, Role

SIZES: Final = tuple(4**power for power in range(14))
"""Bytes in a message: 1 to 64 MiB."""
TOTAL: Final = MIB
"""Bytes in the message that is cut into reads."""
READS: Final = tuple(4**power for power in range(11))
"""Bytes in a read: 1 to 1 MiB."""
MAX_EXPONENT: Final = 1.05

#: Above this size the fixed cost of a message is less than a tenth of the whole.
SIZES_FROM: Final = 64 * KIB
#: Above this number of reads the cost of the bytes themselves is small against that of the reads.
READS_FROM: Final = 4 * KIB


class Line(NamedTuple):
    """One curve that is measured."""

    label: str
    action: Action
    role: Role


BY_SIZE: Final = (
    Line("receive, masked", "receive", "server"),
    Line("receive, unmasked", "receive", "client"),
    Line("send, masked", "send", "client"),
    Line("send, unmasked", "send", "server"),
)
BY_READS: Final = BY_SIZE[:2]
TITLES: Final = {
    "size": ("one message in one call", "bytes in the message"),
    "reads": ("1 MiB in reads of 1 MiB to 1 byte", "number of reads"),
}


def measure(
    progress: Progress,
    *,
    quick: bool,
    find_python: Callable[[Peer, Callable[[str], None]], Path] = environments.python_of,
) -> dict[str, list[Curve]]:
    """Measure this library's curves: "size" and "reads"."""
    seconds = 0.002 if quick else 0.02
    sizes, reads = (SIZES[:-2], READS[1:]) if quick else (SIZES, READS)
    progress.expect(len(BY_SIZE) * len(sizes) + len(BY_READS) * len(reads))
    curves: dict[str, list[Curve]] = {"size": [], "reads": []}
    with Worker(OURS, find_python(OURS, progress.say), SOURCE) as worker:
        worker.check_identity(SOURCE)

        def cost(line: Line, size: int, read: int | None) -> float:
            progress.step(f"{line.label}: {size} bytes" + (f" in reads of {read}" if read else ""))
            where = {"action": line.action, "role": line.role, "size": size, "read": read}
            return float(worker.ask("scale", **where, seconds=seconds))

        for line in BY_SIZE:
            curves["size"].append(_curve(line, [(size, cost(line, size, None)) for size in sizes], SIZES_FROM))
        for line in BY_READS:
            points = [(TOTAL // read, cost(line, TOTAL, read)) for read in reversed(reads)]
            curves["reads"].append(_curve(line, points, READS_FROM))
    return curves


def _curve(line: Line, points: list[tuple[int, float]], fitted_from: int) -> Curve:
    return Curve(line.label, points, fitted_from, exponent(points, fitted_from))


def exponent(points: Sequence[tuple[int, float]], fitted_from: int) -> float:
    """Fit cost = a * size ** exponent by least squares on the logarithms, from a size on."""
    chosen = [(log(size), log(cost)) for size, cost in points if size >= fitted_from]
    if len(chosen) < 3:
        raise ValueError(f"{len(chosen)} points from {fitted_from} on: 3 are needed for a fit")
    middle_x = sum(x for x, _ in chosen) / len(chosen)
    middle_y = sum(y for _, y in chosen) / len(chosen)
    return sum((x - middle_x) * (y - middle_y) for x, y in chosen) / sum((x - middle_x) ** 2 for x, _ in chosen)


def steep(curves: Mapping[str, Sequence[Curve]]) -> list[Curve]:
    """Give the curves that grow faster than they may."""
    return [curve for found in curves.values() for curve in found if curve.exponent > MAX_EXPONENT]


def table(curves: Mapping[str, Sequence[Curve]]) -> Table:
    """Lay out the exponents for a terminal."""
    shown = Table(title=f"cost = a × n ^ exponent (at most {MAX_EXPONENT})")
    for heading in ("n", "curve", "fitted from", "exponent"):
        shown.add_column(heading)
    for name, found in curves.items():
        for curve in found:
            shown.add_row(TITLES[name][1], curve.label, f"{curve.fitted_from:,}", f"{curve.exponent:.3f}")
    return shown


def draw(file: Path, curves: Mapping[str, Sequence[Curve]]) -> None:
    """Write the plot."""
    save(file, figure(curves))


def figure(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """Plot both, on logarithmic scales."""
    drawn = Figure(figsize=(11, 4.6), layout="constrained")
    for axes, (name, (title, label)) in zip(drawn.subplots(1, 2), TITLES.items(), strict=True):
        _draw_side(axes, curves[name])
        axes.set(title=title, xlabel=label, ylabel="CPU time (µs)", xscale="log", yscale="log")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8)
    return drawn


def _draw_side(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        sizes = [size for size, _ in curve.points]
        costs = [cost * 1e6 for _, cost in curve.points]
        axes.plot(sizes, costs, marker="o", markersize=3, label=f"{curve.label}: exponent {curve.exponent:.2f}")
    start = curves[0].fitted_from
    axes.axvspan(start, curves[0].points[-1][0], color="black", alpha=0.05, label=f"fitted: from {start:,} on")
