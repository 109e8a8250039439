"""The docstrings of the API name every parameter, its unit, the errors and the section of the RFC."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.test_pages import documented

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION = re.compile(r"RFC \d{4} \d")
WITHOUT_SECTION = {
    "wsproto.events.Event": "the base of all events: each of them names the section that it is about",
    "wsproto.utilities.ProtocolError": "the base of both errors",
    "wsproto.utilities.LocalProtocolError": "a mistake of the program, of which no RFC speaks",
    "wsproto.utilities.as_bytes": "about types of Python alone",
}
SIZE = re.compile(r"(^|_)(size|length)(_|$)")


@dataclass
class Documented:
    """A class or function of the reference, or a method that one of its classes has or inherits."""

    address: str
    value: Any
    of_class: str = ""
    """The docstrings of its class and of what that inherits."""
    fields: dict[str, str] = field(default_factory=dict)
    """The docstring that each field of a class has, by its name."""

    @property
    def own(self) -> str:
        """Its docstring."""
        return inspect.getdoc(self.value) or ""

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Those that a caller gives; enums, and exceptions without an `__init__`, have none of their own."""
        made_here = inspect.isfunction(self.value) or self.fields or "__init__" in vars(self.value)
        signature = inspect.signature(self.value).parameters if made_here else {}
        return {name: one for name, one in signature.items() if name != "self"}

    def text_about(self, parameter: str) -> str:
        """What the docstrings say of a parameter; "" for nothing."""
        if parameter in self.fields:
            return self.fields[parameter]
        lines = re.findall(rf":param {parameter}:|.*`{parameter}`.*", f"{self.own}\n{self.of_class}")
        return "\n".join(lines)


def with_members(address: str, value: Any) -> Iterator[Documented]:
    """Yield what the reference has under an address, and the methods of a class."""
    if not inspect.isclass(value):
        if inspect.isfunction(value):
            yield Documented(address, value)
        return
    bases = [base for base in value.__mro__ if base.__module__.startswith("wsproto.")]
    of_class = "\n".join(inspect.cleandoc(base.__doc__ or "") for base in bases)
    fields = {name: text for base in reversed(bases) for name, text in documented_fields(base)}
    yield Documented(address, value, of_class, fields)
    for name in dir(value):
        member = inspect.getattr_static(value, name)
        if not name.startswith("_") and inspect.isfunction(member):
            yield Documented(f"{address}.{name}", member, of_class)


def documented_fields(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class whose declaration a docstring follows, and that docstring."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for one, behind in zip(definition.body, definition.body[1:], strict=False):
        match one, behind:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                yield name, text


EVERYTHING = [one for address, value in documented().items() for one in with_members(address, value)]
each = pytest.mark.parametrize("one", EVERYTHING, ids=lambda one: one.address)


def test_methods_are_looked_at_inherited_ones_too() -> None:
    addresses = {one.address for one in EVERYTHING}
    assert {"wsproto.WSConnection.send", "wsproto.Limits", "wsproto.utilities.as_bytes"} <= addresses
    assert len(addresses) == len(EVERYTHING) > 90


@each
def test_every_parameter_is_named(one: Documented) -> None:
    assert [name for name in one.parameters() if not one.text_about(name)] == []


@each
def test_every_size_has_its_unit(one: Documented) -> None:
    sizes = [name for name in one.parameters() if SIZE.search(name)]
    assert [name for name in sizes if "bytes" not in f"{one.text_about(name)}\n{one.of_class}"] == []


@each
def test_every_function_that_raises_says_what(one: Documented) -> None:
    if inspect.isfunction(one.value):
        tree = ast.parse(textwrap.dedent(inspect.getsource(one.value)))
        raises = any(isinstance(node, ast.Raise) for node in ast.walk(tree))
        assert not raises or ":raises " in one.own


@each
def test_every_class_and_function_names_its_section(one: Documented) -> None:
    text = one.own if inspect.isclass(one.value) else f"{one.own}\n{one.of_class}"
    assert bool(SECTION.search(text)) != (one.address in WITHOUT_SECTION)


def test_what_needs_no_section_is_still_there() -> None:
    assert WITHOUT_SECTION.keys() <= {one.address for one in EVERYTHING}
