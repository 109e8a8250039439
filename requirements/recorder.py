"""A plugin of pytest: it notes what became of the tests that bear the marks of statements.

--requirements-out FILE     write it there as JSON: statement -> test -> outcome
--requirement ID            run only the tests of this statement, and of others that are named so
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import pytest

MARK: Final = "requirement"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("requirements")
    group.addoption("--requirements-out", type=Path, metavar="FILE")
    group.addoption("--requirement", action="append", default=[], metavar="ID")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note, where somebody wants it; of pytest-xdist's processes, the one that starts the others."""
    file = config.getoption("--requirements-out")
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests out that nobody asked for, and note in the others what they show."""
    wanted = config.getoption("--requirement")
    chosen = []
    fitting: dict[tuple[str, str], bool] = {}
    for item in items:
        shown = _shown_by(item, fitting)
        item.user_properties.append((MARK, shown))
        if shown and (not wanted or not set(shown).isdisjoint(wanted)):
            chosen.append(item)
    items[:] = chosen
    for (test, pattern), fits in fitting.items():
        if not fits:
            raise pytest.UsageError(f"{test}: no case fits {pattern!r}, which a mark names as rows")


def _shown_by(item: pytest.Item, fitting: dict[tuple[str, str], bool]) -> list[str]:
    """Return the statements that a test shows; `rows` of a mark says which cases of a table do.

    :param fitting: takes in, by test and glob, whether there is a case that fits.
    """
    case = getattr(getattr(item, "callspec", None), "id", "")
    test = item.nodeid.partition("[")[0]
    shown: list[str] = []
    for mark in item.iter_markers(MARK):
        fits = []
        for pattern in mark.kwargs.get("rows", "*").split("|"):
            fits.append(fnmatchcase(case, pattern))
            fitting[test, pattern] = fitting.get((test, pattern), False) or fits[-1]
        shown += mark.args if any(fits) else ()
    return shown


class Recorder:
    """Notes the outcome of each test: `passed`, `failed` or `skipped`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.outcomes: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what became of a part of a test: a failure counts, in whichever part it is."""
        for name, shown in report.user_properties:
            for statement in shown if name == MARK and isinstance(shown, list) else []:
                outcomes = self.outcomes.setdefault(statement, {})
                if report.outcome != "passed" or report.nodeid not in outcomes:
                    outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write it all down."""
        self.file.write_text(json.dumps(self.outcomes), encoding="utf-8")
