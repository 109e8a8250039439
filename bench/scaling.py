"""How cost grows: with the size of a message, in instructions and in time, and with the number of reads."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.figure import Figure
from rich.table import Table

from bench import instructions
from bench.chart import save
from bench.peers import OURS, SOURCE, python_of
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
COUNTED_PASSES: Final = 1000
"""Messages of a byte whose instructions are counted; of longer ones fewer, at least one."""
MAX_EXPONENT: Final = 1.05

#: Glibc keeps freed memory: otherwise the system hands out, clears and takes back every page of a message
#: over 32 MiB, which costs ten times as much as the copy, and none of it is the library's.
KEEP_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**28),
}


class Line(NamedTuple):
    """One curve that is measured."""

    label: str
    action: Action
    role: Role
    fitted_from: int
    """From here on the part that does not grow is less than a tenth of the cost."""


#: Unmasked, a message is copied once and that is all. A copy takes longer per byte once the bytes outgrow the
#: processor's caches, so the times are compared with those of plain copies, taken in turns with them. The
#: instructions show that the work per byte does not grow.
COPY: Final = "a plain copy, no library"
MASKED: Final = (
    Line("receive, masked", "receive", "server", 64 * KIB),
    Line("send, masked", "send", "client", 64 * KIB),
)
UNMASKED: Final = (
    Line("receive, unmasked", "receive", "client", MIB),
    Line("send, unmasked", "send", "server", MIB),
)
BY_READS: Final = (
    Line("receive, masked", "receive", "server", 4 * KIB),
    Line("receive, unmasked", "receive", "client", 64),
)


class Plot(NamedTuple):
    """One of the plots, and its labels."""

    title: str
    n: str
    cost: str
    unit: float = 1.0
    """The divisor of a cost."""


PLOTS: Final = {
    "work": Plot("one message in one call: work", "bytes in the message", "instructions"),
    "size": Plot("one message in one call: time", "bytes in the message", "CPU time (µs)", 1e-6),
    "reads": Plot("1 MiB in reads of 1 MiB to 1 byte", "number of reads", "CPU time (µs)", 1e-6),
}


def measure(
    progress: Progress,
    *,
    quick: bool,
    find_python: Callable[[Peer, Callable[[str], None]], Path] = python_of,
) -> dict[str, list[Curve]]:
    """Measure this library's curves: "work" where there is valgrind, "size" and "reads"."""
    python = find_python(OURS, progress.say)
    work = {"work": _work(progress, python)} if instructions.available() else {}
    return {**work, **_times(progress, python, quick=quick)}


