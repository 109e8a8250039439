"""The cases of a run as a tree of sections, each case with its verdict in each setup."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.case_texts import plain, title_of, visible
from harness.cases import CASES, section_of
from harness.judge import rank, verdict_of
from harness.reasons import Reason, reason_of
from harness.sections import TITLES, link_of, parent_of, reference_of
from harness.setups import SETUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results import CaseReport, DifferenceReport, Results, SetupReport

MAX_VERDICT = 40
"""Characters of a verdict; Autobahn's longest has 16."""

MAX_TITLE = 110
"""Characters of a description that is shown whole; of a longer one the first line is."""

MISSING = "MISSING"
"""Stands for a verdict where there is none."""

VIOLATION = "NON-STRICT"
"""The verdict on who breaks a SHOULD; all that are shown as bad break a MUST."""

EXCUSED = {True: ", accepted", False: ", only a SHOULD"}
"""What is said behind a verdict that is no difference, by a baseline or without one."""


@dataclass(frozen=True)
class Cell:
    """A case in one setup."""

    setup: str
    role: str
    column: str
    """What its setup is called beside others of its role: a variant or a transport."""
    verdict: str
    """The worse of behaviour and close behaviour."""
    report: CaseReport | None
    difference: DifferenceReport | None
    reason: Reason | None
    by_baseline: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the testee breaks a rule, and the baseline has it so, or the rule is only a SHOULD."""
        return self.difference is None and (tone_of(self.verdict) == "bad" or self.verdict == VIOLATION)

    @property
    def excuse(self) -> str:
        """The reason why a violation is no difference."""
        return "accepted by the baseline" if self.by_baseline else "it breaks only a SHOULD"

    @property
    def counted(self) -> str:
        """The verdict under which it is counted."""
        return f"{self.verdict}{EXCUSED[self.by_baseline]}" if self.accepted else self.verdict

    @property
    def tone(self) -> str:
        """How it is shown: `good`, `note`, `weak`, `bad` or `none`."""
        return tone_of(self.counted)


@dataclass(frozen=True)
class Row:
    """A case."""

    case: str
    title: str
    cells: list[Cell]

    def of_role(self, role: str) -> list[Cell]:
        """List its cell over each transport, and those of the variants that have another verdict."""
        cells = [cell for cell in self.cells if cell.role == role]
        return [
            cell
            for cell in cells
            if cell is cells[0]
            or SETUPS[cell.setup].transport != "h1"
            or (cell.verdict, cell.difference is None) != (cells[0].verdict, cells[0].difference is None)
        ]

    def worst(self, role: str) -> Cell | None:
        """Return the cell of a role that a reader has to see first."""
        cells = [cell for cell in self.cells if cell.role == role]
        return max(cells, key=lambda cell: (cell.difference is not None, rank(cell.verdict)), default=None)

    @property
    def differs(self) -> bool:
        """Whether any setup has another verdict than the baseline."""
        return any(cell.difference for cell in self.cells)

    @property
    def differences(self) -> list[tuple[str, Reason]]:
        """List the reasons of its differences, and the setups of each."""
        by_cause: dict[str, tuple[list[str], Reason]] = {}
        for cell in self.cells:
            if cell.reason:
                by_cause.setdefault(cell.reason.cause, ([], cell.reason))[0].append(cell.setup)
        return [(", ".join(setups), reason) for setups, reason in by_cause.values()]


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

    def counts(self, role: str) -> list[tuple[str, int]]:
        """Count the verdicts of a role, of its variants the worst, the best first."""
        cells = (row.worst(role) for row in self.all_rows())
        return count(cell.counted for cell in cells if cell)


def count(verdicts: Iterable[str]) -> list[tuple[str, int]]:
    """Count verdicts, the best first."""
    return sorted(Counter(verdicts).items(), key=lambda item: rank(item[0]))


def tone_of(verdict: str) -> str:
    """Return the tone in which a verdict is shown."""
    if verdict.endswith(tuple(EXCUSED.values())):
        return "weak"
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


def cells_of(setup: str, found: SetupReport, *, by_baseline: bool = True) -> dict[str, Cell]:
    """Return every case of a setup, also those that should have run but have not."""
    differences = {difference["case"]: difference for difference in found["differences"]}
    cells = {}
    for case in {**found["cases"], **differences}:
        report, difference = found["cases"].get(case), differences.get(case)
        verdict = verdict_shown(report, f"{setup}: case {case}") if report else MISSING
        reason = reason_of(report, difference) if difference else None
        cells[case] = Cell(
            setup, found["role"], SETUPS[setup].column, verdict, report, difference, reason, by_baseline
        )
    return cells


def tree_of(results: Results) -> list[Section]:
    """Build the tree, in Autobahn's order; cases that it does not know come last."""
    by_baseline = results["judgedBy"] == "baseline"
    by_setup = {
        setup: cells_of(setup, report, by_baseline=by_baseline) for setup, report in results["setups"].items()
    }
    found = dict.fromkeys(case for cells in by_setup.values() for case in cells)
    known = [case for case in CASES if case in found]
    tree: dict[str, Section] = {}
    for case in dict.fromkeys([*known, *found]):
        top = tree.setdefault(section_of(case), _section(section_of(case)))
        section = top
        if parent_of(case) != top.name:
            if not top.sections or top.sections[-1].name != parent_of(case):
                top.sections.append(_section(parent_of(case)))
            section = top.sections[-1]
        cells = [cells[case] for cells in by_setup.values() if case in cells]
        section.rows.append(Row(case, _title(case, results), cells))
    return list(tree.values())


def _section(name: str) -> Section:
    reference = reference_of(name)
    return Section(name, TITLES.get(name, ""), reference, link_of(reference))


def _title(case: str, results: Results) -> str:
    """Return the description of a case, or its first line where all of it is long."""
    for setup in results["setups"].values():
        if case in setup["cases"]:
            lines = plain(str(setup["cases"][case].get("description", ""))).splitlines() or [""]
            whole = " ".join(lines)
            return whole if len(whole) <= MAX_TITLE else title_of(lines[0])
    return ""
