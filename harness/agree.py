"""`python -m harness agree`: compares the verdicts of engines that know nothing of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.judge import verdicts_of
from harness.results import read_cases
from harness.run import run
from harness.summary import counts_by_setup
from tooling.console import say
from tooling.errors import ExitCode, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.engines.known import Engine
    from harness.engines.suite import Suite
    from harness.order import Order
    from harness.patience import Patience
    from harness.roles import Role


def found(suites: Mapping[Engine, Suite], console: Console) -> dict[Engine, Suite]:
    """Choose the engines that are installed; say which they are, and why the others are left out.

    Raises `MissingError` where fewer than two are.
    """
    here: dict[Engine, Suite] = {}
    for engine, suite in suites.items():
        try:
            say(console, f"engine {engine}: {suite.version()}")
        except MissingError as error:
            say(console, f"engine {engine}: LEFT OUT, {error}")
        else:
            here[engine] = suite
    if len(here) < 2:
        raise MissingError(f"it takes two engines to agree, here is {', '.join(here) or 'none'}")
    return here


def agree(
    order: Order, suites: Mapping[Engine, Suite], folder: Path, patience: Patience, console: Console
) -> ExitCode:
    """Run all engines, one after the other, and compare verdicts and close codes case by case."""
    exit_codes = [run(order, suite, folder / engine, patience, console) for engine, suite in suites.items()]
    differences = [line for role in order.roles for line in _differences(role, list(suites), folder)]
    for line in differences:
        say(console, line, style="bold red")
    if differences:
        return ExitCode.BAD
    say(console, f"{', '.join(suites)} agree: {counts_by_setup(order.cases())}", style="bold green")
    return max(exit_codes)


def _differences(role: Role, engines: Sequence[Engine], folder: Path) -> Iterator[str]:
    found = {
        engine: verdicts_of(read_cases(folder / engine, role), f"{folder / engine}, {role}")
        for engine in engines
    }
    for case in dict.fromkeys(case for verdicts in found.values() for case in verdicts):
        said = {engine: verdicts.get(case) for engine, verdicts in found.items()}
        if len(set(said.values())) > 1:
            what = "; ".join(f"{engine} {verdict or 'no verdict'}" for engine, verdict in said.items())
            yield f"{role} {case}: {what}"
