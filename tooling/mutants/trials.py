"""Tries mutants on tests, each in a process of its own that is a fork of this one.

Most mutants are tried in a pytest that has collected its tests and run them once, so that a fork begins with
the first test that reaches the mutant's line: there the code of the function is replaced. What runs while
the library is imported, tables above all, is imported anew with the mutant, by a pytest of its own.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from contextlib import suppress
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import coverage
import hypothesis
import pytest

from tooling.errors import CommandError
from tooling.mutants.forks import IMPORTED, NOTICED, SURVIVED, forked, limit, noticed, reports
from tooling.mutants.source import MODULES, SOURCE
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tooling.mutants.forks import Tell
    from tooling.mutants.source import Mutant

    _Functions = dict[tuple[str, int], list[FunctionType]]

OPTIONS: Final = (
    *("-q", "-x", "--import-mode=importlib", "-oaddopts=", "-mnot uncovered", "-pno:cacheprovider"),
    "--assert=plain",  # nobody reads why a test fails
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is imported once for all
)
ANEW: Final = 30.0  # seconds that a test with a mutant may take which is imported anew


def tests_of(module: str) -> list[str]:
    """Return the test files that are named after a module and no other; the package's where it has none."""

    def owner(path: Path) -> str:
        name = path.stem.removeprefix("test_")
        return max((each for each in MODULES if f"{name}_".startswith(f"{each}_")), key=len, default="")

    files = [str(path) for path in all_tests() if owner(path) == module]
    return files or [str(ROOT / "tests" / "test_import.py")]


def all_tests() -> list[Path]:
    """Return the files with tests of the library, but those that draw at random."""
    return sorted((ROOT / "tests").glob("test_*.py"))


class _Replacing:
    """Finds one module elsewhere: it stands in `sys.meta_path`."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> Any:
        if fullname != self._loader.name:
            return None
        return spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(SourceFileLoader):
    """Imports a module as a mutant has it."""

    def __init__(self, mutant: Mutant) -> None:
        module = mutant.module
        super().__init__("wsproto" if module == "__init__" else f"wsproto.{module}", str(MODULES[module]))
        self._mutant = mutant

    def take_place(self) -> bool:
        """Have the module imported by this loader; whether that is possible the tests show."""
        sys.meta_path.insert(0, _Replacing(self))
        return True

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as its base has it
        return compile(self._mutant.source(), self.path, "exec")


class _Repeating:
    """The base of a pytest plugin: has Hypothesis draw the same in every process."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Take the place of the profile that the tests have loaded."""
        hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
        hypothesis.settings.load_profile("mutants")


class Ending:
    """A pytest plugin: ends this process with the first test that fails, without a report of it.

    :param seconds: time of the processor that a test may take, where its caller does not bound it.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a test."""
        if self._seconds is not None:
            limit(time.process_time() + self._seconds)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Look at what a test has raised."""
        passed = call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception)
        if not passed and item.get_closest_marker("xfail") is None:
            os._exit(NOTICED)


class Anew(_Repeating):
    """A pytest plugin: each trial collects and runs the tests by itself, with a mutant imported anew.

    :param mutants: by a key, what lets a mutant be imported in the fork that calls it; where it returns
        False, the mutant is noticed.
    :param batches: files with tests, of which the later are collected when no test of the earlier has failed.
    :param seconds: time of the processor that a test may take.
    """

    def __init__(
        self,
        mutants: Iterable[tuple[int, Callable[[], bool]]],
        batches: Sequence[Sequence[str]],
        seconds: float,
        jobs: int,
    ) -> None:
        self._mutants, self._batches, self._seconds, self._jobs = mutants, batches, seconds, jobs

    def run(self, tell: Tell) -> int:
        """Run pytest; the library must not be imported yet."""
        self._tell = tell
        code = pytest.main([*OPTIONS, *self._batches[0]], plugins=[self])
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else int(code)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own collection, with all begun but the tests themselves."""
        tasks = ((key, partial(self._try, session, take_place)) for key, take_place in self._mutants)
        for key, code in forked(tasks, self._jobs):
            self._tell(key, code)
        session.items = []
        return True

    def _try(self, session: pytest.Session, take_place: Callable[[], bool]) -> int:
        limit(self._seconds)
        if not take_place():
            return NOTICED
        session.config.pluginmanager.register(Ending(self._seconds))
        for files in self._batches:
            with suppress(session.Failed, session.Interrupted):
                session.perform_collect(files)
            if session.testsfailed:  # the import did
                return NOTICED
            session.config.hook.pytest_runtestloop(session=session)
        return SURVIVED


