"""The command line `python -m harness`; its commands `serve` and `drive` come from `testee.cli`."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from harness.agree import agree, found
from harness.case_texts import read_titles
from harness.cases import PROFILES, select
from harness.endpoints.cli import diff_command, test_command
from harness.endpoints.fuzzserver_cli import fuzzserver_command
from harness.engines.known import ENGINES, suite_of
from harness.engines.kosoku import KosokuSuite
from harness.fuzzing.cli import fuzz_command
from harness.matrix.run import JOBS, Matrix
from harness.options import (
    cases_option,
    failed_option,
    failures_options,
    patience_options,
    profile_option,
    report_option,
    selection_options,
    transports_option,
    update_option,
    wstest_option,
)
from harness.order import Order
from harness.patience import Patience
from harness.report import write_report
from harness.roles import ROLES
from harness.run import collect, judge_file, run
from harness.setups import TRANSPORTS, VARIANTS
from harness.stored_results import differing_cases, read_results
from harness.summary import print_setup, print_titles
from harness.transports.bridge import STREAMS
from harness.wording import HARNESS, this_command
from tooling import running
from tooling.console import Output, say
from tooling.errors import CommandError, ExitCode, MissingError
from tooling.tree import IS_CHECKOUT
from tooling.written import check_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.cases import Profile
    from harness.engines.known import Engine
    from harness.engines.suite import Suite
    from harness.roles import Role
    from harness.setups import Transport, Variant
    from harness.transports.bridge import Streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    return running.run(cli, HARNESS, arguments)


class Commands(click.Group):
    """The commands; those of the testee are imported when they are used: they need the library."""

    testee: ClassVar = {"serve": "serve_command", "drive": "drive_command"}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all."""
        return [*super().list_commands(ctx), *self.testee]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find one."""
        if cmd_name not in self.testee:
            return super().get_command(ctx, cmd_name)
        try:
            found: click.Command = getattr(import_module("harness.testee.cli"), self.testee[cmd_name])
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the library
            return _unavailable(cmd_name, f"the library cannot be imported: {error!r}")
        return found


def _unavailable(name: str, why: str) -> click.Command:
    def fail(**_: object) -> None:
        raise CommandError(why)

    settings = {"ignore_unknown_options": True}
    rest: list[click.Parameter] = [click.Argument(["rest"], nargs=-1)]
    return click.Command(
        name, callback=fail, help=why, context_settings=settings, add_help_option=False, params=rest
    )


def _version() -> str:
    try:
        return f"wsproto-harness {version('wsproto-harness')}"
    except PackageNotFoundError:
        return "a checkout of wsproto-harness"


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True
)
@click.version_option(_version(), message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Test WebSocket servers and clients, this library or any other, by Autobahn's cases and by its own.

    Exit codes: 0 as expected, 1 something differs, 2 the harness failed or was called wrongly, 3 something
    that it needs is missing.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command("run")
@click.option(
    "--role", type=click.Choice([*ROLES, "both"]), default="both", show_default=True, help="Role to test."
)
@click.option(
    "--variant",
    "variants",
    type=click.Choice(VARIANTS),
    multiple=True,
    default=VARIANTS,
    show_default=True,
    help="Configuration of the library; may be repeated. All but default play the profile fast.",
)
@transports_option(
    "HTTP/1.1, HTTP/2 or HTTP/3; may be repeated. Over the last two, only the variant default plays."
)
@click.option(
    "--streams",
    type=click.Choice(STREAMS),
    default="shared",
    show_default=True,
    help="Over HTTP/2 and HTTP/3, whether the cases are streams of one connection, or each has its own.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="kosoku",
    show_default=True,
    help="What plays Autobahn's part: its cases on this Python, its image, or its own program.",
)
@wstest_option
@selection_options
@update_option
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@report_option
@failed_option
@failures_options
@patience_options
def run_command(  # noqa: PLR0913, PLR0917  # an argument per option
    role: str,
    variants: tuple[Variant, ...],
    transports: tuple[Transport, ...],
    streams: Streams,
    engine: Engine,
    wstest: str,
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    folder: Path,
    timeout: float,
    time_limit: float,
    budget: float | None,
    max_failures: int | None,
    expected: Path,
    *,
    update_baseline: bool,
    failed: bool,
) -> ExitCode:
    """Run the library against the suite on loopback, and judge.

    Patterns may stand in a row: `--cases 6.4 '7.*'`.
    """
    order = Order(
        _roles(role),
        profile,
        [*patterns, *more_patterns],
        expected,
        update_baseline=update_baseline,
        variants=list(dict.fromkeys(variants)),
        transports=[known for known in TRANSPORTS if known in transports],
        command=this_command(),
    )
    console = Output()
    if failed:
        order = order.narrowed(differing_cases(read_results(folder / "results.json")))
        if not order.roles:
            path = folder / "results.json"
            say(console, f"nothing of this differed in the last run ({path})")
            return ExitCode.GOOD
    patience = Patience(timeout, time_limit, budget)
    suite = suite_of(engine, wstest, console)
    return run(order, suite, folder, patience, console, max_failures=max_failures, streams=streams)


@cli.command("matrix")
@click.option("--only", multiple=True, metavar="NAME", help="Only this implementation; may be repeated.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=JOBS,
    show_default=True,
    metavar="COUNT",
    help="Play this many implementations at once.",
)
@transports_option("HTTP/1.1, HTTP/2 or HTTP/3; may be repeated. Implementations without any are not played.")
@click.option("--again", is_flag=True, help="Play again the cases whose results were kept from earlier runs.")
@selection_options
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@report_option
@patience_options
def matrix_command(  # noqa: PLR0913, PLR0917  # an argument per option
    only: tuple[str, ...],
    jobs: int,
    transports: tuple[Transport, ...],
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    folder: Path,
    timeout: float,
    time_limit: float,
    budget: float | None,
    expected: Path,
    *,
    again: bool,
) -> ExitCode:
    """Run this library and others through the same cases, and compare them on one page, matrix.html.

    The implementations are those of harness/matrix/testees and examples/testees, in many languages; those
    that need what this machine lacks are left out. Each runs in an environment of its own, made on first use,
    and its reports are kept: a case is played again when the implementation or the cases have changed. A
    failure of another one is a result, no error: the exit code is 0 when this library's verdicts are those of
    its baseline and all could be run.
    """
    asked: list[Transport] = [known for known in TRANSPORTS if known in transports]
    order = Order(_roles("both"), profile, [*patterns, *more_patterns], expected, transports=asked)
    patience = Patience(timeout, time_limit, budget)
    return Matrix(order, KosokuSuite(), folder, patience, Output(), only, jobs=jobs, again=again).run()


@cli.command("judge")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--role", type=click.Choice(ROLES), required=True, help="Role of the library to judge.")
@click.option("--agent", help="Name of the agent to judge, if an index.json has several.")
@selection_options
@update_option
def judge_command(  # noqa: PLR0913, PLR0917  # an argument per option
    path: Path,
    role: str,
    agent: str | None,
    profile: Profile,
    patterns: tuple[str, ...],
    expected: Path,
    *,
    update_baseline: bool,
) -> ExitCode:
    """Judge the verdicts of an earlier run.

    PATH is a results.json, an index.json of Autobahn's wstest, or a folder with one of them.
    """
    order = Order(_roles(role), profile, patterns, expected, update_baseline=update_baseline)
    return judge_file(order, path, agent, Output())


@cli.command("agree")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(ENGINES),
    help="An engine that has to be installed; may be repeated. Default: all that are installed.",
)
@wstest_option
@profile_option
@cases_option
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@report_option
@patience_options
@click.option(
    "--planted",
    multiple=True,
    metavar="COUNT|NAME",
    help="Run a broken library: this many faults of `plant`, or those with NAME in them, one at a time.",
)
@click.option("--seed", type=int, help="Repeat the choice that --planted COUNT made in an earlier run.")
def agree_command(  # noqa: PLR0913, PLR0917  # an argument per option
    engines: tuple[Engine, ...],
    wstest: str,
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    folder: Path,
    timeout: float,
    time_limit: float,
    budget: float | None,
    planted: tuple[str, ...],
    seed: int | None,
) -> ExitCode:
    """Run the same cases with several engines in both roles, and compare their verdicts.

    DIR gets a folder for each engine. With --planted they run Autobahn's cases over broken copies of the
    library, since on a good one nearly all verdicts are OK; DIR gets a folder for each fault.
    """
    console = Output()
    suites = _suites(engines, wstest, console)
    patience, patterns = Patience(timeout, time_limit, budget), patterns + more_patterns
    if not planted:
        return agree(Order(ROLES, profile, patterns), suites, folder, patience, console)
    _check_planted()
    from harness.agree_planted import agree_on_broken, chosen, sections_of  # noqa: PLC0415  # they need another tool

    order = Order(ROLES, profile, patterns or sections_of(profile))
    return agree_on_broken(chosen(planted, seed, console), order, suites, folder, patience, console)


@cli.command("plant")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Runs at once.")
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the table to this file.",
)
def plant_command(names: tuple[str, ...], jobs: int, markdown: Path | None) -> ExitCode:
    """Put single faults into copies of the library, and show which cases see them.

    NAME is a fault's name, or a part of it; without one all are planted. Each run is that of `run --profile
    fast -x`. The exit code is 0 when every fault is seen that the wire can show.
    """
    _check_planted()
    from fuzz.planted.catalogue import named  # noqa: PLC0415  # of another tool, which nothing else here needs
    from harness.plant import plant_all  # noqa: PLC0415

    check_writable(markdown)
    return plant_all(named(names), jobs, markdown, Output())


@cli.command("collect")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@selection_options
@update_option
def collect_command(
    folder: Path, profile: Profile, patterns: tuple[str, ...], expected: Path, *, update_baseline: bool
) -> ExitCode:
    """Judge the reports that wstest has written in both roles.

    DIR has wstest's reports in the folders server and client (the library's role), and gets results.json.
    Reports that were judged before are an error.
    """
    return collect(
        Order(ROLES, profile, patterns, expected, update_baseline=update_baseline), folder, Output()
    )


@cli.command("report")
@click.argument("path", type=click.Path(exists=True, path_type=Path), metavar="DIR")
def report_command(path: Path) -> ExitCode:
    """Write the report of a run again: index.html, junit.xml, summary.md, badge.svg.

    DIR is a folder with a results.json. The exit code is that of the run.
    """
    results, console = read_results(path), Output()
    page = write_report(path if path.is_dir() else path.parent, results)
    for label, report in results["setups"].items():
        count = len(report["differences"])
        print_setup(console, label, report["cases"], count, report["duration"], results["judgedBy"])
    say(console, f"report: {page}")
    return ExitCode.GOOD if results["asExpected"] else ExitCode.BAD


@cli.command("list")
@click.argument("patterns", nargs=-1, metavar="[GLOB]...")
@click.option(
    "--profile", type=click.Choice(PROFILES), default="full", help="List only the cases of this profile."
)
def list_command(patterns: tuple[str, ...], profile: Profile) -> None:
    """Show the cases with their titles.

    GLOB is a case (6.4.1), a section (6.4), or a glob (6.*.1).
    """
    cases, titles = select(profile, patterns), read_titles()
    print_titles(Output(), {case: titles.get(case, "") for case in cases})


for command in (test_command, fuzz_command, fuzzserver_command, diff_command):
    cli.add_command(command)


def _suites(engines: Sequence[Engine], wstest: str, console: Console) -> dict[Engine, Suite]:
    if engines:
        return {engine: suite_of(engine, wstest, console) for engine in engines}
    suites: dict[Engine, Suite] = {}
    for engine in ENGINES:
        try:
            suites[engine] = suite_of(engine, wstest, console)
        except MissingError as error:
            say(console, f"engine {engine}: LEFT OUT, {error}")
    return found(suites, console)


def _check_planted() -> None:
    if not IS_CHECKOUT:
        raise MissingError("the planted faults are missing: only a checkout of the repository has them")


def _roles(role: str) -> list[Role]:
    return [known for known in ROLES if role in {known, "both"}]
