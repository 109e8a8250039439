"""Medians and their ranges."""

from __future__ import annotations

import random

import pytest

from bench.ratios import Estimate, estimate, rank_for, ratio


@pytest.mark.parametrize(("count", "rank"), [(6, 0), (7, 0), (8, 0), (9, 1), (12, 2), (15, 3), (21, 5)])
def test_the_ranks_of_the_textbook_tables(count: int, rank: int) -> None:
    """As printed for the sign test's interval of the median at 95 %."""
    assert rank_for(count) == rank


def test_too_few_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="5 rounds are too few for a range, 6 are needed"):
        rank_for(5)


def test_an_estimate_is_the_median_between_order_statistics() -> None:
    assert estimate([9, 1, 8, 2, 7, 3, 6, 4, 5]) == Estimate(5, 2, 8)


def test_an_outlier_moves_nothing() -> None:
    assert estimate([1, 2, 3, 4, 5, 6, 7, 8, 9]).value == estimate([1, 2, 3, 4, 5, 6, 7, 8, 1e9]).value


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that slows down for both in a round changes nothing."""
    slow = [1, 1, 5, 1, 100, 1, 1]
    assert ratio([2 * factor for factor in slow], [4 * factor for factor in slow]) == Estimate(0.5, 0.5, 0.5)


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0] * 7, [1.0] * 6)


@pytest.mark.parametrize("count", [7, 21])
def test_the_range_holds_the_true_median_as_often_as_it_says(count: int) -> None:
    source = random.Random(count)
    tries = 2000
    held = 0
    for _ in range(tries):
        found = estimate([source.expovariate(1) for _ in range(count)])
        held += found.low <= 0.6931 <= found.high  # ln 2, the median of this skewed distribution
    assert held / tries >= 0.94
