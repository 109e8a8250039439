from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.cases import (
    AUTOBAHN_CASES,
    CASES,
    PROFILES,
    SECTIONS,
    SelectionError,
    is_for,
    meaning,
    section_of,
    select,
    weight,
)
from harness.extra import EXTRA
from harness.streams import STREAMS

if TYPE_CHECKING:
    from harness.cases import Profile


def test_the_cases_are_those_of_the_suite_in_its_order() -> None:
    # in a process of its own: kosoku puts Autobahn's modules on the import path
    listing = "import kosoku.cases; print(*kosoku.cases.CASES)"
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    assert tuple(found.stdout.split()) == AUTOBAHN_CASES
    assert len(AUTOBAHN_CASES) == 517
    assert (*AUTOBAHN_CASES, *EXTRA, *STREAMS) == CASES


@pytest.mark.parametrize(("profile", "count"), [("fast", 247), ("wide", 397), ("full", 517)])
def test_each_profile_has_its_number_of_cases(profile: Profile, count: int) -> None:
    chosen = select(profile)
    assert len([case for case in chosen if case in AUTOBAHN_CASES]) == count
    assert len(chosen) == count + len(EXTRA) + len(STREAMS)


def test_what_the_profiles_leave_out() -> None:
    assert {section_of(case) for case in CASES} - {section_of(case) for case in select("fast")} == {
        "9",
        "12",
        "13",
    }
    wide = select("wide")
    assert set(CASES) - set(wide) == {
        case for case in CASES if section_of(case) in {"12", "13"} and int(case.split(".")[2]) >= 9
    }
    assert "9.9.1" not in CASES
    assert "9.3.9" in wide


@pytest.mark.parametrize(
    ("pattern", "cases"),
    [
        ("6.4", ["6.4.1", "6.4.2", "6.4.3", "6.4.4"]),
        ("6.4.1", ["6.4.1"]),
        ("12.1.1", ["12.1.1"]),  # not 12.1.10 to 12.1.18 as well
        ("2", [f"2.{number}" for number in range(1, 12)]),
        ("1.1.?", [f"1.1.{number}" for number in range(1, 9)]),
        ("12.*.18", [f"12.{number}.18" for number in range(1, 6)]),
        ("7.13.*", ["7.13.1", "7.13.2"]),
        ("2.1*", ["2.1", "2.10", "2.11"]),
        ("3.[12]", ["3.1", "3.2"]),
        ("6", [case for case in CASES if case.startswith("6.")]),
        ("*", list(CASES)),
        ("X.1.1", ["X.1.1"]),  # not X.1.10 and its like as well
        ("X", list(EXTRA)),
    ],
)
def test_a_pattern_means_exactly(pattern: str, cases: list[str]) -> None:
    assert meaning(pattern) == cases
    assert select("full", [pattern]) == cases


@pytest.mark.parametrize(
    "pattern", ["", ".", "6.", "6.40", "8", "1.1.10", "6.4.1.1", " 6.4", "6.4*1*x", "[", "6,4"]
)
def test_a_pattern_that_means_nothing_is_named(pattern: str) -> None:
    with pytest.raises(SelectionError, match="means no case"):
        select("full", [pattern])


def test_a_pattern_outside_the_profile_is_named() -> None:
    with pytest.raises(SelectionError, match=r"'9\.1' means no case of profile 'fast'"):
        select("fast", ["1.1", "9.1"])


def test_an_extra_case_is_for_one_role_or_for_both() -> None:
    assert [is_for("X.1.1", "server"), is_for("X.1.1", "client")] == [True, False]
    assert [is_for("X.2.1", "server"), is_for("X.2.1", "client")] == [False, True]
    assert [is_for("X.3.1", "server"), is_for("X.3.1", "client")] == [True, True]
    assert all(is_for(case, role) for case in AUTOBAHN_CASES for role in ("server", "client"))
    assert section_of("X.3.1") == "X.3"


def test_several_patterns_give_their_union_in_the_order_of_the_suite() -> None:
    assert select("full", ["7.13", "3.1", "7.13.1"]) == ["3.1", "7.13.1", "7.13.2"]


def test_every_case_has_a_section_with_a_title_and_a_weight() -> None:
    assert {section_of(case) for case in CASES} == set(SECTIONS)
    assert all(weight(case) > 0 for case in CASES)
    assert PROFILES == ("fast", "wide", "full")
