"""`python -m harness diff A B`: the verdicts in which two results differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cases import CASES
from harness.judge import verdicts_of
from harness.stored_results import read_results
from tooling.console import say
from tooling.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from harness.judge import Verdict
    from harness.results import Results


def diff(first: Path, second: Path, console: Console) -> ExitCode:
    """Print every verdict that two results do not share, by setup and case.

    Raises `CommandError` where one of them cannot be read.
    """
    before, now = read_results(first), read_results(second)
    say(console, f"A: {_about(before)} ({first})")
    say(console, f"B: {_about(now)} ({second})")
    count = 0
    for setup in dict.fromkeys([*before["setups"], *now["setups"]]):
        for case, one, other in _differences(_verdicts(before, setup), _verdicts(now, setup)):
            say(console, f"{setup} {case}: {one or 'not run'} -> {other or 'not run'}")
            count += 1
    if not count:
        say(console, "all verdicts are the same", style="bold green")
        return ExitCode.GOOD
    say(console, f"{count} verdict{'s differ' if count > 1 else ' differs'}", style="bold red")
    return ExitCode.BAD


def _about(results: Results) -> str:
    """Name what was tested, when and how."""
    partial = "" if results["complete"] else ", partial run"
    return f"{results['library']}, {results['started']}, profile {results['profile']}{partial}"


def _verdicts(results: Results, setup: str) -> dict[str, Verdict]:
    found = results["setups"].get(setup)
    return verdicts_of(found["cases"], setup) if found else {}


def _differences(
    first: Mapping[str, Verdict], second: Mapping[str, Verdict]
) -> Iterator[tuple[str, Verdict | None, Verdict | None]]:
    known = [case for case in CASES if case in first or case in second]
    for case in dict.fromkeys([*known, *first, *second]):
        if first.get(case) != second.get(case):
            yield case, first.get(case), second.get(case)
