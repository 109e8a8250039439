"""What the matrix says that a verdict means, and the sentences of the RFCs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cases import CASES
from harness.matrix.meanings import MEANINGS, broken, findings, requirement_of, rule_of, sentences
from harness.order import plays
from harness.roles import ROLES
from harness.setups import TRANSPORTS, Setup, setups_of
from harness.streams.fields import section_fault
from tests.harness.report_samples import case

if TYPE_CHECKING:
    from harness.results import CaseReport
    from harness.streams.codes import Transport


def failed(result: str = "It took it.", close: str = "OK", result_close: str = "") -> CaseReport:
    report: CaseReport = case(behavior="FAILED", behaviorClose=close)
    report["result"], report["resultClose"] = result, result_close
    return report


@pytest.mark.parametrize(
    ("name", "report", "meaning", "reference", "sentence"),
    [
        (
            "X.3.1",
            failed(),
            "injected",
            "RFC 6455 5.1",
            "The server MUST close the connection upon receiving",
        ),
        ("6.3.1", failed(), "text", "RFC 6455 8.1", "_Fail the WebSocket Connection_."),
        ("7.9.1", failed(), "close", "RFC 6455 7.4.2", "reserved for definition by this protocol"),
        ("X.1.27", failed(), "http", "RFC 9112 3.2", "more than one Host header field line"),
        ("X.1.38", failed(), "handshake", "RFC 6455 4.2.2", "the server MUST abort the WebSocket handshake"),
        ("X.5.9", failed(), "compression", "RFC 7692 7", "an extension parameter not defined for use"),
        ("X.9.3", failed(), "limits", "RFC 6455 10.4", "MUST protect themselves against exceeding"),
        ("13.1.1", failed(), "compression", "RFC 7692 5", "both endpoints MUST use the algorithm"),
        (
            "X.3.7",
            failed("The server under test was killed by SIGABRT."),
            "dies",
            "RFC 6455 5.3",
            "transformed-octet-i",
        ),
        (
            "X.9.3",
            failed("The peer broke a rule: it sent a second Close (RFC 6455 5.5.1)."),
            "close",
            "RFC 6455 5.5.1",
            "",
        ),
    ],
)
def test_a_failure_has_a_meaning_and_a_sentence(
    name: str, report: CaseReport, meaning: str, reference: str, sentence: str
) -> None:
    (found,) = findings(Setup("server"), {name: report, "1.1.1": case()})
    assert (found.meaning, found.must, found.rule.reference, found.cases) == (
        meaning,
        True,
        reference,
        [name],
    )
    assert sentence in found.rule.sentence


@pytest.mark.parametrize(
    ("name", "result", "meaning", "reference"),
    [
        ("H.2.6", "The peer opened the WebSocket.", "handshake", "RFC 9220 3"),
        ("H.4.6.1", "The peer answered with the status 200.", "http", "RFC 9113 8.2.1"),
        ("H.6.10", "The peer did nothing.", "frames", "RFC 9113 8.5"),
        ("H.6.13", "The peer did nothing.", "injected", "RFC 6455 5.1"),
        ("H.7.3", "The peer did nothing, and did not end the stream.", "close", "RFC 9113 8.5"),
        ("H.8.3", "6000 bytes came where there was room for 5000.", "streams", "RFC 9113 6.9"),
        ("H.11.6", "It opened stream 3 behind the GOAWAY.", "streams", "RFC 9113 6.8"),
        ("H.2.12", "Afterwards the next connection was not served: the peer ...", "dies", "RFC 8441 4"),
        ("H.6.1", "The case could not be played: no connection within 3 s.", "dies", "RFC 8441 5"),
        ("H.6.13", "Afterwards the next stream of the connection was not ...", "streams", "RFC 6455 5.1"),
    ],
)
def test_a_failure_over_streams_has_a_meaning_and_a_sentence(
    name: str, result: str, meaning: str, reference: str
) -> None:
    (found,) = findings(Setup("server", transport="h2"), {name: failed(result)})
    assert (found.meaning, found.rule.reference) == (meaning, reference)
    assert found.rule.sentence


@pytest.mark.parametrize(("transport", "rule"), [("h2", "RFC 9113 8.2.2"), ("h3", "RFC 9114 4.2")])
def test_a_field_of_http1_breaks_the_rule_of_its_transport(transport: Transport, rule: str) -> None:
    fault = section_fault(
        ((b":status", b"200"), (b"upgrade", b"websocket")), frozenset({b":status"}), transport
    )
    assert fault == f"b'upgrade': b'websocket' belongs to HTTP/1.1 ({rule})"
    report = failed(f"The peer broke a rule: {fault}.")
    (found,) = findings(Setup("server", transport=transport), {"H.5.7": report})
    assert (found.meaning, found.rule.reference) == ("http", rule)
    assert "connection-specific" in found.rule.sentence


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "It did not end the stream within 3 s after both Closes (RFC 6455 7.1.1).",
            "SHOULD be closed first",
        ),
        ("The peer reset the stream with CANCEL: RFC 8441 5 wants END_STREAM.", "represented as END_STREAM"),
        ("The peer sent no Close.", "SHOULD send a Close frame with an appropriate status code"),
        ("The peer did not answer the Close within 0.5 s (RFC 6455 5.5.1).", "MUST send a Close frame"),
        ("The server did not end the TCP connection within 3 s.", "MUST close the underlying TCP connection"),
    ],
)
def test_a_close_that_alone_is_wrong_is_about_closing(said: str, sentence: str) -> None:
    report: CaseReport = case(behaviorClose="UNCLEAN")
    report["resultClose"] = said
    (found,) = findings(Setup("server"), {"X.3.1": report})
    assert (found.meaning, found.must) == ("close", False)
    assert sentence in found.rule.sentence


def test_cases_of_one_rule_stand_together_the_gravest_first() -> None:
    reports = {"6.4.1": failed(), "X.3.1": failed(), "X.3.2": failed(), "X.3.5": case(behavior="NON-STRICT")}
    assert [(found.meaning, found.must, found.cases) for found in findings(Setup("server"), reports)] == [
        ("injected", True, ["X.3.1", "X.3.2"]),
        ("injected", False, ["X.3.5"]),
        ("text", True, ["6.4.1"]),
    ]


@pytest.mark.parametrize(
    ("behavior", "close", "breaks"),
    [
        ("OK", "OK", ""),
        ("INFORMATIONAL", "OK", ""),
        ("UNIMPLEMENTED", "UNCLEAN", ""),
        ("NON-STRICT", "OK", "should"),
        ("OK", "WRONG CODE", "should"),
        ("OK", "FAILED", "must"),
        ("ERROR", "OK", "must"),
    ],
)
def test_what_is_permitted_breaks_nothing(behavior: str, close: str, breaks: str) -> None:
    assert broken(case(behavior=behavior, behaviorClose=close)) == breaks


def test_every_case_has_a_meaning_and_every_rule_a_sentence() -> None:
    for setup in setups_of(ROLES, ["default"], TRANSPORTS):
        names = [name for name in CASES if plays(setup, name)]
        found = findings(setup, dict.fromkeys(names, failed()))
        assert sum(len(finding.cases) for finding in found) == len(names)
        assert {finding.meaning for finding in found} <= set(MEANINGS)
        assert all(finding.rule.sentence for finding in found)
    wanted = {
        requirement_of(name, setup)
        for setup in setups_of(ROLES, ["default"], TRANSPORTS)
        for name in CASES
        if plays(setup, name)
    }
    assert wanted - set(sentences()) == {"R6455-4.1-49"}, "RFC 6455 has no sentence of its own for this one"
    assert rule_of("R6455-4.1-49").sentence == "Header field names are matched case-insensitively."
