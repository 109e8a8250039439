"""A server that is quick to start, in this process or in one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness import lax_peers
from tooling import frames as wire
from tooling.frames import CLOSE, PING, PONG

if TYPE_CHECKING:
    import asyncio


class Recorder:
    """A server that echoes short frames, as it should, and keeps the heads of all requests."""

    def __init__(self, server: str = "recorder/1") -> None:
        self.heads: list[str] = []
        self._server = server

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode("latin-1"))
        key = lax_peers.field(head, b"Sec-WebSocket-Key")
        accepted = lax_peers.accepted(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
        writer.write(accepted.removesuffix(b"\r\n") + f"Server: {self._server}\r\n\r\n".encode())
        await echo(reader, writer)

    def values(self, name: str) -> list[list[str]]:
        """The values of a field in each request."""
        lines = [head.split("\r\n")[1:] for head in self.heads]
        return [
            [value.strip() for line in of_head for found, _, value in [line.partition(":")] if found == name]
            for of_head in lines
        ]

    @property
    def targets(self) -> set[str]:
        """What the requests asked for."""
        return {head.split(" ")[1] for head in self.heads}


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send every frame back, until a Close."""
    data = bytearray()
    while piece := await reader.read(2**16):
        data += piece
        while found := wire.take_frame(data, lax_peers.LONGEST):
            opcode = PONG if found.opcode == PING else found.opcode
            writer.write(wire.frame(opcode, found.payload, fin=found.fin))
            if found.opcode == CLOSE:
                writer.close()
                return
        await writer.drain()
