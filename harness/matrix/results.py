"""The shape of `matrix.json`, which the README of the harness describes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cases import section_of
from harness.judge import BEST_FIRST, rank, verdict_of
from harness.matrix.meanings import findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.results import CaseReport, VerdictFields
    from harness.setups import Setup

FORMAT = 2

NOT_RUN = "NOT RUN"
"""Stands for a verdict where there is none."""


WITHOUT_LIMIT = (
    "NON-STRICT and no failure: it has no limit that could be set; RFC 6455 10.4 says that it SHOULD"
)


def without_limit(case: str, report: CaseReport) -> CaseReport:
    """Judge who has no limit of a message by RFC 6455 10.4, and not by the limit that it was told to have."""
    if section_of(case) != "X.9" or report["behavior"] != "FAILED":
        return report
    fair = report.copy()
    fair["behavior"] = "NON-STRICT"
    fair["result"] = f"{report.get('result', '')} {WITHOUT_LIMIT}."
    return fair


@dataclass
class RoleResult:
    """The results of an implementation in one role."""

    cases: Sequence[str]
    reports: dict[str, CaseReport] = field(default_factory=dict)
    duration: float = 0.0
    played: int = 0
    """The cases that this run has played; the others are kept from earlier ones."""
    errors: list[str] = field(default_factory=list)

    @property
    def error(self) -> str:
        """Why not all cases were run, in a line; nothing where all were."""
        missing = len(self.cases) - len(self.reports)
        if not self.errors and missing:
            return f"{missing} case{' was' if missing == 1 else 's were'} not run"
        return "; ".join(dict.fromkeys(self.errors))

    def verdict(self, case: str) -> str:
        """Return the verdict on behaviour or that on close behaviour, whichever is worse."""
        if case not in self.reports:
            return NOT_RUN
        verdict = verdict_of(self.reports[case], case)
        return max(verdict.behavior, verdict.behavior_close, key=rank)

    def shown(self, case: str) -> CaseReport | VerdictFields:
        """Return a report; of a case that is OK, only the verdict."""
        report = self.reports[case]
        return report if self.verdict(case) != "OK" else verdict_of(report, case).fields()

    def counts(self, cases: Sequence[str] | None = None) -> dict[str, int]:
        """Count the verdicts, the best first."""
        counted = Counter(map(self.verdict, self.cases if cases is None else cases))
        return {verdict: counted[verdict] for verdict in (*BEST_FIRST, NOT_RUN) if counted[verdict]}


@dataclass
class Row:
    """An implementation and its results."""

    name: str
    title: str
    language: str = "Python"
    roles: dict[Setup, RoleResult] = field(default_factory=dict)
    left_out: str = ""
    """Why it was not run at all, where this machine lacks something."""

    def report(self) -> dict[str, Any]:
        """Return it in the shape of `matrix.json`."""
        about = {"name": self.name, "title": self.title, "language": self.language}
        if self.left_out:
            return {**about, "leftOut": self.left_out}
        return {
            **about,
            "roles": {
                str(setup): {
                    "duration": round(result.duration, 3),
                    "error": result.error,
                    "counts": result.counts(),
                    "findings": [
                        {
                            "meaning": found.meaning,
                            "must": found.must,
                            "rule": found.rule.reference,
                            "sentence": found.rule.sentence,
                            "cases": found.cases,
                        }
                        for found in findings(setup, result.reports)
                    ],
                    "cases": {case: result.shown(case) for case in result.cases if case in result.reports},
                }
                for setup, result in self.roles.items()
            },
        }


def count_text(counts: Mapping[str, int]) -> str:
    """Return `370 OK, 3 FAILED`."""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
