"""All faults, by name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

from fuzz.planted import faults
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.planted.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = tuple(
    fault
    for module in iter_modules(faults.__path__, f"{faults.__name__}.")
    for fault in import_module(module.name).FAULTS
)


def named(parts: Sequence[str]) -> list[Fault]:
    """Return all faults, or those with one of `parts` in their names; raises `CommandError` if none has."""
    for part in parts:
        if not any(part in fault.name for fault in FAULTS):
            raise CommandError(f"{part!r} is in the name of no fault: python -m fuzz plant --list")
    return [fault for fault in FAULTS if not parts or any(part in fault.name for part in parts)]
