"""The options that `test` and `fuzzserver` share, and the command that repeats a case with them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from harness.by_rfc import FAIL_ON, ByRfc
from harness.judge import Baseline
from harness.options import cases_option, failed_option, profile_option, together
from harness.patience import Patience
from harness.stored_results import differing_cases, read_results
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console

    from harness.by_rfc import FailOn
    from harness.endpoints.choice import Choice
    from harness.options import Decorator
    from harness.roles import Role
    from harness.setups import Setup

STEPS = 5
"""The time for a case, divided by that for one step of it."""

exclude_option = click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Not these cases; may be repeated."
)

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=Patience().time_limit,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for a case, a fifth of it for a step; six times that in sections 9, 12, 13.",
)

judging_options = together(
    click.option(
        "--fail-on",
        type=click.Choice(FAIL_ON),
        help="Without a baseline, the rules that count: a MUST [default], or a SHOULD as well.",
    ),
    click.option(
        "--baseline",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Expected verdicts: any difference counts, a better one too.",
    ),
    click.option(
        "--update-baseline", is_flag=True, help="Make these results the expected ones, in --baseline FILE."
    ),
)


def choice_options(role: Role, without: Sequence[str], what: str) -> Decorator:
    """Return the options that choose the cases.

    :param role: the role of the endpoint under test.
    :param without: the kinds of cases that can be left out.
    :param what: says which ones these are.
    """
    return together(
        profile_option,
        cases_option,
        exclude_option,
        click.option(
            "--without", type=click.Choice(without), multiple=True, help=f"Leave out the cases {what}."
        ),
        click.option(
            "--max-message-size",
            "limit",
            type=click.IntRange(1024),
            metavar="BYTES",
            help=f"Longest message that the {role} takes; without it the cases about limits are left out.",
        ),
        failed_option,
    )


def judge_of(
    role: Role, baseline: Path | None, fail_on: FailOn | None, *, update_baseline: bool
) -> Baseline | ByRfc:
    """Return what judges the verdicts; raises `CommandError` where the options do not fit each other."""
    if not baseline:
        if update_baseline:
            raise CommandError("--update-baseline writes a baseline of yours: say where by --baseline FILE")
        return ByRfc(fail_on or "must")
    if fail_on:
        raise CommandError(f"--fail-on {fail_on} is for a test without --baseline, which has every verdict")
    return Baseline(role, file=baseline).load(may_be_missing=update_baseline)


def narrowed(choice: Choice, folder: Path, setup: Setup, console: Console) -> Choice:
    """Leave only the cases that differed in the last run; where there is none, say so and end the command."""
    results = folder / "results.json"
    differed = differing_cases(read_results(results)).get(setup, [])
    cases = [case for case in choice.cases if case in differed]
    if not cases:
        say(console, f"nothing of this differed in the last run ({results})")
        raise click.exceptions.Exit(ExitCode.GOOD)
    return replace(choice, cases=cases, notes=[])


def repeating(command: str, names: Collection[str], *words: str) -> str:
    """Write the command that is running again, with those of its options that have one of these names."""
    context = click.get_current_context()
    written = [word for word in words if word]
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if parameter.opts[0] not in names or not given:
            continue
        value = context.params[parameter.name or ""]
        for one in value if isinstance(value, tuple) else [value]:
            written += [parameter.opts[0]] if one is True else [parameter.opts[0], str(one)]
    return f"{command} {shlex.join(written)}"
