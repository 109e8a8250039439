"""Measures side by side: in each round every implementation does every workload, in changing order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bench.processes import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.processes import Worker
    from bench.workloads import Role, Workload


class Case(NamedTuple):
    """A workload for the library in one role."""

    workload: Workload
    role: Role

    @property
    def label(self) -> str:
        """The name of the case, in tables and for `--only`."""
        return self.workload.name if self.role == "both" else f"{self.workload.name} / {self.role}"


class Pace(NamedTuple):
    """The length of a measurement."""

    rounds: int
    seconds: float
    """CPU seconds that a sample should take."""


QUICK = Pace(7, 0.003)
FULL = Pace(21, 0.015)


@dataclass
class Samples:
    """The measurements of one case: for each peer the cost of an operation, in seconds, round by round."""

    case: Case
    costs: dict[str, list[float]] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)


def measure(
    workers: Sequence[Worker], cases: Sequence[Case], pace: Pace, progress: Callable[[str], None]
) -> list[Samples]:
    """Check every output once, then take the rounds.

    `progress` is told each step: there are `steps(...)` of them.
    """
    for worker in workers:
        worker.ask("pin")
    measured = [Samples(case) for case in cases]
    repeats: dict[tuple[str, Case], tuple[int, int]] = {}
    for samples in measured:
        case = samples.case
        where = {"name": case.workload.name, "role": case.role}
        for worker in workers:
            name = worker.peer.name
            progress(f"checking {case.label}")
            checked = worker.ask("check", **where)
            if isinstance(checked, Unsupported):
                samples.unsupported[name] = checked
                continue
            passes = worker.ask("calibrate", **where, seconds=pace.seconds)
            repeats[name, case] = passes, passes * worker.ask("per_pass", **where)
            samples.costs[name] = []
    order = random.Random(0)
    for number in range(pace.rounds):
        for samples in measured:
            progress(f"round {number + 1} of {pace.rounds}: {samples.case.label}")
            for worker in order.sample(workers, len(workers)):
                name = worker.peer.name
                if name not in samples.costs:
                    continue
                passes, operations = repeats[name, samples.case]
                case = samples.case
                took = worker.ask("sample", name=case.workload.name, role=case.role, repeat=passes)
                samples.costs[name].append(took / operations)
    return measured


def steps(workers: int, cases: int, pace: Pace) -> int:
    """Say how many steps a measurement takes."""
    return cases * (workers + pace.rounds)
