"""A WebSocket client over HTTP/3 (RFC 9220): texts, a ping, then the close.

    python http3_client.py [--ca FILE | --insecure] [--timeout SECONDS] wss://HOST:PORT/ [TEXT ...]

Exit status: 0 when all went well, 1 when the conversation failed, 2 when there was none: a wrong argument,
or an opening handshake that did not succeed. Needs the `aioquic` package.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from typing import TYPE_CHECKING, TypeVar, cast

from aioquic.asyncio.client import connect
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
from command_line import ClientArguments, client_arguments
from http3_stream import WebSocketStream

from wsproto import ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.messages import MessageJoiner
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addresses import Address

MAX_MESSAGE_BYTES = 2**20
Awaited = TypeVar("Awaited", bound=Event)

ENABLE_CONNECT_PROTOCOL = 0x8  # RFC 9220 5


class Http3Client(QuicConnectionProtocol):
    """A QUIC connection with one WebSocket on it, whose events wait in a queue."""

    _http3: H3Connection | None = None
    _stream: WebSocketStream | None = None

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # aioquic's own
        self._events: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self._settings = asyncio.Event()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take one event of QUIC; a stream that is reset is not an event of HTTP/3."""
        stream = self._stream
        try:
            match event:
                case ProtocolNegotiated():
                    self._http3 = H3Connection(self._quic)
                case StreamReset() | StopSendingReceived() if stream is not None:
                    self._take(stream, stream.receive_end())
                    stream.reset()
                case ConnectionTerminated():
                    self._settings.set()
                    reason = event.reason_phrase or f"error {event.error_code}"
                    self._events.put_nowait(ConnectionError(f"the server ended the connection: {reason}"))
                    return
            for http3_event in self._http3.handle_event(event) if self._http3 else ():
                if stream is not None and isinstance(http3_event, HeadersReceived | DataReceived):
                    self._take(stream, stream.receive(http3_event))
            if self._http3 and self._http3.received_settings is not None:
                self._settings.set()
        except ProtocolError as error:
            self._events.put_nowait(error)
        self.transmit()

    def _take(self, stream: WebSocketStream, events: Iterable[Event]) -> None:
        """Answer Ping and Close, and put all events into the queue."""
        for event in events:
            if isinstance(event, Ping | CloseConnection) and stream.ws.can_send(event.response()):
                stream.send(event.response())
            self._events.put_nowait(event)

    async def open(self, address: Address) -> None:
        """Do the opening handshake: an extended CONNECT, once the server has allowed it (RFC 9220 3)."""
        self.transmit()
        await self._settings.wait()
        if self._http3 is None or self._http3.received_settings is None:
            await self.next()  # raises what has ended the connection
            return
        if self._http3.received_settings.get(ENABLE_CONNECT_PROTOCOL) != 1:
            raise ConnectionError("the server does not offer extended CONNECT (RFC 9220 3)")
        stream_id = self._quic.get_next_available_stream_id()
        handshake = StreamHandshake(ConnectionType.CLIENT)
        self._stream = WebSocketStream(self._quic, self._http3, stream_id, handshake)
        self.send(Request(address.authority, address.target, extensions=[PerMessageDeflate()]))
        answer: Event = await self.next(AcceptConnection, RejectConnection)
        if isinstance(answer, RejectConnection):
            raise ConnectionError(f"the server answered with status {answer.status_code}")

    def send(self, event: Event) -> None:
        """Send one event."""
        if self._stream is not None:
            self._stream.send(event)
            self.transmit()

    async def next(self, *kinds: type[Awaited]) -> Awaited:
        """Wait for an event of one of these classes."""
        while True:
            event = await self._events.get()
            if isinstance(event, Exception):
                raise event
            if isinstance(event, kinds):
                return event
            if isinstance(event, CloseConnection):
                raise ConnectionError(f"the server closed with {event.code:d} {event.reason or ''!r}")

    async def message(self) -> str | bytes:
        """Wait for one message, which may come in any number of pieces."""
        joiner = MessageJoiner(MAX_MESSAGE_BYTES)
        while True:
            piece: TextMessage | BytesMessage = await self.next(TextMessage, BytesMessage)
            message = joiner.join(piece)
            if message is not None:
                return message.data


async def converse(client: Http3Client, texts: list[str]) -> None:
    """Exchange the texts and a ping, and close."""
    for text in texts:
        client.send(TextMessage(data=text))
        print(f"received {await client.message()!r}")
    client.send(Ping(payload=b"still there?"))
    pong = await client.next(Pong)
    print(f"received pong {pong.payload!r}")
    client.send(CloseConnection(code=1000, reason="bye"))
    close = await client.next(CloseConnection)
    if close.code == 1006:
        raise ConnectionError("the stream ended before the server's Close frame")
    print(f"closed with {close.code:d} {close.reason or ''!r}")


async def run(arguments: ClientArguments) -> int:
    """Connect, converse, and say in one line what went wrong."""
    logging.getLogger("quic").addHandler(logging.NullHandler())  # what goes wrong is in one line at the end
    address = arguments.address
    if address.scheme != "wss":
        print(f"{address.authority}: HTTP/3 needs a URL that begins with wss://", file=sys.stderr)
        return 2
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=address.host)
    if arguments.ca:
        configuration.load_verify_locations(arguments.ca)
    if arguments.insecure:
        configuration.verify_mode = ssl.CERT_NONE
    status = 2  # there is no WebSocket connection yet

    async def talk() -> None:
        nonlocal status
        async with connect(
            address.node,
            address.port,
            configuration=configuration,
            create_protocol=Http3Client,
            wait_connected=False,  # so that the reason of a failure is known
        ) as protocol:
            client = cast(Http3Client, protocol)
            await client.open(address)
            print("connected")
            status = 1
            await converse(client, arguments.texts)
            status = 0

    try:
        await asyncio.wait_for(talk(), arguments.timeout)
    except (OSError, asyncio.TimeoutError, ProtocolError) as error:
        print(arguments.failure(error), file=sys.stderr)
    return status


def main() -> int:
    """Read the arguments and run."""
    arguments = client_arguments(sys.argv[0], __doc__, alpn="h3")
    try:
        return asyncio.run(run(arguments))
    except KeyboardInterrupt:
        return 130  # as a shell reports a program that Ctrl-C has ended


if __name__ == "__main__":
    sys.exit(main())
