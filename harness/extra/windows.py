"""X.8: windows of 8 to 15 bits, in the peer's compressor and in its decompressor (RFC 7692 7.1.2)."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

from harness.extra.case import Case
from harness.extra.deflating import NAME, deflate, reference, stored
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame
from harness.extra.steps import Await
from tooling.frames import BINARY, RSV1, TEXT

if TYPE_CHECKING:
    from harness.extra.steps import Step

TITLE = "Window sizes"

SIZES = range(8, 16)

MARGIN = 262
"""Bytes at the far end of its window to which zlib does not refer."""


@cache
def repeating(bits: int) -> bytes:
    """Return random bytes twice: a larger window than of `bits` finds the first half in the second."""
    return random.Random(bits).randbytes(2**bits + MARGIN) * 2  # noqa: S311  # any bytes without repetition


@cache
def far_back(bits: int) -> bytes:
    """Return random bytes twice, the second time as far behind as a window of `bits` reaches."""
    return random.Random(bits).randbytes(max(2**bits - MARGIN, 200)) * 2  # noqa: S311


def _for_compressor(bits: int) -> Case:
    return Case(
        f"The peer compresses with a window of {bits} bits at most",
        "R7692-7.2.1-14",
        Echoes(repeating(bits), repeating(bits), refused="NON-STRICT"),
        client_requirement="R7692-7.2.1-12",
        optional=True,
        deflate=f"{NAME}; {{testee}}_max_window_bits={bits}",
        send=(Frame(BINARY, repeating(bits)),) * 2,
    )


def _for_decompressor(bits: int) -> Case:
    def frames(permitted: int) -> tuple[Frame, ...]:
        return tuple(
            Frame(BINARY, payload, rsv=RSV1) for payload in deflate(data, data, bits=min(bits, permitted))
        )

    data = far_back(bits)
    return Case(
        f"The peer inflates what was compressed with a window of {bits} bits",
        "R7692-7.2.2-09",
        Echoes(data, data, refused="NON-STRICT"),
        client_requirement="R7692-7.2.2-07",
        optional=True,
        deflate=f"{NAME}; {{harness}}_max_window_bits={bits}",
        send=frames,
    )


def _far_end(bits: int) -> Case:
    data = random.Random(bits).randbytes(2**bits)  # noqa: S311

    def frames(permitted: int) -> tuple[Frame, ...]:
        again = reference(bits) if bits <= permitted else stored((data * 2)[:258]) + b"\0"
        first = b"".join(stored(data[start : start + 2**15]) for start in range(0, len(data), 2**15))
        return (Frame(BINARY, first + b"\0", rsv=RSV1), Frame(BINARY, again, rsv=RSV1))

    return Case(
        f"A reference to the far end of a window of {bits} bits, in the message before",
        "R7692-7.2.2-05",
        Echoes(data, (data * 2)[:258], refused="NON-STRICT"),
        client_requirement="R7692-7.2.2-03",
        optional=True,
        deflate=f"{NAME}; {{harness}}_max_window_bits={bits}",
        send=frames,
    )


def _beyond(bits: int) -> Case:
    """Make a case with a reference that leaves the window, whichever was agreed upon.

    Where that has 15 bits, the distance is one that RFC 1951 3.2.6 does not have.
    """
    before = random.Random(bits).randbytes(2**bits).hex()  # noqa: S311

    def frames(permitted: int) -> tuple[Step, ...]:
        return (
            Frame(TEXT, deflate(before.encode())[0], rsv=RSV1),
            Await(),
            Frame(TEXT, reference(permitted, beyond=True), rsv=RSV1),
        )

    return Case(
        f"A reference to one byte beyond a window of {bits} bits, in the message before",
        "R7692-7.2.2-08",
        Fails(1007, 1002, before=(before,)),
        client_requirement="R7692-7.2.2-06",
        unmet="NON-STRICT",
        why="the rule is the sender's, and RFC 7692 7.2.2 lets the receiver have a larger window",
        optional=True,
        deflate=f"{NAME}; {{harness}}_max_window_bits={bits}",
        send=frames,
    )


CASES = (
    *map(_for_compressor, SIZES),
    *map(_for_decompressor, SIZES),
    *map(_far_end, (8, 9, 12, 15)),
    *map(_beyond, (9, 12)),
    Case(
        "A reference with a distance of more than 32768 bytes, which DEFLATE does not have",
        "R6455-10.7-01",
        Fails(1007, 1002, before=("Hello",)),
        deflate=NAME,
        send=(
            Frame(TEXT, stored(b"Hello") + b"\0", rsv=RSV1),
            Await(),
            Frame(TEXT, reference(15, beyond=True), rsv=RSV1),
        ),
    ),
)
