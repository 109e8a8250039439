"""The options of `fuzzserver`: which cases a client gets, and what is wrong with a call."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from harness.cases import AUTOBAHN_CASES, meaning
from harness.cli import main
from harness.extra import EXTRA
from tests.harness.case_clients import ask, case_server

if TYPE_CHECKING:
    from pathlib import Path


def test_autobahns_cases_have_its_numbers_and_odd_handshakes_come_last(tmp_path: Path) -> None:
    with case_server(tmp_path) as server:
        count = int(ask(server, "/getCaseCount"))
        ids = [
            json.loads(ask(server, f"/getCaseInfo?case={number}"))["id"]
            for number in (1, 247, 301, 517, 518, count - 1, count)
        ]
    assert [*ids[:4]] == [AUTOBAHN_CASES[number - 1] for number in (1, 247, 301, 517)]
    assert ids[4] == "X.3.1"
    assert all(case.startswith(("X.2.", "X.6.")) for case in ids[-2:])
    of_clients = [name for name, case in EXTRA.items() if "client" in case.roles]
    assert count == 517 + len(set(of_clients) - set(meaning("X.9"))), "X.9 is left out"


def test_what_a_client_lacks_is_left_out_and_said(tmp_path: Path) -> None:
    options = [
        "--without",
        "compression",
        "--without",
        "handshakes",
        "--exclude",
        "X.16",
        "--profile",
        "fast",
    ]
    with case_server(tmp_path, *options, "--without", "limits", "--max-message-size", "2000000") as server:
        count = int(ask(server, "/getCaseCount"))
        output = server.end()[1]
    left_out = ("X.2.", "X.6.", "X.9.", "X.16.")
    cases = [name for name, case in EXTRA.items() if "client" in case.roles and not case.deflate]
    assert count == 247 + sum(not name.startswith(left_out) for name in cases)
    for said in ("(--exclude)", "(--without compression)", "(--without handshakes)", "about a limit"):
        assert said in output


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            ["--host", "192.0.2.1"],
            "--host '192.0.2.1' is not an address of loopback: let other machines in by",
        ),
        (["--host", "example.org"], "--host 'example.org' is not an address of loopback"),
        (["--cases", "99"], "'99' means no case"),
        (["--cases", "X.1.1"], "no case is left to play: 'X.1.1' means no case of a client"),
        (["--update-baseline"], "--update-baseline writes a baseline of yours"),
        (["--baseline", "no-such.json"], "there is no baseline no-such.json"),
        (["--timeout", "0"], "Invalid value for '--timeout'"),
        (["--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_a_wrong_call_is_one_line(
    options: list[str], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fuzzserver", "--report", str(tmp_path / "r"), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {error}")
    assert said.count("\n") == 1


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["fuzzserver", "--port", port, "--cases", "X.3", "--report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: cannot listen on '127.0.0.1', port {port}: ")
