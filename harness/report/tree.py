"""The cases of a run as a tree of sections, each case with its verdict in each role."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.case_texts import title_of, visible
from harness.cases import CASES, section_of
from harness.judge import rank, verdict_of
from harness.report.sections import TITLES, link_of, parent_of, reference_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import CaseReport, DifferenceReport, Results, RoleReport
    from harness.roles import Role

MAX_VERDICT = 40
"""Characters of a verdict; Autobahn's longest has 16."""

MISSING = "MISSING"
"""Stands for a verdict where there is none."""


@dataclass(frozen=True)
class Cell:
    """A case in one role."""

    role: Role
    verdict: str
    """The worse of behaviour and close behaviour."""
    report: CaseReport | None
    difference: DifferenceReport | None

    @property
    def tone(self) -> str:
        """How it is shown: `good`, `note`, `weak`, `bad` or `none`."""
        return tone_of(self.verdict)


@dataclass(frozen=True)
class Row:
    """A case."""

    case: str
    title: str
    cells: list[Cell]

    def cell(self, role: Role) -> Cell | None:
        """Return its cell in a role; a case may be for one role only."""
        return next((cell for cell in self.cells if cell.role == role), None)

    @property
    def differs(self) -> bool:
        """Whether any role has another verdict than the baseline."""
        return any(cell.difference for cell in self.cells)


@dataclass
class Section:
    """A section: cases of its own, or sections below it."""

    name: str
    title: str
    reference: str
    link: str
    rows: list[Row] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def all_rows(self) -> list[Row]:
        """List its cases and those below it."""
        return [*self.rows, *(row for section in self.sections for row in section.all_rows())]

    @property
    def differs(self) -> bool:
        """Whether any of its cases does."""
        return any(row.differs for row in self.all_rows())

    def counts(self, role: Role) -> list[tuple[str, int]]:
        """Count the verdicts of a role, the best first."""
        return count(cell.verdict for row in self.all_rows() for cell in row.cells if cell.role == role)


def count(verdicts: Iterable[str]) -> list[tuple[str, int]]:
    """Count verdicts, the best first."""
    return sorted(Counter(verdicts).items(), key=lambda item: rank(item[0]))


def tone_of(verdict: str) -> str:
    """Return the tone in which a verdict is shown."""
    return {
        "OK": "good",
        "INFORMATIONAL": "note",
        "NON-STRICT": "weak",
        "UNIMPLEMENTED": "weak",
        MISSING: "none",
    }.get(verdict, "bad")


def verdict_shown(report: CaseReport, where: str) -> str:
    """Return the worse of behaviour and close behaviour; raises `CommandError` where one is missing."""
    verdict = verdict_of(report, where)
    return visible(max((verdict.behavior, verdict.behavior_close), key=rank)[:MAX_VERDICT])


def cells_of(role: Role, report: RoleReport) -> dict[str, Cell]:
    """Return every case of a role, also those that should have run but have not."""
    differences = {difference["case"]: difference for difference in report["differences"]}
    cells = {
        case: Cell(role, verdict_shown(found, f"{role}: case {case}"), found, differences.get(case))
        for case, found in report["cases"].items()
    }
    missing = {
        case: Cell(role, MISSING, None, found) for case, found in differences.items() if case not in cells
    }
    return {**cells, **missing}


def tree_of(results: Results) -> list[Section]:
    """Build the tree, in Autobahn's order; cases that it does not know come last."""
    by_role = {role: cells_of(role, report) for role, report in results["setups"].items()}
    found = dict.fromkeys(case for cells in by_role.values() for case in cells)
    known = [case for case in CASES if case in found]
    tree: dict[str, Section] = {}
    for case in [*known, *(case for case in found if case not in set(known))]:
        top = tree.setdefault(section_of(case), _section(section_of(case)))
        section = top
        if parent_of(case) != top.name:
            if not top.sections or top.sections[-1].name != parent_of(case):
                top.sections.append(_section(parent_of(case)))
            section = top.sections[-1]
        cells = [cells[case] for cells in by_role.values() if case in cells]
        section.rows.append(Row(case, _title(case, results), cells))
    return list(tree.values())


def _section(name: str) -> Section:
    reference = reference_of(name)
    return Section(name, TITLES.get(name, ""), reference, link_of(reference))


def _title(case: str, results: Results) -> str:
    for role in results["setups"].values():
        if case in role["cases"]:
            return title_of(str(role["cases"][case].get("description", "")))
    return ""
