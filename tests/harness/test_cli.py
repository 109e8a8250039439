from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from harness.cli import main
from harness.engines import kosoku
from harness.judge import Baseline, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}
FAILED = {"behavior": "FAILED", "behaviorClose": "OK", "remoteCloseCode": 1000}


def error_of(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """Call the command line wrongly and give the one line that it says."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "value", "rule"),
    [
        (["serve", "--port", "65536"], "65536", "0<=x<=65535"),
        (["serve", "--port", "-1"], "-1", "0<=x<=65535"),
        (["serve", "--port", "http"], "'http'", "integer"),
        (["serve", "--host", ""], "''", "not an address"),
        (["serve", "--host", "a..b", "--port", "0"], "'a..b'", "cannot listen"),
        (["serve", "extra"], "extra", "unexpected"),
        (["drive"], "ws://HOST:PORT", "Missing"),
        (["drive", "http://localhost:1"], "'http://localhost:1'", "not ws://HOST:PORT"),
        (["drive", "ws://localhost:99999"], "'ws://localhost:99999'", "not ws://HOST:PORT"),
        (["drive", "ws://localhost:x"], "'ws://localhost:x'", "not ws://HOST:PORT"),
        (["drive", "ws://[::1"], "'ws://[::1'", "not ws://HOST:PORT"),
        (["drive", "ws://"], "'ws://'", "not ws://HOST:PORT"),
        (["drive", "ws://localhost/chat"], "'ws://localhost/chat'", "not ws://HOST:PORT"),
        (["drive", "ws://me:secret@localhost:1"], "'ws://me:secret@localhost:1'", "user info has no place"),
        (["drive", "ws://localhost:0"], "'ws://localhost:0'", "nobody listens on port 0"),
        (["drive", "ws://127.0.0.1:1"], "ws://127.0.0.1:1", "cannot connect"),
        (["drive", "ws://a..b:1"], "ws://a..b:1", "cannot connect"),
        (["drive", f"ws://{'a' * 64}.example:1"], "a.example:1", "cannot connect"),
        (["drive", "ws://xn--\xff.example:1"], "ws://xn--\xff.example:1", "cannot connect"),
        (["drive", "ws://a b:1"], "ws://a b:1", "cannot connect"),
        (["drive", "ws://[fe80::1%25lo]:1"], "ws://[fe80::1%25lo]:1", "cannot connect"),
        (["drive", "ws://localhost:1", "--handshake-timeout", "0"], "0", "x>0"),
        (["run", "--role", "proxy"], "'proxy'", "'server', 'client', 'both'"),
        (["run", "--profile", "slow"], "'slow'", "'fast', 'wide', 'full'"),
        (["run", "--cases", "6.40"], "'6.40'", "means no case"),
        (["run", "--cases", "6.4", "nine"], "'nine'", "means no case"),
        (["run", "--profile", "fast", "--cases", "9"], "'9'", "profile 'fast'"),
        (["run", "--time-limit", "0"], "0", "x>0"),
        (["run", "--report", __file__], __file__, "is a file"),
        (["run", "--expected", "/nowhere"], "/nowhere/server.json", "--update-baseline"),
        (["judge", "/nowhere", "--role", "server"], "/nowhere", "does not exist"),
        (["judge", "."], "--role", "Missing"),
        (["bench"], "'bench'", "No such command"),
        (["--colour"], "--colour", "No such option"),
    ],
)
def test_a_wrong_call_is_one_line_with_the_value_and_the_rule(
    arguments: list[str], value: str, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = error_of(arguments, capsys)
    assert value in line
    assert rule in line


def test_a_server_that_says_nothing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        line = error_of(["drive", url, "--handshake-timeout", "0.2"], capsys)
    assert line == f"error: {url}/getCaseCount: no answer came within 0.2 s\n"


def test_a_server_of_something_else_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """It greets, as mail and SSH servers do, and waits."""

    def greet() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
            while connection.recv(2**16):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=greet)
        server.start()
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}"
        line = error_of(["drive", url], capsys)
        server.join()
    assert line.startswith(f"error: {url}/getCaseCount: ")
    assert "HTTP" in line


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    assert "--update-baseline" in capsys.readouterr().out


def test_a_corrupt_baseline_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.json").write_text("{")
    line = error_of(["run", "--role", "server", "--expected", str(tmp_path)], capsys)
    assert str(tmp_path / "server.json") in line


def test_a_missing_suite_is_exit_3_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(_name: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(kosoku, "version", version)
    assert "pip install 'kosoku" in error_of(["run", "--cases", "1.1.1"], capsys, code=3)


def test_a_missing_library_is_exit_3_with_the_command_that_installs_it() -> None:
    program = (
        "import sys, runpy; sys.modules['click'] = None; runpy.run_module('harness', run_name='__main__')"
    )
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == "error: click is not installed: python -m pip install -e ./harness\n"


def test_standard_output_that_is_full_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "harness", "run", "--cases", "1.1.1"]
        found = subprocess.run(  # noqa: S603 - this very interpreter
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert found.returncode == 2
    assert "No space left on device" in found.stderr
    assert "Traceback" not in found.stderr


def test_standard_output_that_is_closed_is_one_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "harness", "run", "--cases", "1.1.1", "--report", str(tmp_path)]
    with os.fdopen(writing, "wb") as closed:
        found = subprocess.run(  # noqa: S603 - this very interpreter
            command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (found.returncode, found.stderr) == (2, "error: standard output was closed\n")


@pytest.fixture
def verdicts(tmp_path: Path) -> Path:
    """Write an index.json as wstest does, and a baseline."""
    Baseline("client", tmp_path).update(
        {"3.1": Verdict("OK", "OK", 1000), "3.2": Verdict("OK", "OK", 1000)}
    ).save()
    (tmp_path / "index.json").write_text(json.dumps({"agent": {"3.1": OK, "3.2": FAILED}}))
    return tmp_path


def test_judge_names_a_difference_and_exits_1(verdicts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judging = ["judge", str(verdicts), "--role", "client", "--expected", str(verdicts), "--cases"]
    assert main([*judging, "3.[12]"]) == 1
    assert capsys.readouterr().out.splitlines()[-6:] == [
        "client 3.2: regression",
        "  expected OK, close OK, code 1000",
        "  actual   FAILED, close OK, code 1000",
        "  reason   The suite does not say why.",
        "  repeat   python -m harness run --role client --variant default --cases 3.2",
        "client: 2 cases, 1 not as expected",
    ]


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: python -m harness [OPTIONS] [COMMAND] [ARGS]...")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["run", "--cases", "1.1.1"], 2), (["serve", "--port", "0"], 2), (["list", "2"], 0)],
)
def test_a_library_that_cannot_be_imported_is_one_line(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    """There was a traceback, and exit code 1."""
    (tmp_path / "wsproto").mkdir()
    (tmp_path / "wsproto" / "__init__.py").write_text("raise ImportError('it is broken')")
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", "harness", *arguments],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == code
    if code:
        assert "it is broken" in found.stderr
        assert (found.stderr[:7], found.stderr.count("\n")) == ("error: ", 1)


def test_judge_exits_0_where_all_is_as_expected(verdicts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (verdicts / "index.json").write_text(json.dumps({"agent": {"3.1": OK}}))
    assert (
        main(["judge", str(verdicts), "--role", "client", "--expected", str(verdicts), "--cases", "3.1"]) == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        "section                 client",
        "3        Reserved Bits  1 OK  ",
        "client: 1 case, as expected",
    ]


def test_what_autobahn_itself_has_written_needs_no_extra_case(
    verdicts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (verdicts / "index.json").write_text(json.dumps({"agent": {"3.1": OK}}))
    judging = ["judge", str(verdicts), "--role", "client", "--expected", str(verdicts)]
    assert main([*judging, "--cases", "3.1", "--cases", "X.3"]) == 0
    assert capsys.readouterr().out.endswith("client: 1 case, as expected\n")
    assert main([*judging, "--cases", "X.3"]) == 2
    assert capsys.readouterr().err == f"error: {verdicts} holds no extra case: it is Autobahn's own\n"


def test_a_new_baseline_shows_what_it_changes(verdicts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judging = ["judge", str(verdicts), "--role", "client", "--expected", str(verdicts), "--cases", "3.[12]"]
    assert main([*judging, "--update-baseline"]) == 0
    out = capsys.readouterr().out
    assert "client 3.2: OK, close OK, code 1000 -> FAILED, close OK, code 1000" in out
    assert f"{verdicts / 'client.json'}: the verdicts of 1 case changed" in out
    assert main(judging) == 0


def test_a_run_with_a_missing_case_makes_no_baseline(
    verdicts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (verdicts / "client.json").read_bytes()
    judging = ["judge", str(verdicts), "--role", "client", "--expected", str(verdicts), "--cases", "3"]
    assert main([*judging, "--update-baseline"]) == 2
    assert "is left as it was: case 3.3 is missing" in capsys.readouterr().err
    assert (verdicts / "client.json").read_bytes() == before
