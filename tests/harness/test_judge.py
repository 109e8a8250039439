from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import AUTOBAHN_CASES, CASES, is_for
from harness.judge import BEST_FIRST, EXPECTED, Baseline, Verdict, judge, verdict_of
from harness.setups import Setup
from harness.streams import STREAMS
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.roles import Role

OK = Verdict("OK", "OK", 1000)
INFORMATIONAL = Verdict("INFORMATIONAL", "INFORMATIONAL", None)
SERVER, CLIENT = Setup("server"), Setup("client")


@pytest.mark.parametrize(
    ("expected", "actual", "kind"),
    [
        (OK, Verdict("FAILED", "OK", 1000), "regression"),
        (OK, Verdict("OK", "UNCLEAN", 1000), "regression"),
        (OK, Verdict("NON-STRICT", "OK", 1000), "regression"),
        (OK, Verdict("SOMETHING NEW", "OK", 1000), "regression"),
        (OK, Verdict("OK", "OK", 1001), "change"),
        (OK, Verdict("OK", "OK", None), "change"),
        (INFORMATIONAL, OK, "improvement"),
        (Verdict("FAILED", "FAILED", None), Verdict("OK", "FAILED", None), "improvement"),
        (Verdict("OK", "FAILED", None), Verdict("NON-STRICT", "OK", None), "regression"),  # better and worse
        (OK, None, "missing"),
        (None, OK, "unrecorded"),
        (None, None, "missing"),
    ],
)
def test_a_difference_is_of_a_kind(expected: Verdict | None, actual: Verdict | None, kind: str) -> None:
    (difference,) = judge(
        SERVER, ["1.1.1"], {"1.1.1": expected} if expected else {}, {"1.1.1": actual} if actual else {}
    )
    assert (difference.case, difference.kind) == ("1.1.1", kind)
    assert (difference.expected, difference.actual) == (expected, actual)


def test_what_is_as_expected_is_no_difference() -> None:
    assert judge(CLIENT, ["1.1.1", "7.1.6"], both := {"1.1.1": OK, "7.1.6": INFORMATIONAL}, both) == []


def test_a_case_that_nobody_asked_for_is_extra_even_if_it_is_as_expected() -> None:
    (difference,) = judge(SERVER, ["1.1.1"], {"1.1.1": OK, "1.1.2": OK}, {"1.1.1": OK, "1.1.2": OK})
    assert (difference.case, difference.kind) == ("1.1.2", "extra")


def test_a_case_of_the_baseline_that_was_not_asked_for_is_not_missing() -> None:
    assert judge(SERVER, ["1.1.1"], {"1.1.1": OK, "1.1.2": OK}, {"1.1.1": OK}) == []


def test_differences_come_in_the_order_asked_then_the_extra_ones() -> None:
    found = judge(CLIENT, ["1.1.1", "1.1.2"], {}, {"9.9": OK, "1.1.2": OK})
    assert [(difference.case, difference.kind) for difference in found] == [
        ("1.1.1", "missing"),
        ("1.1.2", "unrecorded"),
        ("9.9", "extra"),
    ]


def test_a_difference_names_the_command_that_repeats_it() -> None:
    (difference,) = judge(CLIENT, ["6.4.1"], {"6.4.1": OK}, {"6.4.1": INFORMATIONAL})
    assert difference.report() == {
        "case": "6.4.1",
        "kind": "regression",
        "expected": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000},
        "actual": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL", "remoteCloseCode": None},
        "note": "",
        "repeat": "python -m harness run --role client --variant default --cases 6.4.1",
    }


def test_a_case_that_is_slow_differs_though_its_verdict_does_not() -> None:
    (difference,) = judge(CLIENT, ["2.1"], {"2.1": OK}, {"2.1": OK}, {"2.1": "It took 9 s."})
    assert (difference.kind, difference.note) == ("slow", "It took 9 s.")
    (worse,) = judge(CLIENT, ["2.1"], {"2.1": OK}, {"2.1": INFORMATIONAL}, {"2.1": "It took 9 s."})
    assert (worse.kind, worse.note) == ("regression", "It took 9 s.")


def test_another_status_of_a_refusal_is_a_change() -> None:
    refused, otherwise = Verdict("OK", "OK", None, 426), Verdict("OK", "OK", None, 400)
    (difference,) = judge(SERVER, ["X.1.15"], {"X.1.15": refused}, {"X.1.15": otherwise})
    assert difference.kind == "change"
    assert str(difference.expected) == "OK, close OK, code none, status 426"
    assert verdict_of(refused.fields(), "here") == refused


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"behavior": "OK", "behaviorClose": "OK"},
        {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": "1000"},
        {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": None, "status": "400"},
        {"behavior": 1, "behaviorClose": "OK", "remoteCloseCode": 1000},
        [],
        None,
    ],
)
def test_what_is_no_verdict_is_named(report: Any) -> None:
    with pytest.raises(CommandError, match=r"^here: not a verdict"):
        verdict_of(report, "here")


