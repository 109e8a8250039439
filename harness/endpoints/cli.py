"""The commands `test` and `diff` of `python -m harness`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.endpoints.choice import choose
from harness.endpoints.diff import diff
from harness.endpoints.endpoint import Endpoint, checked
from harness.endpoints.options import (
    STEPS,
    choice_options,
    judge_of,
    judging_options,
    narrowed,
    repeating,
    timeout_option,
)
from harness.endpoints.session import Session
from harness.endpoints.target import parse
from harness.fuzzing.repeat import repeat_cases
from harness.options import budget_option, failures_options, report_option, together
from harness.order import Order
from harness.patience import Patience
from harness.setups import TRANSPORTS, Setup
from harness.transports.carriage import Carriage
from harness.wording import TEST, this_command
from tooling.console import Output
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.by_rfc import FailOn
    from harness.cases import Profile
    from harness.endpoints.target import Target
    from harness.setups import Transport

request_options = together(
    click.option(
        "--command",
        default="",
        help="Starts the server, and starts it again if it dies; {port} in it and in URL is a free "
        "port. The server is ready when the port accepts a connection.",
    ),
    click.option(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="A header field for every request; may be repeated. The report shows it.",
    ),
    click.option(
        "--subprotocol",
        "subprotocols",
        multiple=True,
        metavar="NAME",
        help="Offered in every request; may be repeated.",
    ),
    click.option("--origin", default="", help="The Origin of every request."),
    click.option("--insecure", is_flag=True, help="Accept any certificate."),
    click.option(
        "--ca",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Certificates of the authorities to trust, in PEM [default: the system's].",
    ),
    click.option("--remote", is_flag=True, help="Allow another host. Test only what you may test."),
)
"""The options that say how the server is asked."""

REPEATED = {
    *("--transport", "--command", "--header", "--subprotocol", "--origin", "--insecure", "--ca", "--remote"),
    *("--max-message-size", "--timeout", "--fail-on", "--baseline", "--report"),
}
"""The options of the command that repeats a case."""


@click.command("test")
@click.argument("arguments", nargs=-1, metavar="URL [GLOB]...")
@request_options
@click.option(
    "--transport",
    type=click.Choice(TRANSPORTS),
    default="h1",
    show_default=True,
    help="HTTP/1.1, HTTP/2 (over TLS, or with ws:// by prior knowledge) or HTTP/3.",
)
@choice_options("server", ["compression"], "that need permessage-deflate")
@judging_options
@timeout_option
@budget_option
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Connections at once.")
@failures_options
@report_option
@click.option(
    "--case",
    "found",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Repeat only this finding of `fuzz`, or those in a folder; may be repeated.",
)
def test_command(  # noqa: PLR0913, PLR0917  # an argument per option
    arguments: tuple[str, ...],
    headers: tuple[str, ...],
    subprotocols: tuple[str, ...],
    origin: str,
    ca: Path | None,
    command: str,
    transport: Transport,
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
    found: tuple[Path, ...],
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
    make = partial(parse, headers=headers, subprotocols=subprotocols, origin=origin, transport=transport)
    make = partial(make, insecure=insecure, authority=ca)
    endpoint = endpoint_of(url, make, timeout / STEPS, command, remote=remote, transport=transport)
    if found:
        return repeat_cases(
            endpoint, found, folder, limit, repeat=repeating(TEST, REPEATED, url), console=Output()
        )
    judge = judge_of("server", baseline, fail_on, update_baseline=update_baseline)
    console = Output()
    choice = choose(
        "server", profile, patterns, exclude, compression=not without, limit=limit, transport=transport
    )
    if failed:
        choice = narrowed(choice, folder, Setup("server", transport=transport), console)
    order = Order(["server"], profile, patterns, update_baseline=update_baseline, command=this_command())
    patience = Patience(timeout / STEPS, timeout, budget)
    repeat = repeating(TEST, REPEATED, url)
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


def endpoint_of(  # noqa: PLR0913  # what a server is
    url: str,
    make: Callable[[str], Target],
    timeout: float,
    command: str,
    *,
    remote: bool,
    transport: Transport = "h1",
) -> Endpoint:
    """Return the server that a user means; raises `CommandError` where that is none.

    :param make: makes a target of a URL.
    :param timeout: seconds that the server has to answer a request.
    :param remote: whether its host may be another machine.
    """
    Carriage(transport).check()
    endpoint = Endpoint(url, partial(_target, make, remote), timeout, command, transport)
    if url:
        endpoint.parse(url.replace("{port}", "1"))
    return endpoint


def _target(make: Callable[[str], Target], remote: bool, url: str) -> Target:  # noqa: FBT001
    target = make(url)
    if not target.place.is_here and not remote:
        raise CommandError(
            f"{url!r}: {target.place.host} is not this machine: "
            "test only what you may test, and say so by --remote"
        )
    return target


@click.command("diff")
@click.argument("first", type=click.Path(exists=True, path_type=Path), metavar="A")
@click.argument("second", type=click.Path(exists=True, path_type=Path), metavar="B")
def diff_command(first: Path, second: Path) -> ExitCode:
    """Show which verdicts differ between two results, by setup and case.

    A and B are files results.json, or folders with one. Exit codes: 0 the same, 1 different, 2 one of them
    cannot be read.
    """
    return diff(first, second, Output())
