"""The command line `python -m harness`; its commands `serve` and `drive` come from `testee.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.agree import agree, found
from harness.case_texts import read_titles
from harness.cases import PROFILES, select
from harness.engines.known import ENGINES, suite_of
from harness.engines.kosoku import KosokuSuite
from harness.judge import EXPECTED
from harness.matrix.run import Matrix
from harness.report import write_report
from harness.roles import ROLES
from harness.run import Order, collect, judge_file, run
from harness.stored_results import differing_cases, read_results
from harness.summary import print_role, print_titles
from harness.testee.cli import drive_command, serve_command
from tooling import running
from tooling.console import Output, say
from tooling.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.cases import Profile
    from harness.engines.known import Engine
    from harness.engines.suite import Suite
    from harness.roles import Role


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    return running.run(cli, "python -m harness", arguments)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run wsproto against the Autobahn test suite and judge the results.

    Exit codes: 0 as expected, 1 something differs, 2 the harness failed or was called wrongly, 3 something
    that it needs is missing.
    """


cli.add_command(serve_command)
cli.add_command(drive_command)

profile_option = click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="full",
    show_default=True,
    help="How much of the suite.",
)
update_option = click.option("--update-baseline", is_flag=True, help="Make the results the expected ones.")


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the cases and the expected results."""
    for decorate in (
        click.option(
            "--expected",
            type=click.Path(file_okay=False, path_type=Path),
            default=EXPECTED,
            metavar="DIR",
            help="Folder of the baselines server.json and client.json [default: autobahn/expected].",
        ),
        click.option(
            "--cases",
            "patterns",
            multiple=True,
            metavar="GLOB ...",
            help="Only these of the profile: a case (6.4.1), a section (6.4), or a glob (6.*.1).",
        ),
        profile_option,
    ):
        command = decorate(command)
    return command


report_option = click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="report",
    show_default=True,
    metavar="DIR",
    help="Folder for the report (results.json, index.html and others) and for logs.",
)


time_limit_option = click.option(
    "--time-limit",
    type=click.IntRange(1),
    default=180,
    show_default=True,
    help="Longest time for a case, in seconds.",
)
wstest_option = click.option(
    "--wstest",
    default="wstest",
    show_default=True,
    metavar="PATH",
    help="The program of the engine wstest: a path, or a name on PATH.",
)


@cli.command("run")
@click.option(
    "--role", type=click.Choice([*ROLES, "both"]), default="both", show_default=True, help="Of the library."
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
@click.option(
    "--failed",
    is_flag=True,
    help="Only the cases that differed in the last run, which DIR/results.json names.",
)
@time_limit_option
def run_command(  # noqa: PLR0913, PLR0917  # an argument per option
    role: str,
    engine: Engine,
    wstest: str,
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    folder: Path,
    time_limit: int,
    expected: Path,
    *,
    update_baseline: bool,
    failed: bool,
) -> ExitCode:
    """Run the library against the suite on loopback, and judge.

    Patterns may stand in a row: `--cases 6.4 '7.*'`.
    """
    order = Order(
        _roles(role), profile, [*patterns, *more_patterns], expected, update_baseline=update_baseline
    )
    console = Output()
    if failed:
        order = order.narrowed(differing_cases(read_results(folder / "results.json")))
        if not order.roles:
            path = folder / "results.json"
            say(console, f"nothing of this differed in the last run ({path})")
            return ExitCode.GOOD
    return run(order, suite_of(engine, wstest, console), folder, time_limit, console)


@cli.command("matrix")
@click.option("--only", multiple=True, metavar="NAME", help="Only this implementation; may be repeated.")
@selection_options
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@report_option
@click.option(
    "--time-limit",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="Longest time for a case, in seconds.",
)
def matrix_command(  # noqa: PLR0913, PLR0917  # an argument per option
    only: tuple[str, ...],
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    folder: Path,
    time_limit: int,
    expected: Path,
) -> ExitCode:
    """Run this library and others through the same cases, and compare them on one page, matrix.html.

    Each implementation of harness/matrix/testees runs in an environment of its own, made on first use. A
    failure of another one is a result, no error: the exit code is 0 when this library's verdicts are those of
    its baseline and all could be run.
    """
    order = Order(_roles("both"), profile, [*patterns, *more_patterns], expected)
    return Matrix(order, KosokuSuite(), folder, time_limit, Output(), only).run()


@cli.command("judge")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--role", type=click.Choice(ROLES), required=True, help="Of the library.")
@click.option("--agent", help="Name of the agent to judge, where an index.json has several.")
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
@report_option
@time_limit_option
def agree_command(
    engines: tuple[Engine, ...], wstest: str, profile: Profile, folder: Path, time_limit: int
) -> ExitCode:
    """Run the same cases with several engines in both roles, and compare their verdicts.

    DIR gets a folder for each engine.
    """
    console = Output()
    suites: dict[Engine, Suite] = {engine: suite_of(engine, wstest, console) for engine in engines or ENGINES}
    if not engines:
        suites = found(suites, console)
    return agree(Order(ROLES, profile), suites, folder, time_limit, console)


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
    for report in results["setups"].values():
        print_role(console, report["role"], report["cases"], len(report["differences"]), report["duration"])
    say(console, f"report: {page}")
    return ExitCode.GOOD if results["asExpected"] else ExitCode.BAD


@cli.command("list")
@click.argument("patterns", nargs=-1, metavar="[GLOB]...")
@click.option(
    "--profile", type=click.Choice(PROFILES), default="full", help="Only the cases of this profile."
)
def list_command(patterns: tuple[str, ...], profile: Profile) -> None:
    """Show the cases with their titles.

    GLOB is a case (6.4.1), a section (6.4), or a glob (6.*.1).
    """
    cases, titles = select(profile, patterns), read_titles()
    print_titles(Output(), {case: titles.get(case, "") for case in cases})


def _roles(role: str) -> list[Role]:
    return [known for known in ROLES if role in {known, "both"}]
