"""Whole runs, with the real suite and with ones that misbehave."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from harness.cli import main
from harness.engines.suite import Begun, Ended, Finished, Listening, Suite
from harness.judge import Baseline, Verdict
from harness.role_runner import RoleRunner, run_roles
from harness.summary import print_cpu_time
from harness.testee import commands
from tests.harness.processes import all_end, children_of
from tests.harness.serving import TIMEOUT
from tooling import children
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.engines.suite import Step
    from harness.results import CaseReport, Results, SetupReport
    from harness.roles import Role

OK = Verdict("OK", "OK", 1000)
PROTOCOL_ERROR = Verdict("OK", "OK", 1002)
CASES = {"1.1.2": OK, "3.2": PROTOCOL_ERROR, "7.7.3": Verdict("OK", "OK", 1002), "12.1.1": OK}


def test_both_roles_against_kosoku(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One case is recorded with another code than it has now, in one role."""
    Baseline("server", tmp_path).update(CASES)
    Baseline("client", tmp_path).update({**CASES, "7.7.3": OK})
    options = ["--report", str(tmp_path), "--expected", str(tmp_path)]
    assert main(["run", *options, "--cases", *CASES]) == 1
    out = capsys.readouterr().out
    assert "server: all 4 cases have run" in out
    assert "client 7.7.3: change\n  expected  OK, close OK, code 1000\n" in out
    assert "python -m harness run --role client --cases 7.7.3" in out

    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["format"], results["profile"], results["asExpected"]) == (2, "full", False)
    assert results["engine"].startswith("kosoku 0.1.")
    assert results["cpuTime"] > 0
    assert f"CPU time: {results['library']} with its glue and zlib " in out
    assert [difference["case"] for difference in results["setups"]["client"]["differences"]] == ["7.7.3"]
    for role, is_server in (("server", False), ("client", True)):
        assert min(results["setups"][role]["cpuTime"].values()) > 0
        cases = results["setups"][role]["cases"]
        assert list(cases) == list(CASES)
        assert {case["isServer"] for case in cases.values()} == {is_server}  # the suite is the other role
        assert {case["agent"] for case in cases.values()} == {results["library"]}
        assert cases["3.2"]["wirelog"]
        assert "Sec-WebSocket-Extensions" in cases["12.1.1"]["httpResponse"]
    assert "1 verdict not as expected" in (tmp_path / "index.html").read_text()
    assert (tmp_path / "junit.xml").read_text().count(
        "python -m harness run --role client --cases 7.7.3"
    ) == 1
    assert "`python -m harness run --role client --cases 7.7.3`" in (tmp_path / "summary.md").read_text()
    assert "7 / 8" in (tmp_path / "badge.svg").read_text()
    assert not list(tmp_path.glob("*.log")), "a log without a word in it is not kept"


def start_run(folder: Path) -> subprocess.Popen[str]:
    """Start a run that takes four seconds, and wait until it is at its cases."""
    command = [sys.executable, "-m", "harness", "run", "--cases", "6.4", "--report", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    begun: set[str] = set()
    while begun != {"server", "client"}:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        begun |= {role for role in ("server", "client") if f"{role}: case 6.4.1" in line}
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_every_child(tmp_path: Path, number: signal.Signals) -> None:
    with start_run(tmp_path) as process:
        children = children_of(process.pid)
        assert len(children) == 4
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == f"error: interrupted by {number.name}, all children have ended\n"
    assert all_end(children)
    assert not (tmp_path / "results.json").exists()


def test_a_killed_child_ends_the_run_and_the_others(tmp_path: Path) -> None:
    with start_run(tmp_path) as process:
        children = children_of(process.pid)
        os.kill(min(children), signal.SIGKILL)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert "was killed by SIGKILL" in errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert all_end(children)


def test_the_children_end_with_a_killed_harness(tmp_path: Path) -> None:
    with start_run(tmp_path) as process:
        children = children_of(process.pid)
        process.kill()
    assert all_end(children)


class FakeSuite(Suite):
    """Gives the steps of a script, whoever asks; a number is the seconds to wait."""

    # ruff: noqa: ARG002

    def __init__(self, *script: Step | float) -> None:
        self.script = script
        self.closed = False

    def version(self) -> str:
        return "fake 1"

    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        return self.play()

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        return self.play()

    async def play(self) -> AsyncGenerator[Step, None]:
        try:
            for step in self.script:
                if isinstance(step, (Listening, Begun, Ended, Finished)):
                    yield step
                else:
                    await asyncio.sleep(step)
        finally:
            self.closed = True


class Silence:
    def begun(self, role: Role, case: str) -> None:
        pass

    def finished(self, role: Role) -> None:
        pass


REPORT: CaseReport = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}


