"""The command line: `python -m bench.end_to_end`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.end_to_end.measure import FULL, QUICK, SCENARIOS, measure
from bench.end_to_end.page import DOCUMENT, write_document, write_page
from bench.end_to_end.peers import LIBRARY, PEERS
from bench.end_to_end.results import write_json
from bench.end_to_end.table import print_tables
from tooling import running
from tooling.console import Output
from tooling.errors import ExitCode
from tooling.written import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m bench.end_to_end", arguments)


def _file_option(name: str, what: str) -> Callable[..., Callable[..., object]]:
    return click.option(name, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help=what)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Fewer and shorter rounds: one minute instead of five.")
@click.option(
    "--only",
    "names",
    multiple=True,
    type=click.Choice(list(PEERS)),
    metavar="NAME",
    help=f"Only this server beside the library; may be repeated. One of: {', '.join(PEERS)}.",
)
@_file_option("--json", "Write all figures here; bench/end_to_end/results.py describes the shape.")
@_file_option("--html", "Write a page with tables and picture here.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write end-to-end.md and its picture into this folder.",
)
def cli(
    *, quick: bool, names: tuple[str, ...], json: Path | None, html: Path | None, docs: Path | None
) -> ExitCode:
    """Measure echo servers end to end: this library beside its peers, under one load generator.

    Each server runs in an environment of its own under .peers/, made when it is missing, and listens on
    127.0.0.1. Exit codes: 0 measured, 2 failed or called wrongly, 3 a server cannot be installed.
    """
    chosen = [PEERS[name] for name in PEERS if not names or name in {LIBRARY.name, *names}]
    effort = QUICK if quick else FULL
    for file in (json, html, docs and docs / DOCUMENT):
        check_writable(file)
    with _progress(len(chosen) * (1 + len(SCENARIOS) * effort.rounds)) as progress:
        results = measure(chosen, effort, progress=progress)
    print_tables(Output(), results)
    if json is not None:
        write_json(json, results)
    if html is not None:
        write_page(html, results)
    if docs is not None:
        write_document(docs, results)
    return ExitCode.GOOD


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show the progress: a bar on a terminal, else a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    with Progress(
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,  # a thread that draws would take CPU time from the servers
    ) as bar:
        task = bar.add_task("", total=steps)

        def show(what: str) -> None:
            bar.update(task, description=what, refresh=True)
            bar.advance(task)

        yield show


class _Lines:
    """Prints a line per round, without the server's name."""

    _said = ""

    def __call__(self, what: str) -> None:
        """Print the line, if it is new."""
        line = what.rpartition(", ")[0] or what
        if line != self._said:
            print(line, file=sys.stderr, flush=True)
        self._said = line
