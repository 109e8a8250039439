"""The draw: places are disabled in a copy of the source, and the marked tests have to notice."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from requirements.checks import undrawn
from requirements.disabling import ways_to_disable
from requirements.marks import OPTIONS, UNNOTICED, environment, files_of
from requirements.places import SOURCE, places_of
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from requirements.places import Place
    from requirements.statements import Statement

TIMEOUT: Final = 60
"""Seconds for one test: what is disabled may make one go on for ever."""

# Its processes begin with what takes most of the time of a short run: pytest and its plugins, imported.
_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(
    ["pytest", "hypothesis", "_hypothesis_pytestplugin", "xdist.plugin", "pytest_cov.plugin"]
)

_FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Drawn:
    """What came of disabling a place of a statement."""

    statement: Statement
    place: Place
    ways: tuple[str, ...]
    """The ways that were tried; the last one was noticed, if any was."""
    by: str
    """The first test that failed; empty where none did."""

    @property
    def as_expected(self) -> bool:
        """Whether a test failed, or was said to be unable to."""
        return bool(self.by) != (self.statement.id in undrawn())

    def __str__(self) -> str:
        how = f"noticed by {self.by}" if self.by else "unnoticed, as undrawn.csv says"
        if not self.as_expected:
            how = f"{how}, against what undrawn.csv says" if self.by else "UNNOTICED"
            how += f"; repeat: python -m requirements draw {self.statement.id}"
        return f"{self.statement.id} {self.place}, {', '.join(self.ways)}: {how}"


def draw(chosen: Sequence[Statement], jobs: int) -> Iterator[Drawn]:
    """Disable each place of each statement, some at once, and yield what came of it as it comes.

    A statement in `undrawn.csv` passes where one of its places is not noticed.
    """
    pairs = [(statement, place) for statement in chosen for place in places_of(statement)]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda pair: disable(*pair), pairs)


def disable(statement: Statement, place: Place) -> Drawn:
    """Disable a place in one way after the other, until a test notices."""
    tried: list[str] = []
    for what, text in ways_to_disable(place):
        tried.append(what)
        if by := _noticed(statement, place.file.name, text):
            return Drawn(statement, place, tuple(tried), by)
    return Drawn(statement, place, tuple(tried), "")


def _noticed(statement: Statement, file: str, text: str) -> str:
    """Run the tests of a statement on a copy of the source with one file changed; say which test fails."""
    with TemporaryDirectory() as folder:
        copy, output = Path(folder) / "wsproto", Path(folder) / "output"
        # With the bytecode that is there: nothing but the one file has to be compiled.
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("_core*"))
        (copy / file).write_text(text, encoding="utf-8")
        options = ["-x", "-n", "0", "--timeout", str(TIMEOUT), "--requirement", statement.id]
        arguments = [*OPTIONS, *options, *files_of([statement.id])]
        process = _WARM.Process(target=_run_tests, args=(arguments, folder, output))
        process.start()
        process.join()
        if process.exitcode == UNNOTICED:
            return ""
        found = _FAILED_TEST.search(output.read_text(encoding="utf-8", errors="replace"))
    return found[1] if found else f"pytest, which ends with exit code {process.exitcode}"


def _run_tests(arguments: list[str], source: str, output: Path) -> None:
    """Run pytest in a process of its own, with the library of another folder."""
    with output.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(ROOT)
    os.environ.update(environment(), PYTHONPATH=source)
    sys.path[:0] = [source, str(ROOT)]
    sys.exit(pytest.main(arguments))
