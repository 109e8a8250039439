"""Counts the bytes that a library holds. It needs the standard library alone: workers use it."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def held(make: Callable[[], object], count: int, *, traced: bool) -> float:
    """Return the bytes that each of `count` objects holds.

    Traced, these are the bytes asked of Python's allocators, zlib's windows included: exact, whatever else
    the process does. Otherwise they are the growth of the resident set, with the allocators' losses.
    """
    made: list[object] = [None] * count
    gc.collect()
    if traced:
        tracemalloc.start()
    before = _held(traced=traced)
    for index in range(count):
        made[index] = make()
    gc.collect()
    each = (_held(traced=traced) - before) / count
    tracemalloc.stop()
    return each


def _held(*, traced: bool) -> int:
    if traced:
        return tracemalloc.get_traced_memory()[0]
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE")


def peak(work: Callable[[], object]) -> int:
    """Return the most bytes that `work` holds at a time, beyond those before it."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most - before
