"""A WebSocket echo server over HTTP/2 (RFC 8441), many streams a connection. Plain TCP is by prior knowledge.

    python http2_server.py [--certificate FILE [--key FILE]] [--max-message-size BYTES] [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server: it closes
every WebSocket with 1001, and its exit status is 0. Needs the `h2` package.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import h2.events
from asyncio_server import LINGER_SECONDS, RECEIVE_BYTES, hang_up, run
from command_line import server_arguments
from echo import answer, gathered
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from http2_stream import WebSocketStream

from wsproto import ConnectionType
from wsproto.events import CloseConnection
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from wsproto.limits import Limits

SETTINGS = {SettingCodes.ENABLE_CONNECT_PROTOCOL: 1, SettingCodes.MAX_CONCURRENT_STREAMS: 100}
GRACE_SECONDS = 2.0  # for a client to end its side of a stream behind the server's


class Http2Server:
    """One HTTP/2 connection, and the WebSockets on its streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        # Only a client that was told of extended CONNECT may use it: it stands in the first SETTINGS.
        self._http2.local_settings = Settings(client=False, initial_values=SETTINGS)
        self._streams: dict[int, WebSocketStream] = {}
        self._stopping = False

    async def run(self) -> None:
        """Serve until the TCP connection ends; a cancelled task says goodbye first."""
        try:
            self._http2.initiate_connection()
            await self._read_to_the_end()
        except asyncio.CancelledError:  # the server stops
            self._stopping = True
            with suppress(OSError, ProtocolError, asyncio.TimeoutError):
                for stream in self._streams.values():
                    if stream.ws.can_send(CloseConnection):
                        stream.send(CloseConnection(code=1001, reason="server stops"))
                await asyncio.wait_for(self._read_to_the_end(), LINGER_SECONDS)
        except ProtocolError as error:
            print(f"HTTP/2 error: {error}", flush=True)
            with suppress(OSError):
                await self._write()  # h2 has prepared the GOAWAY
                await hang_up(self._reader, self._writer)
        except OSError as error:
            print(f"connection lost: {error}", flush=True)
        finally:
            for stream in self._streams.values():  # their WebSockets have ended without a Close
                stream.was_reset()
                self._receive(stream, h2.events.StreamReset(stream_id=0))
            self._streams.clear()
            self._writer.close()

    async def _read_to_the_end(self) -> None:
        await self._write()
        while not self._stopping or self._streams:
            data = await self._reader.read(RECEIVE_BYTES)
            if not data:
                return
            events = self._http2.receive_data(data)
            for event in events:  # before all others: h2 knows of it already, and sends nothing on the stream
                if isinstance(event, h2.events.StreamReset) and event.stream_id in self._streams:
                    self._streams[event.stream_id].was_reset()
            for event in events:
                self._handle(event)
            for stream_id, stream in list(self._streams.items()):
                self._tidy(stream_id, stream)
            await self._write()

    async def _write(self) -> None:
        self._writer.write(self._http2.data_to_send())
        await self._writer.drain()

    def _handle(self, event: h2.events.Event) -> None:
        stream_id = getattr(event, "stream_id", None)
        match event:
            case h2.events.RequestReceived():
                self._open(event)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for stream in self._streams.values():
                    stream.flush()
            case h2.events.DataReceived() if stream_id not in self._streams:  # of a refused request
                self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case _ if stream_id in self._streams:
                self._receive(self._streams[stream_id], event)

    def _open(self, event: h2.events.RequestReceived) -> None:
        """Answer a request; the handshake refuses what does not ask for a WebSocket.

        A program with HTTP code of its own gives it all that `asks_for_websocket` does not take.
        """
        handshake = StreamHandshake(ConnectionType.SERVER, limits=self._limits)
        stream = self._streams[event.stream_id] = WebSocketStream(self._http2, event.stream_id, handshake)
        self._receive(stream, event)

    def _receive(self, stream: WebSocketStream, event: h2.events.Event) -> None:
        try:
            for received in gathered(stream.receive(event)):
                reply = answer(stream.ws, received)
                if reply is not None:
                    stream.send(reply)
        except RemoteProtocolError as error:
            print(f"handshake failed: {error}", flush=True)

    def _tidy(self, stream_id: int, stream: WebSocketStream) -> None:
        """Give back flow control window, and forget a stream that is over."""
        # The echo is the reader: while the client does not take its echo, it gets no room to send more.
        if stream.writable or stream.ended:
            stream.acknowledge()
        if stream.ended and stream.peer_ended:
            del self._streams[stream_id]
        elif stream.ended and not stream.lingers:
            # A browser may never end its side, and its stream would count for ever.
            stream.lingers = True
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up, stream_id)

    def _give_up(self, stream_id: int) -> None:
        if stream_id in self._streams:
            self._streams.pop(stream_id).reset()
            self._writer.write(self._http2.data_to_send())


async def serve_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
    """Hold one connection of HTTP/2."""
    await Http2Server(reader, writer, limits).run()


def main() -> int:
    """Serve HTTP/2."""
    return run(serve_http2, server_arguments(sys.argv[0], __doc__, alpn=["h2"]))


if __name__ == "__main__":
    sys.exit(main())
