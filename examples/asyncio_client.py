"""A WebSocket client on asyncio streams: sends texts to an echo server while it receives, pings, and closes.

    python asyncio_client.py [HOST PORT [TEXT ...]]

Exit status: 0 when all went well, 1 when the connection or the peer failed, 2 for a wrong argument.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from command_line import authority, client_arguments

from wsproto import ConnectionState, ConnectionType, WSConnection
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
from wsproto.utilities import RemoteProtocolError

RECEIVE_BYTES = 65536
TIMEOUT_SECONDS = 10.0
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
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sock: socket.socket = writer.get_extra_info("socket")
        # A small frame leaves at once instead of waiting for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def open(self, host: str) -> None:
        """Send the request. `receive` ends with an error if the server refuses it."""
        await self.send(Request(host=host, target="/", extensions=[PerMessageDeflate()]))
        await self._accepted

    async def send(self, event: Event) -> None:
        """Send one event; waits while the server does not read."""
        self._writer.write(self._ws.send(event))
        await self._writer.drain()

    async def receive(self) -> CloseConnection:
        """Read until the server has closed, and give the closing event."""
        while True:
            # read() gives b"" at end of file; wsproto wants to hear that as None.
            self._ws.receive_data(await self._reader.read(RECEIVE_BYTES) or None)
            for event in self._ws.events():
                if isinstance(event, CloseConnection):
                    return await self._finish(event)
                await self._handle(event)

    async def _handle(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                print("connected")
                self._accepted.set_result(None)
            case RejectConnection():
                raise ConnectionError(f"the server answered with status {event.status_code}")
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
        # The server closes the TCP connection first (RFC 6455 7.1.1): wait for its end of file.
        if await self._reader.read(1):
            raise ConnectionError("the server sent data after its Close frame")
        return close


async def converse(client: Client, host: str, texts: list[str]) -> None:
    """Open the connection, exchange the texts and a ping, and start the closing handshake."""
    await client.open(host)
    for text in texts:
        await client.send(TextMessage(data=text))
    for _ in texts:
        print(f"received {await client.messages.get()!r}")
    await client.send(Ping(payload=b"still there?"))
    print(f"received pong {await client.pongs.get()!r}")
    await client.send(CloseConnection(code=1000, reason="bye"))


async def run(host: str, port: int, texts: list[str]) -> None:
    """Connect; receive in one task while another one sends."""
    reader, writer = await asyncio.open_connection(host, port, limit=RECEIVE_BYTES)
    client = Client(reader, writer)
    receiving = asyncio.create_task(client.receive())
    conversing = asyncio.create_task(converse(client, authority(host, port), texts))
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
        writer.close()


def main() -> int:
    """Converse, and say in one line what went wrong."""
    host, port, texts = client_arguments(sys.argv[0], __doc__)
    try:
        asyncio.run(asyncio.wait_for(run(host, port, texts), TIMEOUT_SECONDS))
    except asyncio.TimeoutError:
        print(f"{authority(host, port)}: no answer within {TIMEOUT_SECONDS:g} seconds", file=sys.stderr)
        return 1
    except ConnectionRefusedError:  # asyncio's own words for it are "Connect call failed"
        print(f"{authority(host, port)}: connection refused", file=sys.stderr)
        return 1
    except (OSError, RemoteProtocolError) as error:
        print(f"{authority(host, port)}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
