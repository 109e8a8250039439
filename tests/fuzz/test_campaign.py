"""Campaigns over targets that run without atheris: what came of each is told, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fuzz.cli import main
from fuzz.results import Results, TargetResult
from tests.fuzz.test_report import FINDING
from tests.fuzz.toys import ROOT, toys
from tests.harness.processes import all_end, descendants_of

DRIVER = """
import sys
from pathlib import Path
from fuzz import campaign
from fuzz.cli import main
from fuzz.folders import Folders
campaign.require_atheris = lambda: None
sys.exit(main(sys.argv[2:], Folders(Path(sys.argv[1]))))
"""


def results(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "report" / "results.json").read_bytes())
    return found


def by_name(root: Path) -> dict[str, Any]:
    return {target["name"]: target for target in results(root)["targets"]}


@pytest.mark.usefixtures("without_atheris")
def test_a_clean_campaign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path / "toys", "fine")
    assert main(["run", "--seconds", "1"], folders) == 0
    printed = capsys.readouterr()
    assert "fine: 1 seeds written" in printed.out
    assert "No crash" in printed.out
    assert printed.err == ""
    found = results(folders.root)
    assert (found["clean"], found["interrupted"], found["seconds"]) == (True, False, 1)
    (target,) = found["targets"]
    assert target["status"] == "clean"
    assert target["edges"] == 93
    assert target["executions"] > 1
    assert target["rate"] > 0
    assert target["baseline"] > 0
    assert target["newInputs"] == 1
    assert [edges for _, edges in target["growth"]] == [81, 93]
    assert list(folders.crashes.iterdir()) == []


@pytest.mark.usefixtures("without_atheris")
def test_every_way_to_fail_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(
        tmp_path / "toys", "fine", "raising", "dying", "killed", "unimportable", planted=b"xxABxx"[2:] * 9
    )
    assert main(["run", "--seconds", "1", "--jobs", "5"], folders) == 1
    found = by_name(folders.root)
    assert {name: target["status"] for name, target in found.items()} == {
        "fine": "clean",
        "raising": "crashed",
        "dying": "died",
        "killed": "died",
        "unimportable": "not started",
    }
    assert found["dying"]["problem"].startswith(
        "exit code 7; find the input: python -m fuzz replay --target dying"
    )
    assert found["killed"]["problem"].startswith("killed by SIGKILL")
    assert "No module named 'nothing_of_that_name'" in found["unimportable"]["problem"]
    printed = capsys.readouterr().out
    assert "1 crash; dying, killed, unimportable did not run to the end" in printed
    assert "python -m fuzz replay" in printed
    (finding,) = found["raising"]["findings"]
    assert (finding["size"], finding["originalSize"]) == (2, 36)
    kept = sorted(file.name for file in folders.crashes.iterdir())
    name = Path(finding["file"]).name
    assert kept == [name, f"{name}.original", f"{name}.txt"]
    assert (folders.crashes / name).read_bytes() == b"AB"


@pytest.mark.usefixtures("without_atheris")
def test_a_target_that_never_ran_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path / "toys", "unimportable")
    assert main(["run", "--seconds", "1"], folders) == 2
    log = folders.log_of("unimportable")
    assert capsys.readouterr().err == f"error: unimportable not started: all it said is in {log}\n"
    assert "nothing_of_that_name" in log.read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_atheris")
def test_a_target_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = toys(tmp_path / "toys", "hanging", planted=b"AB")
    monkeypatch.setattr("fuzz.fuzzer.GRACE", -20.5)  # its options give it 20 s, and it is asked for one
    assert main(["run", "--seconds", "1"], folders) == 2
    target = by_name(folders.root)["hanging"]
    assert (target["status"], target["problem"]) == ("hung", "did not end within 0 s, and was killed")


@pytest.mark.usefixtures("without_atheris")
@pytest.mark.parametrize("name", ["crashes", "report", "corpus/fine", "report/logs"])
def test_a_folder_that_takes_no_file_ends_it_at_the_start(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path / "toys", "fine")
    (folders.root / name).parent.mkdir(exist_ok=True)
    (folders.root / name).touch()  # a file, below which nothing can be: for root, too
    assert main(["run", "--seconds", "1"], folders) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: cannot write to {folders.root / name}")
    assert said.err.count("\n") == 1


def test_a_disk_with_too_little_room_ends_it_at_the_start(tmp_path: Path) -> None:
    folders = toys(tmp_path / "toys", "fine")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))"
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", limited + DRIVER, str(folders.root), "run", "--seconds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: cannot write to {folders.crashes}: ")
    assert done.stderr.count("\n") == 1


OBEYING = """
import os, sys
import ctypes
if os.geteuid() == 0:  # without the right to write what is read-only; it is lost when a program begins
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", sys.argv.pop(1), *sys.argv[1:]])
"""


@pytest.mark.parametrize("name", ["crashes", "report", "report/logs", "report/logs/fine.txt", "corpus/fine"])
def test_what_is_read_only_ends_it_at_the_start(name: str, tmp_path: Path) -> None:
    folders = toys(tmp_path / "toys", "fine")
    place = folders.root / name
    if place.suffix:
        place.parent.mkdir(parents=True)
        place.touch()
        place.chmod(0o444)
    else:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o555)
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [
            sys.executable,
            "-c",
            f"import os, sys{OBEYING}",
            DRIVER,
            str(folders.root),
            "run",
            "--seconds",
            "1",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    place.chmod(0o755)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: cannot write to {place}: Permission denied\n"


@pytest.mark.usefixtures("without_atheris")
def test_an_input_that_cannot_be_kept_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path / "toys", "raising_full", planted=b"AB" * 30)
    assert main(["run", "--seconds", "1"], folders) == 1
    target = by_name(folders.root)["raising_full"]
    assert target["status"] == "crashed"
    assert f"cannot write to {folders.crashes}: " in target["problem"]
    (finding,) = target["findings"]
    assert finding["notKept"].startswith(f"cannot write {folders.crashes}")
    command = "echo QUI= | base64 -d | python -m fuzz replay --target raising_full /dev/stdin"
    assert finding["command"] == command
    printed = capsys.readouterr().out
    assert "NOT KEPT" in printed
    assert command in printed
    assert "No crash" not in printed


@pytest.mark.usefixtures("without_atheris")
def test_what_could_not_have_been_kept_is_never_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path / "toys", "filling", planted=b"AB")
    assert main(["run", "--seconds", "1"], folders) == 2
    assert not results(folders.root)["clean"]
    assert by_name(folders.root)["filling"]["status"] == "not kept"
    said = capsys.readouterr()
    assert "filling could not keep its inputs" in said.out
    assert said.err.startswith(f"error: filling not kept: cannot write to {folders.crashes}: ")


@pytest.mark.usefixtures("without_atheris")
def test_a_long_input_that_nobody_printed_is_named_as_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path / "toys", "raising_full", planted=b"AB" * 300)
    assert main(["run", "--seconds", "1"], folders) == 2
    assert "the input of a crash could not be written to " in capsys.readouterr().err


def test_a_campaign_without_room_for_its_report_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crashed = Results(1, 1, [TargetResult("raising", "Raising.", status="crashed", findings=[FINDING])])
    monkeypatch.setattr("fuzz.campaign.require_atheris", lambda: None)
    monkeypatch.setattr("fuzz.campaign.run", lambda *_: crashed)
    folders = toys(tmp_path, "raising")
    folders.report.touch()
    assert main(["run"], folders) == 1
    printed = capsys.readouterr().out
    assert FINDING.command in printed
    assert f"no report: cannot write {folders.report}" in printed


@pytest.fixture
def running(tmp_path: Path) -> subprocess.Popen[str]:
    folders = toys(tmp_path / "toys", "fine")
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", DRIVER, str(folders.root), "run", "--seconds", "60"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_children(process: subprocess.Popen[str]) -> set[int]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        children = {pid for pid, line in descendants_of(process.pid).items() if "fuzz_fine.py" in line}
        if children:
            return children
        time.sleep(0.05)
    raise AssertionError("no target was started")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_campaign_reports_what_it_has(
    number: int, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    children = wait_for_children(running)
    os.kill(running.pid, number)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (2, "error: interrupted\n")
    assert all_end(children)
    found = results(tmp_path / "toys")
    assert found["interrupted"]
    assert [target["status"] for target in found["targets"]] == ["interrupted"]


def test_a_killed_campaign_leaves_nothing_running(running: subprocess.Popen[str]) -> None:
    children = wait_for_children(running)
    running.kill()
    running.communicate(timeout=60)
    assert all_end(children)
