"""Which cases were slow, and what of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.judge import Baseline, Entry, Verdict
from harness.patience import Patience, Usual, slow_cases
from harness.setups import Setup

if TYPE_CHECKING:
    from harness.results import CaseReport

MANY = [f"1.1.{number}" for number in range(1, 9)] + [f"1.2.{number}" for number in range(1, 9)]


def took(milliseconds: int) -> CaseReport:
    return {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": milliseconds}


def test_a_case_may_take_ten_times_as_long_as_usual_and_a_moment_more() -> None:
    """A server that ended TCP 2.5 s late was as expected, and a run took 326 s instead of 20."""
    reports = {"2.1": took(1900), "2.2": took(2500), "2.3": took(9000), "9.1.1": took(8000)}
    assert slow_cases(reports, Usual({"2.3": 1.0})) == {"2.2": "It took 2.5 s, at most 2.0 s are expected."}


def test_half_of_the_cases_may_not_take_long() -> None:
    """An echo that is 0.3 s late is within the bounds of each case by itself."""
    assert slow_cases(dict.fromkeys(MANY, took(150)), Usual()) == {}
    slow = slow_cases({**dict.fromkeys(MANY, took(320)), "1.1.1": took(5)}, Usual())
    assert set(slow) == {*MANY} - {"1.1.1"}
    assert slow["1.2.8"] == "It took 0.3 s, at most 0.2 s are expected."
    assert slow_cases(dict.fromkeys(MANY[:5], took(320)), Usual()) == {}, "too few to speak of a half"


def test_the_part_that_took_longest_is_named() -> None:
    report: CaseReport = {**took(2700), "timing": {"answer": 10.0, "close": 20.0, "end": 2600.0}}
    said = slow_cases({"X.3.1": report}, Usual())["X.3.1"]
    assert said == "It took 2.7 s, at most 2.0 s are expected: it ended TCP 2.6 s after it was due."


@pytest.mark.parametrize(("case", "limit"), [("", 10), ("1.1.1", 10), ("9.1.1", 60), ("12.1.1", 60)])
def test_long_cases_have_longer_before_they_hang(case: str, limit: float) -> None:
    assert Patience(time_limit=10).limit(case) == limit


def test_no_long_case_hangs_within_the_time_that_the_baseline_allows() -> None:
    usual = Usual({"12.2.9": 17.0, "6.4.1": 5.0})
    assert Patience(time_limit=10).limit("12.2.9", usual) == 170
    assert Patience(time_limit=10).limit("6.4.1", usual) == 10, "as the user said"
    assert Patience(time_limit=10).limit("2.4", usual) == 10
    assert Patience(time_limit=10).limit("", usual) == 10


def test_over_a_bridge_a_case_may_take_longer() -> None:
    over_http3 = Usual({"12.2.9": 17.0}, slower=5)
    assert Patience(time_limit=10).limit("12.2.16", over_http3) == 200
    assert Patience(time_limit=10).limit("12.2.9", over_http3) == 170
    reports = {"2.1": took(3900), "2.2": took(4100), "12.2.16": took(201_000), "12.2.9": took(171_000)}
    assert list(slow_cases(reports, over_http3)) == ["2.2"]


def test_seconds_over_http1_count_for_the_other_transports_too() -> None:
    """A case of 0.9 s over HTTP/1.1 was ended over HTTP/3 as if it took no longer there."""
    entries = {case: Entry(Verdict("OK", "OK", 1000), seconds=0.9) for case in ("12.2.10", "12.2.11")}
    own = {"12.2.11": Entry(Verdict("OK", "OK", 1000), seconds=8.0)}
    baseline = Baseline("server")
    baseline.entries, baseline.unlike = entries, {"h3": own}
    assert baseline.usual(Setup("server", transport="h3")).noted == {"12.2.10": 4.5, "12.2.11": 8.0}
    assert baseline.usual(Setup("server")).noted == {"12.2.10": 0.9, "12.2.11": 0.9}


def test_the_budget_is_the_users_or_ten_times_the_usual_duration() -> None:
    assert Patience().whole(20) == 260
    assert Patience(budget=5).whole(20) == 5
