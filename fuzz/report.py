"""The report of a campaign: `index.html` to read, `summary.md` for CI, `results.json` for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from tooling.written import write_text

if TYPE_CHECKING:
    from fuzz.results import Results, TargetResult

TEMPLATES: Final = Path(__file__).parent / "templates"

#: Width and height of the picture of a target's growth.
SPARK: Final = (120, 28)


def write_report(folder: Path, results: Results) -> Path:
    """Write the three files, and return the path of the page; raises `OSError`."""
    write_text(folder / "results.json", results.as_json())
    write_text(folder / "summary.md", render("summary.md.jinja", results))
    write_text(folder / "index.html", render("index.html.jinja", results))
    return folder / "index.html"


def render(template: str, results: Results) -> str:
    """Render a template of a campaign."""
    return filled(template, results=results, verdict=verdict(results), total=total(results))


def filled(template: str, **shown: object) -> str:
    """Render a template and escape the values in it."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(figure=figure, spark=spark, cell=cell)
    return templates.get_template(template).render(shown)


def verdict(results: Results) -> str:
    """Say in a line how the campaign ended."""
    said = []
    if results.crashes:
        said.append(f"{results.crashes} crash{'es' if results.crashes > 1 else ''}")
    if results.failed:
        ended = [target.name for target in results.failed if target.status != "not kept"]
        not_kept = [target.name for target in results.failed if target.status == "not kept"]
        said += [f"{', '.join(ended)} did not run to the end"] * bool(ended)
        said += [f"{', '.join(not_kept)} could not keep its inputs"] * bool(not_kept)
    if results.interrupted:
        said.append("interrupted")
    return "; ".join(said) or "No crash"


def total(results: Results) -> int:
    """Return the executions of all targets."""
    return sum(target.executions for target in results.targets)


def figure(value: float | None) -> str:
    """Write a number for people, or a dash where there is none."""
    return "-" if value is None else f"{value:,.0f}"


def cell(text: str) -> str:
    """Write text so that it stays in one cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def spark(result: TargetResult) -> str:
    """Return the points of an SVG polyline that shows how the edges grew since the start."""
    width, height = SPARK
    if not result.growth or not result.seconds:
        return ""
    least, most = result.growth[0][1], result.growth[-1][1]
    points: list[str] = []
    last: float = height - 2
    for seconds, edges in [*result.growth, (result.seconds, most)]:
        x = width * min(1.0, seconds / result.seconds)
        y = height - 2 - (height - 4) * (edges - least) / max(1, most - least)
        points += [f"{x:.1f},{last:.1f}", f"{x:.1f},{y:.1f}"]
        last = y
    return " ".join(points)
