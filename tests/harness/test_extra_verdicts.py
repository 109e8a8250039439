"""Every extra case can fail: peers that take everything, or nothing, are found out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from harness.cases import section_of
from harness.engines.extra import ExtraSuite
from harness.engines.suite import Ended, Listening
from harness.extra import EXTRA, driver, exchange, limits, opening, wire
from harness.extra.driver import Play
from harness.extra.expectations import Fails
from harness.extra.handshake_expectations import FailsHandshake, Refuses
from tests.harness import lax_peers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.extra.case import Case


AT_ONCE = 20
"""Cases that run beside each other."""

LONGEST_HEAD = 2**21
"""More bytes than a flood has in these tests."""
PATIENCE = 0.5
"""Seconds that a peer has for each step."""

NOWHERE = Path("/nowhere")


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer than needed for who says nothing."""
    monkeypatch.setattr(driver, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(exchange, "GRACE", 0.05)
    monkeypatch.setattr(wire, "PATIENCE", 0.5)
    monkeypatch.setattr(limits, "FLOOD_SIZE", 2)
    monkeypatch.setattr(opening, "FLOOD_SIZE", 2**20)
    monkeypatch.setattr(limits, "BOMB_SIZE", 2)


def cases_of(role: Any) -> list[str]:
    """Those over TLS have tests of their own; those of X.16 are others again, a byte at a time."""
    return [
        name
        for name, case in EXTRA.items()
        if role in case.roles and not case.over_tls and section_of(name) != "X.16"
    ]


def against(peer: Any, names: Iterable[str]) -> dict[str, Any]:
    """Run cases against a server."""

    async def run() -> dict[str, Any]:
        reports: dict[str, Any] = {}
        turn = asyncio.Semaphore(AT_ONCE)
        serving: set[asyncio.Task[None] | None] = set()

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.current_task())
            try:
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    await peer(reader, writer)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(served, "127.0.0.1", 0, limit=LONGEST_HEAD)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        async def play(name: str) -> None:
            async with turn:
                reports[name] = await Play(EXTRA[name], "server", "lax", PATIENCE).against_server(url)

        await asyncio.gather(*map(play, names))
        server.close()
        for task in serving:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, serving), return_exceptions=True)
        await asyncio.sleep(0)  # for the ends of the connections
        return reports

    return asyncio.run(run())


