"""The details of a case, as JSON for the page's script, which shows them when the case is opened."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from harness.case_texts import plain, visible
from harness.judge import verdict_of
from harness.reasons import reason_of
from harness.report.wirelog import decode
from harness.sections import link_of
from harness.wording import peer_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.results import CaseReport, DifferenceReport, Results

MAX_TEXT = 2000
"""Characters that are shown of any field."""

MAX_FACT = 200
"""The same for a field without a place of its own."""

MAX_EVENTS = 20
"""Events that are shown of those that a case expects or has seen."""

SHOWN_BY_THEMSELVES = {
    "agent", "behavior", "behaviorClose", "createStats", "createWirelog", "description", "duration",
    "expectation", "expected", "expectedClose", "httpRequest", "httpResponse", "isServer", "localCloseCode",
    "localCloseReason", "log", "received", "remoteCloseCode", "remoteCloseReason", "reportCompressionRatio",
    "reportTime", "requirement", "result", "resultClose", "rfc", "wirelog",
}  # fmt: skip
"""The fields of a report with a place of their own on the page, or with none; a table has the others."""


def details_of(results: Results) -> dict[str, Any]:
    """Return the data of the page: texts by case, and what happened by role and case."""
    texts: dict[str, dict[str, str]] = {}
    cases: dict[str, dict[str, Any]] = {}
    for setup, report in results["setups"].items():
        differences = {difference["case"]: difference for difference in report["differences"]}
        cases[setup] = {}
        for case, found in report["cases"].items():
            text = _texts(found)
            shared = texts.setdefault(case, text)
            own = {} if shared == text else text
            cases[setup][case] = {**own, **_case(found, differences.pop(case, None))}
        for case, difference in differences.items():  # the cases that are left have not run
            cases[setup][case] = {"repeat": _string(difference["repeat"]), **_why(None, difference)}
    return {"texts": texts, "cases": cases, "peer": peer_of(results)}


def _texts(report: Mapping[str, Any]) -> dict[str, str]:
    requirement = report.get("requirement")
    shown = {
        "description": plain(_string(report.get("description"))),
        "expectation": plain(_string(report.get("expectation"))),
        "rfc": plain(_string(report.get("rfc"))),
        "link": link_of(_string(report.get("rfc"))),
        "requirement": ", ".join(map(_string, requirement))
        if isinstance(requirement, list)
        else _string(requirement),
    }
    return {name: text for name, text in shown.items() if text}


def _case(report: CaseReport, difference: DifferenceReport | None) -> dict[str, Any]:
    content: Mapping[str, Any] = report
    shown = {
        "behavior": _string(content.get("behavior")),
        "behaviorClose": _string(content.get("behaviorClose")),
        "result": _string(content.get("result")),
        "resultClose": _string(content.get("resultClose")),
        "suite": _close(content.get("localCloseCode"), content.get("localCloseReason")),
        "library": _close(content.get("remoteCloseCode"), content.get("remoteCloseReason")),
        "duration": duration_of(report),
        "expected": _expected(content.get("expected")),
        "expectedCodes": _codes(content.get("expectedClose")),
        "received": _events(content.get("received")),
        "log": _string(content.get("log"), 4 * MAX_TEXT),
        "wire": [
            _brief(entry)
            for entry in decode(
                content.get("wirelog"),
                _string(content.get("httpRequest")),
                _string(content.get("httpResponse")),
                suite_is_server=content.get("isServer") is True,
            )
        ],
        "facts": _facts(content),
        "repeat": _string(difference["repeat"]) if difference else "",
        **(_why(report, difference) if difference else {}),
    }
    return {name: value for name, value in shown.items() if value not in (None, "", [], {})}


def _why(report: CaseReport | None, difference: DifferenceReport) -> dict[str, Any]:
    """Say why a case differs."""
    reason = reason_of(report, difference)
    return {
        "kind": difference["kind"],
        "wanted": verdict_line(difference["expected"])
        if difference["kind"] != "violation"
        else "no violation",
        "found": verdict_line(difference["actual"]),
        "reason": reason.reason,
        "missing": list(reason.missing),
        "instead": list(reason.instead),
    }


def duration_of(report: Mapping[str, Any]) -> float | None:
    """Return the duration of a case in milliseconds, if it is known."""
    duration = report.get("duration")
    return duration if isinstance(duration, (int, float)) and isfinite(duration) else None


def _brief(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that say nothing."""
    return {name: value for name, value in entry.items() if name in {"opcode", "length"} or value}


def _string(value: Any, longest: int = MAX_TEXT) -> str:
    """Return any field as a text of bounded length."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return visible(text if len(text) <= longest else f"{text[:longest]} …", keep="\n\r")


def _close(code: Any, reason: Any) -> str:
    """Return code and reason of a side's Close, `1002 “Fragmented control frame”`, or `""` if unknown."""
    if not isinstance(code, int):
        return ""
    return f"{code} “{_string(reason)}”" if reason else str(code)


def _codes(expected_close: Any) -> str:
    match expected_close:
        case {"closeCode": list(codes)}:
            return ", ".join(_string(code) for code in codes[:MAX_EVENTS])
    return ""


def _expected(expected: Any) -> dict[str, list[str]]:
    """Return for each verdict the events that would have led to it."""
    if not isinstance(expected, dict):
        return {}
    return {_string(verdict): _events(events) or ["nothing"] for verdict, events in expected.items()}


def _events(events: Any) -> list[str]:
    """Return events such as `["message", "Hello", false]`, a line each."""
    if not isinstance(events, list):
        return []
    shown = [_event(event) for event in events[:MAX_EVENTS]]
    left_out = len(events) - len(shown)
    return [*shown, f"{left_out} more"] if left_out else shown


def _event(event: Any) -> str:
    match event:
        case ["message", payload, bool(binary)]:
            return f"{'binary' if binary else 'text'} message {_quoted(payload)}"
        case ["ping" | "pong" as kind, payload]:
            return f"{kind} {_quoted(payload)}"
        case ["timeout", tag]:
            return f"still open at {_string(tag)}"
    return _string(event)


def _quoted(payload: Any) -> str:
    return f"“{visible(_string(payload))}”"


def _facts(report: Mapping[str, Any]) -> list[list[str]]:
    """List the fields without a place of their own, also those that only other engines write."""
    return [
        [_string(name, MAX_FACT), _string(value, MAX_FACT)]
        for name, value in report.items()
        if name not in SHOWN_BY_THEMSELVES and value is not None
    ]


def verdict_line(fields: Mapping[str, Any] | None) -> str:
    """Return a verdict in a line, as the end of a run prints it."""
    return "no verdict" if fields is None else visible(str(verdict_of(fields, "a difference"))[:MAX_FACT])
