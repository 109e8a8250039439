"""The command line: `python -m fuzz list|seed|run|replay|minimize|coverage|plant`."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import click

from fuzz import campaign, corpus_coverage, crashes
from fuzz.folders import PACKAGE, Folders, hash_of, inputs_in, shown
from fuzz.minimizer import Budget
from fuzz.planted import catalogue
from fuzz.planted import shown as planted
from fuzz.planted.hunt import Hunt, Hunter
from fuzz.progress import progress, steps
from fuzz.replay import Replay
from fuzz.report import write_report
from fuzz.table import show_campaign, show_coverage, show_targets
from tooling import running
from tooling.console import Output, say
from tooling.errors import BadResultError, CommandError, ExitCode
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from fuzz.folders import Target
    from fuzz.results import TargetResult


def main(arguments: Sequence[str] | None = None, folders: Folders = PACKAGE) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m fuzz", arguments, folders)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Fuzz wsproto under atheris, and replay inputs without it.

    TARGET is a name that `list` shows; without one all are meant. Kept inputs are named TARGET-HASH, with the
    first 12 hexadecimal digits of their SHA-256.

    Exit codes: 0 nothing fails, 1 an input fails, 2 a target did not run or the call was wrong, 3 something
    that fuzzing needs is missing.
    """


targets_argument = click.argument("names", nargs=-1, metavar="[TARGET]...")
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=campaign.processors,
    show_default="the number of processors",
    metavar="N",
    help="Targets at once, each in one process.",
)
target_option = click.option(
    "--target",
    "name",
    metavar="TARGET",
    help="The target of the input, if the file's name does not give it.",
)
_EXISTING = click.Path(exists=True, path_type=Path)


@cli.command("list")
@click.pass_obj
def list_command(folders: Folders) -> None:
    """Show the targets, what each fuzzes, and how many inputs its corpus has."""
    show_targets(Output(), folders.targets())


@cli.command("seed")
@targets_argument
@click.pass_obj
def seed_command(folders: Folders, names: tuple[str, ...]) -> None:
    """Add the seeds of targets to fuzz/corpus/TARGET."""
    console = Output()
    for target in folders.targets(names):
        say(console, f"{target.name}: {folders.seed(target)} seeds in {shown(target.corpus)}")


@cli.command("run")
@targets_argument
@click.option(
    "--seconds",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    metavar="N",
    help="Time for each target; measuring its baseline takes two more seconds.",
)
@jobs_option
@click.pass_obj
def run_command(folders: Folders, names: tuple[str, ...], seconds: int, jobs: int) -> ExitCode:
    """Fuzz targets, and write fuzz/report/{index.html,summary.md,results.json}.

    A target ends at its first crash. That is minimised, kept in fuzz/crashes and printed. SIGINT ends
    a campaign early, and the report has the results so far.

    The rate is the number of executions in a second of processor time, on an idle machine a second of one
    core. The baseline is the rate for the empty input, without mutation: a target can reach no more.
    """
    campaign.require_atheris()
    console, targets = Output(), folders.targets(names)
    with progress(console, [target.name for target in targets]) as shown_:
        results = campaign.run(folders, targets, seconds, jobs, shown_)
    show_campaign(console, results)  # first, since the disk may be full by now
    try:
        say(console, f"report: {shown(write_report(folders.report, results))}")
    except CommandError as error:
        if not results.crashes:
            raise
        say(console, f"no report: {error}")
    if results.crashes:
        return ExitCode.BAD
    if results.failed:
        name = results.failed[0].name
        raise CommandError(f"{name} {results.failed[0].status}: {_reason(folders, results.failed[0])}")
    if results.interrupted:
        raise CommandError("interrupted")
    return ExitCode.GOOD


def _reason(folders: Folders, result: TargetResult) -> str:
    if result.status == "not kept":
        return result.problem
    return f"all it said is in {shown(folders.log_of(result.name))}"


@cli.command("replay")
@click.argument("paths", nargs=-1, type=_EXISTING, metavar="[FILE]...")
@target_option
@click.pass_obj
def replay_command(folders: Folders, paths: tuple[Path, ...], name: str | None) -> ExitCode:
    """Run targets on their inputs; without a FILE, on all of fuzz/regressions. It needs no atheris.

    A FILE may be a folder. An input that fails is named, and explained in fuzz/crashes/TARGET-HASH.txt.
    """
    console, files = Output(), inputs_in(paths or [folders.regressions])
    grouped: dict[Target, list[Path]] = {}
    for file in files:
        grouped.setdefault(_target_of(folders, file, name), []).append(file)
    failing = [
        file for target, inputs in grouped.items() for file in _replay(console, folders, target, inputs)
    ]
    say(console, f"{len(files)} input{'' if len(files) == 1 else 's'} replayed, {len(failing)} fail")
    return ExitCode.BAD if failing else ExitCode.GOOD


