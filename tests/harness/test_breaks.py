"""Breaks of the library and of the testee's glue, put into a copy: the suite sees each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuzz.planted.catalogue import FAULTS
from fuzz.planted.fault import text_of
from harness.cli import main
from tests.harness.breaks import BREAKS
from tests.harness.breaks_of_limits import LIMIT_BREAKS
from tests.harness.breaks_of_opening import OPENING_BREAKS

if TYPE_CHECKING:
    from tests.harness.breaks import Break

ROOT = Path(__file__).parents[2]
ALL = [*BREAKS, *LIMIT_BREAKS, *OPENING_BREAKS]
SETUPS = sorted({found.seen_by.split()[0] for found in ALL})


def options_for(folder: Path, setup: str, cases: list[str]) -> list[str]:
    role, _, variant = setup.partition("/")
    chosen = ["-x", "--role", role, "--variant", variant or "default", "--timeout", "1"]
    return ["run", *chosen, "--cases", *cases, "--report", str(folder / "report")]


def run_copy(folder: Path, options: list[str]) -> tuple[int, str]:
    """Run the copies of the library and of the harness in the folder."""
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "harness", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout


def copy(folder: Path, file: str) -> None:
    """Copy the library into the folder, and the harness with what it needs where the file is of that."""
    # Without the compiled core: the breaks are in Python.
    without_caches = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", "*.pyd")
    shutil.copytree(ROOT / "src", folder / "src", ignore=without_caches)
    if file.startswith("harness/"):
        shutil.copytree(ROOT / "harness", folder / "harness", ignore=without_caches)
        for name in ("autobahn", "tests", "tooling"):
            (folder / name).symlink_to(ROOT / name)


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
def test_the_suite_sees_a_break(
    tmp_path: Path, broken: Break, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The harness runs in this process where it is whole: half of a run is to import it."""
    copy(tmp_path, broken.file)
    path = tmp_path / broken.file
    text = text_of(path)
    assert text.count(broken.before) == 1, broken.before
    path.write_text(text.replace(broken.before, broken.after), "utf-8")
    planted = [fault.planted() for fault in FAULTS if f"src/wsproto/{fault.file}" == broken.file]
    assert path.read_text("utf-8") not in planted, "it is a fault of the fuzzers' table"

    setup, case = broken.seen_by.split()
    options = options_for(tmp_path, setup, [case, *broken.besides.split()]) + broken.options.split()
    if broken.file.startswith("harness/"):
        code, said = run_copy(tmp_path, options)
    else:
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))  # of the testee, a process of its own
        code, said = main(options), "".join(capsys.readouterr())
    assert code == 1, said
    assert f"{setup} {case}: {broken.kind}\n" in said


@pytest.mark.parametrize("setup", SETUPS)
def test_the_cases_are_as_expected_without_a_break(tmp_path: Path, setup: str) -> None:
    copy(tmp_path, "harness/")
    cases = {
        case
        for found in BREAKS
        if found.seen_by.split()[0] == setup
        for case in [found.seen_by.split()[1], *found.besides.split()]
    }
    code, said = run_copy(tmp_path, options_for(tmp_path, setup, sorted(cases)))
    assert code == 0, said
