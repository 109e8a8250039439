"""`python -m harness drive`: an echo client that runs every case of a fuzzing server."""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote, urlsplit

from harness.testee.echo import DEFAULT, MAX_MESSAGE_SIZE, EchoConnection
from harness.testee.modes import OF_CLIENT, Mode
from tooling.errors import CommandError
from wsproto import ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.testee.variants import Configuration
    from wsproto.utilities import RemoteProtocolError

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a server has to accept a connection and to answer the handshake, by default."""


@dataclass(frozen=True)
class Address:
    """Where a server is."""

    url: str
    host: str
    """For a socket: an IPv6 address without brackets, with its zone."""
    port: int
    authority: str
    """For the Host field, which has no zone (RFC 6874 4)."""


def address_of(url: str, scheme: str = "ws") -> Address:
    """Read `ws://HOST:PORT`, or `wss`; for anything else raises `ValueError`, which says why."""
    parts = urlsplit(url)
    if parts.scheme != scheme or not parts.hostname:
        raise ValueError(f"it does not begin with {scheme}:// and a host")
    if "@" in parts.netloc:
        raise ValueError("user info has no place in it (RFC 6455 3)")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("the server decides on what comes after the port")
    if parts.port == 0:
        raise ValueError("nobody listens on port 0")
    host = unquote(parts.hostname)  # the zone of a link-local address stands behind %25 (RFC 6874 2)
    port = parts.port or (80 if scheme == "ws" else 443)
    name = f"[{host.partition('%')[0]}]" if ":" in host else host
    return Address(url.rstrip("/"), host, port, f"{name}:{port}")


@dataclass(frozen=True)
class Bounds:
    """The longest message and the longest handshake that a client takes, and its configuration."""

    max_message_size: int = MAX_MESSAGE_SIZE
    """Bytes."""
    handshake_timeout: float = HANDSHAKE_TIMEOUT
    """Seconds."""
    configuration: Configuration = DEFAULT


ClientT = TypeVar("ClientT", bound="EchoClient")


class EchoClient(EchoConnection):
    """A client's end of one connection: sends every message back until the server closes."""

    role = ConnectionType.CLIENT
    awaited = "handshake"
    """The bytes that the server has to send in time, in words."""

    def __init__(self, server: Address, target: str, bounds: Bounds, mode: Mode | None = None) -> None:
        mode = mode or Mode()
        super().__init__(mode.limit or bounds.max_message_size, configuration=bounds.configuration)
        self.mode = mode
        self.close_timeout = mode.close_timeout or self.close_timeout
        offers = list(mode.extensions(self.configuration.offers))
        self.failure = f"the server ended the connection before its {self.awaited}"
        """The reason why they did not come."""
        wanted = [] if mode.subprotocol is None else [mode.subprotocol]
        self._request = Request(
            server.authority, target, offers, subprotocols=wanted, extra_headers=mode.fields
        )
        self._asking = self.ws.send(self._request) if mode.delay is None else b""
        self._body = bytearray()  # of a refusal
        self._timeout = bounds.handshake_timeout
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the opening request, or let it wait where the mode says so."""
        super().connection_made(transport)
        self.transport.write(self._asking)
        self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(self._timeout, self._give_up)
        if self.mode.delay is not None:
            loop.call_later(self.mode.delay, self._ask_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer, and raise in the program what the library should not have raised."""
        self._arrived()
        if exc is not None and not isinstance(exc, OSError):
            self.lost.set_exception(exc)
        super().connection_lost(exc)

    def _arrived(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _ask_late(self) -> None:
        if self.ws.state is ConnectionState.CONNECTING and not self.transport.is_closing():
            self.transport.write(self.ws.send(self._request))

    def _give_up(self) -> None:
        self.failure = f"no {self.awaited} came within {self._timeout:g} s"
        self.transport.abort()

    def _reply(self, event: Event) -> bytes:
        match event:
            case AcceptConnection() if self.awaited == "handshake":
                self._arrived()
            case RejectConnection():
                self.failure = f"the server refused the handshake with {event.status_code}"
                if not event.has_body:
                    self.transport.close()
            case RejectData():
                self._body += event.data
                if event.body_finished:
                    self.failure += f", and said {bytes(self._body[:60])!r}" if self._body else ""
                    self.transport.close()
        return super()._reply(event)

    def _refuse(self, error: RemoteProtocolError) -> bytes:
        if isinstance(error.event_hint, CloseConnection):
            return super()._refuse(error)
        self.failure = str(error)
        self.transport.close()  # the handshake failed; only a server answers that
        return b""

    def _close_later(self) -> None:
        """Wait for the server, which ends the TCP connection first (RFC 6455 7.1.1)."""
        if self.closed and sys.version_info < (3, 11) and self.transport.get_extra_info("ssl_object"):
            self.transport.close()  # asyncio there loses its close_notify where the server's comes first
        super()._close_later()


class Question(EchoClient):
    """A connection on which the server answers with a message and a Close; it keeps the message."""

    awaited = "answer"
    answer: str | None = None

    def received(self, message: TextMessage | BytesMessage) -> bytes:
        """Keep the text."""
        self.answer = str(message.data)
        return b""


class Caller:
    """Comes to a fuzzing server, with a TCP connection for each WebSocket."""

    modes: Sequence[str] = OF_CLIENT
    """Those that it can tell the server to ask for."""

    def __init__(self, server: Address, bounds: Bounds) -> None:
        self.server, self.bounds = server, bounds

    async def run(self, kind: type[ClientT], target: str, mode: Mode | None = None) -> ClientT:
        """Run one connection to its end; raises `ssl.SSLError` where TLS fails."""
        server, bounds = self.server, self.bounds
        trusting = None
        try:
            if mode and mode.name == "tls":
                server = address_of(mode.value("server"), scheme="wss")
                trusting = ssl.create_default_context(cafile=mode.value("authority"))
            client = kind(server, target, bounds, mode)
            connecting = asyncio.get_running_loop().create_connection(
                lambda: client, server.host, server.port, ssl=trusting
            )
            await asyncio.wait_for(connecting, bounds.handshake_timeout)
        except ssl.SSLError:
            raise
        except (OSError, UnicodeError, LocalProtocolError, asyncio.TimeoutError) as error:
            why = (
                getattr(error, "strerror", None)
                or str(error)
                or f"no answer within {bounds.handshake_timeout:g} s"
            )
            raise CommandError(f"cannot connect to {server.url}: {why}") from error
        await client.lost
        return client

    async def end(self) -> None:
        """Leave the server."""


async def drive(
    url: str,
    agent: str,
    progress: Callable[[int, int], None],
    bounds: Bounds | None = None,
    *,
    modes: bool = False,
) -> int:
    """Run every case of the fuzzing server at `url` over HTTP/1.1; see `drive_by`.

    Raises `ValueError` for a URL that `address_of` refuses.
    """
    return await drive_by(Caller(address_of(url), bounds or Bounds()), agent, progress, modes=modes)


async def drive_by(
    caller: Caller, agent: str, progress: Callable[[int, int], None], *, modes: bool = False
) -> int:
    """Run every case of a fuzzing server, let it write its reports; return the number of cases.

    `progress` gets the number of each case as it starts, and how many there are. Raises `CommandError` where
    the server does not answer.

    :param modes: whether the server tells a mode for each case (Autobahn's knows of none).
    """
    try:
        count = await _case_count(caller)
        name = quote(agent, safe="")
        for number in range(1, count + 1):
            progress(number, count)
            mode = await _mode_of(caller, number, name) if modes else None
            with suppress(ssl.SSLError):  # as it has to be with a certificate that is not to be trusted
                await caller.run(EchoClient, f"/runCase?case={number}&agent={name}", mode)
        await caller.run(EchoClient, f"/updateReports?agent={name}")
    finally:
        await caller.end()
    return count


async def _case_count(caller: Caller) -> int:
    question = await caller.run(Question, "/getCaseCount")
    url = caller.server.url
    if question.answer is None:
        raise CommandError(f"{url}/getCaseCount: {question.failure}")
    if not question.answer.isdecimal():
        raise CommandError(f"{url}/getCaseCount answered {question.answer!r:.80}, not a number of cases")
    return int(question.answer)


async def _mode_of(caller: Caller, number: int, name: str) -> Mode:
    """Ask in which mode a case is to be run, and tell which ones there are."""
    modes = ",".join(caller.modes)
    question = await caller.run(Question, f"/getCaseMode?case={number}&agent={name}&modes={modes}")
    return Mode(question.answer or "/")
