"""Runs over HTTP/2 and HTTP/3: their cases and baselines, what differs, and a bridge that dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.between import unlike_between
from harness.cases import AUTOBAHN_CASES, SelectionError, is_own, section_of
from harness.cli import main
from harness.engines.suite import Begun, Ended
from harness.extra import EXTRA
from harness.judge import EXPECTED, Baseline, Verdict
from harness.order import OVER_STREAMS, Order
from harness.patience import Patience
from harness.report.markdown import summary_of
from harness.report.page import page_of
from harness.setup_queue import Stop, run_setups
from harness.setup_runner import SetupRunner
from harness.setups import SETUPS, TRANSPORTS, Setup, setups_of
from harness.streams import GROUPS as STREAM_GROUPS
from harness.streams import STREAMS
from harness.testee import commands
from harness.transports.carriage import Carriage
from harness.transports.cli import main as bridge_main
from tests.harness.processes import all_end, descendants_of
from tests.harness.report_samples import case, results, role
from tests.harness.serving import TIMEOUT
from tests.harness.test_run import REPORT, FakeSuite, Silence
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.setups import Transport

OK, OTHER = Verdict("OK", "OK", 1000), Verdict("OK", "OK", 1009)
H2 = Setup("server", transport="h2")


def test_setups_are_named_by_what_is_unusual_in_them() -> None:
    assert [str(setup) for setup in setups_of(["server"], transports=["h1", "h3"])] == [
        "server",
        "server/limits",
        "server/settings",
        "server/pure",
        "server/h3",
    ]
    assert SETUPS["client/h2"] == Setup("client", "default", "h2")
    assert Setup("client", "limits").options == "--role client --variant limits"
    assert H2.options == "--role server --variant default --transport h2"


def test_over_streams_the_cases_that_mean_something_there_are_played() -> None:
    of_server, of_client = Order(["server", "client"], "full", transports=["h2"]).cases().values()
    for cases in (of_server, of_client):
        assert [name for name in cases if not is_own(name)] == list(AUTOBAHN_CASES)
        assert {section_of(name) for name in cases if name in STREAMS} < set(STREAM_GROUPS)
        assert {section_of(name) for name in cases if name in EXTRA} <= OVER_STREAMS
    assert not any(EXTRA[name].mode for name in of_server if name in EXTRA)
    assert "X.9.32" in of_client, "the client has modes"
    assert "X.9.6" in of_client
    (of_quic,) = Order(["client"], "full", transports=["h3"]).cases().values()
    assert "X.9.6" not in of_quic, "100 MiB take too long"
    with pytest.raises(SelectionError, match="these roles, variants and transports"):
        Order(["server", "client"], "full", ["X.1"], transports=["h3"]).cases()


def test_the_baseline_of_a_transport_has_what_is_unlike_and_nothing_else(tmp_path: Path) -> None:
    Baseline("server", tmp_path).update({"1.1.1": OK, "2.1": OK}, seconds={"2.1": 2.0}).save()
    assert not (tmp_path / "server-h2.json").exists()
    baseline = Baseline("server", tmp_path).load()
    assert baseline.verdicts("default", "h2") == {"1.1.1": OK, "2.1": OK}
    baseline.update({"1.1.1": OTHER, "2.1": OK}, transport="h2", seconds={"2.1": 3.0}).save()
    assert json.loads((tmp_path / "server-h2.json").read_text()) == {"1.1.1": OTHER.fields()}
    assert json.loads((tmp_path / "server.json").read_text())["1.1.1"] == OK.fields()

    again = Baseline("server", tmp_path).load()
    assert again.verdicts("default", "h2") == {"1.1.1": OTHER, "2.1": OK}
    assert again.verdicts("default", "h3") == {"1.1.1": OK, "2.1": OK}
    assert again.accepts(H2, "1.1.1", OTHER)
    assert not again.accepts(H2, "1.1.1", OK), "a better one differs as well"
    assert not again.accepts(Setup("server"), "1.1.1", OTHER)
    assert again.usual(H2).noted == {"2.1": 6.0}, "three times as long as over HTTP/1.1"
    again.update({"1.1.1": OK, "2.1": OK}, transport="h2", seconds={"2.1": 20.0}).save()
    written = json.loads((tmp_path / "server-h2.json").read_text())
    assert written == {"2.1": {**OK.fields(), "seconds": 20.0}}, "it takes longer there"
    again.update({"1.1.1": OK, "2.1": OK}, transport="h2", seconds={"2.1": 2.0}).save()
    assert not (tmp_path / "server-h2.json").exists()


def test_a_reason_stays_with_its_verdict_over_a_transport(tmp_path: Path) -> None:
    Baseline("server", tmp_path).update({"1.1.1": OK}).save()
    weak = {**Verdict("NON-STRICT", "OK", 1000).fields(), "why": "a stream holds no port"}
    (tmp_path / "server-h2.json").write_text(json.dumps({"1.1.1": weak}))
    baseline = Baseline("server", tmp_path).load()
    assert baseline.whys_of(H2) == {"1.1.1": "a stream holds no port"}
    assert baseline.whys_of(Setup("server")) == {}
    baseline.update({"1.1.1": Verdict("NON-STRICT", "OK", 1000)}, transport="h2").save()
    assert json.loads((tmp_path / "server-h2.json").read_text()) == {"1.1.1": weak}


@pytest.mark.parametrize("name", ["server", "client"])
def test_the_committed_baselines_of_transports_are_small_and_explained(name: Any) -> None:
    baseline = Baseline(name).load()
    for transport, entries in baseline.unlike.items():
        for number, entry in entries.items():
            alike = baseline.entries.get(number)
            assert (alike is None) or (entry.verdict, entry.seconds) != (alike.verdict, alike.seconds)
            changed = alike is not None and entry.verdict != alike.verdict
            assert entry.why or (entry.verdict.ok and not changed), f"{name}-{transport} {number} has no why"
    assert list(EXPECTED.glob("*-h2.json"))


def sample(**verdicts: dict[str, int]) -> Any:
    """Results with close codes by setup and case."""
    labels = {"h1": "server", "h2": "server/h2", "h3": "server/h3"}
    return results(
        {
            labels[transport]: role({name: case(remoteCloseCode=code) for name, code in codes.items()})
            for transport, codes in verdicts.items()
        }
    )


def test_what_differs_between_transports_is_said_once_for_cases_that_differ_alike() -> None:
    found = sample(
        h1={"1.1.1": 1000, "3.1": 1002, "3.2": 1002, "3.3": 1002},
        h2={"1.1.1": 1000, "3.1": 1007, "3.2": 1007},
        h3={"1.1.1": 1000, "3.1": 1002, "3.2": 1002},
    )
    (unlike,) = unlike_between({SETUPS[label]: setup["cases"] for label, setup in found["setups"].items()})
    assert unlike.cases == ("3.1", "3.2")
    assert {transport: verdict.remote_close_code for transport, verdict in unlike.verdicts.items()} == {
        "h1": 1002,
        "h2": 1007,
        "h3": 1002,
    }
    summary, page = summary_of(found), page_of(found)
    good = "OK, close OK, code 1002"
    line = f"server 3.1, 3.2: h1 {good}; h2 OK, close OK, code 1007; h3 {good}"
    assert f"#### Differs between transports\n\n* `{line}`\n" in summary
    assert "What differs between transports" in page
    for column in ("h1", "h2", "h3"):
        assert f'<span class="variant-name">{column} </span>OK' in page
        assert f"<h3>{column}</h3>" in page


def test_one_transport_has_no_columns_and_nothing_to_differ_from() -> None:
    page = page_of(sample(h2={"1.1.1": 1000}))
    assert "What differs between transports" not in page
    assert 'class="variant-name"' not in page


def test_the_cases_run_over_http2_and_http3_in_both_roles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One case is recorded with another code than over HTTP/1.1."""
    wanted = {"1.1.2": OK}
    for name in ("server", "client"):
        Baseline(name, tmp_path).update(wanted).update({"1.1.2": OTHER}, transport="h2").save()
    folders = ["--report", str(tmp_path), "--expected", str(tmp_path)]
    assert main(["run", *folders, "--transport", "h3", "--transport", "h2", "--cases", *wanted]) == 1
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found["setups"]) == ["server/h2", "client/h2", "server/h3", "client/h3"]
    for label, setup in found["setups"].items():
        assert (setup["transport"], setup["variant"]) == (label[-2:], "default")
        assert setup["cases"]["1.1.2"]["behavior"] == "OK"
        differing = [difference["case"] for difference in setup["differences"]]
        assert "1.1.2" in differing or label.endswith("h3")
    repeat = "python -m harness run --role server --variant default --transport h2 --cases 1.1.2"
    assert f"repeat   {repeat}" in said
    assert not list(tmp_path.glob("*.log")), "a bridge has nothing to say of good peers"


