"""The harness's own cases, X and H, that show a statement on the wire, and their verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.extra import EXTRA
from harness.judge import Baseline, rank, verdicts_of
from harness.roles import ROLES
from harness.setups import SETUPS, Setup
from harness.stored_results import read_results
from harness.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

NOT_RUN = "not run"


@dataclass(frozen=True)
class Shown:
    """A case, as one setup of the harness plays it."""

    case: str
    setup: Setup


class Verdicts:
    """The verdicts of the last run, or those that the baseline expects."""

    def __init__(self, results: Path | None) -> None:
        if results is None:
            self.source = "the baseline in autobahn/expected"
            baselines = {role: Baseline(role).load() for role in ROLES}
            self._found = {
                setup: baselines[setup.role].verdicts(setup.variant, setup.transport)
                for setup in SETUPS.values()
            }
        else:
            found = read_results(results)
            self.source = f"the run of {found['started'][:16].replace('T', ' ')}"
            if found["commit"]:
                self.source += f", commit {found['commit']}"
            self._found = {
                SETUPS[label]: verdicts_of(report["cases"], label)
                for label, report in found["setups"].items()
            }

    def of_case(self, shown: Shown) -> str:
        """Return the worse verdict of the two that a case has: of the behaviour, and of the close."""
        verdict = self._found.get(shown.setup, {}).get(shown.case)
        return NOT_RUN if verdict is None else max(verdict.behavior, verdict.behavior_close, key=rank)

    def of(self, statement: str) -> str:
        """Return the worst verdict of a statement's cases, `""` where it has none."""
        return max(map(self.of_case, cases_of(statement)), key=_rank, default="")


def _rank(verdict: str) -> int:
    return -1 if verdict == NOT_RUN else rank(verdict)


def cases_of(statement: str) -> list[Shown]:
    """Return the cases that name a statement as their requirement."""
    return _cases().get(statement, [])


@cache
def _cases() -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for name, case in EXTRA.items():
        for role in case.roles:
            found.setdefault(case.requirement_for(role)["id"], []).append(Shown(name, Setup(role)))
    for name, stream in STREAMS.items():
        for transport in stream.transports:
            shown = Shown(name, Setup(stream.role, transport=transport))
            found.setdefault(stream.row(transport), []).append(shown)
    return found
