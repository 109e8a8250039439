"""Boxes and arrows as SVG, in colours that show on a light page and on a dark one."""

from __future__ import annotations

from html import escape
from math import hypot
from typing import NamedTuple

LINE = 17
_STYLE = (
    "text{font:13px system-ui,sans-serif;text-anchor:middle}.name{fill:#fff;font-weight:600}"
    ".more{fill:#dbe9f4}.box{fill:#2b6392}.pill{fill:#e6ebf0}.label{fill:#1b2733;font-size:11.5px}"
    ".arrow{fill:none;stroke:#7b8794;stroke-width:1.6;marker-end:url(#head)}.head{fill:#7b8794}"
)


class Box(NamedTuple):
    """A box by its centre, with its name and what more it says, a line each."""

    x: float
    y: float
    name: str
    more: tuple[str, ...] = ()
    width: float = 150

    @property
    def height(self) -> float:
        """How high it is, in pixels."""
        return 26 + LINE * len(self.more)

    def svg(self) -> str:
        """Draw it."""
        top = self.y - self.height / 2
        lines = [
            (
                f'<rect class="box" x="{self.x - self.width / 2:g}" y="{top:g}" width="{self.width:g}" '
                f'height="{self.height:g}" rx="6"/>'
            )
        ]
        for number, text in enumerate((self.name, *self.more)):
            kind = "more" if number else "name"
            y = top + 17.5 + LINE * number
            lines.append(
                f'<text class="{kind}" x="{self.x:g}" y="{y:g}">{escape(text)}</text>'
            )
        return "\n".join(lines)

    def edge(self, x: float, y: float) -> tuple[float, float]:
        """Return where the line from the centre to a point leaves the box."""
        across, down = x - self.x, y - self.y
        part = min(
            (self.width / 2 + 3) / abs(across) if across else 1e9,
            (self.height / 2 + 3) / abs(down) if down else 1e9,
        )
        return self.x + across * part, self.y + down * part


class Arrow(NamedTuple):
    """An arrow between two boxes, with labels, `bend` pixels beside the straight line."""

    start: Box
    end: Box
    labels: tuple[str, ...] = ()
    bend: float = 0
    place: float = 0.5
    """Where on the arrow the labels are: 0 is its start, 1 its end."""

    def svg(self) -> str:
        """Draw it."""
        across, down = self.end.x - self.start.x, self.end.y - self.start.y
        length = hypot(across, down)
        bent_x = (self.start.x + self.end.x) / 2 - down / length * self.bend * 2
        bent_y = (self.start.y + self.end.y) / 2 + across / length * self.bend * 2
        x1, y1 = self.start.edge(bent_x, bent_y)
        x2, y2 = self.end.edge(bent_x, bent_y)
        lines = [
            f'<path class="arrow" d="M{x1:.1f} {y1:.1f}Q{bent_x:.1f} {bent_y:.1f} {x2:.1f} {y2:.1f}"/>'
        ]
        if self.labels:
            there, back = self.place, 1 - self.place
            x = back**2 * x1 + 2 * there * back * bent_x + there**2 * x2
            y = back**2 * y1 + 2 * there * back * bent_y + there**2 * y2
            width = 7 * max(map(len, self.labels)) + 10
            top = y - 8 * len(self.labels)
            lines.append(
                f'<rect class="pill" x="{x - width / 2:.1f}" y="{top:.1f}" width="{width}" '
                f'height="{16 * len(self.labels)}" rx="7"/>'
            )
            lines += [
                f'<text class="label" x="{x:.1f}" y="{top + 12 + 16 * number:.1f}">{escape(label)}</text>'
                for number, label in enumerate(self.labels)
            ]
        return "\n".join(lines)


def drawn(
    boxes: list[Box], arrows: list[Arrow], width: float, height: float, title: str
) -> str:
    """Return a picture of boxes and arrows; `title` is for those who cannot see it."""
    parts = "\n".join(
        [*(arrow.svg() for arrow in arrows), *(box.svg() for box in boxes)]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n"
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker>\n'
        f"{parts}\n</svg>\n"
    )
