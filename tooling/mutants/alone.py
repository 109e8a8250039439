"""`python -m tooling.mutants.alone`: checks that the tests named after a module cover it by themselves.

All of its branches are meant. The tests of each module run in a process of their own, since what other tests
have left could take branches, too.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import coverage
import pytest

from tooling import running
from tooling.console import Output, say
from tooling.errors import ExitCode
from tooling.mutants import trials
from tooling.mutants.forks import PROCESSORS, forked, print_to
from tooling.mutants.source import MODULES
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

UNTESTED = {"__init__", "_version"}
"""They do nothing by themselves."""
UNCOVERED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return running.run(cli, "python -m tooling.mutants.alone", arguments)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("modules", nargs=-1, type=click.Choice([*MODULES]))
@click.option("--jobs", type=click.IntRange(1), default=PROCESSORS, help="Modules at a time.")
def cli(modules: tuple[str, ...], jobs: int) -> ExitCode:
    """Run the tests of each module alone, and say which of its branches they do not take."""
    output, bad = Output(), False
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder, name) for name in modules or sorted(MODULES.keys() - UNTESTED)}
        tasks = ((name, partial(_covered, name, log)) for name, log in logs.items())
        for name, code in forked(tasks, jobs):
            if code:
                bad = True
                say(
                    output,
                    f"{name}: its tests do not cover it alone\n{logs[name].read_text(encoding='utf-8')}",
                )
    if not bad:
        say(output, f"the tests of each of {len(logs)} modules cover its branches by themselves")
    return ExitCode.BAD if bad else ExitCode.GOOD


def _covered(module: str, log: Path) -> int:
    """Run the tests of a module in this process; its branches that they do not take go to `log`."""
    print_to(log)
    measured = coverage.Coverage(
        data_file=None, include=[str(MODULES[module])], config_file=str(ROOT / "pyproject.toml")
    )
    measured.set_option("run:source", None)
    measured.start()
    code = int(pytest.main([*trials.OPTIONS, *trials.tests_of(module)]))
    measured.stop()
    return code or int(measured.report(show_missing=True, file=sys.stdout) < 100)


if __name__ == "__main__":
    import os

    os.environ["WSPROTO_PURE"] = "1"
    sys.exit(main())
