"""Imports inside a tool make no cycle, those for the type checker included; `tooling` imports no tool."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Container

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("harness", "bench", "requirements", "tooling")


def modules(package: str) -> dict[str, Path]:
    """Every module by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
        if "testees" not in path.parts  # programs, each in an environment of its own
    }


def imported(path: Path, known: Container[str] = ()) -> set[str]:
    """All that a module imports, wherever the import stands: for `from a import b`, `a.b` if it is known."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in inside}
    return found


@pytest.mark.parametrize("package", TOOLS)
def test_there_is_no_cycle_types_included(package: str) -> None:
    known = modules(package)
    remaining = {name: imported(path, known) & set(known) - {name} for name, path in known.items()}
    assert len(remaining) > 5
    while free := [name for name, wanted in remaining.items() if not wanted & remaining.keys()]:
        for name in free:
            del remaining[name]
    assert remaining == {}


@pytest.mark.parametrize("name", modules("tooling"))
def test_what_is_shared_needs_none_that_share_it(name: str) -> None:
    roots = {target.partition(".")[0] for target in imported(modules("tooling")[name])}
    assert roots.isdisjoint({"harness", "bench", "fuzz", "requirements", "tests", "examples", "wsproto"})
