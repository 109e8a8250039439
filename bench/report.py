"""The results as a page for a browser, and as a page of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bench import chart, glance, scaling
from bench.peers import OURS, PEERS, PURE
from bench.results import from_json
from bench.table import closing, number, ranged
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Loaded, Results, Row

TEMPLATES: Final = Path(__file__).parent / "templates"
#: The reason for loading a package outside the library; of others, the importer says enough.
REASONS: Final = {
    "__future__": "annotations are not evaluated",
    "_hashlib": "OpenSSL's SHA-1, through hashlib",
    "_sre": "the engine of re",
    "base64": "the key and the accept token (RFC 6455 4.1, 4.2.2)",
    "binascii": "base64 of the key and the accept token (RFC 6455 4.1, 4.2.2)",
    "codecs": "UTF-8 that may be cut anywhere",
    "collections": "typing needs it, and named tuples",
    "contextlib": "typing needs it",
    "dataclasses": "the events are frozen dataclasses",
    "enum": "states, opcodes, close codes",
    "functools": "caches",
    "h11": "parses the HTTP/1.1 of the opening handshake",
    "hashlib": "SHA-1 for the accept token (RFC 6455 4.2.2)",
    "inspect": "dataclasses needs it",
    "operator": "collections needs it",
    "os": "random bytes for keys and masks",
    "re": "the grammar of header fields",
    "struct": "lengths over 125 bytes",
    "types": "enum needs it",
    "typing": "signatures that are evaluated: named tuples, casts",
    "zlib": "permessage-deflate (RFC 7692)",
}


@dataclass
class Package:
    """The modules of one package that an import loads."""

    name: str
    importer: str
    modules: int = 0
    microseconds: int = 0

    @property
    def reason(self) -> str:
        """Return its purpose."""
        return REASONS.get(self.name, f"{self.importer} needs it")


def write_page(file: Path, results: Results) -> None:
    """Write one file with everything in it."""
    picture = _inline(chart.svg(chart.draw(results)))
    curves = _inline(chart.svg(scaling.figure(results.curves))) if results.curves else ""
    write_text(file, _render("page.html.jinja", results, picture=Markup(picture), curves=Markup(curves)))  # noqa: S704  # our own SVG


def write_docs(folder: Path, results: Results) -> None:
    """Write docs/performance.md, its data, and its pictures."""
    write_text(folder / "performance.json", results.as_json())
    chart.save(folder / "performance.svg", glance.draw(results))
    chart.save(folder / "performance-ratios.svg", chart.draw(results))
    if results.curves:
        scaling.draw(folder / "scaling.svg", results.curves)
    write_text(folder / "performance.md", page(results))


def page(results: Results) -> str:
    """Return docs/performance.md."""
    return _render("performance.md.jinja", results)


def page_of(json_text: str) -> str:
    """Return docs/performance.md from what docs/performance.json holds."""
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
        peers=[peer for peer in (PURE, *PEERS) if peer.name in results.peers],
        ours=results.peers[OURS.name],
        closing=closing(results),
        glance=glance.lines(results),
        groups=_groups(results),
        dashes=dashes(results),
        packages=packages(results.imports),
        own_modules=sum(module.name.startswith("wsproto") for module in results.imports),
        plots=scaling.PLOTS,
        max_exponent=scaling.MAX_EXPONENT,
        **more,
    )


def packages(loaded: Sequence[Loaded]) -> list[Package]:
    """Sum up an import by package, the dearest first, without the library's own modules."""
    found: dict[str, Package] = {}
    for module in loaded:
        name = module.name.partition(".")[0]
        if name != "wsproto":
            package = found.setdefault(name, Package(name, module.importer))
            package.modules += 1
            package.microseconds += module.microseconds
    return sorted(found.values(), key=lambda package: -package.microseconds)


def dashes(results: Results) -> list[tuple[str, str, list[str]]]:
    """List the peers that take no part, with the reason and the workloads."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in results.rows:
        for peer, reason in row.unsupported.items():
            found.setdefault((peer, reason), {})[row.label.partition(" / ")[0]] = None
    return [(peer, reason, list(names)) for (peer, reason), names in sorted(found.items())]


def _groups(results: Results) -> list[tuple[str, list[Row]]]:
    """Sort the rows under headings, in the order they have."""
    groups: dict[str, list[Row]] = {}
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
    """Cut an SVG file down to the element that may stand inside a page."""
    return re.sub(r"^.*?(?=<svg)", "", svg.decode(), flags=re.DOTALL)
