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
    from collections.abc import Callable, Sequence

    from tooling.mutants.source import Function, Mutant


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m tooling.mutants", arguments)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everything", is_flag=True, help="Try all mutants, not only those of what changed.")
@click.option(
    "--only", "modules", multiple=True, type=click.Choice(list(MODULES)), help="Try those of a module."
)
@click.option("--seconds", type=click.IntRange(1), default=10**6, help="Begin no trial after so long.")
@click.option("--jobs", type=click.IntRange(1), default=PROCESSORS, help="Trials at a time.")
def cli(*, everything: bool, modules: tuple[str, ...], seconds: int, jobs: int) -> ExitCode:
    """Try the mutants of the functions that have changed since tests/mutants/functions.csv was written.

    A mutant is tried on the tests named after its module, then on all others; with what stands outside of
    functions, tables above all, the first have to do.

    Exit code 0 where tests notice all but those for which tests/mutants/survivors.csv gives a reason, and
    these are few enough.
    """
    record, tell = Record(), partial(say, Output())
    functions = record.functions if everything or modules else record.changed()
    functions = [each for each in functions if not modules or each.name.partition(".")[0] in modules]
    count = sum(len(each.mutants) for each in functions)
    tell(f"{count} mutants in {len(functions)} of {len(record.functions)} functions are to be tried")
    with tempfile.TemporaryDirectory() as folder:
        trying = _Trying(jobs, time.monotonic() + seconds, Path(folder), tell)
        noticed = trying.all_of([mutant for each in functions for mutant in each.mutants], again=everything)
    return _judged(record, functions, noticed, tell)


class _Trying:
    """How trials run.

    :param until: when the last may begin.
    :param folder: for what pytest prints.
    """

    def __init__(self, jobs: int, until: float, folder: Path, tell: Callable[[str], None]) -> None:
        self._jobs, self._until, self._folder, self._tell = jobs, until, folder, tell

    def all_of(self, mutants: Sequence[Mutant], *, again: bool) -> dict[Mutant, bool]:
        """Try mutants; return those that were tried, and whether tests notice them.

        :param again: whether to try the listed survivors on all tests, too.
        """
        noticed: dict[Mutant, bool] = {}
        for module in dict.fromkeys(mutant.module for mutant in mutants):
            those = [mutant for mutant in mutants if mutant.module == module]
            found = self._on(those, trials.tests_of(module), module)
            self._tell(f"{module}: its own tests notice {sum(found.values())} of {len(found)} mutants")
            noticed |= found
        listed = {} if again else read_reasons()
        left = [
            mutant
            for mutant, was_noticed in noticed.items()
            if not was_noticed and "." in mutant.function and (mutant.function, mutant.name) not in listed
        ]
        if left:
            self._tell(f"{len(left)} are to be tried on all tests")
            found = self._on(left, [str(path) for path in trials.all_tests()], "all")
            noticed = {mutant: was for mutant, was in noticed.items() if mutant not in set(left)} | found
        return noticed

    def _on(self, mutants: Sequence[Mutant], files: Sequence[str], name: str) -> dict[Mutant, bool]:
        if time.monotonic() > self._until:  # the tests would first run without a mutant
            return {}
        return dict(trials.tried(mutants, files, self._jobs, self._until, self._folder / name))


def _judged(
    record: Record, functions: Sequence[Function], noticed: dict[Mutant, bool], tell: Callable[[str], None]
) -> ExitCode:
    """Say what is wrong, and what was not tried; keep what is in order."""
    reasons = {name: reason for name, reason in read_reasons().items() if not name[0].endswith(".c")}
    every = [mutant for function in record.functions for mutant in function.mutants]
    bad = faults(reasons, {(mutant.function, mutant.name) for mutant in every})
    unfinished: dict[str, int] = {}
    survivors = len(reasons)
    for mutant in (mutant for function in functions for mutant in function.mutants):
        if mutant not in noticed:
            unfinished[mutant.function] = unfinished.get(mutant.function, 0) + 1
        elif what := wrong(reasons, (mutant.function, mutant.name), noticed=noticed[mutant]):
            bad.append(f"{mutant.function}, line {mutant.lines[-1]}: {mutant.name}: {what}")
            unfinished.setdefault(mutant.function, 0)
            survivors += not noticed[mutant]
    record.keep(functions, unfinished)
    for line in bad:
        tell(line)
    if left := sum(unfinished.values()):
        tell(f"LEFT OUT for want of time: {left} mutants")
    percent = 100 * (1 - survivors / len(every))
    tell(f"tests notice {percent:.1f} % of {len(every)} mutants; for {len(reasons)} others there is a reason")
    return ExitCode.BAD if bad or percent < LEAST else ExitCode.GOOD
