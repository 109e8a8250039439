"""A connection of HTTP/2 whose streams are WebSockets, as a client of examples/http2_stream.py has it."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

import h2.events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from http2_stream import WebSocketStream

from harness.testee.streams import NotOfferedError

if TYPE_CHECKING:
    from harness.testee.fuzz_client import Address
    from harness.testee.streams import StreamEcho
    from wsproto.stream_handshake import StreamHandshake


class Http2Connection(asyncio.Protocol):
    """One TCP connection, and the WebSockets on it."""

    def __init__(self) -> None:
        self.usable = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._http2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        # The server pushes nothing on a WebSocket (RFC 9113 8.5), and has to know before it could.
        self._http2.local_settings = Settings(client=True, initial_values={SettingCodes.ENABLE_PUSH: 0})
        self._streams: dict[int, tuple[WebSocketStream, StreamEcho]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface."""
        self._transport = cast(asyncio.Transport, transport)
        self._http2.initiate_connection()
        self.transmit()

    def open(self, handshake: StreamHandshake, echo: StreamEcho) -> WebSocketStream:
        """Open a stream, whose events go to `echo.take`."""
        stream_id = self._http2.get_next_available_stream_id()
        stream = WebSocketStream(self._http2, stream_id, handshake)
        self._streams[stream_id] = stream, echo
        return stream

    def transmit(self) -> None:
        """Send what is ready."""
        if not self._transport.is_closing():
            self._transport.write(self._http2.data_to_send())

    async def end(self) -> None:
        """Say goodbye to the server."""
        if self.usable:
            self.usable = False
            self._http2.close_connection()
            self.transmit()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Hand every event to its stream."""
        try:
            events = self._http2.receive_data(data)
        except ProtocolError as error:
            self.transmit()  # h2 has prepared the GOAWAY
            self._fail(ConnectionError(f"the server broke HTTP/2: {error}"))
            return
        for event in events:  # before all others: h2 knows of it already, and sends nothing on the stream
            if isinstance(event, h2.events.StreamReset) and event.stream_id in self._streams:
                self._streams[event.stream_id][0].was_reset()
        for event in events:
            self._handle(event)
        for stream_id, (stream, _) in list(self._streams.items()):
            if stream.writable or stream.ended:  # a server that does not take its echo sends no more
                stream.acknowledge()
            if stream.ended and stream.peer_ended:
                del self._streams[stream_id]
        self.transmit()

    def _handle(self, event: h2.events.Event) -> None:
        stream_id = getattr(event, "stream_id", None)
        match event:
            case h2.events.RemoteSettingsChanged() if not self.ready.done():
                self._greet()
            case h2.events.ConnectionTerminated():
                # h2 sends and takes nothing behind it, on streams that the server would serve either.
                self._fail(ConnectionError(f"the server ended the connection with error {event.error_code}"))
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for stream, _ in self._streams.values():
                    stream.flush()
            case h2.events.DataReceived() if stream_id not in self._streams:
                self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case _ if stream_id in self._streams:
                stream, echo = self._streams[stream_id]
                echo.take(stream.receive(event))

    def _greet(self) -> None:
        """Take in the server's first settings (RFC 8441 3)."""
        if self._http2.remote_settings.enable_connect_protocol:
            self.usable = True
            self.ready.set_result(None)
        else:
            self._fail(NotOfferedError("the server does not offer extended CONNECT (RFC 8441 3)"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the streams; a reset is an end like another."""
        self._fail(ConnectionError(str(exc or "the server ended the TCP connection")))

    def _fail(self, why: ConnectionError) -> None:
        self.usable = False
        if not self.ready.done():
            self.ready.set_exception(why)
        streams, self._streams = self._streams, {}
        for stream, echo in streams.values():
            stream.was_reset()
            echo.failure = str(why)
            echo.take(stream.receive(h2.events.StreamReset(stream_id=0)))
        self._transport.close()


async def connect(server: Address, ca: str | None) -> Http2Connection:
    """Connect, and wait for the server's settings; raises `OSError` where that fails.

    :param ca: a file with the certificates of the authorities to trust; None stands for the system's.
    """
    context = None
    if server.url.startswith("wss"):
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Http2Connection, server.host, server.port, ssl=context)
    await connection.ready
    return connection
