"""Which cases fit an endpoint, and what is said of the others."""

from __future__ import annotations

import pytest

from harness.cases import AUTOBAHN_CASES, COUNTS, SelectionError, is_for, meaning, select
from harness.endpoints.choice import SIZES, choose, longest, needs_compression, with_limit
from harness.extra import EXTRA
from harness.extra.deflating import MAX_INFLATED
from harness.extra.limits import cases_for, fits
from harness.streams import STREAMS


def test_without_a_limit_all_but_those_about_limits_are_chosen() -> None:
    choice = choose("server", "full", [])
    of_server = [case for case in select("full") if is_for(case, "server") and case not in STREAMS]
    assert [case for case in of_server if case not in choice.cases] == meaning("X.9")
    assert choice.extra is EXTRA
    assert len(choice.notes) == 1
    assert "X.9.1" not in choose("client", "fast", []).cases


def test_what_is_left_out_is_said() -> None:
    choice = choose(
        "server", "full", ["9.1", "12.1", "X.7.1", "X.3.1"], ["X.3"], compression=False, limit=2**20
    )
    assert choice.cases == ["9.1.1", "9.1.2", "9.1.3"]
    assert choice.notes == [
        "left out: 1 extra case (--exclude)",
        "left out: 18 cases of Autobahn and 1 extra one that need permessage-deflate (--without compression)",
        "left out: 3 cases with messages of more than 1048576 bytes (--max-message-size)",
    ]


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(SelectionError, match=r"left out: 8 cases \(--exclude\)"):
        choose("server", "full", ["1.1"], ["1"])
    with pytest.raises(SelectionError, match=r"'X\.6' means no case of a server"):
        choose("server", "full", ["X.6"])


def test_the_cases_that_need_permessage_deflate() -> None:
    found = {case for case in select("full") if needs_compression(case)}
    assert {case for case in AUTOBAHN_CASES if case in found} == {
        case for case in AUTOBAHN_CASES if case.split(".")[0] in {"12", "13"}
    }
    assert "X.7.1" in found
    assert "X.3.1" not in found


def test_the_sizes_of_autobahns_messages_are_for_every_case() -> None:
    for section, sizes in SIZES.items():
        assert len(sizes) >= COUNTS[section] or section == "7.1", section
    assert [longest(case) for case in ("9.1.6", "9.3.1", "12.1.10", "12.5.18", "13.7.5", "7.1.6", "2.1")] == [
        2**24,
        2**22,
        2**17,
        2**17,
        2**12,
        2**18,
        0,
    ]
    assert longest("X.14.1") == 1_000_000


def test_the_cases_about_limits_are_made_for_the_limit() -> None:
    cases = with_limit(2**16)
    assert cases.keys() == EXTRA.keys()
    half = cases["X.9.1"]
    assert half.name == "X.9.1"
    assert [len(event[1]) for event in half.expect.events()] == [2**15]
    assert callable(half.send)
    assert len(half.send(15)[0].payload) == 2**15  # type: ignore[union-attr]  # it is a frame
    assert cases["X.3.1"] is EXTRA["X.3.1"]


@pytest.mark.parametrize(
    ("limit", "least", "most"), [(2**13, 0, 0), (2**20, 39, 39), (2**24, 20, 38), (2**27, 0, 0)]
)
def test_a_limit_that_no_message_passes_has_fewer_cases(limit: int, least: int, most: int) -> None:
    fitting = [case for case in cases_for(limit) if fits(case, limit)]
    assert least <= len(fitting) <= most
    assert all(len(event[1]) <= MAX_INFLATED for case in fitting for event in case.expect.events())
