"""The templates of the page and of the badge."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.case_texts import visible
from harness.report.details import verdict_line
from harness.report.tree import tone_of

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """Render a template and escape the values in it."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.policies["json.dumps_kwargs"] = {"separators": (",", ":")}  # in the order of the cases
    templates.filters.update(tone=tone_of, verdict=verdict_line, visible=visible, hash=_hash)
    return templates.get_template(template).render(**values)


def read(name: str) -> str:
    """Read a file that goes into the page unchanged."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return the hash by which the page's Content-Security-Policy names an inline script or style."""
    return "sha256-" + b64encode(hashlib.sha256(source.encode()).digest()).decode()
