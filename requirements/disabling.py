"""The ways to disable a place: the same module, in which one statement no longer does what it is for.

    if, while           its test is never true; where the branch does more than to raise, also always true
    for                 it goes over nothing
    return, assignment  another value: a comparison is true or false, an expression of two cases is one of
                        them, a table lacks the element of the line, a number is one higher or lower, a text
                        has a character more, a call leaves its argument as it is; of anything else, None
    def                 it returns its argument as it is
    any other           it is left out, as is the assignment of what a call returns to an attribute

Where there are several ways, they are tried one after the other. The tests have to notice one of them.
"""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requirements.places import Place

Way: TypeAlias = "tuple[str, str]"
"""What is done, in words, and the source of the module in which it is done."""

_NOTHING: Final = ast.Constant(None)


def ways_to_disable(place: Place) -> Iterator[Way]:
    """Yield the ways to disable a place."""
    text = place.file.read_text(encoding="utf-8")
    number = 0
    while True:
        tree = ast.parse(text)
        node = next(
            one
            for one in ast.walk(tree)
            if type(one) is type(place.node)
            and ast.dump(one, include_attributes=True) == ast.dump(place.node, include_attributes=True)
        )
        changes = list(_changes(tree, node, place.line))
        if number == len(changes):
            return
        what, change = changes[number]
        change()
        number += 1
        yield what, ast.unparse(ast.fix_missing_locations(tree))


Change: TypeAlias = "tuple[str, Callable[[], None]]"


def _changes(tree: ast.Module, node: ast.AST, line: int) -> Iterator[Change]:
    """Yield all that may be done to a statement."""
    if isinstance(node, (ast.If, ast.While)):
        yield "never true", _setter(node, "test", ast.Constant(False))
        if not all(isinstance(one, ast.Raise) for one in node.body):
            yield "always true", _setter(node, "test", ast.Constant(True))
    elif isinstance(node, ast.For):
        yield "over nothing", _setter(node, "iter", ast.Tuple([], ast.Load()))
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _sets_attribute(node):
        yield "left out", lambda: _replace(tree, node, ast.Pass())
    elif isinstance(node, (ast.Return, ast.Assign, ast.AnnAssign)) and node.value is not None:
        yield from _changes_of_value(node, "value", node.value, line)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        names = [one.arg for one in node.args.args if one.arg != "self"]
        value = ast.Name(names[0], ast.Load()) if names else _NOTHING
        yield "returns its argument", _setter(node, "body", [ast.Return(value)])
    elif isinstance(node, ast.stmt):
        yield "left out", lambda: _replace(tree, node, ast.Pass())


def _sets_attribute(node: ast.Assign) -> bool:
    return isinstance(node.targets[0], ast.Attribute)


def _changes_of_value(owner: ast.AST, field: str, value: ast.expr, line: int) -> Iterator[Change]:
    """Yield the other values that a place may have."""
    if found := _element(value, line):
        elements, place = found
        yield "without this element", partial(elements.__delitem__, place)
    elif isinstance(value, (ast.Compare, ast.BoolOp)) or (
        isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)
    ):
        yield "true", _setter(owner, field, ast.Constant(True))
        yield "false", _setter(owner, field, ast.Constant(False))
    elif choice := next((one for one in ast.walk(value) if isinstance(one, ast.IfExp)), None):
        yield "the first of its cases", _setter(choice, "test", ast.Constant(True))
        yield "the second of its cases", _setter(choice, "test", ast.Constant(False))
    elif filtered := next(
        (one for one in ast.walk(value) if isinstance(one, ast.comprehension) and one.ifs), None
    ):
        yield "without its condition", _setter(filtered, "ifs", [])
    elif constants := [
        one
        for one in ast.walk(value)
        if isinstance(one, ast.Constant) and (one is value or type(one.value) in {int, str, bytes})
    ]:
        for constant in constants:
            for other in _others(constant.value):
                yield f"{other!r} for {constant.value!r}", _setter(constant, "value", other)
    elif call := next((one for one in ast.walk(value) if isinstance(one, ast.Call)), None):
        kept = call.func.value if isinstance(call.func, ast.Attribute) else (call.args or [_NOTHING])[0]
        yield "without its call", lambda: _replace(owner, call, kept)
    else:
        yield "None", _setter(owner, field, _NOTHING)


def _element(value: ast.expr, line: int) -> tuple[list[Any], int] | None:
    """Return the innermost list of elements of which one has the line for itself, and its place there."""
    found: tuple[list[Any], int] | None = None
    for node in ast.walk(value):
        groups: list[list[Any]] = []
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            groups = [node.elts]
        elif isinstance(node, ast.Call):
            groups = [node.args, node.keywords]
        for group in groups:
            starts = [getattr(one, "lineno", 0) for one in group]
            if starts.count(line) == 1 and getattr(node, "lineno", 0) != line:
                found = group, starts.index(line)
    return found


def _others(value: object) -> list[object]:
    if isinstance(value, bool) or value is None:
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [value + b"X"] if isinstance(value, bytes) else [f"{value}X"]


def _setter(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put a node in the place of another one."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(one is old for one in value):
                value[[one is old for one in value].index(True)] = new
