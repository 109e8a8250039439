"""Peers that break the rules: each takes all that it gets, or nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, MASK, PING, PONG, RSV1, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

#: A frame of any length is waited for.
LONGEST = 2**64

#: Seconds for which a peer stays that should leave: more than the harness waits in these tests.
PATIENCE = 2.0


def field(head: bytes, name: bytes) -> bytes:
    """The first value of a field, or nothing."""
    found = re.search(rb"(?im)^" + name + rb": *([^\r]*)", head)
    return found[1] if found else b""


def accepted(head: bytes) -> bytes:
    """A response that takes any request and any offer."""
    key = field(head, b"Sec-WebSocket-Key")
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
    ]
    if offer := field(head, b"Sec-WebSocket-Extensions"):
        lines.append(b"Sec-WebSocket-Extensions: " + offer.split(b",")[0])
    return b"\r\n".join([*lines, b"", b""])


def echoed(found: wire.Frame, mask: bytes | None) -> bytes:
    """Every frame comes back as it is, a ping as a pong."""
    opcode = PONG if found.opcode == PING else found.opcode
    rsv = found.rsv if opcode < CLOSE else 0
    return wire.frame(opcode, found.payload, fin=found.fin, rsv=rsv, mask=mask)


class Compressing:
    """Compresses with the largest window there is, and refers back to all that came before."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(9, wbits=-15)

    def __call__(self, found: wire.Frame, mask: bytes | None) -> bytes:
        if found.opcode not in {TEXT, BINARY} or found.rsv:
            return echoed(found, mask)
        payload = self._deflater.compress(found.payload) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return wire.frame(found.opcode, payload[:-4], rsv=RSV1, mask=mask)


async def take_all(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    mask: bytes | None,
    answer: Callable[[wire.Frame, bytes | None], bytes] = echoed,
) -> None:
    """Answer every frame, whatever it is, until a Close."""
    data = bytearray()
    closed = False
    while not closed and (piece := await reader.read(2**16)):
        data += piece
        while not closed and (found := wire.take_frame(data, LONGEST)):
            writer.write(answer(found, mask))
            closed = found.opcode == CLOSE
        await writer.drain()
    writer.close()


async def lax_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts any request, and echoes any frame."""
    writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
    await take_all(reader, writer, None)


async def compressing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Compresses as nobody has agreed to."""
    writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
    await take_all(reader, writer, None, Compressing())


async def refusing_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuses every request."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def hasty_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts a request before it is whole."""
    writer.write(accepted(await reader.read(2**16)))
    await take_all(reader, writer, None)


async def keeping_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuses a request, and leaves the connection open without a further word."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(PATIENCE)


async def silent_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing."""
    await reader.read()
    writer.close()


async def masking_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Masks what it sends."""
    writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
    await take_all(reader, writer, MASK)


REQUEST = (
    "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
"""The same key for every connection."""

MALFORMED = REQUEST.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12")


async def lax_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes any response, and echoes any frame, with the same masking key."""
    await reader.readuntil(b"\r\n\r\n")
    await take_all(reader, writer, MASK)


async def compressing_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Compresses as nobody has agreed to."""
    await reader.readuntil(b"\r\n\r\n")
    await take_all(reader, writer, MASK, Compressing())


async def leaving_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes no response."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def staying_client(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Reads all, says nothing, and does not leave when the server does."""
    await reader.read()
    await asyncio.sleep(PATIENCE)


async def unmasking_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Masks nothing."""
    await reader.readuntil(b"\r\n\r\n")
    await take_all(reader, writer, None)


def unmasked(data: bytes) -> bytes:
    """The payload of the first frame, whole or not."""
    found = wire.take_frame(bytearray(data), LONGEST)
    return found.payload if found else b""


def silent_after_the_first(count: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
    """Serves so many connections, and says nothing on those that follow."""
    left = [count]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left[0] -= 1
        await (lax_server if left[0] >= 0 else silent_server)(reader, writer)

    return serve


async def trickling_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echoes one message, then sends pings for ever where a second one comes or none."""
    writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
    await reader.read(2**16)
    while True:
        writer.write(wire.frame(PING, b"?"))
        await writer.drain()
        await asyncio.sleep(0.02)


class Slow:
    """A server that takes its time, and counts its connections at once."""

    def __init__(self) -> None:
        self.most = self._now = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.2)
            writer.write(accepted(head))
            await take_all(reader, writer, None)
        finally:
            self._now -= 1
