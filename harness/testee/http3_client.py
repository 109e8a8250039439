"""A connection of HTTP/3 whose streams are WebSockets, as a client of examples/http3_stream.py has it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, cast

from aioquic.asyncio.client import connect as quic_connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamReset,
)
from http3_stream import WebSocketStream

from harness.testee.streams import NotOfferedError

if TYPE_CHECKING:
    from harness.testee.fuzz_client import Address
    from harness.testee.streams import StreamEcho
    from wsproto.stream_handshake import StreamHandshake

ENABLE_CONNECT_PROTOCOL = 0x8  # RFC 9220 5


class Http3Connection(QuicConnectionProtocol):
    """One QUIC connection, and the WebSockets on it."""

    _http3: H3Connection | None = None

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # aioquic's own
        self.usable = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.context = AsyncExitStack()
        self._streams: dict[int, tuple[WebSocketStream, StreamEcho]] = {}

    def open(self, handshake: StreamHandshake, echo: StreamEcho) -> WebSocketStream:
        """Open a stream, whose events go to `echo.take`."""
        assert self._http3 is not None, "a connection that is usable has it"  # noqa: S101
        stream_id = self._quic.get_next_available_stream_id()
        stream = WebSocketStream(self._quic, self._http3, stream_id, handshake)
        self._streams[stream_id] = stream, echo
        return stream

    async def end(self) -> None:
        """Say goodbye to the server."""
        self.usable = False
        await self.context.aclose()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take one event of QUIC; a stream that is reset is not an event of HTTP/3."""
        match event:
            case ProtocolNegotiated():
                self._http3 = H3Connection(self._quic)
            case StreamReset() | StopSendingReceived() if event.stream_id in self._streams:
                stream, echo = self._streams[event.stream_id]
                echo.take(stream.receive_end())
                stream.reset()
                echo.take(iter(()))  # the stream is over
            case ConnectionTerminated():
                why = event.reason_phrase or f"the server ended the connection: {event.error_code}"
                self._fail(ConnectionError(why))
                return
        for http3_event in self._http3.handle_event(event) if self._http3 else ():
            stream_id = getattr(http3_event, "stream_id", None)
            if isinstance(http3_event, HeadersReceived | DataReceived) and stream_id in self._streams:
                stream, echo = self._streams[stream_id]
                echo.take(stream.receive(http3_event))
        for stream_id, (stream, _) in list(self._streams.items()):
            if stream.ended and stream.peer_ended:
                del self._streams[stream_id]
        if self._http3 and self._http3.received_settings is not None and not self.ready.done():
            self._greet(self._http3.received_settings)
        self.transmit()

    def _greet(self, settings: dict[int, int]) -> None:
        """Take in the server's settings (RFC 9220 3)."""
        if settings.get(ENABLE_CONNECT_PROTOCOL) == 1:
            self.usable = True
            self.ready.set_result(None)
        else:
            self._fail(NotOfferedError("the server does not offer extended CONNECT (RFC 9220 3)"))

    def _fail(self, why: ConnectionError) -> None:
        self.usable = False
        if not self.ready.done():
            self.ready.set_exception(why)
        streams, self._streams = self._streams, {}
        for stream, echo in streams.values():
            stream.ended = True
            echo.failure = str(why)
            echo.take(stream.receive_end())


async def connect(server: Address, ca: str | None) -> Http3Connection:
    """Connect, and wait for the server's settings; raises `OSError` where that fails.

    :param ca: a file with the certificates of the authorities to trust; None stands for the system's.
    """
    logging.getLogger("quic").addHandler(logging.NullHandler())  # the error says what goes wrong
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=server.host)
    if ca is not None:
        configuration.load_verify_locations(ca)
    connecting = quic_connect(
        server.host,
        server.port,
        configuration=configuration,
        create_protocol=Http3Connection,
        wait_connected=False,  # so that the reason of a failure is known
    )
    context = AsyncExitStack()
    connection = cast(
        Http3Connection,
        await context.enter_async_context(
            cast("AbstractAsyncContextManager[QuicConnectionProtocol]", connecting)
        ),
    )
    connection.context = context
    connection.transmit()
    try:
        await connection.ready
    except BaseException:
        await connection.end()
        raise
    return connection
