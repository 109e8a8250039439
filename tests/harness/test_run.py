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

from harness import setup_runner
from harness.cli import main
from harness.engines.suite import Begun, Ended, Finished, Listening, Suite
from harness.judge import Baseline, Verdict
from harness.patience import Patience
from harness.roles import ROLES
from harness.setup_queue import Stop, run_setups
from harness.setup_runner import SetupRunner
from harness.setups import VARIANTS, Setup, setups_of
from harness.summary import print_cpu_time
from harness.testee import commands
from tests.harness.processes import all_end, descendants_of
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
    long = {"12.1.1": 10.0}  # others may use the machine
    Baseline("server", tmp_path).update(CASES, seconds=long).save()
    Baseline("client", tmp_path).update({**CASES, "7.7.3": OK}, seconds=long).save()
    options = ["--report", str(tmp_path), "--expected", str(tmp_path)]
    variants = VARIANTS[: VARIANTS.index("pure")]  # which is there with two cores alone
    for variant in variants:
        options += ["--variant", variant]
    assert main(["run", *options, "--cases", *CASES]) == 1
    out = capsys.readouterr().out
    assert "server: all 4 cases have run" in out
    assert "client 7.7.3: change\n  expected OK, close OK, code 1000\n" in out
    assert "python -m harness run --role client --variant default --cases 7.7.3" in out

    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["format"], results["profile"], results["asExpected"]) == (2, "full", False)
    assert results["engine"].startswith("kosoku 0.1.")
    assert results["cpuTime"] > 0
    assert f"CPU time: {results['library']} with its glue and zlib " in out
    assert [difference["case"] for difference in results["setups"]["client"]["differences"]] == ["7.7.3"]
    assert list(results["setups"]) == [str(setup) for setup in setups_of(ROLES, variants)]
    for setup in setups_of(ROLES, variants):
        label = str(setup)
        assert min(results["setups"][label]["cpuTime"].values()) > 0
        cases = results["setups"][label]["cases"]
        is_server = setup.role == "client"  # the suite is the other role
        if setup.variant != "default":
            assert list(cases) == [case for case in CASES if case != "12.1.1"], "as in the profile fast"
            continue
        assert list(cases) == list(CASES)
        assert {case["isServer"] for case in cases.values()} == {is_server}
        assert {case["agent"] for case in cases.values()} == {results["library"]}
        assert cases["3.2"]["wirelog"]
        assert "Sec-WebSocket-Extensions" in cases["12.1.1"]["httpResponse"]
    repeat = "python -m harness run --role client --variant limits --cases 7.7.3"
    assert (tmp_path / "junit.xml").read_text().count(repeat) == 1
    assert repeat in (tmp_path / "summary.md").read_text()
    assert "3 verdicts not as expected" in (tmp_path / "index.html").read_text()
    assert "17 / 20" in (tmp_path / "badge.svg").read_text()
    assert not list(tmp_path.glob("*.log")), "a log without a word in it is not kept"


