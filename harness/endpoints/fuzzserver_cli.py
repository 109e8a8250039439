"""The command `fuzzserver` and its options."""

from __future__ import annotations

import ipaddress
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.by_rfc import FAIL_ON, ByRfc
from harness.cases import PROFILES
from harness.endpoints.choice import ABILITIES, left
from harness.endpoints.fuzzserver import CLIENT, FuzzServer
from harness.extra import EXTRA
from harness.judge import Baseline
from harness.order import Order
from harness.patience import Patience
from tooling.console import Output
from tooling.errors import CommandError

if TYPE_CHECKING:
    from harness.by_rfc import FailOn
    from harness.cases import Profile
    from harness.endpoints.choice import Ability
    from tooling.errors import ExitCode

ONLY_ONCE = ("--once", "--update-baseline")
"""Options that a command which repeats a case does not have."""


def _check_host(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value:
        raise click.BadParameter("'' is not an address (asyncio would listen on all of them)")
    if not context.params.get("remote") and not _is_loopback(value):
        raise click.BadParameter(
            f"{value!r} is not an address of loopback: --remote permits clients of other machines"
        )
    return value


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@click.command("fuzzserver")
@click.option(
    "--port",
    default=9001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="TCP port; 0 takes a free one.",
)
@click.option(
    "--host",
    callback=_check_host,
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on, of loopback unless --remote.",
)
@click.option("--remote", is_flag=True, is_eager=True, help="Permit an address that other machines reach.")
@click.option("--profile", type=click.Choice(PROFILES), default="full", show_default=True, help="How much.")
@click.option(
    "--cases",
    "patterns",
    multiple=True,
    metavar="GLOB ...",
    help="Only these of the profile: a case (6.4.1), a section (6.4), or a glob (6.*.1).",
)
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not these; may be repeated.")
@click.option(
    "--without",
    type=click.Choice(ABILITIES),
    multiple=True,
    help="No cases for what the client lacks; may be repeated. handshakes: its program ends where one fails.",
)
@click.option(
    "--max-message-size",
    metavar="BYTES",
    type=click.IntRange(1),
    help="The longest message that the client takes. Without it there are no cases about limits (X.9).",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="The rules that it has to keep: each MUST, or each SHOULD as well [default: must].",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge by the verdicts of this file in place of the rules: any difference counts.",
)
@click.option("--update-baseline", is_flag=True, help="Make the results the expected ones of --baseline.")
@click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="report",
    show_default=True,
    metavar="DIR",
    help="Folder of the reports: one below it for each agent, or with --once the folder itself.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=Patience().timeout,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for each step of the client in an extra case.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    default=Patience().time_limit,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for a case; six times as long for a case of 9, 12 and 13.",
)
@click.option("--once", is_flag=True, help="End when a client has asked for its report, with its verdict.")
@click.option(
    "--idle",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --once: time after which a client is given up that asks for nothing more.",
)
def fuzzserver_command(  # noqa: PLR0913, PLR0917  # an argument per option
    port: int,
    host: str,
    profile: Profile,
    patterns: tuple[str, ...],
    more_patterns: tuple[str, ...],
    exclude: tuple[str, ...],
    without: tuple[Ability, ...],
    max_message_size: int | None,
    fail_on: FailOn | None,
    baseline: Path | None,
    folder: Path,
    timeout: float,
    time_limit: float,
    idle: float,
    *,
    update_baseline: bool,
    remote: bool,
    once: bool,
) -> ExitCode:
    """Serve the cases to WebSocket clients in any language, as Autobahn's fuzzing server does.

    A client asks /getCaseCount for their number, connects to /runCase?case=N&agent=NAME for each and echoes,
    then to /updateReports?agent=NAME, which writes the report of its agent. /getCaseInfo, /getCaseStatus and
    /getCaseMode are there as well; the README of the harness has it all. Without --once the server stays
    until SIGINT. The exit code is 0 when no report has a difference, 1 when one has.

    Clients of other machines reach it with --remote alone. Test only what you may test.
    """
    if baseline and fail_on:
        raise CommandError(f"--baseline and --fail-on {fail_on} are two measures: choose one")
    if update_baseline and not baseline:
        raise CommandError("--update-baseline needs --baseline FILE")
    order = Order(
        ["client"],
        profile,
        [*patterns, *more_patterns],
        update_baseline=update_baseline,
        command=shlex.join(["python", "-m", "harness", *sys.argv[1:]]),
    )
    lacking: list[Ability] = [*without, "limits"] if max_message_size is None else [*without]
    chosen = left(order.cases()[CLIENT], exclude, lacking)
    judge = (
        Baseline("client", file=baseline).load(may_be_missing=update_baseline)
        if baseline
        else ByRfc(fail_on or "must")
    )
    return FuzzServer(
        order.narrowed({CLIENT: chosen}),
        judge,
        EXTRA,
        folder,
        Patience(timeout, time_limit),
        Output(),
        host,
        port,
        remote=remote,
        once=once,
        idle=idle,
    ).run()
