"""The command `fuzzserver`, from outside: clients by hand, and this library's own."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from harness.cli import main
from harness.endpoints.fuzzing_server import FuzzingServer
from harness.extra import EXTRA
from harness.testee.fuzz_client import drive
from tests.harness.case_clients import Client, ask, case_server, play, update_reports
from tooling.frames import CLOSE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.case_clients import CaseServer

CASES = ["X.2.15", "2.1", "7.7.1", "X.2.3", "X.10.1", "X.2.1", "1.1.1"]
"""X.2.1 and X.2.3 are echoes, X.10.1 needs a mode, X.2.15 has the handshake fail."""

ORDER = ["1.1.1", "2.1", "7.7.1", "X.10.1", "X.2.1", "X.2.3", "X.2.15"]
"""That of their numbers."""


def number_of(case: str) -> int:
    return ORDER.index(case) + 1


def results_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def reports_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = results_in(folder)["setups"]["client"]["cases"]
    return found


def status_of(server: CaseServer, case: str, agent: str = "A") -> str:
    answer = json.loads(ask(server, f"/getCaseStatus?case={number_of(case)}&agent={agent}"))
    assert list(answer) == ["behavior"]
    return str(answer["behavior"])


def test_a_connection_that_comes_as_the_server_stops_is_closed() -> None:
    transport = Mock(spec=asyncio.Transport)

    async def stopped() -> None:
        server = FuzzingServer(["X.2.1"], 1.0, again=False)
        server.protocol().connection_made(transport)
        await server.stop()

    asyncio.run(stopped())
    transport.abort.assert_called()


@pytest.fixture(scope="module")
def staying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseServer]:
    """A server that all tests share which do not need their own."""
    with case_server(tmp_path_factory.mktemp("staying"), "--cases", *CASES, "--timeout", "5") as server:
        yield server
        code, _, errors = server.end()
        assert (code, errors) == (1, ""), "not every agent asked for all cases"


# The protocol:


def test_the_questions_of_autobahns_clients_are_answered(staying: CaseServer) -> None:
    assert ask(staying, "/getCaseCount") == str(len(CASES))
    info = json.loads(ask(staying, "/getCaseInfo?case=2"))
    assert info == {"id": "2.1", "description": "Send ping without payload."}
    extra = json.loads(ask(staying, f"/getCaseInfo?case={number_of('X.2.3')}"))
    assert extra == {"id": "X.2.3", "description": f"{EXTRA['X.2.3'].title}."}
    assert status_of(staying, "1.1.1", "protocol") == "MISSING"
    play(staying, 1, "protocol")
    assert status_of(staying, "1.1.1", "protocol") == "OK"
    assert ask(staying, f"/getCaseMode?case={number_of('X.10.1')}&agent=protocol&modes=close,ping") == "/"
    asked = f"/getCaseMode?case={number_of('X.10.1')}&modes=fragments&agent=protocol"
    assert ask(staying, asked).startswith("/fragments?")


@pytest.mark.parametrize(
    "target",
    [
        "/runCase?agent=odd%20%26%20name&case=1",
        "/runcase/?AGENT=odd%20%26%20name&Case=1",
        "/runCase?case=1&agent=odd+%26+name",
        "http://localhost/runCase?case=1&agent=odd%20%26 name",
    ],
)
def test_a_request_is_understood_however_it_is_written(staying: CaseServer, target: str) -> None:
    Client(staying, target).open().echo()
    assert status_of(staying, "1.1.1", "odd%20%26%20name") == "OK"


def test_a_name_beyond_ascii(staying: CaseServer) -> None:
    play(staying, 1, "Müller")
    assert status_of(staying, "1.1.1", "M%C3%BCller") == "OK"


@pytest.mark.parametrize("host", ["localhost:{}", "LOCALHOST:{}", "127.0.0.1:{}"])
def test_a_client_may_call_this_machine_by_any_of_its_names(staying: CaseServer, host: str) -> None:
    target = f"/runCase?case={number_of('X.2.1')}&agent=host"
    Client(staying, target, host=host.format(staying.port)).open().echo()
    assert status_of(staying, "X.2.1", "host") == "OK"


@pytest.mark.parametrize("host", ["localhost", "example.org:{}", "localhost:1"])
def test_a_host_that_is_another_one_is_told(staying: CaseServer, host: str) -> None:
    target = f"/runCase?case={number_of('X.2.1')}&agent=strange"
    Client(staying, target, host=host.format(staying.port)).open().echo()
    assert status_of(staying, "X.2.1", "strange") == "FAILED"


@pytest.mark.parametrize(
    "target", ["/", "/runCase?case=0&agent=A", "/runCase?case=8&agent=A", "//[", "/getCaseInfo"]
)
def test_what_is_not_there_is_refused_in_words(staying: CaseServer, target: str) -> None:
    client = Client(staying, target).open()
    assert client.head.startswith("HTTP/1.1 404 Not Found\r\n")
    client.rest()


def test_a_request_that_is_no_http_ends_nothing(staying: CaseServer) -> None:
    with socket.create_connection(("127.0.0.1", staying.port)) as connection:
        connection.sendall(b"\x16\x03\x01\r\n\r\n")
        connection.recv(1000)
    assert ask(staying, "/getCaseCount") == str(len(CASES))


# Cases in every order:


def test_of_a_case_that_is_played_again_the_last_time_counts(staying: CaseServer) -> None:
    for case in ("1.1.1", "X.2.1"):
        said = []
        for wrong in (True, False, True):
            play(staying, number_of(case), "again", wrong=wrong)
            said.append(status_of(staying, case, "again"))
        assert said == ["FAILED", "OK", "FAILED"]


def test_several_cases_at_once_and_their_status_waits_for_the_verdict(staying: CaseServer) -> None:
    cases = ["X.2.3", "7.7.1", "1.1.1", "2.1", "X.2.1"] * 3
    opened = [
        Client(staying, f"/runCase?case={number_of(case)}&agent=many{at // 5}").open()
        for at, case in enumerate(cases)
    ]
    with ThreadPoolExecutor(2 * len(cases)) as pool:
        asked = [pool.submit(status_of, staying, case, f"many{at // 5}") for at, case in enumerate(cases)]
        for client in reversed(opened):
            pool.submit(client.echo)
        assert [answer.result() for answer in asked] == ["OK"] * len(cases)


def test_the_modes_of_an_agent_are_its_own(staying: CaseServer) -> None:
    number = number_of("X.10.1")
    asked = f"/getCaseMode?case={number}&modes=fragments"
    ask(staying, f"{asked}&agent=able")
    play(staying, number, "unable")
    assert status_of(staying, "X.10.1", "unable") == "UNIMPLEMENTED"
    play(staying, number, "able")
    assert status_of(staying, "X.10.1", "able") != "UNIMPLEMENTED"
    ask(staying, asked)  # as Autobahn's questions are, without an agent: it is for the next who comes
    play(staying, number, "nameless")
    assert status_of(staying, "X.10.1", "nameless") != "UNIMPLEMENTED"
    play(staying, number, "unable")
    assert status_of(staying, "X.10.1", "unable") == "UNIMPLEMENTED"


def test_a_client_that_offers_no_compression_is_sent_away_in_order(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "X.7.1", "--once") as server:
        client = Client(server, "/runCase?case=1&agent=A").open()
        assert client.head.startswith("HTTP/1.1 101 "), "or its program might take it for a failure"
        found = client.frame()
        assert found is not None
        assert (found.opcode, found.close_code) == (CLOSE, 1000)
        client.send(CLOSE, found.payload)
        client.rest()
        update_reports(server)
        assert server.end(None)[0] == 0
    assert reports_in(tmp_path)["X.7.1"]["behavior"] == "UNIMPLEMENTED"


# What is left, hangs, or dies:


@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_a_case_that_a_client_leaves_says_so(tmp_path: Path, how: Any) -> None:
    with case_server(tmp_path, "--cases", "1.1.2", "X.2.1", "--once") as server:
        for number in (1, 2):
            client = Client(server, f"/runCase?case={number}&agent=A").open()
            assert client.frame() is not None
            client.leave(how)
        update_reports(server)
        code, output, errors = server.end(None)
    assert (code, errors) == (1, "")
    assert f"The client left the case: it ended TCP by {how} before the server did." in output
    reports = reports_in(tmp_path)
    assert [report["behavior"] for report in reports.values()] == ["FAILED", "FAILED"]
    assert "Nothing came instead" in reports["X.2.1"]["result"]


def test_a_client_that_leaves_before_the_case_begins(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "1.1.2", "--once") as server:
        client = Client(server, "/runCase?case=1&agent=A")
        client.leave("RST")
        update_reports(server)
        assert server.end(None)[0] == 1
    assert reports_in(tmp_path)["1.1.2"]["behavior"] == "FAILED"


def test_a_client_that_hangs_fails_its_case_and_goes_on(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "2.10", "1.1.1", "X.3.1", "--once", "--timeout", "1.5") as server:
        hanging = Client(server, "/runCase?case=2&agent=A").open()  # 10 pings, of which it reads none
        slow = Client(server, "/runCase?case=3&agent=A").open()
        play(server, 1)
        update_reports(server)
        assert server.end(None)[0] == 1
        hanging.socket.close()
        slow.socket.close()
    reports = reports_in(tmp_path)
    assert reports["1.1.1"]["behavior"] == "OK"
    assert reports["2.10"]["behavior"] == "FAILED"
    assert reports["X.3.1"]["behavior"] == "FAILED"


def test_a_client_that_stays_away_is_given_up(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "1.1.1", "2.1", "X.3.1", "--once", "--idle", "0.5") as server:
        play(server, 2)
        code, output, _ = server.end(None)
    assert code == 1
    assert (
        "NOT COMPLETE: A did nothing for 0.5 s after 2.1 (--idle), and did not ask for 1.1.1, X.3.1" in output
    )
    results = results_in(tmp_path)
    assert (results["complete"], results["asExpected"]) == (False, False)
    assert list(results["setups"]["client"]["cases"]) == ["2.1"]
    assert results["setups"]["client"]["differences"] == []


# Reports and exit codes:


def test_this_librarys_client_has_a_whole_report(tmp_path: Path) -> None:
    options = [
        "--cases",
        "1.1",
        "6.4",
        "X.3",
        "X.9.1",
        "X.10.1",
        "X.18.1",
        "X.18.2",
        "--max-message-size",
        "1048576",
    ]
    with case_server(tmp_path, *options, "--once") as server:
        count = asyncio.run(drive(server.url, "wsproto/0 & more", lambda *_: None, modes=True))
        code, output, errors = server.end(None)
    assert (code, errors) == (0, "")
    assert f"12 cases of Autobahn and {count - 12} extra ones, numbered in this order" in output
    assert "wsproto/0 & more: case 1.1.1 (1 of" in output
    assert "none breaks a MUST" in output
    results = results_in(tmp_path)
    assert results["library"] == "wsproto/0 & more"
    assert (results["endpoint"], results["judgedBy"], results["asExpected"]) == (True, "must", True)
    assert results["engine"].startswith("kosoku ")
    cases = results["setups"]["client"]["cases"]
    assert len(cases) == count
    assert cases["6.4.1"]["behavior"] == "OK"
    assert "case=" not in cases["1.1.1"]["description"]
    assert cases["X.18.1"]["behavior"] == "OK", "it has the modes"
    for name in ("index.html", "junit.xml", "summary.md", "badge.svg"):
        assert (tmp_path / name).stat().st_size > 100
    assert not list(tmp_path.glob("*.log"))


def test_what_differs_is_told_with_the_command_that_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with case_server(tmp_path, "--cases", "1.1.1", "2.1", "7.7.1", "X.2.1") as server:
        for number, wrong in ((4, True), (2, False), (1, True), (3, False)):
            play(server, number, wrong=wrong)
        update_reports(server)
        folder = tmp_path / "A"
        differences = results_in(folder)["setups"]["client"]["differences"]
        play(server, 4)
        play(server, 1)
        update_reports(server)
        assert results_in(folder)["setups"]["client"]["differences"] == []
        code, output, errors = server.end()
    assert (code, errors) == (0, ""), "the last verdict of each case counts"
    assert [difference["case"] for difference in differences] == ["1.1.1", "X.2.1"]
    repeat = differences[1]["repeat"]
    assert repeat in output
    assert f"{server.url}/runCase repeats one: 1.1.1 is case=1, X.2.1 is case=4" in output
    words = shlex.split(repeat)
    assert words[:4] == ["python", "-m", "harness", "fuzzserver"]
    assert words[-2:] == ["--cases", "X.2.1"]
    with case_server(tmp_path / "again", *words[4:]) as again:
        assert ask(again, "/getCaseCount") == "1"
    assert main(["fuzzserver", "--failed", "--report", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("nothing of this differed in the last run")


def test_each_agent_has_a_report_and_the_signal_writes_the_rest(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "1.1.1", "X.2.1") as server:
        for number in (2, 1):
            play(server, number, "good")
            play(server, number, "../bad%20one", wrong=True)
        play(server, 1, "partial")
        update_reports(server, "good")
        update_reports(server, "nobody")
        assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["good"]
        code, output, errors = server.end()
    assert (code, errors) == (1, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad-one", "good", "partial"]
    assert results_in(tmp_path / "good")["asExpected"]
    assert list(reports_in(tmp_path / "good")) == ["1.1.1", "X.2.1"]
    assert results_in(tmp_path / "bad-one")["library"] == "../bad one"
    assert len(results_in(tmp_path / "bad-one")["setups"]["client"]["differences"]) == 2
    assert results_in(tmp_path / "partial")["stopped"].startswith("partial did not ask for X.2.1")
    assert "nobody has asked for no case, and gets no report" in output


def test_two_clients_at_once_are_judged_each_for_itself(tmp_path: Path) -> None:
    async def drive_both(url: str) -> None:
        agents = ("one", "two")
        await asyncio.gather(*(drive(url, agent, lambda *_: None, modes=True) for agent in agents))

    with case_server(tmp_path, "--cases", "2", "7.7", "X.10", "X.18") as server:
        asyncio.run(drive_both(server.url))
        code, output, errors = server.end()
    assert (code, errors) == (0, ""), output
    for agent in ("one", "two"):
        assert results_in(tmp_path / agent)["asExpected"]
        reports = reports_in(tmp_path / agent)
        assert {report["agent"] for report in reports.values()} == {agent}
        assert not [case for case, report in reports.items() if report["behavior"] == "UNIMPLEMENTED"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_that_nobody_came_to(tmp_path: Path, number: int) -> None:
    with case_server(tmp_path, "--cases", "1.1.1") as server:
        code, _, errors = server.end(number)
    assert (code, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_before_the_verdict_is_a_failure_of_the_run(tmp_path: Path) -> None:
    with case_server(tmp_path, "--cases", "1.1.1", "2.1", "--once") as server:
        play(server, 1)
        code, _, errors = server.end()
    assert code == 2
    assert errors == "error: interrupted by SIGINT before a client had asked for its report\n"
    assert results_in(tmp_path)["complete"] is False


@pytest.mark.parametrize(("fail_on", "expected"), [("must", 0), ("should", 1)])
def test_a_should_counts_where_it_is_to(tmp_path: Path, fail_on: str, expected: int) -> None:
    with case_server(tmp_path, "--cases", "X.4.29", "--fail-on", fail_on, "--once") as server:
        client = Client(server, "/runCase?case=1&agent=A").open()  # which ends TCP before the server does
        while (found := client.frame()) and found.opcode != CLOSE:
            client.send(found.opcode, found.payload)
        assert found is not None
        client.send(CLOSE, found.payload)
        client.leave("FIN")
        update_reports(server)
        code, output, errors = server.end(None)
    assert (code, errors) == (expected, ""), output


def test_a_baseline_of_ones_own_is_strict_both_ways(tmp_path: Path) -> None:
    baseline = str(tmp_path / "mine.json")

    def run(*options: str, wrong: bool) -> tuple[int, str]:
        with case_server(
            tmp_path / "r", "--cases", "1.1.1", "X.2.1", "--once", "--baseline", baseline, *options
        ) as server:
            play(server, 1)
            play(server, 2, wrong=wrong)
            update_reports(server)
            code, output, errors = server.end(None)
        assert errors == ""
        return code, output

    assert run("--update-baseline", wrong=True)[0] == 0
    written = json.loads((tmp_path / "mine.json").read_text())
    assert written["X.2.1"]["behavior"] == "FAILED"
    assert written["X.2.1"]["why"]
    assert run(wrong=True)[0] == 0
    code, output = run(wrong=False)
    assert code == 1
    assert "client X.2.1: improvement" in output
