"""Times one thing by itself. It needs the standard library alone: workers use it."""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.drivers.interface import Timed

SAMPLES = 5


def sample(timed: Timed, repeat: int) -> float:
    """Return the CPU seconds of so many passes.

    The garbage collector runs as in any program, but starts from nothing.
    """
    gc.collect()
    start = time.process_time()
    timed(repeat)
    return time.process_time() - start


def costs(works: Sequence[Timed], seconds: float) -> list[float]:
    """Return the median cost in seconds of a pass of each, from samples of about so many seconds in turns."""
    repeats = [_calibrated(timed, seconds) for timed in works]
    samples = [[sample(*work) for work in zip(works, repeats, strict=True)] for _ in range(SAMPLES)]
    return [median(found) / repeat for found, repeat in zip(zip(*samples, strict=True), repeats, strict=True)]


def _calibrated(timed: Timed, seconds: float) -> int:
    repeat = 1
    while (took := sample(timed, repeat)) < seconds / 2:
        repeat *= max(2, min(16, int(seconds / max(took, 1e-6) / 2)))
    return repeat
