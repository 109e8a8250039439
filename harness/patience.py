"""How long a run waits: for a step of a case, for a case, for all; and which case was slow."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.cases import weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import CaseReport

USUAL = 0.05
"""Seconds that a case takes, times its weight, where the baseline does not say more."""

FACTOR = 10
"""A case may take so many times its seconds in the baseline: machines and their loads differ."""

ALLOWANCE = 1.5
"""Seconds that any case may take besides."""

TYPICAL = 0.2
"""Seconds that half of the cases without a time in the baseline may take: single ones may have bad luck."""

ENOUGH = 10
"""Cases that it takes to speak of a half."""

HEAVY = 6
"""Times that a long case may take what others may, before it counts as hanging."""


@dataclass(frozen=True)
class Patience:
    """The limits that a user may set; all in seconds."""

    timeout: float = 3.0
    """For each step of the endpoint in an extra case."""
    time_limit: float = 15.0
    """For a case; a case of sections 9, 12 and 13 has six times as long, and one with seconds in the baseline
    ten times those."""
    budget: float | None = None
    """For the whole run; None for a minute, and ten times its usual duration."""

    def limit(self, case: str, usual: Mapping[str, float] | None = None) -> float:
        """Return the seconds after which a case hangs.

        :param usual: seconds of the baseline, of the cases that take longer than most.
        """
        given = self.time_limit * (HEAVY if case and weight(case) > 1 else 1)
        return max(given, FACTOR * (usual or {}).get(case, 0.0))

    def whole(self, usual: float) -> float:
        """Return the seconds of a run that usually takes `usual`."""
        return 60 + FACTOR * usual if self.budget is None else self.budget


def slow_cases(reports: Mapping[str, CaseReport], usual: Mapping[str, float]) -> dict[str, str]:
    """Say of each case that was slow what took so long.

    :param usual: seconds of the baseline, of the cases that take longer than most.
    """
    seconds = {case: (report.get("duration") or 0) / 1000 for case, report in reports.items()}
    light = {case: took for case, took in seconds.items() if case not in usual and weight(case) == 1}
    all_slow = len(light) >= ENOUGH and median(light.values()) > TYPICAL
    slow: dict[str, str] = {}
    for case, took in seconds.items():
        allowed = FACTOR * _usual(case, usual) + ALLOWANCE
        if all_slow and case in light:
            allowed = TYPICAL
        if took > allowed:
            slow[case] = f"It took {took:.1f} s, at most {allowed:.1f} s are expected{_where(reports[case])}."
    return slow


def _where(report: CaseReport) -> str:
    """Name the part that took longest, where the suite measured the parts."""
    if not (timing := report.get("timing")):
        return ""
    parts = {
        "its answer came": timing["answer"] or 0.0,
        "its Close came": timing["close"] or 0.0,
        "it ended TCP": timing["end"] or 0.0,
    }
    longest = max(parts, key=lambda what: parts[what])
    return f": {longest} {parts[longest] / 1000:.1f} s after it was due"


def usual_duration(cases: Iterable[str], usual: Mapping[str, float]) -> float:
    """Return the seconds that cases usually take together."""
    return sum(_usual(case, usual) for case in cases)


def _usual(case: str, usual: Mapping[str, float]) -> float:
    return usual.get(case, USUAL * weight(case))
