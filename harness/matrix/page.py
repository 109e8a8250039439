"""`matrix.html`: what each implementation breaks by what that means for a user, and every case by section.

The reports on cases that are not OK are in the page as packed data; its script shows one that is opened.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.case_texts import plain, title_of, visible
from harness.cases import SECTIONS, section_of
from harness.extra import EXTRA
from harness.matrix.meanings import MEANINGS, findings
from harness.matrix.results import NOT_RUN, count_text
from harness.report.rendering import read
from harness.report.rendering import render as render_template
from harness.report.wirelog import decode, http_text
from harness.sections import link_of, parent_of, reference_of
from harness.streams import STREAMS
from harness.wording import HARNESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.matrix.meanings import Finding
    from harness.matrix.results import RoleResult, Row
    from harness.results import CaseReport
    from harness.setups import Setup

KINDS = {
    "OK": ("good", "\N{CHECK MARK}"),
    "INFORMATIONAL": ("note", "i"),
    "NON-STRICT": ("weak", "~"),
    "UNIMPLEMENTED": ("weak", "\N{EMPTY SET}"),
    NOT_RUN: ("none", "\N{EM DASH}"),
}
"""The CSS class and the sign of a verdict. Every other verdict is a failure."""

FAILURE = ("bad", "\N{BALLOT X}")

OVER = {"h1": "", "h2": " over HTTP/2", "h3": " over HTTP/3"}

WHO = {"suite": "suite", "library": "testee"}
"""The senders of a wire log, as the page calls them."""

MAX_FRAMES = 24
"""Frames of a wire log that the page shows."""

MAX_PAYLOAD = 100
"""Characters of a payload that the page shows."""


def render(about: Mapping[str, Any], cases: Mapping[Setup, Sequence[str]], rows: Sequence[Row]) -> str:
    """Return the page."""
    return render_template(
        "matrix.html",
        about=about,
        meanings=MEANINGS,
        titles={case: _title(case, rows) for chosen in cases.values() for case in chosen},
        roles=[_role(setup, chosen, rows) for setup, chosen in cases.items()],
        left_out=[row for row in rows if row.left_out],
        played=sum(bool(row.roles) for row in rows),
        languages=len({row.language for row in rows if row.roles}),
        legend=[(name, *kind(name)) for name in (*KINDS, "FAILED")],
        reports={
            f"{_id(setup)}-{case}-{row.name}": _report(setup, row, case, report)
            for row in rows
            for setup, result in row.roles.items()
            for case, report in result.reports.items()
            if result.verdict(case) != "OK"
        },
        style=read("page.css"),
        script=read("house.js") + read("matrix.js"),
    )


def kind(verdict: str) -> tuple[str, str]:
    """Return the class and the sign of a verdict."""
    return KINDS.get(verdict, FAILURE)


def _id(setup: Setup) -> str:
    """Return how the elements of a setup begin their ids."""
    return str(setup).replace("/", "-")


def _role(setup: Setup, cases: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    taking_part = [(row, row.roles[setup]) for row in rows if setup in row.roles]
    by_section: dict[str, list[str]] = {}
    for case in cases:
        by_section.setdefault(section_of(case), []).append(case)
    return {
        "name": f"{setup.role}{OVER[setup.transport]}",
        "id": _id(setup),
        "board": _board(setup, taking_part),
        "sections": [_section(setup, name, chosen, taking_part) for name, chosen in by_section.items()],
        "requirements": [
            {
                "rule": rule,
                "id": requirement,
                "link": link_of(rule),
                "says": says,
                "cases": chosen,
                "cells": [_cell(result, chosen, "") for _, result in taking_part],
            }
            for (rule, requirement, says), chosen in _by_requirement(setup, cases).items()
        ],
        "implementations": [
            {
                "title": row.title,
                "error": visible(result.error),
                "cells": [
                    _cell(result, chosen, f"#{_id(setup)}-{name}") for name, chosen in by_section.items()
                ],
                "total": _cell(result, cases, ""),
            }
            for row, result in taking_part
        ],
    }


def _board(setup: Setup, taking_part: Sequence[tuple[Row, RoleResult]]) -> list[dict[str, Any]]:
    """List the implementations with what they break, those that break least first."""
    board = []
    for row, result in taking_part:
        found = findings(setup, result.reports)
        means = {
            meaning: [finding for finding in found if finding.meaning == meaning]
            for meaning in MEANINGS
            if any(finding.meaning == meaning for finding in found)
        }
        board.append(
            {
                "row": row,
                "id": f"{_id(setup)}-{row.name}",
                "complete": not result.error,
                "means": means,
                "counts": {meaning: _counts(of_meaning) for meaning, of_meaning in means.items()},
                "total": _counts(found),
            }
        )
    return sorted(board, key=lambda line: (not line["complete"], *line["total"].values()))


def _counts(found: Sequence[Finding]) -> dict[str, int]:
    """Count the cases that break a MUST, and the others."""
    return {
        name: sum(len(finding.cases) for finding in found if finding.must == must)
        for name, must in (("must", True), ("should", False))
    }


def _by_requirement(setup: Setup, cases: Sequence[str]) -> dict[tuple[str, str, str], list[str]]:
    """Group cases by section of an RFC, the id of a requirement (of own cases alone), and what it says."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for case in cases:
        rule = (reference_of(parent_of(case)), "", "")
        row = None
        if case in EXTRA:
            row = EXTRA[case].requirement_for(setup.role)
        elif case in STREAMS and setup.transport != "h1":
            row = STREAMS[case].requirement_for(setup.transport)
        if row:
            rule = (f"{row['rfc']} {row['section']}", row["id"], row["statement"])
        found.setdefault(rule, []).append(case)
    return dict(sorted(found.items(), key=lambda item: _in_order(item[0])))