IDLE = commands.Testee("idle", server=("sh", "-c", "echo Listening on ws://127.0.0.1:1; exec cat", "sh"))
"""A server that begins at once, and does nothing."""


def play(
    role: Role,
    suite: FakeSuite,
    folder: Path,
    *,
    time_limit: float = TIMEOUT,
    testee: commands.Testee = commands.LIBRARY,
) -> Any:
    runner = RoleRunner(role, ["1.1.1", "1.1.2"], suite, Silence(), folder, time_limit, testee)
    return asyncio.run(run_roles([runner]))[role]


def test_a_suite_that_hangs_is_ended_with_the_case_named(tmp_path: Path) -> None:
    suite = FakeSuite(Begun("1.1.1"), Ended("1.1.1", REPORT), Begun("1.1.2"), 60.0)
    with pytest.raises(CommandError, match=r"server: case 1\.1\.2 did not end within 1 s"):
        play("server", suite, tmp_path, time_limit=1, testee=IDLE)
    assert suite.closed


def test_a_suite_that_says_nothing_is_ended(tmp_path: Path) -> None:
    suite = FakeSuite(60.0)
    with pytest.raises(CommandError, match=r"client: case \(none yet\) did not end"):
        play("client", suite, tmp_path, time_limit=0.5)
    assert suite.closed


def test_a_client_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"the client under test ended with exit code 2: error: cannot connect"
    ):
        play("client", FakeSuite(Listening("ws://127.0.0.1:1"), 60.0), tmp_path)


def test_a_client_needs_somewhere_to_go(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the suite does not listen"):
        play("client", FakeSuite(Begun("1.1.1")), tmp_path)


def test_a_case_reported_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"case 1\.1\.1 twice"):
        play("server", FakeSuite(Ended("1.1.1", REPORT), Ended("1.1.1", REPORT)), tmp_path)


def test_reports_come_in_the_order_asked_and_unasked_ones_last(tmp_path: Path) -> None:
    found = play("server", FakeSuite(*(Ended(case, REPORT) for case in ("0.0", "1.1.2", "1.1.1"))), tmp_path)
    assert list(found.reports) == ["1.1.1", "1.1.2", "0.0"]


def test_the_cpu_time_of_testee_and_suite_is_kept_apart(tmp_path: Path) -> None:
    found = play("server", FakeSuite(Ended("1.1.1", REPORT), Finished(2.5)), tmp_path)
    assert found.cpu_time["testee"] > 0
    assert found.cpu_time["suite"] == 2.5


def test_a_suite_may_say_nothing_of_its_cpu_time(tmp_path: Path) -> None:
    found = play("server", FakeSuite(Ended("1.1.1", REPORT)), tmp_path)
    assert found.cpu_time["suite"] is None


@pytest.mark.parametrize("waited", [True, False], ids=["ends by itself", "is stopped"])
def test_the_cpu_time_of_a_child_is_what_the_system_counted(tmp_path: Path, waited: bool) -> None:
    async def run() -> float | None:
        async with children.start(
            "work", [sys.executable, "-m", "timeit", "-n1", "-r1", "sum(range(10**6))"], tmp_path / "log"
        ) as child:
            if waited:
                assert await child.ended() == 0
        return child.cpu_time

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_time = asyncio.run(run())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert cpu_time == pytest.approx(sum(after[:2]) - sum(before[:2]), abs=0.001)


def test_who_used_the_cpu_is_said_by_share(capsys: pytest.CaptureFixture[str]) -> None:
    roles: dict[str, SetupReport] = {
        "server": {
            "role": "server",
            "variant": "",
            "duration": 9.0,
            "cpuTime": {"testee": 3.0, "suite": 5.5},
            "differences": [],
            "whys": {},
            "cases": {},
        },
        "client": {
            "role": "client",
            "variant": "",
            "duration": 9.0,
            "cpuTime": {"testee": 1.0, "suite": None},
            "differences": [],
            "whys": {},
            "cases": {},
        },
    }
    results: Results = {
        "format": 2,
        "engine": "suite 1",
        "library": "wsproto/1",
        "python": "",
        "started": "",
        "profile": "full",
        "patterns": [],
        "command": "",
        "commit": "",
        "host": "",
        "complete": True,
        "stopped": "",
        "asExpected": True,
        "cpuTime": 0.5,
        "setups": roles,
    }
    print_cpu_time(Console(), results)
    testee = "wsproto/1 with its glue and zlib 4.0 s (40%)"
    said = f"CPU time: {testee}, suite 1 5.5 s (55%), the harness 0.5 s (5%)"
    assert " ".join(capsys.readouterr().out.split()) == said
