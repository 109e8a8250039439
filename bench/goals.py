"""The library's goals: the largest ratio to a peer's cost, or the largest number of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True)
class Goal:
    """A bound on one kind of row."""

    pattern: str
    """A glob for the row's label."""
    peer: str
    """The peer to compare with; empty where the bound is in the row's own unit."""
    limit: float
    slack: float = 0
    """An allowance for events and lists beside the message."""


GOALS: Final = (
    Goal("receive text 32 B, 64 KiB reads / server", "websockets", 0.45),
    Goal("receive text 32 B, 64 KiB reads / server", "wsproto", 0.13),
    Goal("receive text 32 B, 64 KiB reads / client", "websockets", 0.32),
    Goal("receive text 32 B, one per call / *", "websockets", 0.48),
    Goal("receive 1000 fragments of 64 B / *", "websockets", 0.45),
    Goal("receive non-ASCII text, 64 KiB reads / *", "websockets", 0.6),
    Goal("send text 32 B / server", "websockets", 0.4),
    Goal("send text 32 B / client", "websockets", 0.6),
    Goal("receive binary 64 KiB / server", "wsproto", 0.8),
    Goal("receive binary 1 MiB / server", "wsproto", 0.8),
    Goal("receive binary 64 KiB / client", "websockets", 0.5),
    Goal("receive binary 1 MiB / client", "websockets", 0.5),
    Goal("receive binary 16 MiB / client", "websockets", 0.5),
    Goal("send binary 1 MiB / server", "websockets", 0.65),
    Goal("receive 1 MiB, 1460 B reads / server", "wsproto", 0.5),
    Goal("receive 1 MiB, 1460 B reads / client", "websockets", 1.0),
    Goal("receive * byte by byte / *", "wsproto", 0.15),
    Goal("receive deflate 1 KiB / *", "websockets", 0.7),
    Goal("receive deflate 64 KiB / *", "websockets", 1.0),
    Goal("send deflate * / *", "websockets", 1.0),
    Goal("ping answered / *", "websockets", 0.4),
    Goal("handshake pair*", "wsproto", 0.8),
    Goal("idle connection* / *", "", 2500),
    Goal("peak, 64 MiB in one call / server", "", 2.0, slack=0.001),
    Goal("peak, 64 MiB in one call / client", "", 1.05, slack=0.001),
    Goal("import", "wsproto", 0.9),
)

#: Those of the compiled core, in place of the ones above where a row has any here.
COMPILED: Final = (
    Goal("receive text 32 B, 64 KiB reads / *", "picows", 0.22),
    Goal("receive text 32 B, 64 KiB reads / *", "aiohttp", 0.2),
    Goal("receive text 32 B, one per call / *", "picows", 0.35),
    Goal("receive text 32 B, one per call / *", "aiohttp", 0.4),
    Goal("receive non-ASCII text, 64 KiB reads / *", "picows", 0.6),
    Goal("receive binary 1 KiB / *", "picows", 0.3),
    Goal("receive binary 1 KiB / *", "aiohttp", 0.45),
    Goal("receive binary 64 KiB / server", "picows", 0.2),
    Goal("receive binary 64 KiB / server", "aiohttp", 0.4),
    Goal("receive binary 1 MiB / server", "picows", 0.2),
    Goal("receive binary 1 MiB / server", "aiohttp", 0.4),
    Goal("receive binary 64 KiB / client", "picows", 0.6),
    Goal("receive binary 64 KiB / client", "aiohttp", 1.1),
    Goal("receive binary 1 MiB / client", "picows", 0.6),
    Goal("receive binary 1 MiB / client", "aiohttp", 1.1),
    Goal("receive 1000 fragments of 64 B / *", "picows", 0.15),
    Goal("receive 1000 fragments of 64 B / *", "aiohttp", 1.4),
    Goal("receive 1 MiB, 1460 B reads / *", "picows", 1.0),
    Goal("receive * byte by byte / *", "picows", 1.0),
    Goal("receive deflate 1 KiB / *", "aiohttp", 0.85),
    Goal("receive deflate 1 KiB / *", "websockets", 0.5),
    Goal("receive deflate 64 KiB / *", "websockets", 1.05),
    Goal("send deflate * / *", "websockets", 1.05),
    Goal("send text 32 B / *", "picows", 0.5),
    Goal("send text 32 B / *", "aiohttp", 0.35),
    Goal("send binary 1 KiB / *", "picows", 0.5),
    Goal("send binary 1 KiB / *", "aiohttp", 0.35),
    Goal("send binary 64 KiB / client", "picows", 0.35),
    Goal("send binary 64 KiB / client", "aiohttp", 0.4),
    Goal("send binary 1 MiB / client", "picows", 0.35),
    Goal("send binary 1 MiB / client", "aiohttp", 0.4),
    Goal("send binary 64 KiB / server", "picows", 1.05),
    Goal("send binary 1 MiB / server", "picows", 1.05),
    Goal("ping answered / *", "picows", 0.4),
    Goal("ping answered / *", "aiohttp", 0.2),
)

#: Where nothing else is set: nothing is slower than the published package of the same name.
EVERYWHERE: Final = Goal("*", "wsproto", 1.0)


def goals_of(label: str, *, compiled: bool = False) -> list[Goal]:
    """Return the goals of a row, where this library is compiled or not."""
    goals = [goal for goal in COMPILED if compiled and fnmatchcase(label, goal.pattern)]
    goals = goals or [goal for goal in GOALS if fnmatchcase(label, goal.pattern)]
    return goals if any(goal.peer == EVERYWHERE.peer for goal in goals) else [*goals, EVERYWHERE]
