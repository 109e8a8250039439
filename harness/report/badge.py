"""Renders `badge.svg`: how many cases are as expected, over both roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.rendering import render
from harness.report.tree import tree_of

if TYPE_CHECKING:
    from harness.results import Results

LABEL = "Autobahn"
OF_AN_ENDPOINT = "WebSocket"
CHARACTER = 6.8
"""About the width of a character, in pixels; the text is stretched to the width that comes of it."""


def badge_of(results: Results) -> str:
    """Render the file."""
    cells = [cell for section in tree_of(results) for row in section.all_rows() for cell in row.cells]
    differing = sum(cell.difference is not None for cell in cells)
    message = f"{len(cells) - differing} / {len(cells)}"
    label = OF_AN_ENDPOINT if results["endpoint"] else LABEL
    split, rest = (round(len(text) * CHARACTER) + 14 for text in (label, message))
    return render(
        "badge.svg",
        label=label,
        message=message,
        colour="#c0392b" if differing else "#2f8f5b",
        split=split,
        width=split + rest,
    )
