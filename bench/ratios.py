"""Statistics that assume nothing about how times are distributed: medians and order statistics."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
MIN_ROUNDS = 6
"""With fewer, no range of order statistics holds the median with that confidence."""


@dataclass(frozen=True)
class Estimate:
    """A median, and the range in which the true one lies with 95 % confidence."""

    value: float
    low: float
    high: float


def estimate(samples: Sequence[float]) -> Estimate:
    """Estimate the median; `samples` has at least `MIN_ROUNDS`."""
    ordered = sorted(samples)
    rank = rank_for(len(ordered))
    return Estimate(median(ordered), ordered[rank], ordered[-1 - rank])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """Estimate the ratio of our cost to theirs, from the pairs that the rounds give."""
    return estimate([own / other for own, other in zip(ours, theirs, strict=True)])


def rank_for(count: int) -> int:
    """Return how many of the ordered samples the range may leave out at either end.

    The true median lies outside the range [rank + 1, count - rank] of order statistics with the probability
    that at most `rank` of `count` fair coins show heads, twice.
    """
    if count < MIN_ROUNDS:
        raise ValueError(f"{count} rounds are too few for a range, {MIN_ROUNDS} are needed")
    outside, rank = 0.0, 0
    while True:
        outside += 2 * comb(count, rank) / 2**count
        if outside > 1 - CONFIDENCE:
            return rank - 1
        rank += 1
