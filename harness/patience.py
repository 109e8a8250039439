"""How long a run waits: for a step of a case, for a case, for all; and which case was slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from harness.cases import weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.results import CaseReport
    from harness.setups import Transport

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

SLOWER: dict[Transport, int] = {"h1": 1, "h2": 3, "h3": 5}
"""How many times as long as over HTTP/1.1 a case takes: the bridge and the stacks are Python."""


@dataclass(frozen=True)
class Usual:
    """What cases usually take."""

    noted: Mapping[str, float] = field(default_factory=dict)
    """Seconds of those that take longer than most, from a baseline."""
    slower: int = 1
    """How many times as long as over HTTP/1.1 the others take."""

    def of(self, case: str) -> float:
        """Return the seconds of a case."""
        return self.noted.get(case, USUAL * weight(case) * self.slower)

    def of_all(self, cases: Iterable[str]) -> float:
        """Return the seconds that cases take together."""
        return sum(map(self.of, cases))


@dataclass(frozen=True)
class Patience:
    """The limits that a user may set; all in seconds."""

    timeout: float = 3.0
    """For each step of the endpoint in an extra case."""
    time_limit: float = 15.0
    """For a case; one of sections 9, 12 and 13 has six times as long, and no less than ten times as long as
    it usually takes."""
    budget: float | None = None
    """For the whole run; None for a minute, and ten times its usual duration."""

    def limit(self, case: str, usual: Usual | None = None) -> float:
        """Return the seconds after which a case hangs; "" stands for what comes before the first."""
        if not case or weight(case) == 1:
            return self.time_limit
        return max(HEAVY * self.time_limit, FACTOR * usual.of(case) if usual else 0)

    def whole(self, usual: float) -> float:
        """Return the seconds of a run that usually takes `usual`."""
        return 60 + FACTOR * usual if self.budget is None else self.budget


def slow_cases(reports: Mapping[str, CaseReport], usual: Usual) -> dict[str, str]:
    """Say of each case that was slow what took so long."""
    seconds = {case: (report.get("duration") or 0) / 1000 for case, report in reports.items()}
    light = {case: took for case, took in seconds.items() if case not in usual.noted and weight(case) == 1}
    all_slow = len(light) >= ENOUGH and median(light.values()) > TYPICAL
    slow: dict[str, str] = {}
    for case, took in seconds.items():
        allowed = FACTOR * usual.of(case) + ALLOWANCE
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
