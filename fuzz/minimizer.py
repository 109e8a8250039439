"""Makes an input that fails smaller and plainer, as long as it goes on failing in the same way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN: Final = 0
"""The byte that blanks another."""


class Budget:
    """The time that minimising may take, and a way to give up earlier."""

    def __init__(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> None:
        self._until = time.monotonic() + seconds
        self._stopped = stopped

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self._stopped() or time.monotonic() > self._until


def minimize(data: bytes, fails: Callable[[bytes], bool], budget: Budget) -> bytes:
    """Return the smallest and plainest input found for which `fails` is true, as it is for `data`."""
    tried: set[bytes] = set()

    def try_(candidate: bytes) -> bool:
        if candidate in tried or budget.spent:
            return False
        tried.add(candidate)
        return fails(candidate)

    before = None
    while before != data and not budget.spent:
        before = data
        data = _plainer(_shorter(data, try_), try_)
    return data


def _shorter(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Leave out pieces, from halves down to single bytes, the last ones first."""
    size = len(data)
    while size:
        start = len(data) - size
        while start > -size:
            candidate = data[: max(0, start)] + data[start + size :]
            if fails(candidate):
                data = candidate
            start -= size
        size = min(size, len(data)) // 2
    return data


def _plainer(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Blank pieces, from all of it down to single bytes."""
    size = len(data)
    while size:
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            blank = bytes([PLAIN]) * len(piece)
            candidate = data[:start] + blank + data[start + size :]
            if piece != blank and fails(candidate):
                data = candidate
        size //= 2
    return data
