"""Imports of the library point one way, as the table in docs/design.md has it; read with `ast`."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "wsproto"
MODULES = {path.stem: path for path in sorted(SOURCE.glob("*.py"))}
EXTERNAL = {"h11"}
#: Needs nothing and is read by the build: it may stand anywhere.
VERSION = "_version"
#: They do nothing by themselves.
UNTESTED = {"__init__", "typing", VERSION}


def documented_order() -> list[str]:
    """The modules of the table under "Layers", top to bottom."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    section = text.partition("## Layers")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def imports(tree: ast.AST) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import of a module, and whether only the type checker runs it."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []

    def visit(node: ast.AST, for_types: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                found.append((child, for_types))
            visit(child, for_types or is_type_checking(child))

    visit(tree, for_types=False)
    return found


def targets(node: ast.Import | ast.ImportFrom) -> list[tuple[str, bool]]:
    """The modules that an import names, and whether they are the library's own."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
        return [
            (name.removeprefix("wsproto."), True) if name.startswith("wsproto.") else (name, False)
            for name in names
        ]
    module = node.module or ""
    if node.level == 0 and module.split(".")[0] != "wsproto":
        return [(module, False)]
    own = module.removeprefix("wsproto").removeprefix(".")
    return [(own, True)] if own else [(alias.name, True) for alias in node.names]


def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def own_imports(name: str) -> set[str]:
    """The modules of the library that `name` imports, for the type checker alone included."""
    return {target for node, _ in imports(parsed(name)) for target, own in targets(node) if own}


every_module = pytest.mark.parametrize("name", MODULES)


@every_module
def test_a_module_has_a_file_of_tests_by_its_name(name: str) -> None:
    """`test_NAME.py`, or several that begin so; `test_import.py` and `test_layering.py` are the package's."""
    if name not in UNTESTED:
        assert [*TESTS.glob(f"test_{name}.py"), *TESTS.glob(f"test_{name}_*.py")]


def test_the_library_has_no_packages_inside() -> None:
    assert [path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"] == []


def test_the_table_names_every_module_once() -> None:
    order = documented_order()
    assert len(order) == len(set(order))
    assert set(order) == set(MODULES) - {VERSION}
    assert order[-1] == "__init__"


@every_module
def test_a_module_imports_only_what_stands_above_it(name: str) -> None:
    order = documented_order()
    above = set(order[: order.index(name)]) if name in order else set()
    assert own_imports(name) - above - {VERSION} == set()


def test_there_is_no_cycle() -> None:
    """Of types neither: what two modules name of each other belongs into a third, or into one of them."""
    remaining = {name: own_imports(name) for name in MODULES}
    while free := [name for name, needs in remaining.items() if not needs & remaining.keys()]:
        for name in free:
            del remaining[name]
    assert remaining == {}


@every_module
def test_nothing_but_the_standard_library_and_h11_is_imported(name: str) -> None:
    outside = {
        target.split(".")[0]
        for node, for_types in imports(parsed(name))
        if not for_types
        for target, own in targets(node)
        if not own
    }
    assert outside <= set(sys.stdlib_module_names) | EXTERNAL


def test_only_one_module_uses_h11() -> None:
    users = {
        name
        for name in MODULES
        for node, for_types in imports(parsed(name))
        if not for_types and ("h11", False) in targets(node)
    }
    assert users == {"http_exchange"}


@every_module
def test_there_is_no_star_import(name: str) -> None:
    assert [
        node.lineno for node, _ in imports(parsed(name)) if any(alias.name == "*" for alias in node.names)
    ] == []


@every_module
def test_nothing_is_imported_inside_a_function(name: str) -> None:
    functions = [
        node
        for node in ast.walk(parsed(name))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    ]
    found = {target for function in functions for node, _ in imports(function) for target, _ in targets(node)}
    # h11 takes a fifth of the time of `import wsproto`, and few handshakes need it.
    assert found == (EXTERNAL if name == "http_exchange" else set())


@every_module
def test_input_is_never_guarded_by_assert(name: str) -> None:
    """`python -O` drops them: the only ones tell the type checker that an attribute is set."""
    tests = [ast.unparse(node.test) for node in ast.walk(parsed(name)) if isinstance(node, ast.Assert)]
    assert [test for test in tests if not re.fullmatch(r"self\.\w+ is not None", test)] == []


def test_the_package_only_hands_names_on() -> None:
    kinds = {type(node) for node in parsed("__init__").body}
    assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign}
