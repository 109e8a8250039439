"""`serve` and `drive`, commands of `python -m harness`, and of `python -m harness.testee`.

The second starts in a third of the time, since it imports only click and the testee. That counts: a run
starts a process for each role and each engine.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.setups import VARIANTS
from harness.testee.echo import AGENT, MAX_MESSAGE_SIZE
from harness.testee.echo_server import serve
from harness.testee.fuzz_client import HANDSHAKE_TIMEOUT, Bounds, Caller, address_of, drive_by
from harness.testee.streams import StreamCaller
from harness.testee.variants import CONFIGURATIONS
from tooling import running
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.setups import Variant
    from harness.testee.fuzz_client import Address


SCHEMES = {"h1": ("ws",), "h2": ("ws", "wss"), "h3": ("wss",)}
"""The transports, and the schemes that each takes."""

CLIENTS = {"h2": "harness.testee.http2_client", "h3": "harness.testee.http3_client"}
"""Imported when they are asked for: they need examples/, and a package that the others do not."""

limit_option = click.option(
    "--max-message-size",
    default=MAX_MESSAGE_SIZE,
    show_default=True,
    metavar="BYTES",
    type=click.IntRange(0),
    help="Longest message that is echoed, in bytes; a longer one is refused with 1009.",
)


variant_option = click.option(
    "--variant",
    type=click.Choice(VARIANTS),
    default="default",
    show_default=True,
    help="Configuration of the library.",
)


def _check_host(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value:
        raise click.BadParameter("'' is not an address (asyncio would listen on all of them)")
    return value


@click.command("serve")
@click.option(
    "--host", callback=_check_host, default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option(
    "--port",
    default=9001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="TCP port; 0 takes a free one.",
)
@limit_option
@variant_option
@click.option(
    "--verbose", is_flag=True, help="Say on standard error who connects, and what is refused and why."
)
def serve_command(host: str, port: int, max_message_size: int, variant: Variant, *, verbose: bool) -> None:
    """Serve echoes over the library until SIGINT or SIGTERM."""
    note = partial(click.echo, err=True) if verbose else None
    asyncio.run(
        serve(
            host,
            port,
            lambda url: click.echo(f"Listening on {url}"),
            max_message_size,
            note,
            CONFIGURATIONS[variant],
        )
    )


def _check_url(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    transport = context.params["transport"]
    schemes = SCHEMES[transport]
    scheme = "wss" if value.startswith("wss://") and "wss" in schemes else schemes[0]
    try:
        return address_of(value, scheme).url
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not {scheme}://HOST:PORT: {error}") from None


@click.command("drive")
@click.argument("url", callback=_check_url, metavar="ws://HOST:PORT")
@click.option("--agent", default=AGENT, show_default=True, help="Name to show in the suite's report.")
@limit_option
@variant_option
@click.option(
    "--handshake-timeout",
    default=HANDSHAKE_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="Longest time for a handshake, in seconds.",
)
@click.option("--modes", is_flag=True, help="Ask the server for the mode of each case (/getCaseMode).")
@click.option(
    "--transport",
    type=click.Choice(list(SCHEMES)),
    default="h1",
    show_default=True,
    is_eager=True,  # the URL depends on it
    help="HTTP/1.1, or all cases as streams of one connection of HTTP/2 (ws:// is plain TCP by prior "
    "knowledge, wss:// TLS) or of HTTP/3 (wss://). The last two need a checkout, for its examples/.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="PEM: with wss://, trust the certificates of these authorities.",
)
def drive_command(  # noqa: PLR0913, PLR0917  # it has that many options
    url: str,
    agent: str,
    max_message_size: int,
    variant: Variant,
    handshake_timeout: float,
    transport: str,
    ca: str | None,
    *,
    modes: bool,
) -> None:
    """Run every case of a fuzzing server as its client, then have it write its reports."""
    bounds = Bounds(max_message_size, handshake_timeout, CONFIGURATIONS[variant])
    address = address_of(url, url.partition(":")[0])
    if ca and not url.startswith("wss"):
        raise click.BadParameter(
            f"{ca!r} needs a URL that begins with wss://, not {url!r}", param_hint="--ca"
        )
    caller = Caller(address, bounds) if transport == "h1" else stream_caller(transport, address, bounds, ca)

    def progress(number: int, of: int) -> None:
        click.echo(f"case {number} of {of}")

    count = asyncio.run(drive_by(caller, agent, progress, modes=modes))
    click.echo(f"{count} cases have run")


def stream_caller(transport: str, server: Address, bounds: Bounds, ca: str | None = None) -> Caller:
    """Return the client over HTTP/2 or HTTP/3; raises `CommandError` where it lacks something."""
    examples = Path(__file__).resolve().parents[2] / "examples"
    if not examples.is_dir():
        raise CommandError(f"--transport {transport} needs a checkout of wsproto: {examples} is missing")
    sys.path.append(str(examples))
    try:
        client = import_module(CLIENTS[transport])
    except ImportError as error:
        raise CommandError(f"--transport {transport}: {error}") from error
    return StreamCaller(server, bounds, partial(client.connect, ca=ca))


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(AGENT, message="%(version)s")
def cli() -> None:
    """Run the testee alone."""


cli.add_command(serve_command)
cli.add_command(drive_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    return running.run(cli, "python -m harness.testee", arguments)
