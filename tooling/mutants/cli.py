"""The command line: `python -m tooling.mutants`."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tooling import running
from tooling.console import Output, say
from tooling.errors import ExitCode
from tooling.mutants import trials
from tooling.mutants.forks import PROCESSORS
from tooling.mutants.record import Record
from tooling.mutants.source import MODULES
from tooling.mutants.survivors import LEAST, faults, read_reasons, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tooling.mutants.source import Function, Mutant


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m tooling.mutants", arguments)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everything", is_flag=True, help="Try all mutants, not only those of what changed.")
@click.option(
    "--only", "modules", multiple=True, type=click.Choice(list(MODULES)), help="Try the mutants of a module."
)
@click.option("--seconds", type=click.IntRange(1), default=10**6, help="Begin no trial after this long.")
@click.option("--jobs", type=click.IntRange(1), default=PROCESSORS, help="Trials to run at once.")
def cli(*, everything: bool, modules: tuple[str, ...], seconds: int, jobs: int) -> ExitCode:
    """Try the mutants of the functions that have changed since tests/mutants/functions.csv was written.

    A mutant is tried on the tests named after its module, then on all others; for code outside
    functions, above all tables, only the former count.

    Exit code 0 if tests notice all but those for which tests/mutants/survivors.csv gives a reason, and
    these are few enough.
    """
    record, tell = Record(), partial(say, Output())
    functions = record.functions if everything or modules else record.changed()
    functions = [each for each in functions if not modules or each.name.partition(".")[0] in modules]
    count = sum(len(each.mutants) for each in functions)
    tell(f"{count} mutants in {len(functions)} of {len(record.functions)} functions are to be tried")
    tally = _Tally(record, functions, tell)
    with tempfile.TemporaryDirectory() as folder:
        trying = _Trying(jobs, time.monotonic() + seconds, Path(folder), tell)
        mutants = [mutant for each in functions for mutant in each.mutants]
        for mutant, noticed in trying.all_of(mutants, again=everything):
            tally.note(mutant, noticed=noticed)
    return tally.judged()


class _Trying:
    """How trials run.

    :param until: when the last may begin.
    :param folder: for what pytest prints.
    """

    def __init__(self, jobs: int, until: float, folder: Path, tell: Callable[[str], None]) -> None:
        self._jobs, self._until, self._folder, self._tell = jobs, until, folder, tell

    def all_of(self, mutants: Sequence[Mutant], *, again: bool) -> Iterator[tuple[Mutant, bool]]:
        """Try mutants; yield each that was tried, and whether tests notice it.

        :param again: whether to try the listed survivors on all tests, too.
        """
        listed = {} if again else read_reasons()
        left: list[Mutant] = []
        for module in dict.fromkeys(mutant.module for mutant in mutants):
            those = [mutant for mutant in mutants if mutant.module == module]
            ends = [0, 0]
            for mutant, noticed in self._on(those, trials.tests_of(module), module):
                ends[noticed] += 1
                if noticed or "." not in mutant.function or (mutant.function, mutant.name) in listed:
                    yield mutant, noticed
                else:
                    left.append(mutant)
            self._tell(f"{module}: its own tests notice {ends[True]} of {sum(ends)} mutants")
        if left:
            self._tell(f"{len(left)} are to be tried on all tests")
            yield from self._on(left, [str(path) for path in trials.all_tests()], "all")

    def _on(
        self, mutants: Sequence[Mutant], files: Sequence[str], name: str
    ) -> Iterable[tuple[Mutant, bool]]:
        if time.monotonic() > self._until:  # the tests would first run without a mutant
            return ()
        return trials.tried(mutants, files, self._jobs, self._until, self._folder / name)


class _Tally:
    """What trials have found: records a function once each of its mutants is in order, tells of others.

    :param functions: those whose mutants are tried.
    """

    def __init__(self, record: Record, functions: Sequence[Function], tell: Callable[[str], None]) -> None:
        self._record, self._tell = record, tell
        self._reasons = read_reasons()
        self._functions = {each.name: each for each in functions}
        self._untried = {each.name: set(each.mutants) for each in functions}
        self._wrong: set[str] = set()  # functions
        self._survivors = 0
        for each in functions:
            if not each.mutants:
                record.keep(each, in_order=True)

    def note(self, mutant: Mutant, *, noticed: bool) -> None:
        """Take how a trial has ended."""
        name, untried = mutant.function, self._untried[mutant.function]
        untried.remove(mutant)
        if what := wrong(self._reasons, (name, mutant.name), noticed=noticed):
            self._wrong.add(name)
            self._survivors += not noticed
            self._tell(f"{name}, line {mutant.lines[-1]}: {mutant.name}: {what}")
        if not untried or what:
            self._record.keep(self._functions[name], in_order=name not in self._wrong)

    def judged(self) -> ExitCode:
        """Say what is wrong with the list, what was not tried, and the figure of all mutants."""
        every = [mutant for function in self._record.functions for mutant in function.mutants]
        bad = faults(self._reasons, {(mutant.function, mutant.name) for mutant in every})
        for line in bad:
            self._tell(line)
        left = {
            mutant for each in self._record.changed() for mutant in self._untried.get(each.name, each.mutants)
        }
        if left:
            self._tell(f"LEFT OUT: {len(left)} mutants, which are still to be tried")
        tried = [mutant for mutant in every if mutant not in left]
        listed = sum((mutant.function, mutant.name) in self._reasons for mutant in tried)
        noticed = len(tried) - listed - self._survivors
        percent = 100 * noticed / max(len(tried), 1)
        self._tell(
            f"tests notice {noticed} of {len(tried)} mutants, {percent:.1f} %; "
            f"{listed} are listed with a reason, {self._survivors} survive"
        )
        return ExitCode.BAD if bad or self._wrong or percent < LEAST else ExitCode.GOOD
