"""X.9: long messages for a peer that has a limit, by default `MAX_MESSAGE_SIZE` (RFC 6455 10.4)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache

from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.deflating import NAME, TAIL, deflate
from harness.extra.expectations import MAX_GROWTH, Echoes, Fails
from harness.extra.frames import MAX_PAYLOAD, Frame
from tooling.frames import BINARY, CONTINUATION, RSV1

TITLE = "Limits"

MIB = 2**20
BOMB_SIZE = 256
"""The size of the inflated bomb, in MiB."""

SMALL_BOMB_SIZE = 15
"""The size of a bomb in KiB, and inflated in MiB: a compressed message that a peer reads at once."""

FLOOD_SIZE = 100
"""The size of a message, in MiB, whose end a peer should not await."""

GROWTH = 8
"""Times the limit by which a peer's memory may grow before it refuses what is longer."""

KEY = bytes(4)
"""A masking key of zeros, for long messages."""


@cache
def bomb() -> bytes:
    """Return 0.3 MB that inflate to `BOMB_SIZE` MiB of zeros.

    A full flush makes a piece of DEFLATE data that can be repeated.
    """
    deflater = zlib.compressobj(9, wbits=-15)
    piece = deflater.compress(bytes(MIB)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return (piece * BOMB_SIZE).removesuffix(TAIL)


def _fragments(payload: bytes, size: int, *, rsv: int = 0, fin: bool = True) -> tuple[Frame, ...]:
    starts = range(0, len(payload), size)
    return tuple(
        Frame(
            CONTINUATION if start else BINARY,
            payload[start : start + size],
            fin=fin and start + size >= len(payload),
            rsv=0 if start else rsv,
            mask=KEY,
        )
        for start in starts
    )


def _zeros(size: int) -> Frame:
    return Frame(BINARY, bytes(size), mask=KEY)


def _compressed(size: int) -> Frame:
    return Frame(BINARY, deflate(bytes(size), bits=9)[0], rsv=RSV1)


def _endless() -> Frame:
    return replace(_zeros(FLOOD_SIZE * MIB), declared=2**62, length_form=64)


def cases_for(limit: int) -> tuple[Case, ...]:
    """Return the cases for a peer with this limit, in bytes."""
    growth = max(MAX_GROWTH, GROWTH * limit)
    return (
        Case(
            "A message of half the limit",
            "R6455-5.4-10",
            Echoes(bytes(limit // 2)),
            send=lambda _bits: (_zeros(limit // 2),),
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
            send=lambda _bits: (_zeros(2 * limit),),
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
            send=lambda _bits: _fragments(bytes(FLOOD_SIZE * MIB), 2**16, fin=False),
            watch_memory=True,
        ),
        Case(
            f"A frame that declares 2**62 bytes, {FLOOD_SIZE} MiB of which come",
            "R6455-10.4-01",
            Fails(1009, 1002, growth=growth),
            send=lambda _bits: (_endless(),),
            watch_memory=True,
        ),
        Case(
            f"A decompression bomb: 0.3 MB that inflate to {BOMB_SIZE} MiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: (Frame(BINARY, bomb(), rsv=RSV1, mask=KEY),),
            watch_memory=True,
        ),
        Case(
            "The bomb in fragments of 4 KiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: _fragments(bomb(), 2**12, rsv=RSV1),
            watch_memory=True,
        ),
        Case(
            f"A bomb that comes in one read: {SMALL_BOMB_SIZE} KiB that inflate to {SMALL_BOMB_SIZE} MiB",
            "R6455-10.4-01",
            Fails(1009, growth=growth),
            deflate=NAME,
            send=lambda _bits: (_compressed(SMALL_BOMB_SIZE * MIB),),
            watch_memory=True,
        ),
    )


def fits(name: str, limit: int) -> bool:
    """Tell whether a case of this group says something of a peer with this limit, and can be played."""
    number = int(name.rpartition(".")[2])
    if number < 3:
        return limit // 2 <= MAX_PAYLOAD
    size = {6: FLOOD_SIZE, 7: FLOOD_SIZE, 8: BOMB_SIZE, 9: BOMB_SIZE, 10: SMALL_BOMB_SIZE}
    return size.get(number, limit) * MIB > limit


CASES = cases_for(MAX_MESSAGE_SIZE)
