"""The pages are whole: links, pictures, commands, every public name, and the length of the README."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from types import ModuleType
from typing import Any

import pytest

from docs import diagrams, pages
from tests.docs.snippets import DOCS, PAGES, ROOT, blocks

MODULES = [
    importlib.import_module(name)
    for name in (
        "wsproto",
        *(
            f"wsproto.{part}"
            for part in ("connection", "events", "extensions", "frame_protocol", "handshake")
        ),
        *(f"wsproto.{part}" for part in ("messages", "limits", "stream_handshake", "typing", "utilities")),
    )
]
"""The modules whose names are public."""
INTERNAL = {f"wsproto.limits.{name}" for name in ("checked_int", "checked_limits", "DEFAULT_LIMITS")}
"""Names that other modules of the library use."""

EVERY_FILE = {**PAGES, **{page: ROOT / file for page, file in pages.ELSEWHERE.items()}}


@pytest.mark.parametrize("page", EVERY_FILE)
def test_no_link_leads_nowhere(page: str) -> None:
    path = EVERY_FILE[page]
    assert pages.linked(path.read_text(encoding="utf-8"), path.parent)[1] == []


def test_links_fit_on_the_site() -> None:
    text = "[a](../docs/states.md#x) [b](README.md) [c](run.py) ![d](../docs/sandwich.svg) [e](#f) [g](gone)"
    fitting = (
        "[a](/states.md#x) [b](/harness.md) [c](GITHUB/harness/run.py) ![d](/sandwich.svg) [e](#f) [g](gone)"
    )
    linked, dead = pages.linked(text, ROOT / "harness")
    assert linked == fitting.replace("GITHUB", "https://github.com/python-hyper/wsproto/blob/main")
    assert dead == ["gone"]


def test_the_pictures_are_those_that_are_drawn() -> None:
    drawn = diagrams.pictures()
    assert {name: (DOCS / name).read_text(encoding="utf-8") for name in drawn} == drawn, (
        "run: python -m docs.diagrams"
    )


def test_the_readme_is_short_and_opens_with_its_use() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 100
    wanted = [
        "without I/O",
        "pip install wsproto",
        "```python",
        "make conformance",
        "make test",
        "docker compose up",
    ]
    places = [readme.index(text) for text in wanted]
    assert places == sorted(places)
    assert len(blocks("README")[0].strip().splitlines()) <= 18  # 15, its name and two empty ones


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")])
def test_the_paths_in_commands_exist(page: str) -> None:
    commands = "".join(blocks(page, "console"))
    for path in re.findall(r"(?:examples|docs|autobahn)/[\w./]+", commands):
        assert (ROOT / path).exists(), path


def public_names(module: ModuleType) -> dict[str, Any]:
    """The names of a module that programs may use: those that it lists, else those that it defines."""
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [name for node in ast.parse(inspect.getsource(module)).body for name in defined(node)]
    return {name: getattr(module, name) for name in listed if name == "__version__" or name[0] != "_"}


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement defines; an import defines none."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return [target.id for target in targets if isinstance(target, ast.Name)]


def documented() -> dict[str, Any]:
    """What the API reference has, by the address that it has it under."""
    reference = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    found = re.findall(r"^\.\. (?:auto|py:)(\w+):: (wsproto[\w.]*)", reference, re.MULTILINE)
    return {name: resolved(name) for kind, name in found if kind != "attribute"}


def resolved(address: str) -> Any:
    module, _, name = address.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(module: ModuleType) -> None:
    there = documented()
    missing = [
        f"{module.__name__}.{name}"
        for name, value in public_names(module).items()
        if not isinstance(value, ModuleType)
        and f"{module.__name__}.{name}" not in {*there, *INTERNAL}
        and not any(value is known for known in there.values() if not isinstance(known, (int, str, bytes)))
    ]
    assert missing == []


def test_every_class_and_function_says_what_it_is_for() -> None:
    """Methods too: autodoc would show one without a docstring as its bare name."""
    silent = []
    for name, value in documented().items():
        parts = (
            {f"{name}.{part}": member for part, member in vars(value).items()}
            if inspect.isclass(value)
            else {}
        )
        silent += [
            part
            for part, member in {name: value, **parts}.items()
            if (inspect.isroutine(member) or inspect.isclass(member) or isinstance(member, property))
            and not part.rpartition(".")[2].startswith("_")
            and not inspect.getdoc(member)
        ]
    assert silent == []
