"""A WebSocket client on asyncio streams: sends texts to an echo server while it receives, pings, and closes.

    python asyncio_client.py [--ca FILE | --insecure] [--timeout SECONDS] [URL | HOST PORT] [TEXT ...]

Exit status: 0 when all went well, 1 when the conversation failed, 2 when there was none: a wrong argument,
or an opening handshake that did not succeed.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

from command_line import ClientArguments, client_arguments

from wsproto import ConnectionState, ConnectionType, Ending, WSConnection
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
from wsproto.utilities import ProtocolError

RECEIVE_BYTES = 65536
LINGER_SECONDS = 2.0  # for the end of the TLS or TCP connection
MAX_MESSAGE_BYTES = 2**20


class Client:
    """A connection whose messages and pongs arrive in queues, while the program goes on sending."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue(maxsize=16)
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue(maxsize=16)
        self._reader = reader
        self._writer = writer
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._joiner = MessageJoiner(MAX_MESSAGE_BYTES)
        sock: socket.socket = writer.get_extra_info("socket")
        # A small frame leaves at once instead of waiting for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def open(self, host: str, target: str) -> None:
        """Do the opening handshake.

        :raises ConnectionError: if the server refuses.
        """
        await self.send(Request(host=host, target=target, extensions=[PerMessageDeflate()]))
        while True:
            # read() gives b"" at end of file; wsproto wants to hear that as None.
            self._ws.receive_data(await self._reader.read(RECEIVE_BYTES) or None)
            for event in self._ws.events():
                if isinstance(event, RejectConnection):
                    raise ConnectionError(f"the server answered with status {event.status_code}")
                if isinstance(event, AcceptConnection):
                    print("connected")
                    return  # what the server has sent behind it comes from the next events()

    async def send(self, event: Event) -> None:
        """Send one event; waits while the server does not read."""
        self._writer.write(self._ws.send(event))
        await self._writer.drain()

    async def receive(self) -> CloseConnection:
        """Read until the server has closed, and return the closing event."""
        while True:
            for event in self._ws.events():
                if isinstance(event, CloseConnection):
                    return await self._finish(event)
                await self._handle(event)
            self._ws.receive_data(await self._reader.read(RECEIVE_BYTES) or None)

    async def hang_up(self) -> None:
        """Close the TCP connection, and TLS in order before it."""
        self._writer.close()
        with suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), LINGER_SECONDS)

    async def _handle(self, event: Event) -> None:
        match event:
            case TextMessage() | BytesMessage():
                message = self._joiner.join(event)  # a message may come in any number of pieces
                if message is not None:
                    await self.messages.put(message.data)
            case Ping():
                await self.send(event.response())
            case Pong():
                await self.pongs.put(event.payload)

    async def _finish(self, close: CloseConnection) -> CloseConnection:
        asked_for = self._ws.state is ConnectionState.CLOSED and close.code != 1006
        if self._ws.state is ConnectionState.REMOTE_CLOSING:
            await self.send(close.response())
        if self._ws.protocol_error is not None:  # the server broke the protocol, and the Close told it so
            raise self._ws.protocol_error
        if not asked_for:
            raise ConnectionError(f"the server closed with {close.code:d} {close.reason or ''!r}")
        while self._ws.ending is Ending.NONE:  # the server ends the TCP connection first (RFC 6455 7.1.1)
            if await self._reader.read(1):
                raise ConnectionError("the server sent data after its Close frame")
            self._ws.receive_data(None)
        return close


async def converse(client: Client, texts: list[str]) -> None:
    """Exchange the texts and a ping, and start the closing handshake."""
    for text in texts:
        await client.send(TextMessage(data=text))
    for _ in texts:
        print(f"received {await client.messages.get()!r}")
    await client.send(Ping(payload=b"still there?"))
    print(f"received pong {await client.pongs.get()!r}")
    await client.send(CloseConnection(code=1000, reason="bye"))


async def connect(arguments: ClientArguments) -> Client:
    """Open the TCP connection, TLS on it, and WebSocket on that."""
    address, tls = arguments.address, arguments.tls
    reader, writer = await asyncio.open_connection(
        address.node,
        address.port,
        limit=RECEIVE_BYTES,
        ssl=tls,
        server_hostname=address.host if tls else None,
    )
    client = Client(reader, writer)
    try:
        await client.open(address.authority, address.target)
    except BaseException:
        await client.hang_up()
        raise
    return client


async def exchange(client: Client, texts: list[str]) -> None:
    """Receive in one task while another one sends."""
    receiving = asyncio.create_task(client.receive())
    conversing = asyncio.create_task(converse(client, texts))
    try:
        # The conversation may wait for something that a failed connection will never bring.
        await asyncio.wait({receiving, conversing}, return_when=asyncio.FIRST_EXCEPTION)
        for task in (receiving, conversing):
            if task.done():
                await task
        close = await receiving
        print(f"closed with {close.code:d} {close.reason or ''!r}")
    finally:
        conversing.cancel()
        receiving.cancel()
        await asyncio.gather(receiving, conversing, return_exceptions=True)
        await client.hang_up()


async def run(arguments: ClientArguments) -> int:
    """Connect, converse, and say in one line what went wrong."""
    status = 2  # there is no WebSocket connection yet
    try:
        client = await asyncio.wait_for(connect(arguments), arguments.timeout)
        status = 1
        await asyncio.wait_for(exchange(client, arguments.texts), arguments.timeout)
    except (OSError, asyncio.TimeoutError, ProtocolError) as error:
        print(arguments.failure(error), file=sys.stderr)
        return status
    return 0


def main() -> int:
    """Run the client; Ctrl-C ends it with the status that a shell reports for it."""
    try:
        return asyncio.run(run(client_arguments(sys.argv[0], __doc__)))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
