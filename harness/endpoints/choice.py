"""Chooses the cases that fit an endpoint, and says which are left out, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.cases import SelectionError, meaning, section_of, select
from harness.extra import EXTRA, limits
from harness.order import plays
from harness.setups import Setup
from harness.streams import STREAMS
from harness.streams.steps import Send
from harness.summary import count_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.cases import Profile
    from harness.extra.case import Case
    from harness.roles import Role
    from harness.setups import Transport

COMPRESSED = {"12", "13"}
"""Autobahn's sections that need permessage-deflate."""

LIMITS = "X.9"

HANDSHAKES = {"X.2", "X.6"}
"""The sections about responses to a client."""

_GROWING = (2**16, 2**18, 2**20, 2**22, 2**23, 2**24)
_INFLATED = (16, 64, 256, *(2**10 * kib for kib in (1, 4, 8, 16, 32, 64, 128, 8, 16, 32, 64, *[128] * 4)))

SIZES: dict[str, Sequence[int]] = {
    "9.1": _GROWING, "9.2": _GROWING, "9.3": [2**22] * 9, "9.4": [2**22] * 9, "9.5": [2**20] * 6,
    "9.6": [2**20] * 6, "9.7": [2**14] * 6, "9.8": [2**14] * 6, "10.1": [2**16], "7.1": [0] * 5 + [2**18],
    "1.1": [2**16] * 8, "1.2": [2**16] * 8,
    **{f"12.{number}": _INFLATED for number in range(1, 6)},
    **{f"13.{number}": _INFLATED for number in range(1, 8)},
}  # fmt: skip
"""The longest message of Autobahn's cases, in bytes, by lowest section; of the others it is short."""


@dataclass(frozen=True)
class Choice:
    """Cases, and what is to say of those that are left out."""

    cases: list[str]
    extra: Mapping[str, Case]
    """The extra cases, as they fit the endpoint."""
    notes: list[str] = field(default_factory=list)


def choose(  # noqa: PLR0913  # what a user can choose
    role: Role,
    profile: Profile,
    patterns: Iterable[str],
    exclude: Iterable[str] = (),
    *,
    compression: bool = True,
    handshakes: bool = True,
    limit: int | None = None,
    transport: Transport = "h1",
) -> Choice:
    """Choose cases; raises `SelectionError` where a pattern means none, or nothing is left.

    :param handshakes: whether a client's program goes on where the opening handshake has failed.
    :param limit: bytes in the longest message that the endpoint takes; None where that is not known.
    """
    patterns = list(patterns)
    setup = Setup(role, transport=transport)
    cases = [case for case in select(profile, patterns) if plays(setup, case)]
    notes: list[str] = []

    def leave_out(unwanted: Callable[[str], bool], why: str) -> None:
        nonlocal cases
        left_out = [case for case in cases if unwanted(case)]
        if left_out:
            cases = [case for case in cases if not unwanted(case)]
            notes.append(f"left out: {count_of(left_out)} {why}")

    excluded = _meant(exclude)
    leave_out(excluded.__contains__, "(--exclude)")
    if not compression:
        leave_out(needs_compression, "that need permessage-deflate (--without compression)")
    if not handshakes:
        leave_out(has_odd_handshake, "about odd opening handshakes (--without handshakes)")
    if limit is None:
        leave_out(
            lambda case: section_of(case) == LIMITS,
            "about a limit of the length of messages (give --max-message-size BYTES to play them)",
        )
        extra: Mapping[str, Case] = EXTRA
    else:
        extra = with_limit(limit)
        leave_out(
            lambda case: section_of(case) == LIMITS and not limits.fits(extra[case], limit),
            "about limits, whose messages are too short or too long for this one",
        )
        leave_out(
            lambda case: section_of(case) != LIMITS and longest(case) > limit,
            f"with messages of more than {limit} bytes (--max-message-size)",
        )
    if not cases:
        said = "; ".join(notes) or f"{' '.join(patterns)!r} means no case of a {setup}"
        raise SelectionError(f"no case is left to play: {said}")
    return Choice(cases, extra, notes)


def _meant(patterns: Iterable[str]) -> set[str]:
    meant: set[str] = set()
    for pattern in patterns:
        if not (cases := meaning(pattern)):
            raise SelectionError(
                f"--exclude {pattern!r} means no case: give a case (6.4.1), a section (6.4) or a glob (6.*.1)"
            )
        meant.update(cases)
    return meant


def needs_compression(case: str) -> bool:
    """Tell whether a case needs permessage-deflate."""
    return bool(EXTRA[case].deflate) if case in EXTRA else section_of(case) in COMPRESSED


def has_odd_handshake(case: str) -> bool:
    """Tell whether a case is about the response to a client, which it has to refuse in most of them."""
    return section_of(case) in HANDSHAKES


def with_limit(limit: int) -> dict[str, Case]:
    """Return the extra cases, those about limits for an endpoint with this limit."""
    cases = dict(EXTRA)
    for number, case in enumerate(limits.cases_for(limit), 1):
        name = f"{LIMITS}.{number}"
        cases[name] = replace(case, name=name)
    return cases


def longest(case: str) -> int:
    """Return the bytes in the longest message of a case."""
    if case in STREAMS:
        frames = [frame for step in STREAMS[case].steps if isinstance(step, Send) for frame in step.frames]
        return max((len(frame.payload) for frame in frames), default=0)
    if case in EXTRA:
        return max((len(event[1]) for event in EXTRA[case].expect.events()), default=0)
    section, _, number = case.rpartition(".")
    return SIZES[section][int(number) - 1] if section in SIZES else 0
