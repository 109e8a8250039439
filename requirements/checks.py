"""What has to hold of the statements, the source and the tests; each fault is one line."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from requirements.marks import marked
from requirements.places import citations, places_of
from requirements.sections import sections
from requirements.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requirements.statements import Statement

UNDRAWN: Final = Path(__file__).with_name("undrawn.csv")


@cache
def undrawn() -> dict[str, str]:
    """Return the statements that no single line can disable, and why."""
    with UNDRAWN.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["why"] for row in csv.DictReader(file)}


def faults(outcomes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """List all that is wrong.

    :param outcomes: what became of the marked tests: statement -> test -> outcome.
    """
    found = [*_unknown_sections(), *_unknown_ids()]
    for statement in statements().values():
        if statement.of_library:
            found += _of_library(statement, outcomes.get(statement.id, {}))
        else:
            found += _of_others(statement)
    return found


def _unknown_sections() -> Iterator[str]:
    """Find sections that an RFC does not have, of the RFCs whose sections are known."""
    named = {cited: str(places[0]) for cited, places in citations().items() if cited.startswith("RFC ")}
    named |= {one.reference: f"{one.id} of tests/requirements.csv" for one in statements().values()}
    for reference, where in named.items():
        rfc, _, section = reference.rpartition(" ")
        if rfc in sections() and section not in sections()[rfc]:
            yield f"{where} names {reference}, a section that {rfc} does not have"


def _unknown_ids() -> Iterator[str]:
    known = statements()
    for cited, places in citations().items():
        if not cited.startswith("RFC ") and cited not in known:
            yield f"{places[0]} names {cited}, which tests/requirements.csv does not have"
    for name, where in marked().items():
        if name not in known:
            yield f"tests/{where[0]} is marked with {name}, which tests/requirements.csv does not have"
    for name in undrawn():
        if name not in known or not known[name].of_library:
            yield f"{UNDRAWN.name} has {name}, which is no statement for the library"


def _of_library(statement: Statement, tests: Mapping[str, str]) -> Iterator[str]:
    if not places_of(statement):
        yield f"{statement.id} has no place: name it where src/wsproto enforces it, as a comment"
    outcomes = set(tests.values())
    if not outcomes:
        yield f"{statement.id} has no test: mark one with it"
    elif outcomes == {"skipped"}:
        yield f"{statement.id} is not shown: all of its {len(tests)} tests were skipped"
    elif "failed" in outcomes:
        failed = next(test for test, outcome in tests.items() if outcome == "failed")
        yield f"{statement.id} is not kept: {failed} fails"


def _of_others(statement: Statement) -> Iterator[str]:
    if not statement.why:
        yield f"{statement.id} is not for the library, and `why` does not say the reason"
    if statement.id in citations():
        yield f"{statement.id} is not for the library, and yet {citations()[statement.id][0]} names it"
