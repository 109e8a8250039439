"""The statements of the RFCs, a row of `tests/requirements.csv` each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from harness.extra.case import requirements
from tooling.tree import ROOT

TESTS: Final = ROOT / "tests"

WEAK: Final = {"SHOULD", "SHOULD NOT", "RECOMMENDED"}
"""The keywords from which the library may depart for a reason (RFC 2119 3, 4)."""


@dataclass(frozen=True)
class Statement:
    """What an RFC says in one place of who takes part."""

    id: str
    rfc: str
    """`RFC 6455`."""
    section: str
    keyword: str
    """As the RFC has it; in lower case where it says so without a keyword of RFC 2119."""
    role: str
    """Who has to keep it: `client`, `server`, `both`, or `app`, the program around the library."""
    text: str
    """A paraphrase."""
    of_library: bool
    """Whether the library keeps it, and can show so without a network: then it has a place and tests."""
    why: str
    """The reason where others have to keep it, or where the library departs from it; else nothing."""

    @property
    def reference(self) -> str:
        """The section, as comments cite it: `RFC 6455 5.4`."""
        return f"{self.rfc} {self.section}"

    @property
    def group(self) -> str:
        """The section of the first level; of RFC 6455, whose sections are long, that of the second."""
        return ".".join(self.section.split(".")[: 2 if self.rfc == "RFC 6455" else 1])


@cache
def statements() -> dict[str, Statement]:
    """Return every statement by its id, in the order of the RFCs and their sections."""
    found = [
        Statement(
            id=row["id"],
            rfc=row["rfc"],
            section=row["section"],
            keyword=row["keyword"],
            role=row["applies_to"],
            text=row["statement"],
            of_library=row["testable_sansio"] == "yes",
            why=row["why"],
        )
        for row in requirements().values()
    ]
    return {one.id: one for one in sorted(found, key=_in_order)}


def _in_order(one: Statement) -> tuple[int, list[int], str]:
    return int(one.rfc.split()[1]), [int(number) for number in one.section.split(".")], one.id
