"""`python -m harness serve`: an echo server over the library, as a user would write one."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.testee.echo import AGENT, DEFAULT, MAX_MESSAGE_SIZE, EchoConnection
from harness.testee.modes import Mode
from tooling.errors import CommandError
from wsproto import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, Request, TextMessage
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.testee.variants import Configuration
    from wsproto.events import Event

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that open connections have for their closing handshake when the server stops."""

GOING_AWAY = 1001


class TlsPorts:
    """The ports on which a server listens with TLS as well, one for each certificate."""

    def __init__(self, connect: Callable[[], EchoConnection]) -> None:
        self._connect = connect
        self._sockets: dict[tuple[str, str], socket.socket] = {}
        self._starting: set[asyncio.Task[asyncio.Server]] = set()

    def url(self, certificate: str, key: str) -> str:
        """Return the URL of the port for a certificate; its first connection waits until it is served."""
        listening = self._sockets.get((certificate, key))
        if listening is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            listening = self._sockets[certificate, key] = socket.create_server(("127.0.0.1", 0))
            serving = asyncio.get_running_loop().create_server(self._connect, sock=listening, ssl=context)
            self._starting.add(asyncio.ensure_future(serving))
        return f"wss://localhost:{listening.getsockname()[1]}"

    async def close(self) -> None:
        """Listen no more."""
        for server in await asyncio.gather(*self._starting):
            server.close()


class ServerConnection(EchoConnection):
    """A server's end: reads from the path in which mode it is."""

    tls_ports: TlsPorts | None = None
    connections: set[EchoConnection] | None = None
    """The connections that are open: it is one from the end of the handshake of TLS on."""
    _begun = False
    _told: Sequence[Event] = ()
    _later: asyncio.TimerHandle | None = None
    """The answer to a request that waits for it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Stand among the open connections."""
        super().connection_made(transport)
        if (connections := self.connections) is not None:
            connections.add(self)
            self.lost.add_done_callback(lambda _: connections.discard(self))

    def data_received(self, data: bytes) -> None:
        """Look for the limit in the request line first: the library gets its limits before the request."""
        if not self._begun and data.startswith(b"GET /limit?"):
            with suppress(ValueError):  # which has the request refused later
                self.bound_messages(Mode(data.split(b" ")[1].decode("latin-1")).limit or 0)
        self._begun = True
        super().data_received(data)

    def eof_received(self) -> bool:
        """Tell the library; a client that waits for its answer can still get it."""
        super().eof_received()
        return self._later is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer nobody."""
        if self._later is not None:
            self._later.cancel()
        super().connection_lost(exc)

    def opening(self) -> Iterable[Event]:
        """List what is sent first: what the mode tells of the request, or in the mode tls the URL."""
        if self.mode.name != "tls" or not self.tls_ports:
            return [*self._told, *super().opening()]
        try:
            url = self.tls_ports.url(self.mode.value("certificate"), self.mode.value("key"))
        except OSError as error:
            self._note(f"named no certificate and key: {error}")
            return [CloseConnection(1011, "the path names no certificate and key")]
        return [TextMessage(url), CloseConnection(1000)]

    def _reply(self, event: Event) -> bytes:
        """Answer a request, or let it wait where its path says so."""
        if not isinstance(event, Request):
            return super()._reply(event)
        self._note(f"opened {event.target!r}")
        try:
            self.mode = Mode(event.target)
        except ValueError as error:
            self._note(f"asked for no mode: {error}")
            return self.ws.send(RejectConnection(400, [(b"Content-Length", b"0"), (b"Connection", b"close")]))
        if self.mode.delay is None:
            return self._accept(event)
        self._later = asyncio.get_running_loop().call_later(self.mode.delay, self._accept_late, event)
        return b""

    def _accept_late(self, request: Request) -> None:
        """Accept the request, unless it was refused, and answer what has come behind it."""
        if self.ws.state is ConnectionState.CONNECTING:
            self.transport.write(self._accept(request))
            self._receive(b"")

    def _accept(self, request: Request) -> bytes:
        """Accept the request, with the subprotocol that the mode wants, if the library lets it."""
        self._told = list(self.mode.told(request))
        self.close_timeout = self.mode.close_timeout or self.close_timeout
        answer = AcceptConnection(
            subprotocol=self.mode.subprotocol,
            extensions=list(self.mode.extensions(self.configuration.accepts)),
            extra_headers=[(b"Server", AGENT.encode())],
        )
        try:
            data = self.ws.send(answer)
        except LocalProtocolError:  # the client did not offer it
            data = self.ws.send(replace(answer, subprotocol=None))
        return data + self._opened()


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
        connection = ServerConnection(max_message_size, note, configuration)
        connection.tls_ports, connection.connections = tls_ports, connections
        return connection

    tls_ports = TlsPorts(connect)
    try:
        server = await loop.create_server(connect, host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: the text cannot be a host name
        raise CommandError(f"cannot listen on {host!r}, port {port}: {error}") from error
    ready(url_of(server))
    await stop.wait()
    server.close()
    await tls_ports.close()
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
