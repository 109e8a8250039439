"""A WebSocket echo server over HTTP/2 (RFC 8441), many streams a connection. Plain TCP is by prior knowledge.

    python http2_server.py [--certificate FILE [--key FILE]] [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server.
Needs the `h2` package.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress

import h2.events
from command_line import ServerArguments, server_arguments
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from http2_stream import WebSocketStream

from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import WEBSOCKET_VERSION, server_extensions_handshake
from wsproto.utilities import normed_header_dict, split_comma_header

RECEIVE_BYTES = 65536
SETTINGS = {SettingCodes.ENABLE_CONNECT_PROTOCOL: 1, SettingCodes.MAX_CONCURRENT_STREAMS: 100}


class Http2Server:
    """One HTTP/2 connection, and the WebSockets on its streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        # Only a client that was told of extended CONNECT may use it: it stands in the first SETTINGS.
        self._http2.local_settings = Settings(client=False, initial_values=SETTINGS)
        self._streams: dict[int, WebSocketStream] = {}

    async def run(self) -> None:
        """Serve until the TCP connection ends."""
        try:
            self._http2.initiate_connection()
            await self._write()
            while data := await self._reader.read(RECEIVE_BYTES):
                for event in self._http2.receive_data(data):
                    self._handle(event)
                await self._write()
        except ProtocolError as error:
            print(f"HTTP/2 error: {error}", flush=True)
            with suppress(OSError):
                await self._write()  # h2 has prepared the GOAWAY
        except OSError as error:
            print(f"connection lost: {error}", flush=True)
        finally:
            for stream in self._streams.values():  # their WebSockets have ended without a Close
                self._receive(stream, h2.events.StreamReset(stream_id=0))
            self._writer.close()

    async def _write(self) -> None:
        self._writer.write(self._http2.data_to_send())
        await self._writer.drain()

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                self._open(event.stream_id, normed_header_dict(event.headers))
            case h2.events.DataReceived() if event.stream_id not in self._streams:  # of a refused request
                self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.DataReceived():
                self._receive(self._streams[event.stream_id], event)
            case h2.events.StreamEnded() | h2.events.StreamReset() if event.stream_id in self._streams:
                self._receive(self._streams[event.stream_id], event)
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                for stream in self._streams.values():
                    stream.flush()
        for stream_id, stream in list(self._streams.items()):
            # The echo is the reader: while the client does not take its echo, it gets no room to send more.
            if stream.writable or stream.ended:
                stream.acknowledge()
            if stream.ended:
                del self._streams[stream_id]

    def _receive(self, stream: WebSocketStream, event: h2.events.Event) -> None:
        for received in stream.receive(event):
            self._answer(stream, received)

    def _open(self, stream_id: int, headers: dict[bytes, bytes]) -> None:
        """Answer a request: 200 opens a WebSocket (RFC 8441 5)."""
        if headers[b":method"] != b"CONNECT" or headers.get(b":protocol") != b"websocket":
            # RFC 9220 3 names this status for a :protocol that a server does not know.
            self._http2.send_headers(stream_id, [(b":status", b"501")], end_stream=True)
            return
        if headers.get(b"sec-websocket-version") != WEBSOCKET_VERSION:
            response = [(b":status", b"400"), (b"sec-websocket-version", WEBSOCKET_VERSION)]
            self._http2.send_headers(stream_id, response, end_stream=True)
            return
        response = [(b":status", b"200")]
        extensions: list[Extension] = [PerMessageDeflate()]
        offers = split_comma_header(headers.get(b"sec-websocket-extensions", b""))
        accepted = server_extensions_handshake(offers, extensions)
        if accepted:
            response.append((b"sec-websocket-extensions", accepted))
        self._http2.send_headers(stream_id, response)
        # An extension that was not negotiated is not enabled(), and Connection leaves it aside.
        ws = Connection(ConnectionType.SERVER, extensions)
        self._streams[stream_id] = WebSocketStream(self._http2, stream_id, ws)
        print(f"stream {stream_id}: accepted {headers[b':path']!r}", flush=True)

    def _answer(self, stream: WebSocketStream, event: Event) -> None:
        match event:
            case TextMessage() | BytesMessage():
                stream.send(event)  # each piece of a message goes back as a fragment
            case Ping():
                stream.send(event.response())
            case CloseConnection():
                print(f"closed with {event.code:d} {event.reason or ''!r}", flush=True)
                if stream.ws.state is ConnectionState.REMOTE_CLOSING:
                    stream.send(event.response())
                    stream.end()
                else:
                    stream.abort()


async def serve(arguments: ServerArguments) -> None:
    """Serve until SIGINT or SIGTERM."""
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(Http2Server(reader, writer).run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    stop = asyncio.Event()
    server = await asyncio.start_server(connected, arguments.host, arguments.port, ssl=arguments.tls)
    with suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt instead
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"listening on {arguments.host} port {server.sockets[0].getsockname()[1]}", flush=True)
    try:
        await stop.wait()
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Serve until Ctrl-C, and say in one line why it cannot."""
    arguments = server_arguments(sys.argv[0], __doc__, alpn="h2")
    try:
        asyncio.run(serve(arguments))
    except OSError as error:
        print(f"cannot listen on {arguments.host} port {arguments.port}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