def by(peer: Any, names: Iterable[str], request: str = lax_peers.REQUEST) -> dict[str, Any]:
    """Let a client run cases."""
    names = list(names)

    async def connect(url: str, target: str, run: Any) -> None:
        server = urlsplit(url)
        reader, writer = await asyncio.open_connection(server.hostname, server.port, limit=LONGEST_HEAD)
        host = server.netloc
        writer.write(request.format(target=target, host=host).encode())
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await run(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def drive(url: str) -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def run_case(number: int) -> None:
            async with turn:
                await connect(url, f"/runCase?case={number}&agent=lax", peer)

        await asyncio.gather(*(run_case(number) for number in range(1, len(names) + 1)))
        await connect(url, "/updateReports?agent=lax", lax_peers.lax_client)

    async def run() -> dict[str, Any]:
        reports: dict[str, Any] = {}
        driving: asyncio.Task[None] | None = None
        async with aclosing(ExtraSuite("lax", PATIENCE).fuzz_client(names, NOWHERE)) as steps:
            async for step in steps:
                if isinstance(step, Listening):
                    driving = asyncio.create_task(drive(step.url))
                elif isinstance(step, Ended):
                    reports[step.case] = step.report
        assert driving is not None
        await driving
        return reports

    return asyncio.run(run())


def not_ok(reports: dict[str, Any]) -> set[str]:
    return {
        name
        for name, report in reports.items()
        if (report["behavior"], report["behaviorClose"]) != ("OK", "OK")
    }


def must_be_found_out(case: Case) -> bool:
    """Tell whether a peer that takes all breaks the case; no head or body without end is taken."""
    judged = isinstance(case.expect, (Refuses, Fails, FailsHandshake))
    return judged and not case.eof and not case.flood


def test_every_case_finds_out_some_server() -> None:
    lax = against(lax_peers.lax_server, cases_of("server"))
    found_out = not_ok(lax)
    assert {name for name in cases_of("server") if must_be_found_out(EXTRA[name])} <= found_out
    for peer in (
        lax_peers.refusing_server,
        lax_peers.compressing_server,
        lax_peers.silent_server,
        lax_peers.hasty_server,
        lax_peers.staying_server,
    ):
        found_out |= not_ok(against(peer, set(cases_of("server")) - found_out))
    assert found_out == set(cases_of("server"))


def test_every_case_finds_out_some_client() -> None:
    lax = by(lax_peers.lax_client, cases_of("client"))
    assert set(lax) == set(cases_of("client"))
    found_out = not_ok(lax)
    assert {name for name in cases_of("client") if must_be_found_out(EXTRA[name])} <= found_out
    for peer in (lax_peers.leaving_client, lax_peers.compressing_client, lax_peers.staying_client):
        found_out |= not_ok(by(peer, sorted(set(cases_of("client")) - found_out)))
    floods = {name for name in cases_of("client") if EXTRA[name].flood}  # test_opening_verdicts has them
    assert found_out | floods == set(cases_of("client"))


@pytest.mark.parametrize(
    ("name", "behavior", "said"),
    [
        ("X.1.15", "NON-STRICT", "not necessary for the server to base64-decode"),
        ("X.1.24", "FAILED", "accepted the request with 101"),  # HTTP/1.0
        ("X.1.38", "FAILED", "accepted the request with 101"),  # version 12
        ("X.1.14", "FAILED", "'smuggled'"),
        ("X.3.1", "FAILED", "'Hello' came back"),  # not masked
        ("X.3.9", "NON-STRICT", "the rule is the sender's"),  # a long length
        ("X.4.5", "FAILED", "it sent a Close with the code 1015"),
        ("X.5.9", "FAILED", "accepted, with 'permessage-deflate; x-unknown'"),
        ("X.5.7", "OK", ""),
        ("X.7.22", "FAILED", "answered the ping that followed"),  # RSV1 on a ping
        ("X.7.25", "FAILED", "does not inflate as was agreed"),
        ("X.9.3", "FAILED", "came back"),  # twice the limit
        ("X.4.1", "OK", ""),
    ],
)
def test_a_server_that_takes_all(name: str, behavior: str, said: str) -> None:
    report = against(lax_peers.lax_server, [name])[name]
    assert report["behavior"] == behavior
    assert said in report["result"]


@pytest.mark.parametrize(
    ("name", "behavior", "said"),
    [
        ("X.2.2", "OK", ""),  # the first key there is
        ("X.2.10", "FAILED", ""),  # 103 before 101
        ("X.2.15", "FAILED", "a message came back"),  # a wrong accept token
        ("X.2.32", "FAILED", "a message came back"),  # 401
        ("X.3.8", "FAILED", "1 masking keys for 3"),
        ("X.6.6", "FAILED", "a message came back"),  # an unknown parameter
        ("X.6.25", "NON-STRICT", "11.3.2 binds the server"),
        ("X.6.29", "FAILED", "a message came back"),  # twice
    ],
)
def test_a_client_that_takes_all(name: str, behavior: str, said: str) -> None:
    report = by(lax_peers.lax_client, [name])[name]
    assert report["behavior"] == behavior
    assert said in report["result"]


def test_a_client_that_uses_its_key_again() -> None:
    report = by(lax_peers.lax_client, ["X.2.1", "X.2.2"])["X.2.2"]
    assert report["behavior"] in {"FAILED", "OK"}


def test_a_client_whose_request_is_malformed() -> None:
    report = by(lax_peers.lax_client, ["X.2.1"], lax_peers.MALFORMED)["X.2.1"]
    assert (report["behavior"], report["result"]) == (
        "FAILED",
        "The request has Sec-WebSocket-Version ['12'].",
    )


def test_a_client_that_offers_no_extension_lacks_it() -> None:
    plain = lax_peers.REQUEST.replace("Sec-WebSocket-Extensions", "X-Unknown")
    report = by(lax_peers.lax_client, ["X.7.1"], plain)["X.7.1"]
    assert (report["behavior"], report["behaviorClose"]) == ("UNIMPLEMENTED", "OK")


def test_peers_that_mask_the_wrong_way() -> None:
    server = against(lax_peers.masking_server, ["X.1.1"])["X.1.1"]
    assert "a frame with a mask" in server["result"]
    client = by(lax_peers.unmasking_client, ["X.2.3"])["X.2.3"]
    assert "a frame without a mask" in client["result"]


def test_a_window_larger_than_agreed_is_found_out() -> None:
    names = [f"X.8.{number}" for number in range(1, 8)]
    for reports in (
        against(lax_peers.compressing_server, names),
        by(lax_peers.compressing_client, names),
    ):
        assert {report["behavior"] for report in reports.values()} == {"FAILED"}
        assert all("invalid distance" in report["result"] for report in reports.values())


def test_context_that_is_taken_over_against_the_agreement_is_found_out() -> None:
    for reports in (
        against(lax_peers.compressing_server, ["X.7.19"]),
        by(lax_peers.compressing_client, ["X.7.19"]),
    ):
        assert reports["X.7.19"]["behavior"] == "FAILED"
        assert "does not inflate as was agreed" in reports["X.7.19"]["result"]


def test_a_server_that_says_nothing_fails() -> None:
    reports = against(lax_peers.silent_server, ["X.1.1", "X.1.15", "X.3.1", "X.7.1"])
    assert {report["behavior"] for report in reports.values()} == {"FAILED"}


def test_a_server_that_is_not_there_fails() -> None:
    report: Any = asyncio.run(Play(EXTRA["X.1.1"], "server", "nobody").against_server("ws://127.0.0.1:1"))
    assert report["behavior"] == "FAILED"
    assert report["result"].startswith("cannot connect to ws://127.0.0.1:1: ")


def test_a_report_says_what_was_done_and_which_rule_it_is_about() -> None:
    report: Any = against(lax_peers.lax_server, ["X.3.5"])["X.3.5"]
    assert (report["rfc"], report["requirement"]) == ("RFC 6455 5.1", "R6455-5.1-02")
    assert report["description"] == "A Close, unmasked from the client or masked from the server."
    assert "RFC 6455 5.1: An unmasked frame from the client closes the connection" in report["expectation"]
    assert report["httpRequest"].startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert report["httpResponse"].startswith("HTTP/1.1 101 ")
    frames = [entry for entry in report["wirelog"] if entry[0] in {"TF", "RF"}]
    assert frames[0][:-1] == ["TF", [2, "0x03e8"], 8, True, 0, None, None, None, False]
    assert frames[-1][:-1] == ["RF", [2, "0x03e8"], 8, True, 0, False, None]
    assert ["RO", [4, "880203e8"]] in [entry[:-1] for entry in report["wirelog"]]
    times = [entry[-1]["at"] for entry in report["wirelog"]]
    assert times == sorted(times)
    assert times[0] >= 0
    assert set(report["timing"]) == {"answer", "close", "end"}
