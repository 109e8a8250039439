"""Draws the CPU time for a message, a panel per scenario."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.end_to_end.peers import LIBRARY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.end_to_end.load import Scenario
    from bench.end_to_end.results import Measured, Results

COLUMNS = 2
PANEL_INCHES = (6.0, 2.6)
OURS, THEIRS = "#0072b2", "#9a9a9a"


def svg(results: Results) -> str:
    """Draw the picture; the same figures give the same bytes."""
    scenarios = results.scenarios()
    lines = -(-len(scenarios) // COLUMNS)
    size = (PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * lines)
    with mpl.rc_context({"svg.hashsalt": "end-to-end", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        figure.patch.set_facecolor("white")
        panels = figure.subplots(lines, COLUMNS, squeeze=False).flat
        for panel, (scenario, found) in zip(panels, scenarios.items(), strict=False):
            _draw(panel, scenario, found)
        for panel in panels:  # those that are left
            panel.set_axis_off()
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _draw(panel: Axes, scenario: Scenario, found: list[Measured]) -> None:
    """Draw a bar per server with the range of its rounds, and write beside it how many messages it echoed."""
    names = [measured.title for measured in found]
    values = [measured.cpu.median * 1e6 for measured in found]
    ranges = [
        [(measured.cpu.median - measured.cpu.lowest) * 1e6 for measured in found],
        [(measured.cpu.highest - measured.cpu.median) * 1e6 for measured in found],
    ]
    colors = [OURS if measured.name == LIBRARY.name else THEIRS for measured in found]
    panel.barh(names, values, xerr=ranges, color=colors, ecolor="#333333", capsize=2)
    panel.invert_yaxis()
    for line, measured in enumerate(found):
        end = measured.cpu.highest * 1e6
        plus = "+" if measured.held_back else ""
        panel.annotate(
            f"{measured.rate.median:,.0f}{plus}/s",
            (end, line),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    panel.set_xlim(0, max(measured.cpu.highest * 1e6 for measured in found) * 1.25)
    panel.set_title(str(scenario), loc="left", fontweight="bold")
    panel.set_xlabel("CPU time per message, µs; beside it messages a second")
    panel.spines[["top", "right"]].set_visible(False)
