"""The list of all cases, Autobahn's and the extra ones, and the choice by profile and pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, get_args

from harness.extra import EXTRA, GROUPS
from harness.streams import GROUPS as STREAM_GROUPS
from harness.streams import STREAMS
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.roles import Role

Profile = Literal["fast", "wide", "full"]

PROFILES: tuple[Profile, ...] = get_args(Profile)

SECTIONS = {
    "1": "Framing",
    "2": "Pings/Pongs",
    "3": "Reserved Bits",
    "4": "Opcodes",
    "5": "Fragmentation",
    "6": "UTF-8 Handling",
    "7": "Close Handling",
    "9": "Limits/Performance",
    "10": "Auto-Fragmentation",
    "12": "Compression (different payloads)",
    "13": "Compression (different parameters)",
    **GROUPS,
    **STREAM_GROUPS,
}
"""The title of every section with cases, as Autobahn's report has it; the extra sections are X and H."""

# fmt: off
COUNTS = {
    "1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20,
    "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4, "6.8": 2, "6.9": 4, "6.10": 3,
    "6.11": 5, "6.12": 8, "6.13": 5, "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5,
    "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7,
    "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2,
    "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6, "10.1": 1,
    "12.1": 18, "12.2": 18, "12.3": 18, "12.4": 18, "12.5": 18,
    "13.1": 18, "13.2": 18, "13.3": 18, "13.4": 18, "13.5": 18, "13.6": 18, "13.7": 18,
}
# fmt: on
"""The number of cases in every lowest section; they count from 1 without a gap (Autobahn 25.10.1)."""

AUTOBAHN_CASES = tuple(
    f"{section}.{number}" for section, count in COUNTS.items() for number in range(1, count + 1)
)
"""Autobahn's 517 cases, in its order."""

CASES = (*AUTOBAHN_CASES, *EXTRA, *STREAMS)
"""Every case: Autobahn's, then the extra ones, each of which is for one role or for both."""


class SelectionError(CommandError):
    """A pattern that matches no case."""


def section_of(case: str) -> str:
    """Return the top section of a case: `"12"` of `"12.1.18"`, and `"X.1"` of `"X.1.4"`."""
    parts = case.split(".")
    return ".".join(parts[:2]) if parts[0] in {"X", "H"} and len(parts) > 2 else parts[0]


def in_profile(case: str, profile: Profile) -> bool:
    """Tell whether a profile runs a case: `fast` runs none of sections 9, 12, 13, `wide` half of 12, 13."""
    section = section_of(case)
    if profile == "fast":
        return section not in {"9", "12", "13"}
    if profile == "wide":
        return section not in {"12", "13"} or int(case.rpartition(".")[2]) < 9
    return True


def meaning(pattern: str) -> list[str]:
    """List the cases that a pattern means.

    With a wildcard (`*`, `?`, `[...]`) it has to match the whole name of a case, and matches dots as well.
    Without, it is a case (`6.4.1`) or a section (`6.4`).
    """
    if any(character in pattern for character in "*?["):
        return [case for case in CASES if fnmatchcase(case, pattern)]
    return [case for case in CASES if f"{case}.".startswith(f"{pattern}.")]


def is_for(case: str, role: Role) -> bool:
    """Tell whether a case tests the library in this role."""
    own = EXTRA.get(case) or STREAMS.get(case)
    return own is None or role in own.roles


def is_own(case: str) -> bool:
    """Tell whether a case is the harness's own, not one of Autobahn's."""
    return case in EXTRA or case in STREAMS


def select(profile: Profile, patterns: Iterable[str] = ()) -> list[str]:
    """List the cases of a profile that a pattern means (without patterns all), in the order of `CASES`.

    Raises `SelectionError` where a pattern means nothing.
    """
    chosen = [case for case in CASES if in_profile(case, profile)]
    meant: set[str] = set()
    for pattern in patterns:
        cases = meaning(pattern)
        if not cases:
            raise SelectionError(
                f"{pattern!r} means no case: give a case (6.4.1), a section (6.4) or a glob (6.*.1)"
            )
        if set(cases).isdisjoint(chosen):
            raise SelectionError(f"{pattern!r} means no case of profile {profile!r}")
        meant.update(cases)
    return [case for case in chosen if case in meant] if meant else chosen


def weight(case: str) -> float:
    """Guess how long a case takes, next to the others; for the time left of a progress bar."""
    section, last = section_of(case), int(case.rpartition(".")[2])
    if section in {"12", "13"}:
        return 5.0 * last
    return {"9": 15.0, "X.8": 5.0, "X.9": 15.0}.get(section, 1.0)
