"""Tries mutants on tests, each in a process of its own that is a fork of this one.

Most mutants are tried in a pytest that has collected its tests and run them once, so that a fork begins with
the first test that reaches the mutant's line: there the code of the function is replaced. What runs while
the library is imported, tables above all, is imported anew with the mutant, by a pytest of its own.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import coverage
import hypothesis
import pytest

from tooling.errors import CommandError
from tooling.mutants.source import MODULES, SOURCE
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tooling.mutants.source import Mutant

    Key = TypeVar("Key")
    Result = tuple[Mutant, bool]  # whether a test noticed it

SURVIVED, NOTICED, WRONG, IMPORTED = 0, 1, 70, 75
"""How a trial ends: `WRONG` is a fault of ours, `IMPORTED` asks for the other way."""
ENDLESS: Final = (-signal.SIGXCPU, -signal.SIGKILL)
"""It ends so, too, where a mutant makes the tests take too long."""
OPTIONS: Final = (
    *("-q", "-x", "--import-mode=importlib", "-oaddopts=", "-mnot uncovered", "-pno:cacheprovider"),
    "--assert=plain",  # nobody reads why a test fails
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is imported once for all
)
MEMORY: Final = 4 << 30  # bytes, at most
ANEW: Final = 30.0  # seconds that tests with a mutant may take which is imported anew
PROCESSORS: Final = len(os.sched_getaffinity(0))


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


def forked(tasks: Iterable[tuple[Key, Callable[[], int]]], jobs: int) -> Iterator[tuple[Key, int]]:
    """Run each task in a fork, `jobs` at a time.

    Yields what each returned, or the signal that ended it as a negative number.
    """
    running: dict[int, Key] = {}
    for key, task in tasks:
        if len(running) == jobs:
            yield _ended(running)
        if child := os.fork():
            running[child] = key
        else:
            _become(task)
    while running:
        yield _ended(running)


def _ended(running: dict[int, Key]) -> tuple[Key, int]:
    child, status = os.wait()
    return running.pop(child), os.waitstatus_to_exitcode(status)


def _become(task: Callable[[], int]) -> None:
    code = WRONG
    try:
        code = task()
    except BaseException:  # noqa: BLE001 - nothing may get out of the fork
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def limited(seconds: float) -> None:
    """Bound what this process may take of the processor and of memory, and let nobody hear of it."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Replacing:
    """Finds one module elsewhere: it stands in `sys.meta_path`."""

    def __init__(self, fullname: str, loader: Any) -> None:
        self._fullname, self._loader = fullname, loader

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> Any:
        """Find a module (`importlib.abc.MetaPathFinder`)."""
        if fullname != self._fullname:
            return None
        return spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(SourceFileLoader):
    """Imports a module as a mutant has it."""

    def __init__(self, mutant: Mutant) -> None:
        module = mutant.module
        super().__init__("wsproto" if module == "__init__" else f"wsproto.{module}", str(MODULES[module]))
        self._mutant = mutant

    def get_code(self, _fullname: str) -> CodeType:
        return compile(self._mutant.source(), self.path, "exec")


def imported_anew(loader: Any, batches: Iterable[Sequence[str]], log: Path, seconds: float = ANEW) -> int:
    """Run the tests of some files, then of others, with a module from elsewhere in place of the library's.

    The library must not be imported yet.
    """
    print_to(log)
    limited(seconds)
    sys.meta_path.insert(0, Replacing(loader.name, loader))
    for files in batches:
        code = int(pytest.main([*OPTIONS, *files], plugins=[Ending()]))
        if code:
            return NOTICED if code in {1, 2} else WRONG
    return SURVIVED


class Ending:
    """A pytest plugin: ends this process with the first test that fails, without a report of it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Look at what a test has raised."""
        passed = call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception)
        if not passed and item.get_closest_marker("xfail") is None:
            os._exit(NOTICED)


