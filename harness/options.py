"""The options that several commands of `harness.cli` have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cases import PROFILES
from harness.judge import EXPECTED
from harness.patience import Patience
from harness.setups import TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_USUAL = Patience()


def together(*options: Decorator) -> Decorator:
    """Return what adds these options to a command, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


profile_option = click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="full",
    show_default=True,
    help="How much of the suite to play.",
)

update_option = click.option("--update-baseline", is_flag=True, help="Make these results the expected ones.")

cases_option = click.option(
    "--cases",
    "patterns",
    multiple=True,
    metavar="GLOB ...",
    help="Play only these of the profile: a case (6.4.1), a section (6.4), or a glob (6.*.1).",
)

selection_options = together(
    profile_option,
    cases_option,
    click.option(
        "--expected",
        type=click.Path(file_okay=False, path_type=Path),
        default=EXPECTED,
        metavar="DIR",
        help="Folder of the baselines server.json and client.json [default: autobahn/expected].",
    ),
)

failed_option = click.option(
    "--failed", is_flag=True, help="Play only the cases that differed in the last run (DIR/results.json)."
)


def transports_option(what: str) -> Decorator:
    """Return the option that chooses transports.

    :param what: says what they are chosen for.
    """
    return click.option(
        "--transport",
        "transports",
        type=click.Choice(TRANSPORTS),
        multiple=True,
        default=("h1",),
        show_default=True,
        help=what,
    )


report_option = click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="report",
    show_default=True,
    metavar="DIR",
    help="Folder for the report, its JSON file and page among others, and for logs.",
)

budget_option = click.option(
    "--budget",
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="Longest time for all cases [default: ten times what they usually take, plus a minute].",
)

patience_options = together(
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=_USUAL.timeout,
        show_default=True,
        metavar="SECONDS",
        help="Longest time for each step of the library in an extra case.",
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(0, min_open=True),
        default=_USUAL.time_limit,
        show_default=True,
        metavar="SECONDS",
        help="Longest time for a case; six times as long in sections 9, 12 and 13, "
        "and at least ten times what it usually takes.",
    ),
    budget_option,
)

failures_options = together(
    click.option(
        "--max-failures",
        "max_failures",
        type=click.IntRange(1),
        metavar="COUNT",
        help="Stop when this many verdicts differ.",
    ),
    click.option(
        "-x",
        "max_failures",
        flag_value=1,
        type=click.IntRange(1),
        help="Stop when a verdict differs; the same as --max-failures 1.",
    ),
)

wstest_option = click.option(
    "--wstest",
    default="wstest",
    show_default=True,
    metavar="PATH",
    help="The program of the engine wstest: a path, or a name on PATH.",
)
