"""The command line, and what it finds wrong: each fault is one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from requirements import checks, draw
from requirements.cli import main
from requirements.marks import marked
from requirements.places import citations, places_of
from requirements.sections import sections_in
from requirements.statements import statements

MASKED = "R6455-5.1-02"


@pytest.fixture
def shown() -> dict[str, dict[str, str]]:
    """What is found where all tests pass."""
    return {statement: dict.fromkeys(where, "passed") for statement, where in marked().items()}


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["draw", "R6455-99-01"], "'R6455-99-01'"),
        (["draw", "R6455-4.1-05"], "'R6455-4.1-05'"),  # for the program
        (["draw", "--count", "0"], "0"),
        (["--results", "/nowhere"], "/nowhere"),
        (["--html", "/dev/null/page.html"], "/dev/null/page.html"),
        (["sections", "tests"], "tests"),
        (["mutate"], "'mutate'"),
    ],
)
def test_a_wrong_call_is_one_line_with_the_value(
    arguments: list[str], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert value in captured.err


@pytest.mark.parametrize(
    ("outcomes", "fault"),
    [
        ({}, f"{MASKED} has no test"),
        ({"a": "skipped", "b": "skipped"}, f"{MASKED} is not shown: all of its 2 tests were skipped"),
        ({"a": "passed", "b": "failed"}, f"{MASKED} is not kept: b fails"),
    ],
)
def test_a_statement_without_a_test_that_passes_is_a_fault(
    outcomes: dict[str, str], fault: str, shown: dict[str, dict[str, str]]
) -> None:
    (found,) = checks.faults({**shown, MASKED: outcomes})
    assert found.startswith(fault)


def test_a_section_or_an_id_that_is_not_there_is_a_fault(
    shown: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place,) = citations()["R6455-4.1-29"]
    wrong = {**citations(), "RFC 6455 5.9": [place], "R6455-5.9-01": [place], "RFC 1951 99": [place]}
    monkeypatch.setattr(checks, "citations", lambda: wrong)
    first, second = checks.faults(shown)
    assert first == f"{place} names RFC 6455 5.9, a section that RFC 6455 does not have"
    assert second.startswith(f"{place} names R6455-5.9-01, which tests/requirements.csv does not have")


def test_a_statement_for_the_library_without_a_place_is_a_fault(
    shown: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "places_of", lambda one: [] if one.id == MASKED else places_of(one))
    (found,) = checks.faults(shown)
    assert found.startswith(f"{MASKED} has no place")


def test_a_statement_for_others_says_why(
    shown: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = {
        name: replace(one, why="") if name == "R6455-4.1-05" else one for name, one in statements().items()
    }
    monkeypatch.setattr(checks, "statements", lambda: silent)
    (found,) = checks.faults(shown)
    assert found.startswith("R6455-4.1-05 is not for the library")


@pytest.mark.parametrize("is_disabled", [False, True], ids=["as-it-was", "disabled"])
def test_what_the_marked_tests_do_not_notice_is_said(
    is_disabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place,) = citations()[MASKED]
    as_it_was = place.file.read_text(encoding="utf-8")
    disabled = as_it_was.replace("size > LENGTH_64 or first & CONTROL", "False")
    assert disabled != as_it_was
    text = disabled if is_disabled else as_it_was
    monkeypatch.setattr(draw, "ways_to_disable", lambda _place: iter([("never true", text)]))
    done = draw.disable(statements()[MASKED], place)
    assert bool(done.by) is done.as_expected is (text is disabled)
    assert ("UNNOTICED" in str(done)) is (text is as_it_was)
    assert (f"python -m requirements draw {MASKED}" in str(done)) is (text is as_it_was)


def test_headings_are_told_from_the_items_of_lists() -> None:
    text = "1.  One\n\n1.1.  First\n\n   2.  an item\n2.  Two\n4.  an item\n3.  Three\n"
    assert sections_in(text) == {"1": "One", "1.1": "First", "2": "Two", "3": "Three"}
    assert sections_in("   1. One\n   2. Two\n") == {"1": "One", "2": "Two"}
