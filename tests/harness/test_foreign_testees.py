"""The example testees in C, Go and JavaScript, as server and as client: `make testees` builds and plays them.

What is missing is a failure, no skip: `.ci/run` chooses the languages whose tools are there, and says which
it leaves out. JavaScript and, without Debian's package, Go get their library from the network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.case_clients import case_server

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.testees, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "examples" / "testees"
DEBIAN_GO = Path("/usr/share/gocode")
LIMIT = ["--max-message-size", str(2**20)]
CASES = ["1.1.1", "1.2.8", "2.1", "5.3", "6.1.1", "7.1.1", "X.4.1", "X.9.1", "X.9.3", "X.9.5", "X.9.8"]


BREAKS = {"go": {"X.9.5": "FAILED", "X.9.8": "FAILED"}}
"""As servers: the limit of gorilla/websocket counts what comes, not what it inflates to."""


def ran(command: Sequence[str], folder: Path, **variables: str) -> None:
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def built_c(folder: Path) -> list[str]:
    ran(["cc", "-Wall", "-Wextra", "-Werror", "testee.c", "-lwebsockets", "-o", "testee"], folder)
    return [str(folder / "testee")]


def built_go(folder: Path) -> list[str]:
    if (DEBIAN_GO / "src/github.com/gorilla/websocket").is_dir():
        ran(["go", "build", "testee.go"], folder, GO111MODULE="off", GOPATH=str(DEBIAN_GO))
    else:
        ran(["go", "mod", "init", "testee"], folder)
        ran(["go", "mod", "tidy"], folder)
        ran(["go", "build", "testee.go"], folder)
    return [str(folder / "testee")]


def built_javascript(folder: Path) -> list[str]:
    ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "ws@8"], folder)
    return ["node", str(folder / "testee.js")]


BUILT = {"c": built_c, "go": built_go, "javascript": built_javascript}


@pytest.fixture(scope="module", params=BUILT)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def testee(language: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp(language)
    for source in SOURCES.glob("testee.*"):
        shutil.copy(source, folder)
    return BUILT[language](folder)


def wrong(folder: Path) -> dict[str, str]:
    """What was found of each case that breaks a rule, or was not played."""
    results = json.loads((folder / "results.json").read_text("utf-8"))
    (found,) = results["setups"].values()
    verdicts = {case: report["behavior"] for case, report in found["cases"].items()}
    assert set(verdicts) == set(CASES)
    return {case: said for case, said in verdicts.items() if said in {"FAILED", "ERROR", "UNCLEAN"}}


def test_it_serves(language: str, testee: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "test", *LIMIT, "--report", str(tmp_path), "--cases", *CASES]
    done = subprocess.run(  # noqa: S603
        [*command, "--command", f"{' '.join(testee)} --port {{port}} {' '.join(LIMIT)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    broken = BREAKS.get(language, {})
    assert (done.returncode, done.stderr) == (bool(broken), ""), done.stdout
    assert wrong(tmp_path) == broken


def test_it_drives_the_cases(testee: list[str], tmp_path: Path) -> None:
    with case_server(tmp_path, *LIMIT, "--once", "--cases", *CASES) as server:
        ran([*testee, server.url, "--agent", "me", *LIMIT], tmp_path)
        code, output, errors = server.end(None)
    assert (code, errors) == (0, ""), output
    assert wrong(tmp_path) == {}