class Trials:
    """A pytest plugin: runs the tests once, notes what each reaches, then tries the mutants.

    :param tell: is called with the place of a mutant, and how its trial ended.
    """

    def __init__(
        self, mutants: Sequence[Mutant], jobs: int, until: float, tell: Callable[[int, int], None]
    ) -> None:
        self._mutants, self._jobs, self._until, self._tell = mutants, jobs, until, tell
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{SOURCE}/*"])
        self._failed = ""

    def run(self, files: Sequence[str]) -> int:
        """Run pytest; the library must not be imported yet."""
        self._coverage.start()
        self._coverage.switch_context("import")
        for module in MODULES:
            importlib.import_module(f"wsproto.{module}" if module != "__init__" else "wsproto")
        self._coverage.switch_context("collection")
        return int(pytest.main([*OPTIONS, *files], plugins=[self]))

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Have Hypothesis draw the same in every process."""
        hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
        hypothesis.settings.load_profile("mutants")

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
        seconds = [self._seconds(item, following) for item, following in _in_order(items)]
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
                order = sorted((int(each) for each in contexts - {"", "collection"}), key=seconds.__getitem__)
                most = 2 * sum(seconds[test] for test in order)  # coverage took as much again
                tasks.append(
                    (index, partial(self._try, mutant, functions, [items[test] for test in order], most))
                )
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

    def _seconds(self, item: pytest.Item, following: pytest.Item | None) -> float:
        """Run a test; return the seconds that it took."""
        self._coverage.switch_context(str(item.session.items.index(item)))
        return _timed(item, following)

    def _try(
        self,
        mutant: Mutant,
        functions: Mapping[tuple[str, int], list[FunctionType]],
        tests: list[pytest.Item],
        seconds: float,
    ) -> int:
        """Run tests with a mutant up to the first that fails."""
        limited(time.process_time() + seconds)
        if not _replaced(mutant, functions):
            return IMPORTED
        tests[0].config.pluginmanager.register(Ending())
        for item, following in _in_order(tests):
            _timed(item, following)
        return SURVIVED


def _in_order(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _timed(item: pytest.Item, following: pytest.Item | None) -> float:
    begun = time.process_time()
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return time.process_time() - begun


def _functions() -> dict[tuple[str, int], list[FunctionType]]:
    """Return the functions of the library that there are, by module and first line."""
    gc.unfreeze()
    found: dict[tuple[str, int], list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(f"{SOURCE}/"):
            place = Path(each.__code__.co_filename).stem, each.__code__.co_firstlineno
            found.setdefault(place, []).append(each)
    return found


def _replaced(mutant: Mutant, functions: Mapping[tuple[str, int], list[FunctionType]]) -> bool:
    """Give a function of this process the code of a mutant; tell whether that was possible."""
    code = _code_at(mutant.begins, compile(mutant.source(), str(MODULES[mutant.module]), "exec"))
    there = functions.get((mutant.module, mutant.begins), [])
    there = [function for function in there if function.__code__.co_name == code.co_name]
    for function in there:
        if len(function.__code__.co_freevars) != len(code.co_freevars):
            return False
        function.__code__ = code
    _clear_caches()
    return bool(there)


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
    """Let `functools.cache` forget what it has of the function as it was."""
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
    anew = []
    for mutant, code in _in_session(mutants, files, jobs, until, log):
        if code == IMPORTED:
            anew.append(mutant)
        else:
            yield mutant, _was_noticed(mutant, code, log)
    tasks = (
        (mutant, partial(imported_anew, _Loader(mutant), [files], log))
        for mutant in anew
        if time.monotonic() < until
    )
    for mutant, code in forked(tasks, jobs):
        yield mutant, _was_noticed(mutant, code, log)


def _was_noticed(mutant: Mutant, code: int, log: Path) -> bool:
    if code not in {SURVIVED, NOTICED, *ENDLESS}:
        raise wrong(f"{mutant.function}: {mutant.name}: the trial ended with {code}", log)
    return code != SURVIVED


def _in_session(
    mutants: Sequence[Mutant], files: Sequence[str], jobs: int, until: float, log: Path
) -> Iterator[tuple[Mutant, int]]:
    """Try mutants on tests that have run before, in a fork; yield how each trial ended."""
    reading, writing = os.pipe()

    def told(*found: int) -> None:
        os.write(writing, f"{json.dumps(found)}\n".encode())

    def work() -> int:
        os.close(reading)
        print_to(log)
        return Trials(mutants, jobs, until, told).run(files)

    child = os.fork()
    if not child:
        _become(work)
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            index, code = json.loads(line)
            yield mutants[index], code
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise wrong("the tests could not run without a mutant", log)


def wrong(message: str, log: Path) -> CommandError:
    """Show what pytest has printed, and return the error for the user."""
    print(log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
    return CommandError(message)


def print_to(log: Path) -> None:
    """Let all that this process prints go to a file."""
    with log.open("a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