def _target_of(folders: Folders, file: Path, name: str | None) -> Target:
    return folders.targets([name])[0] if name else folders.target_of(file)


def _replay(console: Console, folders: Folders, target: Target, files: Sequence[Path]) -> list[Path]:
    """Replay the inputs of a target, explain those that fail, and return them."""
    failing = []
    with Replay(target) as replay, steps(console) as shown_:
        for number, file in enumerate(files, 1):
            data = file.read_bytes()
            failure = replay.run(data)
            shown_.step(target.name, number, len(files))
            if failure is None:
                continue
            failing.append(file)
            finding = crashes.describe(target, file, data, failure, "crash", len(data))
            note = crashes.note_of(folders.crashes / f"{target.name}-{hash_of(data)}")
            said = f"written to {shown(note)}"
            try:
                write_text(note, crashes.explain(finding))
            except CommandError as error:
                said = str(error)
            shown_.say(f"{shown(file)} fails:\n{crashes.explain(finding)}\n{said}")
    return failing


@cli.command("minimize")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@target_option
@click.option(
    "--seconds",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    metavar="N",
    help="Longest time that minimising may take.",
)
@click.pass_obj
def minimize_command(folders: Folders, file: Path, name: str | None, seconds: int) -> ExitCode:
    """Make a FILE that fails smaller, as long as it fails with the same exception at the same place.

    The result is kept as fuzz/crashes/TARGET-HASH and explained in a .txt beside it. It needs no atheris.
    """
    console, target, data = Output(), _target_of(folders, file, name), file.read_bytes()
    with Replay(target) as replay:
        if replay.run(data) is None:
            raise CommandError(
                f"{shown(file)} does not fail with the target {target.name}: nothing to minimise"
            )
    with console.status(f"minimising {len(data)} bytes"):
        finding = crashes.keep(folders, target, data, "crash", Budget(seconds))
    say(console, crashes.explain(finding))
    if finding.not_kept:
        raise CommandError(finding.not_kept)
    return ExitCode.GOOD


@cli.command("coverage")
@targets_argument
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Exit with 1 if fewer of the branches are covered.",
)
@click.option(
    "--html",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write pages with the lines, too.",
)
@jobs_option
@click.pass_obj
def coverage_command(
    folders: Folders, names: tuple[str, ...], fail_under: float, html: Path | None, jobs: int
) -> None:
    """Measure which branches of wsproto the corpora reach by themselves. It needs no atheris."""
    console = Output()
    with steps(console) as shown_:
        measured = corpus_coverage.measure(folders.targets(names), jobs, shown_, html)
    show_coverage(console, measured)
    if measured.total.percent < fail_under:
        raise BadResultError(
            f"{measured.total.percent:.2f} % of the branches are covered, fewer than {fail_under:g} %"
        )
    if measured.failing:
        raise BadResultError(f"{len(measured.failing)} inputs fail")


@cli.command("plant")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "only_list", is_flag=True, help="Show the faults, and plant none.")
@click.option(
    "--seconds",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    metavar="N",
    help="Time in which each fault has to be found.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=campaign.processors,
    show_default="the number of processors",
    metavar="N",
    help="Processes at once that look for one fault.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31),
    default=lambda: Random().randrange(2**31),  # noqa: S311 - not a secret
    show_default="any",
    metavar="N",
    help="Seed of the random choices; printed with the result.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the table to this file as well.",
)
@click.pass_obj
def plant_command(  # noqa: PLR0913, PLR0917 - an option each
    folders: Folders,
    names: tuple[str, ...],
    only_list: bool,  # noqa: FBT001 - click gives it by name
    seconds: int,
    jobs: int,
    seed: int,
    markdown: Path | None,
) -> None:
    """Plant single faults in copies of the library, and show what finds each, and when.

    NAME is a fault's name, or a part of it. Without one all are planted, after a run without any fault, in
    which nothing may fail. The table is also in fuzz/report/planted.md and planted.json. Without atheris the
    targets are left out. Exit code 1: a fault was not found.
    """
    console, faults = Output(), catalogue.named(names)
    if only_list:
        planted.show_faults(console, faults)
        return
    hunt = Hunt(seconds, jobs, seed, with_targets=campaign.has_atheris())
    files = [folders.report / "planted.md", folders.report / "planted.json"]
    try:
        with planted.progress(console, len(faults)) as told:
            Hunter(folders, hunt).run(faults, told, control=not names)
    finally:  # an interrupted hunt still shows its findings
        planted.write_hunt(hunt, [*files, markdown] if markdown else files)
    planted.show_hunt(console, hunt)
    say(console, f"seed: {seed}, report: {shown(files[0])}")
    if hunt.missed:
        missed = "; ".join(outcome.fault.name for outcome in hunt.missed)
        raise BadResultError(f"not found: {missed}")