def _work(progress: Progress, python: Path) -> list[Curve]:
    """Count the instructions of a message by its size."""
    progress.expect(len(SIZES) * (len(MASKED) + len(UNMASKED)))
    with Worker(OURS, python, SOURCE) as worker:
        worker.check_identity(SOURCE)  # and all bytecode is written
    found = []
    for line in MASKED + UNMASKED:
        points = []
        for size in SIZES:
            progress.step(f"instructions to {line.label}: {size} bytes")
            order = {"do": "passes_of", "action": line.action, "role": line.role, "size": size}
            passes = max(1, COUNTED_PASSES // size)
            points.append((size, instructions.of_a_pass(OURS, python, SOURCE, order, passes)))
        found.append(curve(line.label, points, line.fitted_from, MAX_EXPONENT))
    return found


def _times(progress: Progress, python: Path, *, quick: bool) -> dict[str, list[Curve]]:
    """Measure the time of a message by its size, and by the number of reads that it comes in."""
    reads = READS[1:] if quick else READS
    progress.expect(len(SIZES) * (len(MASKED) + len(UNMASKED)) + len(reads) * len(BY_READS))
    with Worker(OURS, python, SOURCE, variables=KEEP_MEMORY) as worker:
        worker.check_identity(SOURCE)
        worker.ask("pin")

        def costs(line: Line, size: int, read: int | None = None) -> tuple[float, float]:
            progress.step(f"{line.label}: {size} bytes" + (f" in reads of {read}" if read else ""))
            where = {"action": line.action, "role": line.role, "size": size, "read": read}
            message, copy = worker.ask("scale", **where, seconds=0.002 if quick else 0.02)
            return message, copy

        by_size = [
            curve(
                line.label, [(size, costs(line, size)[0]) for size in SIZES], line.fitted_from, MAX_EXPONENT
            )
            for line in MASKED
        ]
        for line in UNMASKED:
            pairs = [(size, costs(line, size)) for size in SIZES]
            copy = curve(COPY, [(size, copied) for size, (_, copied) in pairs], line.fitted_from)
            limit = max(1.0, copy.exponent) + MAX_EXPONENT - 1
            message = [(size, cost) for size, (cost, _) in pairs]
            by_size += [curve(line.label, message, line.fitted_from, limit), copy]
        by_reads = []
        for line in BY_READS:
            points = [(TOTAL // read, costs(line, TOTAL, read)[0]) for read in reversed(reads)]
            by_reads.append(curve(line.label, points, line.fitted_from, MAX_EXPONENT))
    return {"size": by_size, "reads": by_reads}


def curve(label: str, points: list[tuple[int, float]], fitted_from: int, limit: float | None = None) -> Curve:
    """Fit a curve."""
    return Curve(label, points, fitted_from, exponent(points, fitted_from), limit)


def exponent(points: Sequence[tuple[int, float]], fitted_from: int) -> float:
    """Fit cost = a * size ** exponent by least squares on the logarithms, from a size on."""
    chosen = [(log(size), log(cost)) for size, cost in points if size >= fitted_from]
    if len(chosen) < 3:
        raise ValueError(f"{len(chosen)} points from {fitted_from} on: 3 are needed for a fit")
    middle_x = sum(x for x, _ in chosen) / len(chosen)
    middle_y = sum(y for _, y in chosen) / len(chosen)
    return sum((x - middle_x) * (y - middle_y) for x, y in chosen) / sum(
        (x - middle_x) ** 2 for x, _ in chosen
    )


def steep(curves: Mapping[str, Sequence[Curve]]) -> list[Curve]:
    """Return the curves that grow faster than they may."""
    return [curve for found in curves.values() for curve in found if curve.is_steep]


def table(curves: Mapping[str, Sequence[Curve]]) -> Table:
    """Lay out the exponents for a terminal."""
    shown = Table(title="cost = a × n ^ exponent")
    for heading in ("n", "cost", "curve", "fitted from n =", "exponent", "at most"):
        shown.add_column(heading)
    for name, found in curves.items():
        for one in found:
            limit = "" if one.limit is None else f"{one.limit:.2f}"
            shown.add_row(
                PLOTS[name].n,
                PLOTS[name].cost,
                one.label,
                f"{one.fitted_from:,}",
                f"{one.exponent:.3f}",
                limit,
            )
    return shown


def draw(file: Path, curves: Mapping[str, Sequence[Curve]]) -> None:
    """Write the plots."""
    save(file, figure(curves))


def figure(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """Plot them side by side, on logarithmic scales."""
    drawn = Figure(figsize=(5.5 * len(curves), 4.6), layout="constrained")
    for axes, (name, found) in zip(drawn.subplots(1, len(curves)), curves.items(), strict=True):
        plot = PLOTS[name]
        _draw_side(axes, found, plot.unit)
        axes.set(title=plot.title, xlabel=plot.n, ylabel=plot.cost, xscale="log", yscale="log")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8)
    return drawn


def _draw_side(axes: Axes, curves: Sequence[Curve], unit: float) -> None:
    """Plot each curve, with a thicker line where it is fitted."""
    for one in curves:
        label = f"{one.label}: exponent {one.exponent:.2f}"
        style = ":" if one.limit is None else "-"
        (line,) = axes.plot(
            *_axes_of(one.points, unit), marker="o", markersize=3, linestyle=style, linewidth=1, label=label
        )
        fitted = [point for point in one.points if point[0] >= one.fitted_from]
        axes.plot(*_axes_of(fitted, unit), linewidth=3, alpha=0.4, color=line.get_color())
    axes.plot([], [], linewidth=3, alpha=0.4, color="black", label="fitted")


def _axes_of(points: Sequence[tuple[int, float]], unit: float) -> tuple[list[int], list[float]]:
    return [size for size, _ in points], [cost / unit for _, cost in points]
