"""The places in `src/wsproto` that cite an RFC, and the statement of Python that each of them is about.

A citation is `RFC 6455 5.4`, or the id of a row of `tests/requirements.csv`: `R6455-5.4-01, -07`. It is about
the statement on whose line it stands, or that follows where the line is a comment. In a docstring it is about
the function, class or module; in the error of an `if` that does nothing but raise it, about that `if`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from requirements.statements import Statement

SOURCE: Final = ROOT / "src" / "wsproto"

Definition: TypeAlias = "ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef"
DEFINITIONS: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

_SECTIONS = re.compile(r"\bRFC (\d{4,5}) (\d+(?:\.\d+)*(?:(?:, (?:and )?| and )\d+(?:\.\d+)*\b(?! [a-z]))*)")
_IDS = re.compile(r"\bR(\d{4})-(\d+(?:\.\d+)*)-(\d{2})((?:, -\d{2})*)")


@dataclass(frozen=True)
class Place:
    """A statement of Python that enforces something of an RFC."""

    file: Path
    line: int
    """Where the statement begins; of one element of a table, where that stands."""
    function: str
    """The function or class that it stands in, a method with its class; empty at the level of the module."""
    node: ast.stmt | ast.Module
    """The statement."""
    is_definition: bool
    """Whether a docstring cites the RFC, so that the place is a whole function, class or module."""

    def __str__(self) -> str:
        where = f", {self.function}" if self.function else ""
        return f"{self.file.name}:{self.line}{where}"


@dataclass(frozen=True)
class Citation:
    """What the source cites in one place."""

    cited: str
    """An id, or a section as `RFC 6455 5.4`."""
    place: Place


def citations_in(file: Path) -> Iterator[Citation]:
    """Yield all that a file cites, from its top."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    for number, line in enumerate(lines, 1):
        cited = [*_ids_in(line), *_sections_in(line)]
        if cited:
            place = _place(file, tree, lines, number)
            yield from (Citation(one, place) for one in cited)


@cache
def citations() -> dict[str, list[Place]]:
    """Return the places that cite each id and each section, in the order of the source."""
    found: dict[str, list[Place]] = {}
    for file in sorted(SOURCE.glob("*.py")):
        for citation in citations_in(file):
            places = found.setdefault(citation.cited, [])
            if citation.place not in places:
                places.append(citation.place)
    return found


def _sections_in(line: str) -> list[str]:
    return [
        f"RFC {rfc} {section}"
        for rfc, listed in _SECTIONS.findall(line)
        for section in re.findall(r"\d+(?:\.\d+)*", listed)
    ]


def _ids_in(line: str) -> list[str]:
    return [
        f"R{rfc}-{section}-{number}"
        for rfc, section, first, further in _IDS.findall(line)
        for number in [first, *re.findall(r"\d{2}", further)]
    ]


def _place(file: Path, tree: ast.Module, lines: list[str], number: int) -> Place:
    """Return the place that line `number` is about."""
    while lines[number - 1].lstrip().startswith("#") and number < len(lines):
        number += 1
    path = list(_path_to(tree, number))
    names = ".".join(node.name for node in path if isinstance(node, (ast.ClassDef, *DEFINITIONS[2:])))
    node = path[-1]
    owner = path[-2] if len(path) > 1 else tree
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(owner, DEFINITIONS):
        place = owner.body.index(node)
        if place == 0:
            return Place(file, getattr(owner, "lineno", 1), names, owner, is_definition=True)
        node = owner.body[place - 1]  # the docstring of an attribute
    if isinstance(node, ast.Raise) and isinstance(owner, ast.If) and owner.body == [node]:
        node = owner
    in_table = isinstance(node, (ast.Assign, ast.AnnAssign, ast.Return))
    return Place(file, number if in_table else _line(node, number), names, node, is_definition=False)


def _line(node: ast.stmt | ast.Module, number: int) -> int:
    return getattr(node, "lineno", number)


def _path_to(node: ast.AST, number: int) -> Iterator[ast.Module | ast.stmt]:
    """Yield the statements around a line, from the module to the innermost one."""
    if isinstance(node, (ast.Module, ast.stmt)):
        yield node
    for child in ast.iter_child_nodes(node):
        first, last = getattr(child, "lineno", 0), getattr(child, "end_lineno", 0)
        decorators = getattr(child, "decorator_list", [])
        if min([first, *(one.lineno for one in decorators)]) <= number <= last:
            yield from _path_to(child, number)
            return


def places_of(statement: Statement) -> list[Place]:
    """Return the places of a statement: where its id stands, else the one branch that cites its section."""
    found = citations()
    cited = [place for place in found.get(statement.reference, []) if not place.is_definition]
    return found.get(statement.id) or (cited if len(cited) == 1 else [])