def test_a_baseline_comes_back_as_it_was_written(tmp_path: Path) -> None:
    Baseline("server", tmp_path).update({"10.1.1": OK, "2.1": INFORMATIONAL}).save()
    assert Baseline("server", tmp_path).load().verdicts("default") == {"2.1": INFORMATIONAL, "10.1.1": OK}
    lines = (tmp_path / "server.json").read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["{", '"2.1"', '"10.1.1"', "}"]


def test_an_update_keeps_the_other_cases_and_the_reasons_that_still_hold(tmp_path: Path) -> None:
    entry = {**INFORMATIONAL.fields(), "why": "undefined by the RFC"}
    (tmp_path / "client.json").write_text(
        json.dumps({"1.1.1": OK.fields(), "7.13.1": entry, "7.13.2": entry})
    )
    baseline = Baseline("client", tmp_path).load()
    baseline.update({"7.13.2": OK, "2.1": OK}).save()
    written = json.loads((tmp_path / "client.json").read_text())
    assert written == {"1.1.1": OK.fields(), "2.1": OK.fields(), "7.13.1": entry, "7.13.2": OK.fields()}


def test_a_variant_has_an_entry_of_its_own_only_where_its_verdict_is_another(tmp_path: Path) -> None:
    baseline = Baseline("server", tmp_path).update({"1.1.1": OK, "2.1": OK}, "default", {"1.1.1": 0.349})
    baseline.update({"1.1.1": OK, "2.1": INFORMATIONAL}, "limits").save()
    written = json.loads((tmp_path / "server.json").read_text())
    assert written == {
        "1.1.1": {**OK.fields(), "seconds": 0.3},
        "2.1": {**OK.fields(), "variants": {"limits": INFORMATIONAL.fields()}},
    }
    again = Baseline("server", tmp_path).load()
    assert again.verdicts("limits") == {"1.1.1": OK, "2.1": INFORMATIONAL}
    assert again.verdicts("settings") == {"1.1.1": OK, "2.1": OK}
    again.update({"2.1": OK}, "limits").update({"1.1.1": OK}, "default", {"1.1.1": 1.1}).save()
    written = json.loads((tmp_path / "server.json").read_text())
    assert written == {"1.1.1": {**OK.fields(), "seconds": 0.3}, "2.1": OK.fields()}, "a steady time stays"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[]", "not an object"),
        (b'{"1.1.1": {}}', "case 1.1.1: not a verdict"),
        (
            b'{"1.1.1": {"behavior": "GOOD", "behaviorClose": "OK", "remoteCloseCode": 1}}',
            "'GOOD' is not a verdict",
        ),
        (
            b'{"2.1": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1, "seconds": -1}}',
            "-1 is not a duration",
        ),
        (
            b'{"2.1": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1, "variants": {"x": 1}}}',
            "not verdicts of default, limits, settings",
        ),
        (b'{"8.1": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1}}', "no such case"),
    ],
)
def test_a_corrupt_baseline_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "server.json").write_bytes(content)
    with pytest.raises(CommandError, match=problem) as caught:
        Baseline("server", tmp_path).load()
    assert str(tmp_path / "server.json") in str(caught.value)


def test_a_missing_baseline_is_an_error_unless_it_is_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--update-baseline"):
        Baseline("server", tmp_path).load()
    assert Baseline("server", tmp_path).load(may_be_missing=True).entries == {}


ROLES: tuple[Role, ...] = ("server", "client")


@pytest.mark.parametrize("role", ROLES)
def test_the_committed_baseline_has_every_case_ok_but_those_that_say_why(role: Role) -> None:
    verdicts = Baseline(role, EXPECTED).load().verdicts("default")
    assert list(verdicts) == [case for case in CASES if is_for(case, role) and case not in STREAMS]
    others = {case: verdict.behavior for case, verdict in verdicts.items() if not verdict.ok}
    autobahns = {case: others.pop(case) for case in AUTOBAHN_CASES if case in others}
    assert autobahns == dict.fromkeys(("7.1.6", "7.13.1", "7.13.2"), "INFORMATIONAL")
    assert others == {"X.8.1": "UNIMPLEMENTED", "X.14.15": "NON-STRICT"}
    entries = json.loads((EXPECTED / f"{role}.json").read_bytes())
    assert all(entries[case]["why"] for case in others | autobahns)


def test_every_verdict_has_its_place() -> None:
    assert len(set(BEST_FIRST)) == len(BEST_FIRST) == 9
    assert Verdict("OK", "FAILED", None).ranks < Verdict("FAILED", "OK", None).ranks