def start_run(folder: Path) -> subprocess.Popen[str]:
    """Start a run that takes four seconds, and wait until it is at its cases."""
    command = [sys.executable, "-m", "harness", "run", "--variant", "default", "--cases", "6.4"]
    command += ["--report", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    begun: set[str] = set()
    while begun != {"server", "client"}:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        begun |= {role for role in ("server", "client") if f"{role}: case 6.4.1" in line}
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_every_child_and_keeps_what_was_found(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start_run(tmp_path) as process:
        children = set(descendants_of(process.pid))
        assert len(children) == 4, "a testee and an engine in each role"
        process.send_signal(number)
        said, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == f"error: interrupted by {number.name}, all children have ended\n"
    assert all_end(children)
    path = tmp_path / "results.json"
    if path.exists():  # a case had ended
        results = json.loads(path.read_text())
        assert (results["complete"], results["asExpected"]) == (False, False)
        assert f"interrupted by {number.name}" in results["stopped"]
        assert "NOT COMPLETE: interrupted" in said
    assert not list(tmp_path.glob(".run-*")), "nothing is left beside the report"


def test_a_killed_engine_ends_the_run_and_the_others(tmp_path: Path) -> None:
    with start_run(tmp_path) as process:
        children = descendants_of(process.pid)
        engine = max(pid for pid, line in children.items() if "kosoku_worker server" in line)
        os.kill(engine, signal.SIGKILL)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert errors == "error: kosoku was killed by SIGKILL\n"
    assert all_end(set(children))


def test_a_killed_server_is_a_verdict_and_the_rest_is_played(tmp_path: Path) -> None:
    with start_run(tmp_path) as process:
        testee = max(pid for pid, line in descendants_of(process.pid).items() if "testee serve" in line)
        os.kill(testee, signal.SIGKILL)
        said, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (1, "")
    results = json.loads((tmp_path / "results.json").read_text())
    server = results["setups"]["server"]
    assert list(server["cases"]) == ["6.4.1", "6.4.2", "6.4.3", "6.4.4"]
    (difference,) = server["differences"]
    report = server["cases"][difference["case"]]
    why = "The server under test was killed by SIGKILL."
    assert (report["behavior"], report["result"]) == ("FAILED", why)
    assert why in said


def test_the_children_end_with_a_killed_harness(tmp_path: Path) -> None:
    with start_run(tmp_path) as process:
        children = set(descendants_of(process.pid))
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
        return self.play(cases)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        return self.play(cases)

    async def play(self, cases: Sequence[str]) -> AsyncGenerator[Step, None]:
        """Leave out the cases that were played before."""
        try:
            for step in self.script:
                if isinstance(step, (Begun, Ended)) and step.case in {*TWO} - {*cases}:
                    continue
                if isinstance(step, (Listening, Begun, Ended, Finished)):
                    yield step
                else:
                    await asyncio.sleep(step)
        finally:
            self.closed = True


class Silence:
    def begun(self, label: str, case: str) -> None:
        pass

    def finished(self, label: str) -> None:
        pass


TWO = ["1.1.1", "1.1.2"]

REPORT: CaseReport = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}


IDLE = commands.Testee(
    "idle", server=("sh", "-c", "echo Listening on ws://127.0.0.1:1; exec sleep 600", "sh")
)
"""A server that begins at once, and does nothing."""


def play(
    role: Role,
    suite: FakeSuite,
    folder: Path,
    *,
    time_limit: float = TIMEOUT,
    testee: commands.Testee | None = None,
) -> Any:
    runner = SetupRunner(
        Setup(role),
        TWO,
        suite,
        Silence(),
        folder,
        Patience(timeout=0.2, time_limit=time_limit),
        testee or commands.library(),
    )
    asyncio.run(run_setups([runner], Stop(), TIMEOUT))
    return runner.result()


def test_a_case_that_does_not_end_is_failed(tmp_path: Path) -> None:
    suite = FakeSuite(Begun("1.1.1"), Ended("1.1.1", REPORT), Begun("1.1.2"), 60.0)
    found = play("server", suite, tmp_path, time_limit=1, testee=IDLE)
    assert found.reports["1.1.1"] == REPORT
    said = "The server under test hangs: the case did not end within 1 s (--time-limit)."
    assert (found.reports["1.1.2"]["behavior"], found.reports["1.1.2"]["result"]) == ("FAILED", said)
    assert suite.closed


def test_a_server_that_no_longer_answers_is_found_behind_a_bad_verdict(tmp_path: Path) -> None:
    """It accepts the connection, as the system does for it, and is in an endless loop."""
    program = (
        "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
        "print(f'Listening on ws://127.0.0.1:{s.getsockname()[1]}', flush=True); time.sleep(600)"
    )
    deaf = commands.Testee("deaf", server=(sys.executable, "-c", program))
    suite = FakeSuite(Begun("1.1.1"), Ended("1.1.1", {**REPORT, "behavior": "FAILED"}), 60.0)
    found = play("server", suite, tmp_path, testee=deaf, time_limit=2)
    assert "it did not answer a request within 0.2 s" in found.reports["1.1.1"]["result"]


class Quic(FakeSuite):
    """Finds the server gone once, by cases that could not be played: over HTTP/3, TCP says nothing of it."""

    plays = 0

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        self.plays += 1
        bad: CaseReport = {**REPORT, "behavior": "FAILED", "result": "The case could not be played: no."}
        for case in cases:
            yield Ended(case, bad if self.plays == 1 else REPORT)

    async def still_serves(self, url: str) -> bool:
        return self.plays > 1


def test_a_case_that_could_not_be_played_is_played_when_the_server_has_begun_again(tmp_path: Path) -> None:
    suite = Quic()
    assert play("server", suite, tmp_path, testee=IDLE).reports == dict.fromkeys(TWO, REPORT)
    assert suite.plays == 2


def test_a_suite_that_says_nothing_is_ended(tmp_path: Path) -> None:
    suite = FakeSuite(60.0)
    with pytest.raises(CommandError, match=r"client: the suite did not begin within 0\.5 s"):
        play("client", suite, tmp_path, time_limit=0.5)
    assert suite.closed


def test_a_client_that_dies_fails_the_case_that_it_had_begun(tmp_path: Path) -> None:
    """Its last words are in the report; the suite is played anew with the rest."""
    found = play("client", FakeSuite(Listening("ws://127.0.0.1:1"), 60.0), tmp_path)
    assert list(found.reports) == ["1.1.1", "1.1.2"]
    for report in found.reports.values():
        assert report["result"] == "The client under test ended with exit code 2."
        assert report["log"].startswith("error: cannot connect")


def test_a_testee_that_dies_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_runner, "MOST_DEATHS", 1)
    found = play("client", FakeSuite(Listening("ws://127.0.0.1:1"), 60.0), tmp_path)
    assert found.reports["1.1.2"]["result"] == "Not played, since the testee had died 1 times in a row."


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
    setups: dict[str, SetupReport] = {
        role: {
            "role": role,  # type: ignore[typeddict-item]  # it is one
            "variant": "default",
            "duration": 9.0,
            "cpuTime": {"testee": testee, "suite": suite},
            "differences": [],
            "whys": {},
            "cases": {},
        }
        for role, testee, suite in (("server", 3.0, 5.5), ("client", 1.0, None))
    }
    results: Results = {
        "format": 2,
        "engine": "suite 1",
        "library": "wsproto/1",
        "endpoint": False,
        "judgedBy": "baseline",
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
        "setups": setups,
    }
    print_cpu_time(Console(), results)
    testee = "wsproto/1 with its glue and zlib 4.0 s (40%)"
    said = f"CPU time: {testee}, suite 1 5.5 s (55%), the harness 0.5 s (5%)"
    assert " ".join(capsys.readouterr().out.split()) == said


