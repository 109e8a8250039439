"""Verdicts judged by the RFCs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.by_rfc import ByRfc
from harness.judge import BEST_FIRST, Verdict
from harness.reasons import reason_of
from harness.setups import Setup

if TYPE_CHECKING:
    from harness.by_rfc import FailOn

SERVER = Setup("server")


def report(behavior: str, close: str = "OK", **fields: Any) -> Any:
    return {"behavior": behavior, "behaviorClose": close, "remoteCloseCode": 1002, **fields}


@pytest.mark.parametrize(
    ("fail_on", "bad"),
    [
        ("must", {"FAILED", "ERROR"}),
        ("should", {"FAILED", "ERROR", "NON-STRICT", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT"}),
    ],
)
def test_the_verdicts_that_count(fail_on: FailOn, bad: set[str]) -> None:
    judge = ByRfc(fail_on)
    for verdict in BEST_FIRST:
        for found in (Verdict(verdict, "OK", 1000), Verdict("OK", verdict, None)):
            assert judge.accepts(SERVER, "1.1.1", found) == (verdict not in bad), found


def test_a_violation_is_a_difference_and_a_case_that_has_not_run_as_well() -> None:
    reports = {"1.1.1": report("OK"), "3.1": report("FAILED", "UNCLEAN"), "3.2": report("NON-STRICT")}
    found = ByRfc().judge(SERVER, ["1.1.1", "3.1", "3.2", "3.3"], reports)
    assert [(difference.case, difference.kind) for difference in found] == [
        ("3.1", "violation"),
        ("3.3", "missing"),
    ]
    assert [difference.case for difference in ByRfc("should").judge(SERVER, reports, reports)] == [
        "3.1",
        "3.2",
    ]


def test_nothing_is_slow_and_no_code_or_status_is_expected() -> None:
    reports = {"3.1": report("OK", duration=100_000, status=404), "3.2": report("INFORMATIONAL")}
    assert ByRfc("should").judge(SERVER, reports, reports) == []


def test_the_reason_of_a_violation_names_the_rule_and_no_other_code() -> None:
    found = report("FAILED", result="It was taken.", description="A fault.")
    (difference,) = ByRfc().judge(SERVER, ["3.1"], {"3.1": found})
    reason = reason_of(found, difference.report())
    assert (reason.change, reason.reason, reason.rule) == ("FAILED", "It was taken.", "RFC 6455 5.2")
    assert "rule     RFC 6455 5.2, https://www.rfc-editor.org/rfc/rfc6455#section-5.2" in reason.lines()
    closed = report("OK", "WRONG CODE", resultClose="The code is wrong.", rfc="RFC 6455 7.4")
    (difference,) = ByRfc("should").judge(SERVER, ["3.1"], {"3.1": closed})
    reason = reason_of(closed, difference.report())
    assert (reason.change, reason.reason, reason.rule) == (
        "close WRONG CODE",
        "The code is wrong.",
        "RFC 6455 7.4",
    )
