"""X.9: long messages for a peer that must take none over `MAX_MESSAGE_SIZE` (RFC 6455 10.4)."""

from __future__ import annotations

from dataclasses import replace

from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.deflating import MAX_INFLATED, NAME, TAIL, deflate, repeated
from harness.extra.expectations import MAX_GROWTH, Echoes, Fails
from harness.extra.frames import Frame
from harness.extra.limit_edges import KEY, SHORT, edge_cases, parts, zeros
from harness.extra.steps import Flood
from tooling.frames import BINARY, CONTINUATION, RSV1

TITLE = "Limits"

MIB = 2**20
BOMB_SIZE = 256
"""The size of the inflated bomb, in MiB."""

FLOOD_SIZE = 100
"""The size of a message, in MiB, whose end a peer should not await."""

LEAST = 2**14
"""Bytes of the shortest limit for which there are cases."""

GROWTH = 8
"""Times the limit by which a peer's memory may grow before it refuses what is longer."""


def bomb(size: int) -> bytes:
    """Return so many KiB, or a little more, that inflate to as many MiB of zeros."""
    return (repeated(b"\0", MIB) * size).removesuffix(TAIL)


def _fragments(payload: bytes, size: int, *, rsv: int = 0) -> tuple[Frame, ...]:
    starts = range(0, len(payload), size)
    return parts(BINARY, *(payload[start : start + size] for start in starts), rsv=rsv)


def _compressed(size: int) -> Frame:
    return Frame(BINARY, deflate(bytes(size), bits=9)[0], rsv=RSV1)


def _growth(limit: int) -> int:
    return max(MAX_GROWTH, GROWTH * limit)


def _above(size: int, limit: int) -> int:
    """Return a size in MiB, or where that is not above the limit, twice the limit."""
    return size if size * MIB > limit else 2 * limit // MIB + 1


def _small_bomb(size: int, limit: int) -> Case:
    size = _above(size, limit)
    return Case(
        f"A bomb that comes in one read: {size} KiB that inflate to {size} MiB",
        "R6455-10.4-01",
        Fails(1009, growth=_growth(limit)),
        deflate=NAME,
        send=lambda _bits: (Frame(BINARY, bomb(size), rsv=RSV1),),
        watch_memory=True,
    )


def _endless() -> Frame:
    return replace(zeros(FLOOD_SIZE * MIB), declared=2**62, length_form=64)


# The messages are made when they are sent: they are long.
def _grossly(limit: int) -> tuple[Case, ...]:
    """Return cases far from the limit on either side."""
    growth = _growth(limit)
    return (
        Case(
            "A message of half the limit",
            "R6455-5.4-10",
            Echoes(bytes(limit // 2)),
            send=lambda _bits: (zeros(limit // 2),),
        ),
        Case(
            "A compressed message that inflates to half the limit",
            "R7692-6.2-01",
            Echoes(bytes(limit // 2)),
            deflate=NAME,
            send=lambda _bits: (_compressed(limit // 2),),
        ),
        Case(
            "A message of twice the limit",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            send=lambda _bits: (zeros(2 * limit),),
        ),
        Case(
            "A message of twice the limit, in fragments",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            send=lambda _bits: _fragments(bytes(2 * limit), 2**16),
        ),
        Case(
            "A compressed message that inflates to twice the limit",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: (_compressed(2 * limit),),
        ),
        Case(
            f"Fragments without end: {FLOOD_SIZE} MiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            send=lambda _bits: (
                Frame(BINARY, bytes(2**16), fin=False, mask=KEY),
                Flood(Frame(CONTINUATION, bytes(2**16), fin=False, mask=KEY), FLOOD_SIZE * MIB // 2**16),
            ),
            watch_memory=True,
        ),
        Case(
            f"A frame that declares 2**62 bytes, {FLOOD_SIZE} MiB of which come",
            "R6455-10.4-01",
            Fails(1009, 1002, growth=growth),
            send=lambda _bits: (_endless(),),
            watch_memory=True,
        ),
        *_bombs(limit),
    )


def _bombs(limit: int) -> tuple[Case, ...]:
    growth = _growth(limit)
    return (
        Case(
            f"A decompression bomb: 0.3 MB that inflate to {BOMB_SIZE} MiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: (Frame(BINARY, bomb(BOMB_SIZE), rsv=RSV1, mask=KEY),),
            watch_memory=True,
        ),
        Case(
            "The bomb in fragments of 4 KiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: _fragments(bomb(BOMB_SIZE), 2**12, rsv=RSV1),
            watch_memory=True,
        ),
        _small_bomb(15, limit),
    )


def cases_for(limit: int) -> tuple[Case, ...]:
    """Return the cases for a peer with this limit, in bytes."""
    limit = min(limit, FLOOD_SIZE * MIB)  # with a longer one, none fits
    return (
        *_grossly(limit),
        *edge_cases(limit),
        _small_bomb(40, limit),
        Case(
            "A bomb in fragments of one byte",
            "R6455-10.4-01",
            Fails(1009, growth=_growth(limit)),
            deflate=NAME,
            send=lambda _bits: _fragments(bomb(_above(2, limit)), 1, rsv=RSV1),
            watch_memory=True,
        ),
        *SHORT,
    )


def fits(case: Case, limit: int) -> bool:
    """Tell whether a case is to be played with this limit: it has to be exceeded, and an echo to be read."""
    longest = max((len(event[1]) for event in case.expect.events()), default=0)
    return LEAST <= limit < FLOOD_SIZE * MIB and longest <= MAX_INFLATED


CASES = cases_for(MAX_MESSAGE_SIZE)
