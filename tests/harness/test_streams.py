"""Section H: every case can fail, the examples pass by their baseline, and the tables are whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness.cases import CASES, section_of
from harness.engines.suite import Ended
from harness.judge import Baseline
from harness.order import plays
from harness.setups import Setup
from harness.streams import GROUPS, SHARED, STREAMS, driver, player
from harness.streams.driver import Play
from harness.streams.fuzzing_server import ReportsAsked, StreamFuzzingServer
from harness.transports.certificates import certificate
from tests.harness import lax_streams
from tests.harness.lax_streams import lax_client, serving, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.streams.codes import Transport
    from harness.streams.driver import Target
    from harness.transports.bridge import Files

PATIENCE = 0.15
"""Seconds that a peer has for each step."""

PERMITTED = {"OK", "INFORMATIONAL", "UNIMPLEMENTED"}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "GRACE", 0.3)
    monkeypatch.setattr(player, "STILL", 0.05)
    monkeypatch.setattr(player, "ENOUGH", 2**18)
    monkeypatch.setattr(driver, "TIMEOUT", PATIENCE)


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with certificate() as made:
        yield made


def shown(files: Files | None) -> tuple[str, str] | None:
    return (str(files.certificate), str(files.key)) if files else None


def names_of(transport: Transport, role: str) -> list[str]:
    return [name for name, case in STREAMS.items() if case.role == role and transport in case.transports]


def wrong(reports: dict[str, Any]) -> set[str]:
    return {
        name for name, found in reports.items() if {found["behavior"], found["behaviorClose"]} - PERMITTED
    }


# The tables:


def test_there_are_119_numbers_and_every_one_has_a_rule_for_each_transport() -> None:
    assert len({".".join(name.split(".")[:3]) for name in STREAMS}) == 119
    assert Counter(section_of(name) for name in STREAMS).keys() == GROUPS.keys()
    assert set(SHARED) == {name.rpartition(".")[0] for name in STREAMS if name.count(".") == 3}
    assert [name for name in CASES if name in STREAMS] == list(STREAMS)
    for name, case in STREAMS.items():
        for transport in case.transports:
            assert case.requirement_for(transport)["statement"], name
        assert case.transports, name
        assert bool(case.why) == (case.unmet != "FAILED"), name
    assert len({case.title for case in STREAMS.values()}) > 130


def test_cases_are_played_over_their_transports_in_their_role_alone() -> None:
    assert not plays(Setup("server"), "H.1.1")
    assert plays(Setup("server", transport="h2"), "H.1.1")
    assert not plays(Setup("client", transport="h2"), "H.1.1")
    assert plays(Setup("server", transport="h2"), "H.6.4")
    assert not plays(Setup("server", transport="h3"), "H.6.4")  # HTTP/3 has no padding
    assert not plays(Setup("client", transport="h2"), "X.1.1")


@pytest.mark.parametrize("setup", ["server-h2", "client-h2", "server-h3", "client-h3"])
def test_whatever_is_not_ok_in_the_baseline_has_its_reason(setup: str) -> None:
    role, _, transport = setup.partition("-")
    entries = Baseline(role).load().entries_of(transport)  # type: ignore[arg-type]
    names = names_of(transport, role)  # type: ignore[arg-type]
    assert set(names) <= set(entries)
    for name in names:
        assert entries[name].why or entries[name].verdict.behavior == "OK", name


# Servers:


def against(transport: Transport, files: Files | None, behave: Any, names: Iterable[str], **how: Any) -> Any:
    """Run cases against a lax server, some at once."""

    async def run() -> dict[str, Any]:
        reports: dict[str, Any] = {}
        turn = asyncio.Semaphore(1 if how else 12)

        async def play(name: str) -> None:
            async with turn, serving(transport, shown(files), behave, **how) as url:
                target = target_of(transport, url, str(files.authority) if files else None)
                reports[name] = await Play(STREAMS[name], target, "lax", PATIENCE).run()

        await asyncio.gather(*map(play, names))
        return reports

    return asyncio.run(run())


#: What a server that says nothing, or the same to all, may well do; each has a peer of its own below.
LEFT_OPEN = {"H.4.10", "H.6.2", "H.8.10"}


@pytest.mark.parametrize("transport", ["h2", "h3"])
def test_every_case_finds_out_a_lax_server(transport: Transport, files: Files) -> None:
    left = [name for name in names_of(transport, "server") if name not in LEFT_OPEN]
    used = None if transport == "h2" else files
    for behave, how in (
        (lax_streams.takes, {}),
        (lax_streams.refuses, {}),
        (lax_streams.is_silent, {}),
        (lax_streams.is_fragile, {"once": True}),
    ):
        found = against(transport, used, behave, left, **how)
        assert found.keys() == set(left)
        left = [name for name in left if name not in wrong(found)]
    assert left == []


@pytest.mark.parametrize(
    ("behave", "name", "verdict", "reason"),
    [
        (lax_streams.speaks_http1, "H.6.1", "FAILED", "b'upgrade': b'websocket' belongs to HTTP/1.1"),
        (
            lax_streams.resets,
            "H.6.13",
            "FAILED",
            "Afterwards the next stream of the connection was not served",
        ),
        (lax_streams.resets, "H.6.1", "FAILED", "0 of 1 messages came back"),
        (lax_streams.takes, "H.6.13", "FAILED", "sent a Close with the code 1000"),
        (lax_streams.takes, "H.3.1", "FAILED", "The peer answered with the status 200."),
        (lax_streams.refuses, "H.2.6", "FAILED", "The peer refused with 302, not with 501."),
        (lax_streams.is_silent, "H.5.1", "FAILED", "did nothing, which is no refusal with 4xx"),
    ],
)
def test_a_verdict_says_what_the_peer_did(behave: Any, name: str, verdict: str, reason: str) -> None:
    found = against("h2", None, behave, [name])[name]
    assert (found["behavior"], reason in found["result"]) == (verdict, True), found["result"]
    assert found["rfc"].startswith("RFC ")
    assert any(entry[0] == "TH" and ":method: CONNECT" in entry[1] for entry in found["wirelog"])
    assert "It is decided by" in found["expectation"]


@pytest.mark.parametrize(
    ("behave", "name", "transport", "verdict", "reason"),
    [
        (lax_streams.takes, "H.4.10", "h2", "OK", "answered with the status 200"),
        (lax_streams.hangs_on_many_fields, "H.4.10", "h2", "FAILED", "The peer did nothing."),
        (lax_streams.hangs_on_many_fields, "H.6.1", "h2", "OK", ""),
        (lax_streams.takes, "H.6.2", "h2", "INFORMATIONAL", "0 of 1 messages came back"),
        (lax_streams.takes, "H.6.1", "h2", "OK", ""),
        (lax_streams.takes, "H.8.10", "h3", "FAILED", "The peer answered with the status 200"),
        (
            lax_streams.aborts_by_datagram_error,
            "H.8.10",
            "h3",
            "OK",
            "reset the stream with H3_DATAGRAM_ERROR",
        ),
    ],
)
def test_a_server_that_is_lax_in_just_that(  # noqa: PLR0917
    behave: Any, name: str, transport: Transport, verdict: str, reason: str, files: Files
) -> None:
    used = None if transport == "h2" else files
    found = against(transport, used, behave, [name], settings={0x8: 1, 0x33: 1})[name]
    assert (found["behavior"], reason in found["result"]) == (verdict, True), found["result"]


def test_a_datagram_is_for_who_takes_some(files: Files) -> None:
    found = against("h3", files, lax_streams.takes, ["H.8.10"])["H.8.10"]
    assert (found["behavior"], "takes no datagrams" in found["result"]) == ("UNIMPLEMENTED", True)


GO_AWAY = bytes.fromhex("0000080700000000000000000000000001")
"""With PROTOCOL_ERROR."""


@pytest.mark.parametrize(
    ("name", "said", "verdict"),
    [("H.1.3", GO_AWAY, "OK"), ("H.1.3", b"", "NON-STRICT"), ("H.6.1", GO_AWAY, "FAILED")],
)
def test_a_server_that_finds_fault_with_settings_need_not_send_its_own(
    name: str, said: bytes, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Play, "_served", _served)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return await Play(STREAMS[name], target_of("h2", url, None), "strict", PATIENCE).run()

    found = asyncio.run(run())
    assert found["behavior"] == verdict, found["result"]


async def _served(_self: Play, _wire: Any) -> str:
    """Take the next connection for served."""
    return ""


def test_a_server_that_is_not_there_fails_the_case() -> None:
    target = target_of("h2", "http://127.0.0.1:1/", None)
    found: Any = asyncio.run(Play(STREAMS["H.1.1"], target, "nobody", PATIENCE).run())
    assert (found["behavior"], "could not be played" in found["result"]) == ("FAILED", True)


# Clients:


def serve(
    transport: Transport, files: Files | None, names: list[str], drive: Callable[[Target], Any]
) -> dict[str, Any]:
    """Serve cases to a lax client."""

    async def run() -> dict[str, Any]:
        server = StreamFuzzingServer(
            {name: STREAMS[name] for name in names},
            transport,
            files=shown(files),
            agent="lax",
            timeout=PATIENCE,
        )
        url = await server.listen()
        target = target_of(transport, url, str(files.authority) if files else None)
        client = asyncio.ensure_future(drive(target))
        reports: dict[str, Any] = {}
        try:
            while True:
                happened = await asyncio.wait_for(server.happening(), 20)
                if isinstance(happened, Ended):
                    reports[happened.case] = happened.report
                if isinstance(happened, ReportsAsked):
                    break
        finally:
            client.cancel()
            await asyncio.gather(client, return_exceptions=True)
            await server.stop()
        return reports

    return asyncio.run(run())


#: What a client that takes all, or leaves, may well do; each has a client of its own below.
LEFT_TO_CLIENTS = {"H.9.5", "H.11.7"}


@pytest.mark.parametrize("transport", ["h2", "h3"])
def test_every_case_finds_out_a_lax_client(transport: Transport, files: Files) -> None:
    left = [name for name in names_of(transport, "client") if name not in LEFT_TO_CLIENTS]
    left = [name for name in left if not STREAMS[name].mode]
    used = None if transport == "h2" else files
    for how in ("takes", "asks wrongly", "leaves"):
        found = serve(transport, used, left, partial(lax_client, count=len(left), how=how))
        left = [name for name in left if name not in wrong(found)]
    assert left == []


NEW_STREAM = "behind the GOAWAY"


@pytest.mark.parametrize(
    ("drive", "how", "name", "transport", "verdict", "reason"),
    [
        (lax_streams.client_by_settings, {"waits": True}, "H.9.5", "h2", "OK", "did not ask"),
        (lax_streams.client_by_settings, {"waits": False}, "H.9.5", "h2", "FAILED", "asked without leave"),
        (
            lax_streams.client_that_closes,
            {"request_ends": True, "close_ends": False},
            "H.9.7",
            "h2",
            "NON-STRICT",
            "Its CONNECT ends the stream",
        ),
        *(
            (lax_streams.client_that_closes, {"request_ends": first, "close_ends": close}, "H.9.7", *expected)
            for transport in ("h2", "h3")
            for first, close, *expected in (
                (False, False, transport, "OK", "The WebSocket opened"),
                (False, True, transport, "NON-STRICT", "Its first Close ends the stream"),
            )
        ),
        *(
            (lax_streams.client_by_goaway, {"leaves": leaves}, "H.11.7", transport, verdict, reason)
            for transport in ("h2", "h3")
            for leaves, verdict, reason in ((True, "OK", ""), (False, "FAILED", NEW_STREAM))
        ),
    ],
)
def test_a_client_that_is_lax_in_just_that(  # noqa: PLR0917
    drive: Any, how: dict[str, bool], name: str, transport: Transport, verdict: str, reason: str, files: Files
) -> None:
    used = None if transport == "h2" else files
    found = serve(transport, used, [name], partial(drive, **how))[name]
    assert (found["behavior"], reason in found["result"]) == (verdict, True), found["result"]
