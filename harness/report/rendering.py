"""The templates of the page and of the badge."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.case_texts import visible
from harness.report.tree import tone_of
from harness.sections import link_of

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, *, folder: Path = TEMPLATES, **values: object) -> str:
    """Render a template of the house, or of a folder that may include these; escape the values in it."""
    return _environment(folder).get_template(template).render(**values)


@cache
def _environment(folder: Path) -> Environment:
    """Make the environment once: it keeps the templates that it has compiled."""
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        tone=tone_of, visible=visible, hash=_hash, packed=_packed, titled=_titled, rfc=link_of
    )
    return environment


def read(name: str, folder: Path = TEMPLATES) -> str:
    """Read a file that goes into the page unchanged."""
    return (folder / name).read_text(encoding="utf-8")


def _packed(data: object) -> str:
    """Return data as JSON, compressed, in base64: a fifth of its size, and nothing in it means anything."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def _titled(title: str) -> Markup:
    """Return a title in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", title)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else Markup.escape(part)
        for index, part in enumerate(parts)
    )


def _hash(source: str) -> str:
    """Return the hash by which the page's Content-Security-Policy names an inline script or style."""
    return "sha256-" + b64encode(hashlib.sha256(source.encode()).digest()).decode()
