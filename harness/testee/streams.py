"""An echo client whose WebSockets are streams of one connection of HTTP/2 or HTTP/3 (RFC 8441, RFC 9220).

The programs of `examples/` are the testee: their `WebSocketStream` is the glue that users run. So only a
checkout has this client. What it answers is what the client over HTTP/1.1 answers: `StreamEcho` hands it a
stream in the place of the TCP connection. `http2_client` and `http3_client` are the connections.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from harness.testee.fuzz_client import Bounds, Caller, EchoClient, Question
from harness.testee.modes import OF_CLIENT
from tooling.errors import CommandError
from wsproto import Connection, ConnectionState, ConnectionType, Ending
from wsproto.stream_handshake import StreamHandshake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.testee.fuzz_client import Address, ClientT
    from harness.testee.modes import Mode
    from wsproto.events import Event
    from wsproto.utilities import RemoteProtocolError


TRIES = 3
"""Connections that are opened till one offers extended CONNECT."""


class NotOfferedError(ConnectionError):
    """The server does not offer extended CONNECT (RFC 8441 3): there may be a reason to come again."""


class WebSocketStream(Protocol):
    """What the glue of `examples/` offers for either protocol."""

    ended: bool
    peer_ended: bool

    @property
    @abstractmethod
    def ws(self) -> StreamHandshake | Connection:
        """What the stream's events are for at present."""

    @abstractmethod
    def send(self, event: Event) -> None:
        """Send one event."""

    @abstractmethod
    def reset(self) -> None:
        """End both sides of the stream at once."""


class Carrier(Protocol):
    """A connection of HTTP/2 or HTTP/3."""

    usable: bool
    """Whether it takes another stream."""

    @abstractmethod
    def open(self, handshake: StreamHandshake, echo: StreamEcho) -> WebSocketStream:
        """Open a stream, whose events go to `echo.take`."""

    @abstractmethod
    def transmit(self) -> None:
        """Send what is ready."""

    @abstractmethod
    async def end(self) -> None:
        """End the connection."""


CarrierT = TypeVar("CarrierT", bound=Carrier)


class StreamSocket:
    """A stream in the place of a `WSConnection`: it sends by itself, so that no bytes are left to write."""

    ending = Ending.NONE
    """The glue ends the stream."""

    def __init__(self, stream: WebSocketStream) -> None:
        self._stream = stream

    @property
    def state(self) -> ConnectionState:
        """The state of the handshake, or of the connection behind it."""
        return self._stream.ws.state

    @property
    def protocol_error(self) -> RemoteProtocolError | None:
        """How the server broke the protocol, where it did."""
        return self._stream.ws.protocol_error if isinstance(self._stream.ws, Connection) else None

    def send(self, event: Event) -> bytes:
        """Send one event."""
        self._stream.send(event)
        return b""

    def send_parts(self, event: Event) -> tuple[bytes, bytes]:
        """Do the same."""
        return self.send(event), b""

    def receive_data(self, data: bytes | None) -> None:
        """Take nothing: the glue hands the bytes on."""

    def events(self) -> Iterator[Event]:
        """Yield nothing: `StreamEcho.take` gets the events."""
        yield from ()


class StreamTransport(asyncio.Transport):
    """A stream in the place of a TCP connection; closing it before its end resets it."""

    def __init__(self, stream: WebSocketStream, carrier: Carrier, echo: StreamEcho) -> None:
        super().__init__()
        self._stream, self._carrier, self._echo = stream, carrier, echo
        self._over = False

    def write(self, data: object) -> None:
        """Write nothing: the `StreamSocket` has."""

    def is_closing(self) -> bool:
        """Tell whether this side has ended."""
        return self._stream.ended

    def close(self) -> None:
        """Reset the stream, unless it is over."""
        if self._over:  # the echo closes what it has lost
            return
        self._over = True
        if not (self._stream.ended and self._stream.peer_ended):
            self._stream.reset()
            self._carrier.transmit()
        self._echo.connection_lost(None)

    def abort(self) -> None:
        """Reset the stream, unless it is over."""
        self.close()


class StreamEcho(EchoClient):
    """The client's end of one stream."""

    def __init__(
        self, carrier: Carrier, server: Address, target: str, bounds: Bounds, mode: Mode | None = None
    ) -> None:
        self._carrier, self._scheme = carrier, "https" if server.url.startswith("wss") else "http"
        super().__init__(server, target, bounds, mode)
        self._wait()
        carrier.transmit()

    def bound_messages(self, size: int) -> None:
        """Open a stream that takes messages of up to so many bytes."""
        super().bound_messages(size)
        handshake = StreamHandshake(
            ConnectionType.CLIENT, scheme=self._scheme, limits=self.configuration.limits(size)
        )
        self.stream = self._carrier.open(handshake, self)
        self.ws = StreamSocket(self.stream)
        self.transport = StreamTransport(self.stream, self._carrier, self)

    def take(self, events: Iterator[Event]) -> None:
        """Answer what one event of the stream means to the WebSocket."""
        try:
            self._answer(events)
        except Exception as error:  # noqa: BLE001  # what the library should not raise ends the program
            self.lost.set_exception(error)
        if self.stream.ended and self.stream.peer_ended:
            self.transport.close()


class StreamQuestion(StreamEcho, Question):
    """A stream on which the server answers with a message and a Close."""


OF_STREAMS = {EchoClient: StreamEcho, Question: StreamQuestion}


class StreamCaller(Caller):
    """Comes to the server with one connection for all cases, and with another one where that has ended."""

    modes = tuple(name for name in OF_CLIENT if name not in {"tls", "ask"})  # they are about TCP
    _carrier: Carrier | None = None

    def __init__(
        self, server: Address, bounds: Bounds, dial: Callable[[Address], Awaitable[Carrier]]
    ) -> None:
        super().__init__(server, bounds)
        self._dial = dial

    async def run(self, kind: type[ClientT], target: str, mode: Mode | None = None) -> ClientT:
        """Run one stream to its end."""
        if self._carrier is None or not self._carrier.usable:
            await self.end()
            self._carrier = await self._dialled()
        client = OF_STREAMS[kind](self._carrier, self.server, target, self.bounds, mode)
        await client.lost
        return client  # type: ignore[return-value]  # OF_STREAMS has a subclass of each kind

    async def _dialled(self) -> Carrier:
        timeout = self.bounds.handshake_timeout
        try:
            for _ in range(TRIES - 1):
                with suppress(NotOfferedError):
                    return await asyncio.wait_for(self._dial(self.server), timeout)
            return await asyncio.wait_for(self._dial(self.server), timeout)
        except (OSError, asyncio.TimeoutError) as error:
            why = getattr(error, "strerror", None) or str(error) or f"no answer within {timeout:g} s"
            raise CommandError(f"cannot connect to {self.server.url}: {why}") from error

    async def end(self) -> None:
        """End the connection."""
        if self._carrier is not None:
            await self._carrier.end()
            self._carrier = None
