"""Clients, servers and bridges between them, for the tests of the bridge."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack, suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any

from harness.transports.bridge import on_loopback, to_server, to_suite
from harness.transports.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.transports.bridge import BridgedTransport, Streams

    Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]

PATIENCE = 40.0

GET = (
    b"GET /runCase?case=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: x-a\r\nUser-Agent: x\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class Notes(list[str]):
    """The lines that a bridge says of its peers."""

    __call__ = list.append


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def through(
    transport: BridgedTransport, server: Talk, *clients: Talk, streams: Streams = "shared"
) -> list[Any]:
    """Have clients and a server talk through two bridges; give what the clients say."""
    writers: list[asyncio.StreamWriter] = []
    faults: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionResetError):  # it is for the client to say what became of it
            await server(reader, writer)

    async def meet(client: Talk, url: str) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
        writers.append(writer)
        return await asyncio.wait_for(client(reader, writer), PATIENCE)

    async def run() -> list[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        notes = Notes()
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with AsyncExitStack() as stack:
            files = stack.enter_context(certificate()) if transport == "h3" else None
            between = await stack.enter_async_context(to_suite(transport, port, files, notes))
            near = to_server(on_loopback(transport, port_of(between), files), notes, streams=streams)
            url = await stack.enter_async_context(near)
            said = await asyncio.gather(*(meet(client, url) for client in clients))
            for writer in writers:
                writer.transport.abort()
            listener.close()
            await asyncio.sleep(0.05)
        assert notes == []
        return said

    found = asyncio.run(run())
    assert faults == []
    return found


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHED)
    return head


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return head


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await accept(reader, writer)
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