class Trials(_Repeating):
    """A pytest plugin: runs the tests once, notes what each reaches, then tries the mutants.

    :param until: when the last trial may begin.
    """

    def __init__(self, mutants: Sequence[Mutant], files: Sequence[str], jobs: int, until: float) -> None:
        self._mutants, self._files, self._jobs, self._until = mutants, files, jobs, until
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{SOURCE}/*"])
        self._failed = ""
        self._took: dict[pytest.Item, float] = {}  # seconds

    def run(self, tell: Tell) -> int:
        """Run pytest; the library must not be imported yet."""
        self._tell = tell
        self._coverage.start()
        self._coverage.switch_context("import")
        for module in MODULES:
            importlib.import_module(f"wsproto.{module}" if module != "__init__" else "wsproto")
        self._coverage.switch_context("collection")
        return int(pytest.main([*OPTIONS, *self._files], plugins=[self]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails."""
        if report.failed and not self._failed:
            self._failed = f"{report.nodeid}\n{report.longreprtext}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Take the place of pytest's own loop."""
        if session.testsfailed:
            return None
        items = session.items
        for place, (item, following) in enumerate(_in_order(items)):
            _clear_caches()  # so that each test reaches what it uses
            self._coverage.switch_context(str(place))
            self._took[item] = _timed(item, following)
        self._coverage.stop()
        if self._failed:
            raise CommandError(f"a test fails without any mutant: {self._failed}")
        data = self._coverage.get_data()
        reached = {Path(file).stem: data.contexts_by_lineno(file) for file in data.measured_files()}
        functions = _functions()
        gc.collect()
        gc.freeze()
        tasks: list[tuple[int, Callable[[], int]]] = []
        for index, mutant in enumerate(self._mutants):
            lines = reached.get(mutant.module, {})
            contexts = {context for line in mutant.lines for context in lines.get(line, ())}
            if "import" in contexts:
                self._tell(index, IMPORTED)
            elif not contexts - {"", "collection"}:
                self._tell(index, SURVIVED)
            else:
                tests = [items[int(place)] for place in contexts - {"", "collection"}]
                tests.sort(key=self._took.__getitem__)
                tasks.append((index, partial(self._try, mutant, functions, tests)))
        for index, code in forked(self._in_time(tasks), self._jobs):
            self._tell(index, code)
        return True

    def _in_time(
        self, tasks: Iterable[tuple[int, Callable[[], int]]]
    ) -> Iterator[tuple[int, Callable[[], int]]]:
        for task in tasks:
            if time.monotonic() > self._until:
                return
            yield task

    def _try(self, mutant: Mutant, functions: _Functions, tests: list[pytest.Item]) -> int:
        """Run tests with a mutant up to the first that fails."""
        if not _replaced(mutant, functions):
            return IMPORTED
        tests[0].config.pluginmanager.register(Ending())
        for item, following in _in_order(tests):
            limit(time.process_time() + 2 * self._took[item])  # measuring has taken as long again
            _timed(item, following)
        return SURVIVED


def _in_order(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _timed(item: pytest.Item, following: pytest.Item | None) -> float:
    begun = time.process_time()
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return time.process_time() - begun


def _functions() -> _Functions:
    """Return the functions of the library that there are, by module and first line."""
    gc.unfreeze()
    found: _Functions = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(f"{SOURCE}/"):
            place = Path(each.__code__.co_filename).stem, each.__code__.co_firstlineno
            found.setdefault(place, []).append(each)
    return found


def _replaced(mutant: Mutant, functions: _Functions) -> bool:
    """Give a function of this process the code of a mutant; tell whether that was possible."""
    code = _code_at(mutant.begins, compile(mutant.source(), str(MODULES[mutant.module]), "exec"))
    there = False
    for each in _codes_of(code):  # the functions inside of it, too: some were made while it was imported
        for function in functions.get((mutant.module, each.co_firstlineno), []):
            if function.__code__.co_name == each.co_name:
                if len(function.__code__.co_freevars) != len(each.co_freevars):
                    return False
                function.__code__ = each
                there = there or each is code
    _clear_caches()
    return there


def _codes_of(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes_of(const)


def _code_at(line: int, code: CodeType) -> CodeType:
    """Return the code of the function that begins in a line."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    for const in inner:
        if const.co_firstlineno == line:
            return const
    return _code_at(line, max((each for each in inner if each.co_firstlineno < line), key=_first_line))


def _first_line(code: CodeType) -> int:
    return code.co_firstlineno


def _clear_caches() -> None:
    """Let `functools.cache` forget what the library's functions have returned."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and module.__name__.startswith("wsproto."):
            for each in vars(module).values():
                getattr(each, "cache_clear", int)()


def tried(
    mutants: Sequence[Mutant], files: Sequence[str], jobs: int, until: float, log: Path
) -> Iterator[tuple[Mutant, bool]]:
    """Try mutants on the tests of some files; yield each with whether one notices it.

    :param until: no trial begins after this time.
    :param log: a file for what pytest prints.
    :raises CommandError: where a test fails without a mutant, or a trial goes wrong.
    """
    anew = [mutant for mutant in mutants if not mutant.begins]
    inside = [mutant for mutant in mutants if mutant.begins]
    if inside:
        for index, code in reports(Trials(inside, files, jobs, until).run, log):
            if code == IMPORTED:
                anew.append(inside[index])
            else:
                yield inside[index], noticed(inside[index].name, code, log)
    loaders = (
        (index, _Loader(mutant).take_place) for index, mutant in enumerate(anew) if time.monotonic() < until
    )
    if anew:
        for index, code in reports(Anew(loaders, [files], ANEW, jobs).run, log):
            yield anew[index], noticed(anew[index].name, code, log)
