"""X.8: windows of 8 to 15 bits, in the peer's compressor and in its decompressor (RFC 7692 7.1.2)."""

from __future__ import annotations

import random
from functools import cache

from harness.extra.case import Case
from harness.extra.deflating import NAME, deflate
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from tooling.frames import BINARY, RSV1

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
        Echoes(repeating(bits), repeating(bits)),
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
        Echoes(data, data),
        client_requirement="R7692-7.2.2-07",
        optional=True,
        deflate=f"{NAME}; {{harness}}_max_window_bits={bits}",
        send=frames,
    )


CASES = (*map(_for_compressor, SIZES), *map(_for_decompressor, SIZES))
