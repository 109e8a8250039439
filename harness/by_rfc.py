"""Judges verdicts by the RFCs alone, where no baseline says what is expected of the endpoint under test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from harness.judge import Verdict, judge, verdicts_of
from harness.patience import Usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.judge import Difference
    from harness.results import CaseReport
    from harness.setups import Setup

FailOn = Literal["must", "should"]
"""The rules that an endpoint has to keep: those with a MUST, or those with a SHOULD as well."""

FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)

PERMITTED = {"OK", "INFORMATIONAL", "UNIMPLEMENTED"}
"""The verdicts on who breaks no rule."""

LESSER = {"NON-STRICT", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"}
"""The verdicts on who breaks no rule but one with a SHOULD."""


@dataclass(frozen=True)
class ByRfc:
    """Judges in the place of a `Baseline`: what breaks a rule is a difference, a violation."""

    fail_on: FailOn = "must"

    def whys_of(self, _setup: Setup) -> Mapping[str, str]:
        """Return why cases are not OK: nothing is known."""
        return {}

    def usual(self, _setup: Setup) -> Usual:
        """Return what cases usually take: nothing is known, and none is slow."""
        return Usual()

    def accepts(self, _setup: Setup, _case: str, verdict: Verdict) -> bool:
        """Tell whether a verdict breaks no rule that counts."""
        permitted = PERMITTED if self.fail_on == "should" else PERMITTED | LESSER
        return {verdict.behavior, verdict.behavior_close} <= permitted

    def judge(
        self, setup: Setup, asked: Iterable[str], reports: Mapping[str, CaseReport]
    ) -> list[Difference]:
        """List the violations of a setup, and the cases that have not run."""
        actual = verdicts_of(reports, str(setup))
        expected = {
            case: verdict if self.accepts(setup, case, verdict) else _good(verdict)
            for case, verdict in actual.items()
        }
        return [
            replace(difference, kind="violation") if difference.kind == "regression" else difference
            for difference in judge(setup, asked, expected, actual)
        ]


def _good(verdict: Verdict) -> Verdict:
    """Return the verdict that would have been good: code and status are those that came, none is expected."""
    return replace(
        verdict,
        behavior=verdict.behavior if verdict.behavior in PERMITTED else "OK",
        behavior_close=verdict.behavior_close if verdict.behavior_close in PERMITTED else "OK",
    )
