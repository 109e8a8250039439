"""Lets the bytes of a fuzzer drive the properties of the tests, which Hypothesis drives as well."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, settings
from hypothesis.strategies import DataObject

from fuzz.target import is_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LONGEST_VALUE: Final = 400
"""Characters that are shown of a drawn value."""

if is_program():
    # A target keeps its findings itself. A process that only imports a target keeps its own settings.
    settings.register_profile("fuzz", database=None, deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")


_RECORDERS: Final[list[list[str]]] = []


@contextmanager
def recording(drawn: list[str]) -> Iterator[None]:
    """Add the values that are drawn in this block to a list; the process may have drawn none before."""
    _RECORDERS.append(drawn)
    draw = DataObject.draw

    def recorded(self: DataObject, strategy: Any, label: Any = None) -> Any:
        value = draw(self, strategy, label)
        drawn.append(f"{label or 'drawn'} = {_shown(value)}")
        return value

    DataObject.draw = recorded  # type: ignore[method-assign]
    try:
        yield
    finally:
        DataObject.draw = draw  # type: ignore[method-assign]
        _RECORDERS.pop()


def _record(chosen: Any, drawn: list[str]) -> None:
    """Let a property note its values before it runs; Hypothesis reads the inner test when first asked for."""
    inner = chosen.hypothesis.inner_test
    drawn.append(f"property: {chosen.__module__.replace('.', '/')}.py::{chosen.__name__}")

    @wraps(inner)
    def noted(*arguments: Any, **named: Any) -> Any:
        drawn.extend(
            f"{name} = {_shown(value)}" for name, value in named.items() if not isinstance(value, DataObject)
        )
        return inner(*arguments, **named)

    chosen.hypothesis.inner_test = noted


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}... ({len(text)} characters)"


def try_property(properties: Sequence[Callable[..., Any]], data: bytes) -> None:
    """Let the first byte of `data` choose one of `properties`, and the others what it draws."""
    if data:
        chosen: Any = properties[data[0] % len(properties)]
        if _RECORDERS:
            _record(chosen, _RECORDERS[-1])
        chosen.hypothesis.fuzz_one_input(data[1:])
