"""The commands `test` and `diff` of `python -m harness`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.by_rfc import FAIL_ON, ByRfc
from harness.endpoints.choice import choose
from harness.endpoints.diff import diff
from harness.endpoints.endpoint import Endpoint, checked
from harness.endpoints.session import Session
from harness.endpoints.target import parse
from harness.judge import Baseline
from harness.options import failures_options, profile_option, report_option
from harness.order import Order
from harness.patience import Patience
from harness.setups import SETUPS
from harness.stored_results import differing_cases, read_results
from harness.wording import TEST
from tooling.console import Output, say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.by_rfc import FailOn
    from harness.cases import Profile
    from harness.endpoints.choice import Choice
    from harness.endpoints.target import Target
    from harness.roles import Role
    from harness.setups import Setup

TIMEOUT = Patience().time_limit

STEPS = 5
"""The time for a case, divided by that for one step of it."""

JOBS = 4


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how the server is asked."""
    for decorate in (
        click.option(
            "--remote", is_flag=True, help="The host is not this machine. Test only what you may test."
        ),
        click.option(
            "--ca",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Certificates of the authorities that are trusted, in PEM [default: those of the system].",
        ),
        click.option("--insecure", is_flag=True, help="Take any certificate."),
        click.option("--origin", default="", help="The Origin of every request."),
        click.option(
            "--subprotocol",
            "subprotocols",
            multiple=True,
            metavar="NAME",
            help="Offered in every request; may be repeated.",
        ),
        click.option(
            "--header",
            "headers",
            multiple=True,
            metavar="'NAME: VALUE'",
            help="A field of every request; may be repeated. The report shows it.",
        ),
        click.option(
            "--command",
            default="",
            help="Starts the server, and starts it again where it dies; {port} in it and in URL is a free "
            "port. The server listens when the port accepts a connection.",
        ),
    ):
        command = decorate(command)
    return command


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the cases."""
    for decorate in (
        click.option(
            "--failed", is_flag=True, help="Only the cases that differed in the last run (DIR/results.json)."
        ),
        click.option(
            "--max-message-size",
            "limit",
            type=click.IntRange(1024),
            metavar="BYTES",
            help="Longest message that the server takes; without it the cases about limits are left out.",
        ),
        click.option(
            "--without",
            type=click.Choice(["compression"]),
            multiple=True,
            help="Leave out the cases that need permessage-deflate.",
        ),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Not these cases; may be repeated."),
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


def judging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what counts as a failure."""
    for decorate in (
        click.option(
            "--update-baseline", is_flag=True, help="Make the results the expected ones, in --baseline FILE."
        ),
        click.option(
            "--baseline",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Expected verdicts: any difference counts, a better one too.",
        ),
        click.option(
            "--fail-on",
            type=click.Choice(FAIL_ON),
            help="Without a baseline, the rules that count: a MUST [default], or a SHOULD as well.",
        ),
    ):
        command = decorate(command)
    return command