def start(folder: Path, name: str, transport: Transport, *options: str) -> subprocess.Popen[str]:
    """Start a run of a role that takes some seconds, and wait until it is at its last section."""
    command = [sys.executable, "-m", "harness", "run", "--role", name, "--transport", transport]
    process = subprocess.Popen(  # noqa: S603
        [*command, *options, "--cases", "6.4", "--report", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while f"{name}/{transport}: case 6.4.1" not in (line := process.stdout.readline()):
        assert line, process.communicate()[1]
    return process


@pytest.mark.parametrize(("name", "transport"), [("server", "h2"), ("client", "h3")])
def test_a_bridge_that_dies_is_an_error_of_the_harness_and_no_verdict(
    tmp_path: Path, name: str, transport: Transport
) -> None:
    with start(tmp_path, name, transport) as process:
        children = descendants_of(process.pid)
        assert len(children) == 3, "a testee, an engine and a bridge"
        bridge = max(pid for pid, line in children.items() if "harness.transports" in line)
        os.kill(bridge, signal.SIGKILL)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (2, f"error: the bridge to {transport} was killed by SIGKILL\n")
    assert all_end(set(children))
    path = tmp_path / "results.json"
    if path.exists():  # of cases before
        found = json.loads(path.read_text())
        assert found["complete"] is False
        cases = [report for setup in found["setups"].values() for report in setup["cases"].values()]
        assert {report["behavior"] for report in cases} <= {"OK"}


def test_a_client_that_hangs_loses_no_case_before(tmp_path: Path) -> None:
    """Over QUIC its end does not show: the suite would wait for it when it is asked for its reports."""
    with start(tmp_path, "client", "h3", "--time-limit", "10", "--cases", "5") as process:
        children = descendants_of(process.pid)
        os.kill(max(pid for pid, line in children.items() if "harness.testee" in line), signal.SIGSTOP)
        said, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (1, "")
    assert "case 5.1 " not in said, "the cases before are played once"
    (setup,) = json.loads((tmp_path / "results.json").read_text())["setups"].values()
    bad = [report["result"] for report in setup["cases"].values() if report["behavior"] == "FAILED"]
    assert bad == ["The client under test hangs: the case did not end within 10 s (--time-limit)."]


def test_a_killed_run_leaves_no_bridge(tmp_path: Path) -> None:
    with start(tmp_path, "server", "h2") as process:
        children = set(descendants_of(process.pid))
        process.kill()
    assert all_end(children)


def test_a_bad_verdict_behind_the_death_of_a_bridge_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bridge has died of itself, as its log says; the suite saw a connection fail."""
    program = "import sys; print('Listening on ws://127.0.0.1:9', flush=True); sys.exit('it has a fault')"

    def command(*_: object) -> list[str]:
        return [sys.executable, "-c", program]

    monkeypatch.setattr("harness.transports.carriage.command_of", command)
    monkeypatch.setattr("harness.transports.carriage.SETTLED", TIMEOUT)  # however slow the machine is
    suite = FakeSuite(Begun("1.1.1"), Ended("1.1.1", {**REPORT, "behavior": "FAILED"}), 60.0)
    idle = "echo listening on 127.0.0.1 port 9; exec sleep 600"
    monkeypatch.setattr(commands.Testee, "command", lambda *_: ["sh", "-c", idle, "sh"])
    runner = SetupRunner(
        H2,
        ["1.1.1"],
        suite,
        Silence(),
        tmp_path,
        Patience(timeout=0.2),
        commands.Testee("idle"),
        carriage=Carriage("h2"),
    )
    with pytest.raises(CommandError) as caught:
        asyncio.run(run_setups([runner], Stop(), TIMEOUT))
    said = f"it has a fault (all of it in {tmp_path / 'server-h2-bridge.log'})"
    assert str(caught.value) == f"the bridge to h2 ended with exit code 1: {said}"
    assert runner.result().reports == {}


@pytest.mark.parametrize("transport", TRANSPORTS[1:])
def test_a_missing_package_is_exit_3_with_the_command_that_installs_it(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.transports.carriage.find_spec", lambda _: None)
    assert main(["run", "--transport", transport, "--cases", "1.1.1"]) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"error: --transport {transport} needs ")
    assert "python -m pip install -e './harness[streams]'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["server", "h3", "1"], "h3 over TLS needs --authority, --certificate and --key, all of them"),
        (["client", "h2", "0"], "0 is not in the range"),
        (["server", "h4", "1"], "'h4' is not one of 'h2', 'h3'"),
        (["server", "h2", "1", "--key", "there is none"], "'there is none' does not exist"),
    ],
)
def test_a_bridge_that_is_called_wrongly_says_so_in_a_line(
    arguments: list[str], rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bridge_main(arguments) == 2
    said = capsys.readouterr().err
    assert rule in said
    assert said.count("\n") == 1
