"""`python -m harness serve`: an echo server over the library, as a user would write one."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from harness.testee.echo import DEFAULT, MAX_MESSAGE_SIZE, EchoConnection
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.testee.variants import Configuration

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that open connections have for their closing handshake when the server stops."""

GOING_AWAY = 1001


async def serve(  # noqa: PLR0913, PLR0917  # what a user can choose
    host: str,
    port: int,
    ready: Callable[[str], None],
    max_message_size: int = MAX_MESSAGE_SIZE,
    note: Callable[[str], None] | None = None,
    configuration: Configuration = DEFAULT,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` gets the URL once connections are accepted.

    `note` gets a line for each event of a connection. Raises `CommandError` where the address cannot be
    bound.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    connections: set[EchoConnection] = set()

    def connect() -> EchoConnection:
        connection = EchoConnection(max_message_size, note, configuration)
        connections.add(connection)
        connection.lost.add_done_callback(lambda _: connections.discard(connection))
        return connection

    try:
        server = await loop.create_server(connect, host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: the text cannot be a host name
        raise CommandError(f"cannot listen on {host!r}, port {port}: {error}") from error
    ready(url_of(server))
    await stop.wait()
    server.close()
    for connection in connections:
        connection.close(GOING_AWAY, "the server stops")
    await _drain(connections)


def url_of(server: asyncio.Server) -> str:
    """Return the `ws://` URL of a listening server, an IPv6 address as RFC 6874 writes it."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"ws://[{host.replace('%', '%25')}]:{port}" if ":" in host else f"ws://{host}:{port}"


async def _drain(connections: set[EchoConnection]) -> None:
    if connections:
        await asyncio.wait([connection.lost for connection in connections], timeout=SHUTDOWN_TIMEOUT)
    for connection in connections:
        connection.transport.abort()
