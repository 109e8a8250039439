"""The reason of a difference: what came instead of what, and which differences have one cause."""

from __future__ import annotations

from typing import Any

import pytest

from harness.reasons import groups_of, reason_of
from tests.harness.report_samples import case, difference, role, verdict

DIFFERS = "Actual events differ from any expected."
CUT = "þ" * 60 + " ..."


def explained(report: Any, kind: str = "regression", **actual: Any) -> Any:
    changed = {**verdict("FAILED"), **actual}
    return reason_of(report, difference("server", "2.4", kind, verdict(), changed))  # type: ignore[arg-type]


def failed(expected: list[Any], received: list[Any], wirelog: list[Any] | None = None) -> Any:
    return case(
        result=DIFFERS, expected={"OK": expected}, received=received, wirelog=wirelog or [], behavior="FAILED"
    )


def test_a_payload_that_lacks_its_last_byte_is_told_from_the_whole() -> None:
    shown = "0x" + "fe" * 64 + " ..."
    log = [
        ["TF", [125, shown], 9, True, 0, None, None, None, False],
        ["RF", [124, shown], 10, True, 0, False, None],
    ]
    found = explained(failed([["pong", CUT]], [["pong", CUT]], log))
    assert found.missing == (f"pong of 125 bytes “…{'þ' * 24}…”",)
    assert found.instead == (f"pong of 124 bytes “…{'þ' * 24}…”",)
    assert found.reason == f"Expected was {found.missing[0]}; what came is {found.instead[0]}."


def test_texts_are_cut_around_their_first_difference() -> None:
    expected, seen = "a" * 100 + "b" + "c" * 50, "a" * 100 + "X" + "c" * 50
    found = explained(failed([["message", expected, False]], [["message", seen, False]]))
    assert found.missing == (f"text message of 151 bytes “…{'a' * 24}b{'c' * 23}…”",)
    assert found.instead == (f"text message of 151 bytes “…{'a' * 24}X{'c' * 23}…”",)


def test_the_nearest_expectation_is_compared() -> None:
    report = failed([], [["timeout", "A"], ["timeout", "B"], ["message", "x", True]])
    report["expected"] = {"OK": [["timeout", "A"]], "NON-STRICT": [["timeout", "A"], ["timeout", "B"]]}
    found = explained(report)
    assert (found.missing, found.instead) == ((), ("binary message of 1 byte “x”",))
    assert found.reason == "Nothing more was expected; what came is binary message of 1 byte “x”."


def test_the_size_of_a_message_in_fragments_is_their_sum() -> None:
    log = [
        ["TF", [40, "x"], 1, False, 0, None, None, None, False],
        ["TF", [60, "x"], 0, True, 0, None, None, None, False],
    ]
    assert (
        explained(failed([["message", CUT, False]], [], log))
        .missing[0]
        .startswith("text message of 100 bytes")
    )


@pytest.mark.parametrize(
    ("kind", "actual", "report", "reason", "change"),
    [
        ("regression", {}, {"result": "It hung."}, "It hung.", "OK -> FAILED"),
        (
            "regression",
            {"behavior": "OK", "behaviorClose": "UNCLEAN"},
            {"resultClose": "No Close."},
            "No Close.",
            "close OK -> UNCLEAN",
        ),
        (
            "change",
            {"behavior": "OK", "remoteCloseCode": 1007},
            {},
            "The close code is 1007, expected is 1000.",
            "code 1000 -> 1007",
        ),
        (
            "change",
            {"behavior": "OK", "status": 400},
            {},
            "The HTTP status is 400, expected is none.",
            "status none -> 400",
        ),
        ("slow", {"behavior": "OK"}, {"duration": 9000}, "It took 9.0 s, at most 2.0 s are expected.", ""),
    ],
)
def test_the_reason_is_of_what_differs(kind: str, actual: Any, report: Any, reason: str, change: str) -> None:
    found = explained(case(**report), kind, **actual)
    assert (found.reason, found.change) == (reason, change)


def test_a_case_that_has_not_run_says_so() -> None:
    found = reason_of(None, difference("server", "2.4", "missing", verdict(), None))
    assert (found.reason, found.change) == ("The case has not run.", "OK -> none")


@pytest.mark.parametrize(
    "odd", [{}, {"expected": 5, "received": 5}, {"expected": {"OK": [5]}, "received": [[]], "wirelog": [[]]}]
)
def test_reports_of_another_shape_are_explained_as_far_as_they_go(odd: Any) -> None:
    assert explained({**odd, "result": 5}).reason == "The suite does not say why."


def test_lines_have_all_that_is_known() -> None:
    lines = explained(failed([["pong", "a"]], [["pong", "b"]])).lines()
    assert [line.split()[0] for line in lines] == ["reason", "title", "wanted", "missing", "instead"]


def test_differences_of_one_cause_group_over_cases_and_setups() -> None:
    def setup(names: dict[str, str]) -> Any:
        cases = {
            name: case(result=f"A text '{text}' of 5 bytes came in {name}.") for name, text in names.items()
        }
        changes = [difference("server", name, "regression", verdict(), verdict("FAILED")) for name in cases]
        return role(cases, changes)

    setups = {"server": setup({"1.1.1": "a", "1.1.2": "b"}), "client": setup({"1.1.1": "c"})}
    other = case(resultClose="No Close.")
    setups["client"]["cases"]["2.1"] = other
    setups["client"]["differences"].append(
        difference("client", "2.1", "regression", verdict(), verdict("OK", "UNCLEAN"))
    )
    first, second = groups_of(setups)
    assert (first.size, first.names) == (3, ["1.1.1", "1.1.2"])
    assert first.cases == {"server": ["1.1.1", "1.1.2"], "client": ["1.1.1"]}
    assert (second.change, second.reason) == ("close OK -> UNCLEAN", "No Close.")
