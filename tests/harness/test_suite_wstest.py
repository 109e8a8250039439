"""The engine wstest, with a program that only looks like it, and kills on every way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli import main
from harness.judge import Baseline, Verdict
from tests.harness.processes import all_end, descendants_of
from tests.harness.serving import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKE = Path(__file__).with_name("fake_wstest.py")
OK = Verdict("OK", "OK", 1000)
CASES = ("1.1.1", "1.1.2")


@pytest.fixture
def wstest(tmp_path: Path) -> Path:
    """Make the program, and a baseline beside it."""
    program = tmp_path / "bin" / "wstest"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    for role in ("server", "client"):
        Baseline(role, tmp_path).update(dict.fromkeys(CASES, OK)).save()
    return program


def run_all(wstest: Path) -> list[str]:
    folder = str(wstest.parent.parent)
    return [
        *("run", "--engine", "wstest", "--wstest", str(wstest), "--report", folder, "--expected", folder),
        *("--cases", *CASES),
    ]


def run(wstest: Path, *options: str) -> list[str]:
    """The same in one variant: the others start as many processes again."""
    return [*run_all(wstest), "--variant", "default", *options]


def test_both_roles(wstest: Path, tmp_path: Path) -> None:
    assert main(run_all(wstest)) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["engine"] == "wstest 25.10.1"
    for role in ("server", "client"):
        cases = results["setups"][role]["cases"]
        assert list(cases) == list(CASES)
        assert cases["1.1.2"] == {
            "behavior": "OK",
            "behaviorClose": "OK",
            "remoteCloseCode": 1000,
            "duration": 12,
            "agent": results["library"],
            "description": "What 1.1.2 does.",
        }


def test_a_difference_is_repeated_with_the_same_engine(
    wstest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Baseline("server", tmp_path).update({"1.1.1": OK, "1.1.2": Verdict("OK", "OK", 1002)}).save()
    assert main(run(wstest, "--role", "server")) == 1
    options = f"--engine wstest --wstest {wstest} --role server --variant default"
    command = f"python -m harness run {options} --cases 1.1.2"
    assert command in capsys.readouterr().out


def test_a_case_that_it_leaves_out_is_a_difference(
    wstest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE", "short")
    assert main(run(wstest)) == 1
    out = capsys.readouterr().out
    assert "server 1.1.2: missing" in out
    assert "  so are   client 1.1.2" in out


@pytest.mark.parametrize(
    ("role", "fake", "said"),
    [
        ("server", "silent", "wstest has not written reports/index.json"),
        ("client", "silent", "wstest ended before the client asked for the reports"),
        ("server", "half", "reports/index.json cannot be read"),
        ("client", "half", "reports/index.json cannot be read"),
        ("server", "lost", "wstest has not written reports/1.1.2.json"),
        ("server", "unreached", "failed (Connection was refused"),
        ("server", "kill", "wstest was killed by SIGKILL"),
        ("client", "port", "Couldn't listen on any:9002: Address already in use"),
    ],
)
def test_what_goes_wrong_is_one_line(  # noqa: PLR0917  # fixtures
    role: str,
    fake: str,
    said: str,
    wstest: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAKE", fake)
    known = set(descendants_of(os.getpid()))
    assert main(run(wstest, "--role", role)) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert all_end(set(descendants_of(os.getpid())) - known)


def test_a_missing_program_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--engine", "wstest", "--wstest", str(tmp_path / "none"), "--cases", "1.1.1"]) == 3
    errors = capsys.readouterr().err
    assert str(tmp_path / "none") in errors
    assert "pip install autobahntestsuite==25.10.1" in errors
    assert errors.count("\n") == 1


def test_another_program_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--engine", "wstest", "--wstest", "true", "--cases", "1.1.1"]) == 2
    assert "true is not Autobahn's wstest" in capsys.readouterr().err


@contextmanager
def hanging(wstest: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run that stands still in both roles."""
    command = [sys.executable, "-m", "harness", *run(wstest)]
    environment = {**os.environ, "FAKE": "hang"}
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            begun: set[str] = set()
            while begun != {"server", "client"}:
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                begun |= {role for role in ("server", "client") if f"{role}: case 1.1.1" in line}
            yield process
        finally:
            process.kill()


def port_of(processes: dict[int, str]) -> int:
    """Give the port of the suite that serves the client."""
    line = next(line for line in processes.values() if "harness.testee drive" in line)
    url = next(word for word in line.split() if word.startswith("ws://"))
    return int(url.rpartition(":")[2])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_harness_leaves_nothing(wstest: Path, number: signal.Signals) -> None:
    with hanging(wstest) as process:
        left = descendants_of(process.pid)
        assert sum("fake_wstest.py --mode" in line for line in left.values()) >= 2
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
        if number != signal.SIGKILL:
            assert process.returncode == 2
            assert errors == f"error: interrupted by {number.name}, all children have ended\n"
    assert all_end(set(left))
    assert is_free(port_of(left))


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        # those of the server's role: a client would find nobody to connect to, and end the run by that
        (r"harness\.engines\.wstest_worker \S+ server", "wstest was killed by SIGKILL"),
        (r"fake_wstest\.py --mode fuzzingclient", "wstest was killed by SIGKILL"),
        ("sh -c", "interrupted by SIGTERM"),
    ],
)
def test_a_killed_process_ends_the_others(victim: str, said: str, wstest: Path) -> None:
    with hanging(wstest) as process:
        left = descendants_of(process.pid)
        pid = max(pid for pid, line in left.items() if re.search(victim, line))
        os.kill(pid, signal.SIGKILL)
        if victim == "sh -c":  # nothing depends on it while the harness lives
            process.terminate()
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert said in errors
    assert errors.count("\n") == 1
    assert all_end(set(left))
    assert is_free(port_of(left))


def test_a_full_disk_is_one_line(wstest: Path, tmp_path: Path) -> None:
    """Files may not be longer than a byte here: there is no room for a report."""
    limited = "import resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (1, 1))"
    program = f"{limited}; from harness.cli import main; sys.exit(main())"
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, *run(wstest, "--role", "server")],
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},  # it writes too
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("error: cannot write the report to ")
    assert not (tmp_path / "results.json").exists()
