"""The site, built by `make docs`: Sphinx with the theme furo, pages in Markdown by MyST."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["WSPROTO_PURE"] = (
    "1"  # classes in C tell autodoc less than their twins in Python
)

from sphinx.util import logging

from docs import pages
from wsproto import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "wsproto"
author = "The wsproto authors"
copyright = f"{author}, MIT"  # noqa: A001 - Sphinx wants this name
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
suppress_warnings = [
    "toc.empty_glob"
]  # a page that another command writes may not be there yet
default_role = (
    "py:obj"  # a name in a docstring's backticks leads to its place, where it has one
)

autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "member-order": "bysource",
}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"wsproto {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": f"{pages.REPOSITORY}/",
    "source_branch": "main",
    "source_directory": "docs/",
}


def read_page(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put in the text of a page that stands elsewhere, and make its links fit."""
    path = pages.path_of(page)
    text, dead = pages.linked(path.read_text(encoding="utf-8"), path.parent)
    source[0] = text
    for target in dead:
        logging.getLogger(__name__).warning("dead link: %s", target, location=page)


def setup(app: Sphinx) -> None:
    """Tell Sphinx of what is special here."""
    app.connect("source-read", read_page)
