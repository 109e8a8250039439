"""The committed lists of the mutants that no test can notice: tests/mutants/*survivors.csv.

A row has the function of a mutant, the mutant's name, and the reason.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FOLDER: Final = ROOT / "tests" / "mutants"
KINDS: Final = ("equivalent: ", "speed alone: ", "memory alone: ")
"""How a reason begins: nothing differs, or nothing but the time or the memory that something takes."""
LEAST: Final = 95.0
"""Percent of mutants that tests have to notice."""

Name = tuple[str, str]
"""Of a mutant: its function, and its own."""


def rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a table, none where there is no file."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def read_reasons(file: str = "survivors.csv") -> dict[Name, str]:
    """Return a list: the reason by the name of the mutant."""
    return {(row["function"], row["mutant"]): row["reason"] for row in rows(FOLDER / file)}


def faults(reasons: Mapping[Name, str], there: Collection[Name]) -> list[str]:
    """Say which entries are wrong whatever the tests do: about no mutant, or without a reason."""
    lines = [
        f"the list of survivors has a mutant that there is not: {name}"
        for name in reasons.keys() - set(there)
    ]
    lines += [
        f"the reason why {name} survives begins with none of {', '.join(KINDS)}"
        for name, reason in reasons.items()
        if not reason.startswith(KINDS)
    ]
    return sorted(lines)


def wrong(reasons: Mapping[Name, str], name: Name, *, noticed: bool) -> str | None:
    """Say what is wrong with how a mutant has ended, if anything is."""
    if noticed == (name in reasons):
        return "tests notice it, and the list of survivors says that none can" if noticed else "it survives"
    return None
