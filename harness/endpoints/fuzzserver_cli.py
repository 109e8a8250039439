"""The command `fuzzserver` and its options."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import click

from harness.endpoints.choice import choose
from harness.endpoints.fuzzserver import CLIENT, FuzzServer
from harness.endpoints.options import (
    STEPS,
    choice_options,
    judge_of,
    judging_options,
    narrowed,
    repeating,
    timeout_option,
)
from harness.options import report_option, together
from harness.order import Order
from harness.patience import Patience
from harness.wording import FUZZSERVER, this_command
from tooling.console import Output
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from harness.by_rfc import FailOn
    from harness.cases import Profile


def _check_host(host: str, *, remote: bool) -> None:
    """Raise `CommandError` for an address that other machines reach, where they are not let in."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback and not remote:
        raise CommandError(
            f"--host {host!r} is not an address of loopback: let other machines in by --remote"
        )


address_options = together(
    click.option(
        "--port",
        default=9001,
        show_default=True,
        type=click.IntRange(0, 65535),
        help="TCP port; 0 takes a free one.",
    ),
    click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on."),
    click.option("--remote", is_flag=True, help="Allow clients on other machines, if --host does."),
    click.option(
        "--once", is_flag=True, help="End when a client has asked for its report; exit with its verdict."
    ),
    click.option(
        "--idle",
        type=click.FloatRange(0, min_open=True),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="With --once: give up a client that asks for nothing for this long.",
    ),
)
"""The options that say where clients come to, and for how long."""

REPEATED = {"--host", "--remote", "--max-message-size", "--timeout", "--fail-on", "--baseline"}
"""The options of the command that repeats a case, besides the port and --once."""


@click.command("fuzzserver")
@click.argument("more_patterns", nargs=-1, metavar="[GLOB]...")
@address_options
@choice_options(
    "client",
    ["compression", "limits", "handshakes"],
    "that need permessage-deflate, are about limits, or about odd opening handshakes, where some clients' "
    "programs end; may be repeated",
)
@judging_options
@timeout_option
@report_option
def fuzzserver_command(  # noqa: PLR0913, PLR0917  # an argument per option
    more_patterns: tuple[str, ...],
    port: int,
    host: str,
    profile: Profile,
    patterns: tuple[str, ...],
    exclude: tuple[str, ...],
    without: tuple[str, ...],
    limit: int | None,
    fail_on: FailOn | None,
    baseline: Path | None,
    timeout: float,
    idle: float,
    folder: Path,
    *,
    update_baseline: bool,
    remote: bool,
    once: bool,
    failed: bool,
) -> ExitCode:
    """Serve the cases to WebSocket clients in any language, as Autobahn's fuzzing server does.

    A client asks /getCaseCount for their number, connects to /runCase?case=N&agent=NAME for each and echoes,
    then to /updateReports?agent=NAME, which writes its report. The README of the harness has the other
    questions. Autobahn's cases have the first numbers, in its order. Without --once the server stays until
    SIGINT, and writes into a folder of DIR for each agent.

    Exit codes: 0 no rule is broken (or all is as in the baseline), 1 something differs, or a client did not
    ask for all cases, 2 the command was called wrongly, 3 something that it needs is missing.
    """
    _check_host(host, remote=remote)
    patterns = (*patterns, *more_patterns)
    judge = judge_of("client", baseline, fail_on, update_baseline=update_baseline)
    choice = choose(
        "client",
        profile,
        patterns,
        exclude,
        compression="compression" not in without,
        handshakes="handshakes" not in without,
        limit=None if "limits" in without else limit,
    )
    console = Output()
    if failed:
        choice = narrowed(choice, folder, CLIENT, console)
    order = Order(["client"], profile, patterns, update_baseline=update_baseline, command=this_command())
    return FuzzServer(
        order,
        choice,
        judge,
        repeating(FUZZSERVER, REPEATED, "--once", "--port", str(port)),
        folder,
        Patience(timeout / STEPS, timeout),
        console,
        host,
        port,
        remote=remote,
        once=once,
        idle=idle,
    ).run()
