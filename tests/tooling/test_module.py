"""A module of this tree runs, whatever the current folder and the search path have."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tooling.module import MODULE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("safe", [{}, {"PYTHONSAFEPATH": "1"}], ids=["usual", "safe path"])
def test_neither_the_current_folder_nor_its_own_is_searched(tmp_path: Path, safe: dict[str, str]) -> None:
    for name in ("harness", "tooling"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('of the user')\n", "utf-8")
    done = subprocess.run(  # noqa: S603
        [*MODULE, "harness.testee", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), **safe},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("wsproto/")


def test_the_arguments_and_the_exit_code_are_those_of_the_module() -> None:
    done = subprocess.run(  # noqa: S603
        [*MODULE, "harness.testee", "no such command"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: No such command 'no such command'.")
