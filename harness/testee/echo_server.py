"""`python -m harness serve`: an echo server over the library, as a user would write one."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.testee.echo import AGENT, DEFAULT, MAX_MESSAGE_SIZE, EchoConnection
from harness.testee.modes import Mode
from tooling.errors import CommandError
from wsproto import ConnectionState
from wsproto.events import AcceptConnection, Request
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.testee.variants import Configuration
    from wsproto.events import BytesMessage, Event, TextMessage

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that open connections have for their closing handshake when the server stops."""

GOING_AWAY = 1001


class EchoWithModes(EchoConnection):
    """A server's end that does besides what the path asks for."""

    _mode = Mode()
    _later: asyncio.TimerHandle | None = None
    """The answer to a request that waits for it."""

    def eof_received(self) -> bool:
        """Tell the library; a client that waits for its answer can still get it."""
        super().eof_received()
        return self._later is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer nobody."""
        if self._later is not None:
            self._later.cancel()
        super().connection_lost(exc)

    def accepted(self, request: Request) -> bytes:
        """Read the path; name the subprotocol that it asks for, if the library lets it."""
        self._mode = Mode(request.target)
        self._told = list(self._mode.told(request))
        self.close_timeout = self._mode.close_timeout or self.close_timeout
        try:
            return super().accepted(request)
        except LocalProtocolError:  # the client did not offer it
            return self.ws.send(replace(self.accept(request), subprotocol=None))

    def accept(self, request: Request) -> AcceptConnection:  # noqa: ARG002
        """Choose subprotocol and compression by the path."""
        return AcceptConnection(
            subprotocol=self._mode.subprotocol,
            extensions=[self._mode.deflate()]
            if self._mode.name == "deflate"
            else self.configuration.accepts(),
            extra_headers=[(b"Server", AGENT.encode())],
        )

    def opened(self) -> bytes:
        """Send what the mode begins with."""
        return b"".join(map(self.ws.send, [*self._told, *self._mode.opening()]))

    def received(self, message: TextMessage | BytesMessage) -> bytes:
        """Send the message back as the mode says."""
        return b"".join(map(self.ws.send, self._mode.answers(message)))

    def _reply(self, event: Event) -> bytes:
        """Let a request wait where its path says so."""
        if isinstance(event, Request) and (delay := Mode(event.target).delay) is not None:
            self._later = asyncio.get_running_loop().call_later(delay, self._reply_late, event)
            return b""
        return super()._reply(event)

    def _reply_late(self, request: Request) -> None:
        """Accept the request, unless it was refused, and answer what has come behind it."""
        if self.ws.state is ConnectionState.CONNECTING:
            self.transport.write(super()._reply(request))
            self._receive(b"")


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
        connection = EchoWithModes(max_message_size, note, configuration)
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
