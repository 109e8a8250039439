"""A WebSocket echo server over HTTP/3 (RFC 9220), many streams a connection.

    python -m trustme
    python http3_server.py --certificate server.pem --key server.key [--max-message-size BYTES] [HOST PORT]

The first command makes a certificate for the loopback interface, which a client trusts with --ca client.pem.
Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server.
Needs the `aioquic` package, and `trustme` for the first command.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamReset,
)
from command_line import ServerArguments, server_arguments
from echo import answer, gathered
from http3_stream import WebSocketStream

from wsproto import ConnectionType
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsproto.events import Event
    from wsproto.limits import Limits

GRACE_SECONDS = 2.0  # for a client to end its side of a stream behind the server's


class Http3Server(QuicConnectionProtocol):
    """One QUIC connection, and the WebSockets on its streams."""

    _http3: H3Connection | None = None

    def __init__(self, limits: Limits, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # aioquic's own
        self._limits = limits
        self._streams: dict[int, WebSocketStream] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take one event of QUIC; a stream that is reset is not an event of HTTP/3."""
        match event:
            case ProtocolNegotiated():
                self._http3 = H3Connection(self._quic)
            case StreamReset() | StopSendingReceived() if event.stream_id in self._streams:
                stream = self._streams[event.stream_id]
                self._answer(stream, stream.receive_end())
                stream.reset()
            case ConnectionTerminated():
                for stream in self._streams.values():  # their WebSockets have ended without a Close
                    stream.ended = True
                    self._answer(stream, stream.receive_end())
                self._streams.clear()
                return
        if self._http3 is not None:
            for http3_event in self._http3.handle_event(event):
                self._handle(self._http3, http3_event)
        for stream_id, stream in list(self._streams.items()):
            if stream.ended and stream.peer_ended:
                del self._streams[stream_id]
            elif stream.ended and not stream.lingers:
                stream.lingers = True
                asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up, stream_id)
        self.transmit()

    def _handle(self, http3: H3Connection, event: H3Event) -> None:
        stream_id = getattr(event, "stream_id", None)
        if isinstance(event, HeadersReceived) and stream_id not in self._streams:
            # A program with HTTP code of its own gives it all that `asks_for_websocket` does not take.
            handshake = StreamHandshake(ConnectionType.SERVER, limits=self._limits)
            stream = WebSocketStream(self._quic, http3, event.stream_id, handshake)
            self._streams[event.stream_id] = stream
        if isinstance(event, HeadersReceived | DataReceived) and stream_id in self._streams:
            stream = self._streams[event.stream_id]
            self._answer(stream, stream.receive(event))

    def _answer(self, stream: WebSocketStream, events: Iterator[Event]) -> None:
        try:
            for event in gathered(events):
                reply = answer(stream.ws, event)
                if reply is not None:
                    stream.send(reply)
        except RemoteProtocolError as error:
            print(f"handshake failed: {error}", flush=True)

    def _give_up(self, stream_id: int) -> None:
        if stream_id in self._streams:
            self._streams.pop(stream_id).reset()
            self.transmit()


async def serve(arguments: ServerArguments) -> None:
    """Serve until SIGINT or SIGTERM."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(arguments.certificate or "", arguments.key)
    loop = asyncio.get_running_loop()
    protocol = partial(Http3Server, arguments.limits)
    transport, server = await loop.create_datagram_endpoint(
        lambda: QuicServer(configuration=configuration, create_protocol=protocol),
        local_addr=(arguments.host, arguments.port),
    )
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows, where Ctrl-C raises KeyboardInterrupt instead
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    print(f"listening on {arguments.host} port {transport.get_extra_info('sockname')[1]}", flush=True)
    try:
        await stop.wait()
    finally:
        server.close()


def main() -> int:
    """Serve until Ctrl-C, and say in one line why it cannot."""
    arguments = server_arguments(sys.argv[0], __doc__, needs_certificate=True)
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
