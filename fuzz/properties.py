"""Lets the bytes of a fuzzer drive the properties of the tests, which Hypothesis drives as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

from fuzz.target import is_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

if is_program():
    # A target keeps its findings itself. A process that only imports a target keeps its own settings.
    settings.register_profile("fuzz", database=None, deadline=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("fuzz")


def try_property(properties: Sequence[Callable[..., Any]], data: bytes) -> None:
    """Let the first byte of `data` choose one of `properties`, and the others what it draws."""
    if data:
        chosen: Any = properties[data[0] % len(properties)]
        chosen.hypothesis.fuzz_one_input(data[1:])
