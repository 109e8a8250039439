"""Of the tests, `fuzz` imports the oracle and the properties that it drives; the oracle imports neither.

What judges the library runs none of its code: the models, and the codec of frames.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUZZ = sorted((ROOT / "fuzz").rglob("*.py"))
ORACLE = sorted((ROOT / "tests" / "oracle").glob("*.py"))
MODELS = ("connection_model", "handshake_model", "inflating", "sent_frames")


def imported(file: Path) -> set[str]:
    """The names that a file imports, each with its module in front."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_permitted(name: str) -> bool:
    return name.startswith("tests.oracle.") or (
        name.startswith("tests.properties.test_") and name.endswith(".FUZZED")
    )


@pytest.mark.parametrize("file", FUZZ, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_of_the_tests_it_imports_the_oracle_and_what_is_fuzzed(file: Path) -> None:
    of_the_tests = {name for name in imported(file) if name.split(".")[0] == "tests"}
    assert [name for name in of_the_tests if not is_permitted(name)] == []


@pytest.mark.parametrize("file", ORACLE, ids=lambda file: file.name)
def test_the_oracle_needs_no_other_tests(file: Path) -> None:
    own = {name for name in imported(file) if name.split(".")[0] in {"tests", "fuzz", "harness", "bench"}}
    assert [name for name in own if not name.startswith("tests.oracle.")] == []


@pytest.mark.parametrize("model", MODELS)
def test_a_model_runs_none_of_the_library(model: str) -> None:
    code = f"import sys, tests.oracle.{model}; print({{'wsproto'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.stderr, done.stdout) == ("", "set()\n")
