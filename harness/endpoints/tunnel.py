"""Hands the bytes of one connection to another and back, unchanged: FIN as FIN, RST as RST, and no faster
than they are read.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast


class Side(asyncio.Protocol):
    """One of the two connections of a tunnel.

    :param ends: takes the peer's name and how it ended TCP, `FIN` or `RST`, when it does.
    """

    def __init__(self, peer: str, ends: dict[str, str]) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.other: Side | None = None
        self._peer = peer
        self._ends = ends
        self._is_reset = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; no small write waits for an acknowledgement."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Hand bytes on."""
        if self.other and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Hand the end on; the other direction stays open."""
        self._ends.setdefault(self._peer, "FIN")
        if self.other:
            self.other.finish()
            if len(self._ends) == 2:
                self.transport.close()
                self.other.transport.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand a reset on."""
        if not self._is_reset:
            self._ends.setdefault(self._peer, "RST" if exc else "FIN")
        if self.other and exc:
            self.other.reset()
        elif self.other:
            self.other.transport.close()
        if not self.over.done():
            self.over.set_result(None)

    def pause_writing(self) -> None:
        """Let the other side read no more."""
        if self.other and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let it read on."""
        if self.other and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def finish(self) -> None:
        """End this direction, behind what is still to be written."""
        try:
            if not self.transport.is_closing():
                self.transport.write_eof()
        except OSError:  # the peer is gone
            self.transport.abort()

    def reset(self) -> None:
        """End the connection by RST."""
        if self.over.done() or self._is_reset:
            return
        self._is_reset = True
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()


class Tunnel:
    """A client's connection joined to a new one to a server."""

    def __init__(self) -> None:
        self.ends: dict[str, str] = {}
        """How `client` and `server` ended TCP, `FIN` or `RST`, who did so first standing first."""
        self.client, self.server = Side("client", self.ends), Side("server", self.ends)

    async def connect(self, host: str, port: int) -> None:
        """Connect to the server, which is not read until a client is joined."""
        await asyncio.get_running_loop().create_connection(lambda: self.server, host, port)

    def join(self, transport: asyncio.Transport, first: bytes) -> None:
        """Take over a client's connection; the server gets `first` before all that comes."""
        self.client.connection_made(transport)
        self.client.other, self.server.other = self.server, self.client
        transport.set_protocol(self.client)
        self.server.transport.write(first)

    async def ended(self) -> None:
        """Wait until both connections have ended."""
        await asyncio.wait([self.client.over, self.server.over])

    def abort(self) -> None:
        """End both at once."""
        for side in (self.client, self.server):
            if hasattr(side, "transport"):
                side.transport.abort()