def time_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how long to wait, and how many cases are played at once."""
    for decorate in (
        click.option(
            "--jobs", type=click.IntRange(1, 64), default=JOBS, show_default=True, help="Connections at once."
        ),
        click.option(
            "--budget",
            type=click.FloatRange(1),
            metavar="SECONDS",
            help="Longest time for all [default: ten times what it usually takes, and a minute].",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, min_open=True),
            default=TIMEOUT,
            show_default=True,
            metavar="SECONDS",
            help="Longest time for a case, a fifth of it for a step; six times that in sections 9, 12, 13.",
        ),
    ):
        command = decorate(command)
    return command


@click.command("test")
@click.argument("arguments", nargs=-1, metavar="URL [GLOB]...")
@request_options
@choice_options
@judging_options
@time_options
@failures_options
@report_option
def test_command(  # noqa: PLR0913, PLR0917  # an argument per option
    arguments: tuple[str, ...],
    headers: tuple[str, ...],
    subprotocols: tuple[str, ...],
    origin: str,
    ca: Path | None,
    command: str,
    patterns: tuple[str, ...],
    profile: Profile,
    exclude: tuple[str, ...],
    without: tuple[str, ...],
    limit: int | None,
    fail_on: FailOn | None,
    baseline: Path | None,
    timeout: float,
    budget: float | None,
    jobs: int,
    max_failures: int | None,
    folder: Path,
    *,
    insecure: bool,
    remote: bool,
    failed: bool,
    update_baseline: bool,
) -> ExitCode:
    """Test any server that echoes: ws:// or wss://HOST:PORT/PATH?QUERY.

    Every case asks that very target. Patterns may stand in a row: `--cases 6.4 '7.*'`. With --command the
    URL may be left out: it is ws://127.0.0.1:{port}/ then.

    Exit codes: 0 no rule is broken (or all is as in the baseline), 1 something differs, or the server died,
    2 the server cannot be reached, or the command was called wrongly, 3 something that it needs is missing.
    """
    url, patterns = _url_of(arguments, patterns, command)
    make = partial(
        parse, headers=headers, subprotocols=subprotocols, origin=origin, insecure=insecure, authority=ca
    )
    endpoint = Endpoint(url, partial(_target, make, remote), timeout / STEPS, command)
    if url:
        endpoint.parse(url.replace("{port}", "1"))
    judge = judge_of("server", baseline, fail_on, update_baseline=update_baseline)
    console = Output()
    choice = choose("server", profile, patterns, exclude, compression=not without, limit=limit)
    if failed:
        choice = narrowed(choice, folder, SETUPS["server"])
        if not choice.cases:
            say(console, f"nothing of this differed in the last run ({folder / 'results.json'})")
            return ExitCode.GOOD
    order = Order(
        ["server"],
        profile,
        patterns,
        update_baseline=update_baseline,
        command=shlex.join(["python", "-m", "harness", *sys.argv[1:]]),
    )
    options: list[tuple[str, Any]] = [
        ("--command", command),
        *(("--header", header) for header in headers),
        *(("--subprotocol", name) for name in subprotocols),
        ("--origin", origin),
        ("--insecure", insecure),
        ("--ca", ca),
        ("--remote", remote),
        ("--max-message-size", limit),
        ("--timeout", f"{timeout:g}" if timeout != TIMEOUT else None),
        ("--fail-on", fail_on),
        ("--baseline", baseline),
        ("--report", folder if str(folder) != "report" else None),
    ]
    patience = Patience(timeout / STEPS, timeout, budget)
    repeat = written(TEST, url, options)
    return Session(
        endpoint, choice, judge, order, repeat, folder, patience, jobs, max_failures, console
    ).run()


def _url_of(arguments: Sequence[str], patterns: Sequence[str], command: str) -> tuple[str, tuple[str, ...]]:
    """Share the arguments out: a URL, which a command may do without, and further patterns."""
    checked(command, arguments[0] if arguments else "")
    if arguments and (":" in arguments[0] or not command):
        return arguments[0], (*patterns, *arguments[1:])
    if not command:
        raise CommandError("no server: give ws:// or wss://HOST:PORT/PATH?QUERY, or --command to start one")
    return "", (*patterns, *arguments)


def _target(make: Callable[[str], Target], remote: bool, url: str) -> Target:  # noqa: FBT001
    target = make(url)
    if not target.place.is_here and not remote:
        raise CommandError(
            f"{url!r}: {target.place.host} is not this machine: "
            "test only what you may test, and say so by --remote"
        )
    return target


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


def narrowed(choice: Choice, folder: Path, setup: Setup) -> Choice:
    """Leave only the cases that differed in the last run."""
    differed = differing_cases(read_results(folder / "results.json")).get(setup, [])
    cases = [case for case in choice.cases if case in differed]
    return replace(choice, cases=cases, notes=[])


def written(command: str, url: str, options: Iterable[tuple[str, Any]]) -> str:
    """Write a command with those options that are given."""
    words = [url] if url else []
    for name, value in options:
        if value is True:
            words.append(name)
        elif value:
            words += [name, str(value)]
    return f"{command} {shlex.join(words)}"


@click.command("diff")
@click.argument("first", type=click.Path(exists=True, path_type=Path), metavar="A")
@click.argument("second", type=click.Path(exists=True, path_type=Path), metavar="B")
def diff_command(first: Path, second: Path) -> ExitCode:
    """Show which verdicts differ between two results, by setup and case.

    A and B are files results.json, or folders with one. Exit codes: 0 the same, 1 different, 2 one of them
    cannot be read.
    """
    return diff(first, second, Output())
