"""The command line: `python -m requirements`."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import click

from requirements.checks import faults
from requirements.draw import draw as draw_all
from requirements.markdown import DOCUMENT, document
from requirements.marks import run_marked
from requirements.page import page
from requirements.sections import write_sections
from requirements.statements import statements
from requirements.wire import Verdicts
from tooling import running
from tooling.errors import BadResultError, ExitCode
from tooling.tree import ROOT
from tooling.written import check_writable, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = click.Path(dir_okay=False, path_type=Path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m requirements", arguments)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--html", default=ROOT / "report" / "requirements.html", type=FILE, help="The page to write.")
@click.option(
    "--results",
    type=click.Path(exists=True, path_type=Path),
    help="The results.json of a run of the harness, or its folder; by default report/, else the baseline.",
)
@click.pass_context
def cli(context: click.Context, html: Path, results: Path | None) -> ExitCode | None:
    """Trace each statement of the RFCs to code, tests and cases; write docs/conformance.md and a page.

    Exit codes: 0 all is there, 1 something is missing or a draw was not noticed, 2 the command failed or was
    called wrongly, 3 something that it needs is missing.
    """
    if context.invoked_subcommand:
        return None
    check_writable(html)
    usual = ROOT / "report" / "results.json"
    verdicts = Verdicts(results or (usual if usual.exists() else None))
    outcomes = run_marked(*(one.id for one in statements().values() if one.of_library))
    found = faults(outcomes)
    for fault in found:
        click.echo(fault)
    if found:
        raise BadResultError(f"{len(found)} faults in the statements of the RFCs")
    write_text(DOCUMENT, document(Verdicts(None)))
    write_text(html, page(outcomes, verdicts))
    click.echo(f"{len(statements())} statements; wrote {DOCUMENT.relative_to(ROOT)} and {html}")
    return ExitCode.GOOD


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--count", type=click.IntRange(1), help="How many statements to draw; by default all that are named."
)
@click.option("--seed", type=int, help="Seed of the choice; by default a new one each time.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="How many to try at once.")
def draw(ids: tuple[str, ...], count: int | None, seed: int | None, jobs: int) -> ExitCode:
    """Disable the places that enforce statements, one after the other: the marked tests have to fail."""
    known = {name: one for name, one in statements().items() if one.of_library}
    if unknown := [name for name in ids if name not in known]:
        raise click.UsageError(f"tests/requirements.csv has no statement {unknown[0]!r} for the library")
    chosen = [known[name] for name in ids or known]
    if count is not None:
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        click.echo(f"seed {seed}")
        chosen = random.Random(seed).sample(chosen, min(count, len(chosen)))  # noqa: S311 - it is to repeat
    outcomes = run_marked(*(one.id for one in chosen))
    for one in chosen:
        if set(outcomes.get(one.id, {}).values()) <= {"skipped"} or "failed" in outcomes[one.id].values():
            raise BadResultError(f"the tests of {one.id} do not pass, though nothing is disabled yet")
    wrong = 0
    for done in draw_all(chosen, jobs):
        click.echo(str(done))
        wrong += not done.as_expected
    if wrong:
        raise BadResultError(
            f"{wrong} of the disabled places went unnoticed, or stand in undrawn.csv in vain"
        )
    return ExitCode.GOOD


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def sections(folder: Path) -> ExitCode:
    """Write the list of sections anew, from the texts rfcNNNN.txt in FOLDER."""
    click.echo(f"{write_sections(folder)} sections")
    return ExitCode.GOOD
