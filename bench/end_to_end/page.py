"""The page and the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.end_to_end.chart import svg
from bench.end_to_end.table import HEADINGS, glance, releases, tables
from tooling.written import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from bench.end_to_end.results import Results

DOCUMENT = "end-to-end.md"
PICTURE = "end-to-end.svg"


def write_page(path: Path, results: Results) -> None:
    """Write one HTML file that needs no other."""
    picture = svg(results)
    # Of the SVG file the element alone: HTML has no XML declaration.
    element = Markup(picture[picture.index("<svg") :])  # noqa: S704  # drawn here
    write_text(path, _render("page.html", results, picture=element))


def write_document(folder: Path, results: Results) -> None:
    """Write the document for `docs/`, and its picture beside it."""
    write_text(folder / PICTURE, svg(results))
    write_text(folder / DOCUMENT, _render("end-to-end.md", results, picture=PICTURE))


def _render(template: str, results: Results, **more: Any) -> str:
    environment = Environment(
        loader=PackageLoader("bench.end_to_end"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(
        results=results,
        glance=glance(results),
        tables=tables(results),
        releases=releases(results),
        headings=HEADINGS,
        **more,
    )
