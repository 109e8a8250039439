"""The command `fuzz` of `python -m harness`."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import click

from harness.endpoints.cli import endpoint_of, request_options
from harness.endpoints.endpoint import checked
from harness.endpoints.options import repeating
from harness.endpoints.target import parse
from harness.fuzzing.campaign import LIMIT, PATIENT, Campaign
from harness.options import report_option
from harness.wording import TEST
from tooling.console import Output
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 1.0
"""Seconds that a server has for an answer, before the sequence is played again with more patience."""

REPEATED = {
    *("--command", "--header", "--subprotocol", "--origin", "--insecure", "--ca", "--remote"),
    "--max-message-size",
}
"""The options of the command that repeats a finding."""


@click.command("fuzz")
@click.argument("url", default="", metavar="URL")
@request_options
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="How long to play new sequences.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=lambda: Random().randrange(2**31),  # noqa: S311  # not a secret
    help="The same seed plays the same sequences [default: a new one, which is shown].",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1000, min_open=True),
    default=100.0,
    show_default=True,
    metavar="COUNT",
    help="Most connections per second.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0.05),
    default=PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help=f"How long the server has to answer; its silence counts only after {PATIENT} times that.",
)
@click.option(
    "--max-message-size",
    "limit",
    type=click.IntRange(1024),
    default=LIMIT,
    show_default=True,
    metavar="BYTES",
    help="Longest message that the server accepts: it may refuse longer ones.",
)
@click.option("--max-findings", "most", type=click.IntRange(1), metavar="COUNT", help="Stop after this many.")
@click.option("-x", "most", flag_value=1, type=click.IntRange(1), help="Stop after the first finding.")
@report_option
def fuzz_command(  # noqa: PLR0913, PLR0917  # an argument per option
    url: str,
    headers: tuple[str, ...],
    subprotocols: tuple[str, ...],
    origin: str,
    ca: Path | None,
    command: str,
    seconds: float,
    seed: int,
    rate: float,
    patience: float,
    limit: int,
    most: int | None,
    folder: Path,
    *,
    insecure: bool,
    remote: bool,
) -> ExitCode:
    """Fuzz any server that echoes: ws:// or wss://HOST:PORT/PATH?QUERY.

    Plays handshakes, frames and compressed messages, right ones and wrong ones, a connection each, and
    judges every answer by the RFCs. A finding is confirmed, made smaller, and written to DIR/cases, where
    `test URL --case FILE` repeats it. With --command a crash is seen, and memory that grows.

    It sends only to URL. Test only what you may test: a host that is not this machine needs --remote.

    Exit codes: 0 nothing was found, 1 something was, 2 the server cannot be reached, or the command was
    called wrongly.
    """
    checked(command, url)
    if not url and not command:
        raise CommandError("no server: give ws:// or wss://HOST:PORT/PATH?QUERY, or --command to start one")
    make = partial(
        parse, headers=headers, subprotocols=subprotocols, origin=origin, insecure=insecure, authority=ca
    )
    endpoint = endpoint_of(url, make, PATIENT * patience, command, remote=remote)
    repeat = repeating(TEST, REPEATED, url)
    return Campaign(endpoint, seed, seconds, rate, patience, limit, folder, repeat, Output(), most).run()
