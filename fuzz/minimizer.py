"""Makes an input that fails smaller and plainer, as long as it goes on failing in the same way."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Smaller = Callable[[bytes], Iterator[bytes]]

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


def minimize(
    data: bytes, fails: Callable[[bytes], bool], budget: Budget, smaller: Smaller | None = None
) -> bytes:
    """Return the smallest and plainest input found for which `fails` is true, as it is for `data`.

    :param smaller: yields inputs that mean less than the one that it is given, as `fuzz.smaller` does.
    """
    tried: set[bytes] = set()

    def try_(candidate: bytes) -> bool:
        digest = hashlib.sha1(candidate, usedforsecurity=False).digest()
        if digest in tried or budget.spent:
            return False
        tried.add(digest)
        return fails(candidate)

    before = None
    while before != data and not budget.spent:
        before = data
        data = _with_less(data, smaller, try_, budget)
        data = _plainer(_shorter(data, try_), try_)
    return data


def _with_less(data: bytes, smaller: Smaller | None, fails: Callable[[bytes], bool], budget: Budget) -> bytes:
    """Take the first input that means less and fails, again and again."""
    while smaller is not None:
        for candidate in smaller(data):
            if budget.spent:
                return data
            if _weight(candidate) < _weight(data) and fails(candidate):
                data = candidate
                break
        else:
            break
    return data


def _weight(data: bytes) -> tuple[int, int, bytes]:
    """Order inputs: fewer bytes are less, then more blank ones, then lower ones."""
    return len(data), len(data) - data.count(PLAIN), data


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
    return _lower(data, fails)


def _lower(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Lower bytes that cannot be blank: to 1, to half, by a bit, by one; letters stay in their case."""
    for place in range(len(data)):
        lowered = True
        while lowered:
            lowered = False
            for value in _lower_values(data[place]):
                candidate = data[:place] + bytes([value]) + data[place + 1 :]
                if fails(candidate):
                    data, lowered = candidate, True
                    break
    return data


def _lower_values(byte: int) -> list[int]:
    bits = [] if chr(byte).isalpha() and byte < 0x80 else [byte & ~(0x80 >> bit) for bit in range(8)]
    return [value for value in (1, byte >> 1, *bits, byte - 1) if 0 < value < byte]
