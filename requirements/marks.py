"""The tests that bear the mark of a statement, read from their source, and run."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from requirements.statements import TESTS
from tooling.errors import BadResultError, CommandError
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

OPTIONS: Final = (
    *("-q", "--no-header", "-p", "requirements.recorder", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of plugins that were imported before
)
"""How pytest runs the tests; the options of `requirements.recorder` may follow, then files."""

UNNOTICED, FAILED = 0, 1
"""Exit codes of pytest: all tests passed, some failed."""


@cache
def marked() -> dict[str, list[str]]:
    """Return the tests that bear each mark, as `test_file.py:line` of the mark."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and _is_mark(node.func)):
                continue
            where = f"{path.relative_to(TESTS)}:{node.lineno}"
            for argument in node.args:
                if not isinstance(argument, ast.Constant):
                    raise BadResultError(f"{where}: the mark is not a constant")
                found[str(argument.value)].append(where)
    return dict(found)


def _is_mark(function: ast.expr) -> bool:
    """Tell whether a call's function is `pytest.mark.requirement`."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "requirement"
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "mark"
    )


def files_of(statements: Iterable[str]) -> list[str]:
    """Return the files with tests of these statements; first those of one module each, which are quick."""
    files = {where.partition(":")[0] for name in statements for where in marked().get(name, [])}
    return [f"tests/{file}" for file in sorted(files, key=lambda file: (file.count("/"), file))]


def environment() -> dict[str, str]:
    """Return the environment of the tests, in which the core in Python does the work."""
    return {**os.environ, "WSPROTO_PURE": "1"}


def run_marked(*statements: str) -> dict[str, dict[str, str]]:
    """Run the tests of these statements, with pytest's own progress, and return statement -> test -> outcome.

    :raises CommandError: where pytest could not run them.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes.json"
        options = ["-n", "auto", "--requirements-out", str(file)]
        for statement in statements:
            options += ["--requirement", statement]
        command = [sys.executable, "-m", "pytest", *OPTIONS, *options, *files_of(statements)]
        code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode  # noqa: S603
        if code not in {UNNOTICED, FAILED} or not file.exists():
            raise CommandError(f"pytest ended with exit code {code}")
        outcomes: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return outcomes
