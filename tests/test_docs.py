"""The pages under docs/ say what the code does."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_of_states_is_drawn_from_the_tables() -> None:
    spec = importlib.util.spec_from_file_location("states", DOCS / "states.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "states.md").read_text(encoding="utf-8")
    assert module.page() == page, "run: python docs/states.py"


def test_the_design_names_every_module_in_the_order_of_its_imports() -> None:
    design = (DOCS / "design.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (DOCS.parent / "src" / "wsproto").glob("*.py")} - {"_version"}
    table = design.partition("## Layers")[2].partition("\n## ")[0]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == modules
