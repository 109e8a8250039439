"""The rows and the peers of a run."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from bench.peers import PEERS
from bench.rounds import Case
from bench.workloads import BY_NAME, COUNTED, PEAKS, WORKLOADS
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.peers import Peer
    from bench.workloads import Role

ROLES: Final[tuple[Role, ...]] = ("server", "client")
IMPORT: Final = "import"
COUNTING: Final = "instructions: "


@dataclass(frozen=True)
class Idle:
    """The memory of connections that do nothing."""

    role: Role
    deflate: bool

    @property
    def label(self) -> str:
        """The name of the row."""
        return f"idle connection{', unused deflate' if self.deflate else ''} / {self.role}"


@dataclass(frozen=True)
class Selection:
    """The rows to measure."""

    timed: list[Case]
    counted: list[Case]
    idle: list[Idle]
    peaks: list[Case]
    imports: bool


def everything() -> Selection:
    """Select all there is."""
    return Selection(
        [Case(workload, role) for workload in WORKLOADS for role in workload.roles],
        [Case(BY_NAME[name], role) for name in COUNTED for role in ROLES],
        [Idle(role, deflate) for deflate in (False, True) for role in ROLES],
        [Case(workload, role) for workload in PEAKS for role in ROLES],
        imports=True,
    )


def labels(selection: Selection) -> list[str]:
    """Name the rows, in the order of the table."""
    return [
        *(case.label for case in selection.timed),
        *(counting_label(case) for case in selection.counted),
        *(idle.label for idle in selection.idle),
        *(case.label for case in selection.peaks),
        *([IMPORT] if selection.imports else []),
    ]


def counting_label(case: Case) -> str:
    """Name the row of a case whose instructions are counted."""
    return COUNTING + case.label


def select(patterns: Sequence[str]) -> Selection:
    """Select the rows that one of the globs means: a whole label, or its name without the role."""
    chosen = everything()
    if not patterns:
        return chosen
    known = labels(chosen)
    for pattern in patterns:
        if not any(_means(pattern, label) for label in known):
            raise CommandError(f"{pattern!r} means no workload (python -m bench --list)")

    def wanted(label: str) -> bool:
        return any(_means(pattern, label) for pattern in patterns)

    return Selection(
        [case for case in chosen.timed if wanted(case.label)],
        [case for case in chosen.counted if wanted(counting_label(case))],
        [idle for idle in chosen.idle if wanted(idle.label)],
        [case for case in chosen.peaks if wanted(case.label)],
        imports=wanted(IMPORT),
    )


def _means(pattern: str, label: str) -> bool:
    return fnmatchcase(label, pattern) or fnmatchcase(label.rpartition(" / ")[0], pattern)


def select_peers(only: Iterable[str], without: Iterable[str]) -> list[Peer]:
    """Return the peers that are asked for."""
    known = {peer.name: peer for peer in PEERS}
    for name in (*only, *without):
        if name not in known:
            raise CommandError(f"{name!r} is not a peer; choose from {', '.join(known)}")
    return [peer for name, peer in known.items() if (not only or name in only) and name not in without]
