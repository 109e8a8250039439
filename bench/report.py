"""The results as a page for a browser, and as a page of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bench import chart, scaling
from bench.peers import OURS, PEERS
from bench.results import from_json
from bench.table import closing, number, ranged
from bench.written import write

if TYPE_CHECKING:
    from bench.results import Results

TEMPLATES: Final = Path(__file__).parent / "templates"
#: Why each module outside the library is loaded.
REASONS: Final = {
    "h11": "parses the HTTP/1.1 of the opening handshake",
    "base64": "the key and the accept token (RFC 6455 4.1, 4.2.2)",
    "binascii": "base64 of the key, and its check",
    "codecs": "UTF-8 that may be cut anywhere",
    "collections": "ordered and named tuples",
    "dataclasses": "the events are frozen dataclasses",
    "enum": "states, opcodes and close codes",
    "functools": "caches",
    "hashlib": "SHA-1 for the accept token (RFC 6455 4.2.2)",
    "_hashlib": "SHA-1 for the accept token (RFC 6455 4.2.2)",
    "os": "random bytes for keys and masks",
    "random": "nothing here uses it: a dependency does",
    "re": "the grammar of header fields",
    "struct": "lengths over 125 bytes",
    "typing": "the signatures",
    "warnings": "nothing here uses it: a dependency does",
    "zlib": "permessage-deflate (RFC 7692)",
}


def write_page(file: Path, results: Results) -> None:
    """Write one file with everything in it."""
    picture = _inline(chart.svg(chart.draw(results)))
    curves = _inline(chart.svg(scaling.figure(results.curves))) if results.curves else ""
    write(file, _render("page.html.jinja", results, picture=Markup(picture), curves=Markup(curves)))  # noqa: S704  # our own SVG


def write_docs(folder: Path, results: Results) -> None:
    """Write docs/performance.md, what it is made of, and its pictures."""
    write(folder / "performance.json", results.as_json())
    chart.save(folder / "performance.svg", chart.draw(results))
    if results.curves:
        scaling.draw(folder / "scaling.svg", results.curves)
    write(folder / "performance.md", page(results))


def page(results: Results) -> str:
    """Give docs/performance.md."""
    return _render("performance.md.jinja", results)


def page_of(json_text: str) -> str:
    """Give docs/performance.md from what docs/performance.json holds."""
    return page(from_json(json_text))


def _render(template: str, results: Results, **more: object) -> str:
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(number=number, ranged=ranged)
    return templates.get_template(template).render(
        results=results,
        peers=[peer for peer in PEERS if peer.name in results.peers],
        ours=results.peers[OURS.name],
        closing=closing(results),
        groups=_groups(results),
        outside=[module for module in results.imports if not module.name.startswith("wsproto")],
        reason=lambda name: REASONS.get(name, REASONS.get(name.split(".")[0], "")),
        titles=scaling.TITLES,
        max_exponent=scaling.MAX_EXPONENT,
        **more,
    )


def _groups(results: Results) -> list[tuple[str, list[object]]]:
    """Sort the rows under headings, in the order they have."""
    groups: dict[str, list[object]] = {}
    for row in results.rows:
        first = row.label.split()[0].strip(":,")
        groups.setdefault(HEADINGS.get(first, "Control frames and handshakes"), []).append(row)
    return list(groups.items())


HEADINGS: Final = {
    "receive": "Receiving",
    "send": "Sending",
    "instructions": "Instructions",
    "idle": "Memory",
    "peak": "Memory",
    "import": "Import",
}


def _inline(svg: bytes) -> str:
    """Cut an SVG file down to what may stand inside a page."""
    return re.sub(r"^.*?(?=<svg)", "", svg.decode(), flags=re.DOTALL)
