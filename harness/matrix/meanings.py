"""What a verdict means for whoever uses an implementation, and the sentence of an RFC that says so.

A case belongs to one meaning: by the rule that it tests, unless its report says that something else went
wrong, the end of the process or the closing handshake. `sentences.csv` quotes the RFCs, by the rows of
`requirements.csv`.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.by_rfc import LESSER, PERMITTED
from harness.extra import EXTRA
from harness.extra.case import requirements
from harness.sections import parent_of
from harness.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.results import CaseReport
    from harness.setups import Setup

SENTENCES = Path(__file__).with_name("sentences.csv")


@dataclass(frozen=True)
class Meaning:
    """Something that a user may meet."""

    title: str
    short: str
    """Its title in a table."""
    why: str
    """What comes of it."""


MEANINGS = {
    "dies": Meaning(
        "It crashes or hangs",
        "crashes",
        "A single peer that sends this ends the service for everybody.",
    ),
    "injected": Meaning(
        "It takes frames that a proxy could have injected",
        "masks",
        "Masks keep a script in a web page from choosing the bytes on the wire, which a proxy might take for "
        "a request and cache the answer of (RFC 6455 10.3).",
    ),
    "handshake": Meaning(
        "It agrees to a handshake that is none, or refuses a good one",
        "handshake",
        "Who is no WebSocket peer, or speaks another version or subprotocol, gets a connection all the same.",
    ),
    "http": Meaning(
        "It reads HTTP in another way than a proxy in front of it",
        "HTTP",
        "Where two readers see different requests, one of them can be made to let a request through that "
        "it should have stopped: request smuggling.",
    ),
    "text": Meaning(
        "Wrong text passes, or good text does not",
        "text",
        "What is not UTF-8 reaches the application, which has to be ready for it, or breaks where it is "
        "stored.",
    ),
    "frames": Meaning(
        "Frames against the protocol pass, or good ones do not",
        "frames",
        "An extension that nobody agreed on, or a frame that two readers take for different ones, goes "
        "unnoticed.",
    ),
    "fragments": Meaning(
        "Messages in fragments get lost or mixed",
        "fragments",
        "Who sends a message in pieces, as browsers do with long ones, is misunderstood.",
    ),
    "compression": Meaning(
        "Compression breaks messages, or is agreed on wrongly",
        "compression",
        "Messages are lost, or the connection ends, with peers that compress in another way than the usual.",
    ),
    "limits": Meaning(
        "A peer can have it hold more than it should",
        "limits",
        "A few connections take the memory of the whole service.",
    ),
    "pings": Meaning(
        "Pings go unanswered, or wrongly",
        "pings",
        "The peer believes that the connection is dead, and ends it.",
    ),
    "close": Meaning(
        "The close is unclean: 1006 in browsers",
        "close",
        "The peer does not learn why the connection ended, or waits for its end: a browser reports the code "
        "1006.",
    ),
    "streams": Meaning(
        "One stream disturbs the others, or flow control fails",
        "streams",
        "Messages wait for ever, or all WebSockets of a connection end with one of them.",
    ),
    "tls": Meaning(
        "TLS is not checked or not ended as it should be",
        "TLS",
        "Somebody else can stand between both ends, or cut off the last messages.",
    ),
}
"""The meanings by key, the gravest first."""

RULES = (
    ("H.[125].*", "handshake"),
    ("H.[34].*", "http"),
    ("H.6.13", "injected"),
    ("H.6.*", "frames"),
    ("H.7.*", "close"),
    ("H.8.*", "streams"),
    ("H.9.6", "injected"),
    ("H.9.*", "handshake"),
    ("H.10.*", "handshake"),
    ("H.11.[678]", "streams"),
    ("H.11.*", "close"),
    ("X.18.*", "tls"),
    ("X.[56].*", "compression"),
    ("X.9.*", "limits"),
    ("X.14.*", "limits"),
    ("X.17.*", "compression"),
    ("R6455-5.[13]-*", "injected"),
    ("R6455-4.*", "handshake"),
    ("R6455-9*", "handshake"),
    ("R6455-11.*", "handshake"),
    ("R6455-7.*", "close"),
    ("R9113-6.9*", "streams"),
    ("R91*", "http"),
    ("R8441-*", "handshake"),
    ("R9220-*", "handshake"),
    ("R9[02]*", "streams"),
    ("R7692-*", "compression"),
    ("R6455-8.1-*", "text"),
    ("R6455-5.6-*", "text"),
    ("R6455-10.4-*", "limits"),
    ("R6455-5.4-*", "fragments"),
    ("R6455-5.5.[23]-*", "pings"),
    ("R6455-5.5.1-*", "close"),
    ("R6455-*", "frames"),
)
"""The meaning by the name of a case, or by the id of the requirement that it breaks: the first that fits."""

AUTOBAHN = {
    "1": "R6455-6.2-01",
    "2": "R6455-5.5.2-02",
    "3": "R6455-5.2-03",
    "4": "R6455-5.2-04",
    "5": "R6455-5.4-02",
    "6": "R6455-8.1-01",
    "7": "R6455-5.5.1-07",
    "7.3": "R6455-5.5.1-02",
    "7.5": "R6455-8.1-01",
    "7.9": "R6455-7.4.2-02",
    "7.13": "R6455-7.4.2-02",
    "9": "R6455-10.4-01",
    "10": "R6455-5.4-02",
    "12": "R7692-6.2-01",
    "13": "R7692-5-13",
}
"""The requirement that a section of Autobahn's tests, and those below it that have none here."""

