"""The command line: `python -m bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench import instructions, scaling
from bench.peers import PEERS, ROOT
from bench.progress import progress
from bench.report import write_docs, write_page
from bench.rounds import FULL, QUICK
from bench.run import Order, run
from bench.selection import labels, select, select_peers
from bench.table import show
from tooling import running
from tooling.console import Output
from tooling.errors import BadResultError, ExitCode, MissingError
from tooling.written import check_writable, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m bench", arguments)


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="7 short rounds instead of 21: about a minute.")
@click.option("--only", "patterns", multiple=True, metavar="GLOB", help="Only these rows; --list names them.")
@click.option("--peer", "only_peers", multiple=True, metavar="NAME", help="Only against this peer.")
@click.option("--without", multiple=True, metavar="NAME", help="Not against this peer.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write the results as JSON.")
@click.option("--html", "html_file", type=_FILE, metavar="FILE", help="Write the results as a page to read.")
@click.option(
    "--docs",
    is_flag=True,
    help="Measure all, `scaling` too, and rewrite docs/performance.* and docs/scaling.svg.",
)
@click.option("--list", "list_only", is_flag=True, help="Name the rows and the peers, and measure nothing.")
@click.pass_context
def cli(  # noqa: PLR0913, PLR0917  # an argument per option
    context: click.Context,
    patterns: tuple[str, ...],
    only_peers: tuple[str, ...],
    without: tuple[str, ...],
    json_file: Path | None,
    html_file: Path | None,
    *,
    quick: bool,
    docs: bool,
    list_only: bool,
) -> ExitCode | None:
    """Measure this checkout beside its peers.

    Every implementation runs in a process and an environment of its own (.peers/, made on first use). Its
    output is checked first; then its CPU time is measured, round by round. You may repeat --only, --peer and
    --without.

    Exit codes: 0 measured, 1 an implementation gave wrong output or its cost grows too fast, 2 the benchmark
    failed or was called wrongly, 3 something that it needs is missing.
    """
    if context.invoked_subcommand:
        return None
    if docs and (quick or patterns or only_peers or without):
        raise click.UsageError(
            "--docs measures everything: no --quick, --only, --peer or --without beside it"
        )
    if docs and not instructions.available():
        raise MissingError("--docs counts instructions with valgrind: apt-get install valgrind")
    selection = select(patterns)
    peers = select_peers(only_peers, without)
    if list_only:
        print(*labels(selection), sep="\n")
        print("peers:", *(peer.title for peer in PEERS if peer in peers))
        return ExitCode.GOOD
    for file in (json_file, html_file):
        check_writable(file)
    console = Output()
    with progress(console) as shown:
        results = run(Order(selection, peers, QUICK if quick else FULL, quick=quick), shown)
        if docs:
            results.curves = scaling.measure(shown, quick=False)
    show(results, console)
    if json_file:
        write_text(json_file, results.as_json())
    if html_file:
        write_page(html_file, results)
    if docs:
        write_docs(ROOT / "docs", results)
    return ExitCode.GOOD


@cli.command("scaling")
@click.option("--quick", is_flag=True, help="Fewer and shorter samples.")
@click.option("--svg", type=_FILE, metavar="FILE", help="Write the plot.")
def scaling_command(svg: Path | None, *, quick: bool) -> ExitCode:
    """Measure how the cost of a message grows with its size and with the number of reads."""
    check_writable(svg)
    console = Output()
    with progress(console) as shown:
        curves = scaling.measure(shown, quick=quick)
    console.print(scaling.table(curves))
    if svg:
        scaling.draw(svg, curves)
    steep = scaling.steep(curves)
    if steep:
        raise BadResultError(
            f"the exponent of {steep[0].label!r} is {steep[0].exponent:.3f}, at most {steep[0].limit:.2f} is"
            " allowed; repeat: python -m bench scaling"
        )
    return ExitCode.GOOD
