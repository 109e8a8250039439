"""`python -m harness.transports server|client`: the bridge for a server or a client under test.

It says where it listens, in a line, and passes WebSockets on until SIGTERM. What it has not foreseen ends it
with exit code 2 and a traceback: a bridge that goes on with a fault would make wrong verdicts.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.transports.bridge import STREAMS, Files, on_loopback, to_server, to_suite
from tooling import running
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from harness.transports.bridge import BridgedTransport, Streams

MOST_NOTED = 100
"""Lines about peers that break their protocol; more would only fill the disk."""


class Notes:
    """Says on standard error what a peer does against the protocol."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, line: str) -> None:
        """Say a line."""
        self._count += 1
        if self._count <= MOST_NOTED:
            click.echo(line, err=True)


async def serve(bridge: AbstractAsyncContextManager[str]) -> None:
    """Serve until SIGINT or SIGTERM; raises `CommandError` with the first fault of the bridge."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()

    def failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        if not end.done():
            error = context.get("exception")
            end.set_exception(
                CommandError(f"{context['message']}: {error!r}" if error else context["message"])
            )

    def stop() -> None:
        if not end.done():
            end.set_result(None)

    loop.set_exception_handler(failed)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with bridge as url:
        click.echo(f"Listening on {url}")
        await end


def _file(name: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.option(name, type=kind, metavar="FILE", help=f"PEM: {text}")


def _files(
    transport: str, authority: Path | None, certificate: Path | None, key: Path | None
) -> Files | None:
    """Return the files, all or none; raises `UsageError` where some are missing."""
    if authority and certificate and key:
        return Files(authority, certificate, key)
    if authority or certificate or key or transport == "h3":
        raise click.UsageError(
            f"{transport} over TLS needs --authority, --certificate and --key, all of them"
        )
    return None


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Bridge HTTP/1.1 and a testee's HTTP/2 or HTTP/3, on the loopback interface alone."""


_transport = click.argument("transport", type=click.Choice(["h2", "h3"]))
_port = click.argument("port", type=click.IntRange(1, 65535))
_of_certificate = (
    _file("--authority", "the authority that a client trusts."),
    _file("--certificate", "the certificate that a server shows."),
    _file("--key", "its key."),
)


@cli.command("server")
@_transport
@_port
@click.option("--streams", type=click.Choice(STREAMS), default="shared", show_default=True)
@_of_certificate[0]
@_of_certificate[1]
@_of_certificate[2]
def server_command(  # noqa: PLR0913, PLR0917  # an argument per option
    transport: BridgedTransport,
    port: int,
    streams: Streams,
    authority: Path | None,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Listen for HTTP/1.1, and go on to the server under test at PORT."""
    files = _files(transport, authority, certificate, key)
    asyncio.run(serve(to_server(on_loopback(transport, port, files), Notes(), streams=streams)))


@cli.command("client")
@_transport
@_port
@_of_certificate[0]
@_of_certificate[1]
@_of_certificate[2]
def client_command(
    transport: BridgedTransport, port: int, authority: Path | None, certificate: Path | None, key: Path | None
) -> None:
    """Listen for a client under test, and go on by HTTP/1.1 to the suite at PORT."""
    files = _files(transport, authority, certificate, key)
    asyncio.run(serve(to_suite(transport, port, files, Notes())))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    return running.run(cli, "python -m harness.transports", arguments)