NO_CLOSE = "R6455-7.1.7-03"
"""What an unclean close breaks: none came, or one with an odd code."""

OF_CLOSE = {
    "did not answer the Close": "R6455-5.5.1-07",
    "did not end the TCP": "R6455-5.5.1-12",
    "end the stream": "R6455-7.1.1-03",
    "ended the stream later": "R6455-7.1.1-03",
    "wants END_STREAM": "R8441-5-10",
}
"""What it breaks where a report says this."""

BROKEN = re.compile(r"broke a rule: .*\(RFC (?P<rfc>\d+) (?P<section>[\d.]+)\)")
"""The rule that a report names beside that of its case."""

OF_HTTP1 = " belongs to HTTP/1.1 (RFC "
"""What a report says of a field that has no place on a stream: one of several rules of its section."""

UNDER_TEST = re.compile(
    r"The (server|client) under test |The case could not be played: |Afterwards (no|the next) connection "
)
"""The beginning of the result where the process ended or hung, or served no connection any more."""

OTHER_STREAM = re.compile(r"Afterwards the next stream |On stream \d+, which is to live on, ")
"""The same where another stream of the connection suffered."""


class Rule(NamedTuple):
    """What an RFC says."""

    reference: str
    """`RFC 6455 5.1`."""
    sentence: str
    """As the RFC has it."""


class Finding(NamedTuple):
    """Cases in which an implementation breaks the same rule, with the same consequence."""

    meaning: str
    must: bool
    """Whether a MUST is broken; otherwise a SHOULD, or the usual way."""
    rule: Rule
    cases: list[str]


def findings(setup: Setup, reports: Mapping[str, CaseReport]) -> list[Finding]:
    """Group the cases that break a rule: the gravest meaning first, what breaks a MUST first."""
    found: dict[tuple[str, bool, str], list[str]] = {}
    for case, report in reports.items():
        if breaks := broken(report):
            requirement = _requirement_of(case, setup, report)
            key = (_meaning_of(case, report, requirement), breaks == "must", requirement)
            found.setdefault(key, []).append(case)
    order = list(MEANINGS)
    return sorted(
        (
            Finding(meaning, must, rule_of(requirement), cases)
            for (meaning, must, requirement), cases in found.items()
        ),
        key=lambda finding: (order.index(finding.meaning), not finding.must, -len(finding.cases)),
    )


def broken(report: CaseReport) -> str:
    """Tell what a report says is broken: `must`, `should`, or nothing."""
    verdicts = {report["behavior"], report["behaviorClose"]}
    if verdicts <= PERMITTED or report["behavior"] == "UNIMPLEMENTED":
        return ""
    return "should" if verdicts <= PERMITTED | LESSER else "must"


def rule_of(requirement: str) -> Rule:
    """Return a rule by the id of its requirement: `R6455-5.1-02`."""
    rfc, section, _ = requirement.removeprefix("R").split("-")
    sentence = sentences().get(requirement) or requirements()[requirement]["statement"]
    return Rule(f"RFC {rfc} {section}", sentence)


@cache
def sentences() -> Mapping[str, str]:
    """Return the sentence of each requirement, word by word."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        return {row["requirement"]: row["sentence"] for row in csv.DictReader(file)}


def requirement_of(case: str, setup: Setup) -> str:
    """Return the id of the requirement that a case tests."""
    if case in EXTRA:
        return EXTRA[case].requirement_for(setup.role)["id"]
    if case in STREAMS and setup.transport != "h1":
        return STREAMS[case].row(setup.transport)
    section = parent_of(case)
    while section not in AUTOBAHN:
        section = section.rpartition(".")[0]
    return AUTOBAHN[section]


def _requirement_of(case: str, setup: Setup, report: CaseReport) -> str:
    """Return the id of the requirement that a report says is broken."""
    if _is_clean_but_for_close(report):
        text = report.get("resultClose", "")
        return next((requirement for words, requirement in OF_CLOSE.items() if words in text), NO_CLOSE)
    if OF_HTTP1 in report.get("result", ""):
        return "R9114-4.2-02" if setup.transport == "h3" else "R9113-8.2.2-02"
    if named := BROKEN.search(report.get("result", "")):
        prefix = f"R{named['rfc']}-{named['section']}-"
        return next((known for known in sentences() if known.startswith(prefix)), requirement_of(case, setup))
    return requirement_of(case, setup)


def _meaning_of(case: str, report: CaseReport, requirement: str) -> str:
    if UNDER_TEST.match(report.get("result", "")):
        return "dies"
    if OTHER_STREAM.match(report.get("result", "")):
        return "streams"
    if _is_clean_but_for_close(report):
        return "close"
    names = (case, requirement) if BROKEN.search(report.get("result", "")) is None else (requirement,)
    return next(meaning for pattern, meaning in RULES if any(fnmatchcase(name, pattern) for name in names))


def _is_clean_but_for_close(report: CaseReport) -> bool:
    return report["behavior"] in PERMITTED and report["behaviorClose"] not in PERMITTED
