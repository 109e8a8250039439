"""The README's table of modules is true: it has a row for every module, and no other row."""

from __future__ import annotations

import re
from pathlib import Path

HARNESS = Path(__file__).resolve().parents[2] / "harness"
NO_ROW = {"__init__", "__main__"}


def named() -> tuple[set[str], set[str]]:
    """The modules and the folders that the table has a row for."""
    section = (HARNESS / "README.md").read_text(encoding="utf-8").partition("## Where what is")[2]
    rows = re.findall(r"^\| (`[^|]+`) \|", section, flags=re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    return {name for name in names if not name.endswith("/")}, {name for name in names if name.endswith("/")}


def test_every_module_has_a_row() -> None:
    modules, folders = named()
    there = {
        path.relative_to(HARNESS).with_suffix("").as_posix()
        for path in HARNESS.rglob("*.py")
        if path.stem not in NO_ROW
    }
    assert len(folders) == 7
    assert {name for name in there if not name.startswith(tuple(folders))} == modules
    assert all((HARNESS / folder).is_dir() for folder in folders)


def test_every_module_that_the_text_names_is_there() -> None:
    text = (HARNESS / "README.md").read_text(encoding="utf-8")
    shared = set(re.findall(r"`(\w+)`", text.partition("The folder [`tooling/`]")[2]))
    assert len(shared) > 8
    assert shared - {"bench", "fuzz"} == {
        path.stem for path in (HARNESS.parent / "tooling").glob("*.py") if path.stem not in NO_ROW
    }