def test_max_failures_stops_the_run_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Verdict("OK", "OK", 1011)
    Baseline("server", tmp_path).update(dict.fromkeys(("3.1", "3.2", "3.3"), wrong)).save()
    options = ["--role", "server", "--report", str(tmp_path), "--expected", str(tmp_path)]
    assert main(["run", *options, "-x", "--cases", "3.1", "3.2", "3.3"]) == 1
    assert "NOT COMPLETE: 1 verdict differed (--max-failures)" in capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["complete"], results["asExpected"]) == (False, False)
    differences = [setup["differences"] for setup in results["setups"].values()]
    assert 0 < sum(map(len, differences)) < 9, "setups that run at once may have one each"


def test_the_budget_for_all_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--role", "server", "--variant", "default", "--report", str(tmp_path), "--budget", "2"]
    assert main(["run", *options, "--cases", "6.4"]) == 1
    assert "NOT COMPLETE: the time for the whole run was over after 2 s" in capsys.readouterr().out


def test_a_run_keeps_the_last_report_until_it_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the last one")
    with start_run(tmp_path) as process:
        assert (tmp_path / "index.html").read_text() == "the last one"
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert (tmp_path / "index.html").read_text() != "the last one"


def test_a_folder_that_cannot_be_written_is_found_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "report"
    assert main(["run", "--cases", "1.1.1", "--report", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.err == f"error: cannot write the report to {folder}: Not a directory\n"
    assert "server: case" not in said.out


def test_a_setup_that_the_suite_says_nothing_of_misses_its_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.cli.suite_of", lambda *_: FakeSuite())
    options = ["--role", "server", "--variant", "default", "--report", str(tmp_path)]
    assert main(["run", *options, "--cases", "1.1.1"]) == 1
    assert "server 1.1.1: missing" in capsys.readouterr().out


def test_a_folder_without_room_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The unfinished probe stayed, and took what room there was."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert main(["run", "--cases", "1.1.1", "--report", str(tmp_path)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
