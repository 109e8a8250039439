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
        children = {pid for pid, line in descendants_of(process.pid).items() if "tooling.supervised" in line}
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
