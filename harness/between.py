"""What differs between the transports of a run: cases that have another verdict over one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cases import CASES
from harness.judge import verdict_of
from harness.setups import SETUPS, TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.judge import Verdict
    from harness.results import CaseReport, Results
    from harness.roles import Role
    from harness.setups import Setup, Transport


@dataclass(frozen=True)
class Unlike:
    """Cases of a role with the same verdicts over each transport, not the same over all."""

    role: Role
    verdicts: Mapping[Transport, Verdict]
    cases: tuple[str, ...]

    def __str__(self) -> str:
        found = "; ".join(f"{transport} {verdict}" for transport, verdict in self.verdicts.items())
        return f"{self.role} {', '.join(self.cases)}: {found}"


def unlike_in(results: Results) -> list[Unlike]:
    """List what differs between the transports of a `results.json`."""
    return unlike_between({SETUPS[label]: found["cases"] for label, found in results["setups"].items()})


def unlike_between(cases: Mapping[Setup, Mapping[str, CaseReport]]) -> list[Unlike]:
    """List what differs in the variant default, among the transports over which a case has run."""
    found: dict[tuple[Role, tuple[tuple[Transport, Verdict], ...]], list[str]] = {}
    setups = [setup for setup in cases if setup.variant == "default"]
    for role in dict.fromkeys(setup.role for setup in setups):
        of_role = sorted(
            (setup for setup in setups if setup.role == role),
            key=lambda setup: TRANSPORTS.index(setup.transport),
        )
        for case in CASES:
            verdicts = tuple(
                (setup.transport, verdict_of(cases[setup][case], f"{setup}: case {case}"))
                for setup in of_role
                if case in cases[setup]
            )
            if len({verdict for _, verdict in verdicts}) > 1:
                found.setdefault((role, verdicts), []).append(case)
    return [Unlike(role, dict(verdicts), tuple(names)) for (role, verdicts), names in found.items()]