def _in_order(rule: tuple[str, str, str]) -> tuple[list[int], str]:
    """Sort 5.10 behind 5.9."""
    return [int(number) for number in re.findall(r"\d+", rule[0])], rule[1]


def _cell(result: RoleResult, cases: Sequence[str], link: str) -> dict[str, Any]:
    """Return the counts of some cases, by kind of verdict; the worst kind colours the cell."""
    counts = result.counts(cases)
    by_kind: Counter[tuple[str, str]] = Counter()
    for verdict, count in counts.items():
        by_kind[kind(verdict)] += count
    parts = [(*each, count) for each, count in by_kind.items()]
    return {"parts": parts, "worst": parts[-1][0], "text": count_text(counts), "link": link}


def _section(
    setup: Setup, name: str, cases: Sequence[str], taking_part: Sequence[tuple[Row, RoleResult]]
) -> dict[str, Any]:
    return {
        "id": f"{_id(setup)}-{name}",
        "reference": reference_of(name),
        "name": name,
        "title": SECTIONS[name],
        "implementations": [row.title for row, _ in taking_part],
        "cases": [
            {
                "name": case,
                "title": _title(case, [row for row, _ in taking_part]),
                "verdicts": [_verdict(setup, case, row, result) for row, result in taking_part],
            }
            for case in cases
        ],
    }


def _title(case: str, rows: Sequence[Row]) -> str:
    if own := EXTRA.get(case) or STREAMS.get(case):
        return own.title
    reports = [
        result.reports[case] for row in rows for result in row.roles.values() if case in result.reports
    ]
    return next((title_of(text) for report in reports if (text := report.get("description"))), "")


def _verdict(setup: Setup, case: str, row: Row, result: RoleResult) -> dict[str, Any]:
    verdict = result.verdict(case)
    style, sign = kind(verdict)
    is_told = verdict not in {"OK", NOT_RUN}
    return {
        "verdict": verdict,
        "style": style,
        "sign": sign,
        "title": row.title,
        "id": f"{_id(setup)}-{case}-{row.name}" if is_told else "",
    }


def _report(setup: Setup, row: Row, case: str, report: CaseReport) -> dict[str, Any]:
    """Return what the page shows of a report."""
    code = report["remoteCloseCode"] or "none"
    over = "" if setup.transport == "h1" else f" --transport {setup.transport}"
    facts = {
        "did": report.get("description"),
        "expected": report.get("expectation"),
        "happened": report.get("result"),
        "closing": report.get("resultClose"),
        "verdict": f"{report['behavior']}, close {report['behaviorClose']}, close code {code}",
        "repeat": f"{HARNESS} matrix --again --only {row.name}{over} --cases {case}",
    }
    heads = (report.get("httpRequest"), report.get("httpResponse"))
    return {
        "facts": [(name, plain(str(text))) for name, text in facts.items() if text],
        "wire": [*(http_text(head) for head in heads if head), "\n".join(frames_of(report))],
    }


def frames_of(report: CaseReport) -> list[str]:
    """List the frames of a wire log, a line each: sender, kind, payload."""
    lines = []
    for entry in decode(report.get("wirelog")):
        if "opcode" in entry:
            who = WHO[entry["sender"]]
            flags = ("" if entry["fin"] else ", not the last") + (", reserved bits" if entry["rsv"] else "")
            payload = entry.get("text") or entry.get("hex") or ""
            line = f"{who:<6}  {entry['name']}{flags}, {entry['length']} bytes"
            lines.append(f"{line}: {payload[:MAX_PAYLOAD]}" if payload else line)
        elif (said := entry.get("note", "").partition(": "))[0] in WHO and said[2]:
            lines.append(f"{WHO[said[0]]:<6}  {said[2]}")
    more = len(lines) - MAX_FRAMES
    return [*lines[:MAX_FRAMES], f"and {more} more"] if more > 0 else lines
