"""A listener on loopback for engines that know only a URL: it asks the target in their place.

It reads the head of a request, writes it anew as the target wants it, then passes bytes both ways unchanged,
over TLS where the target has it. The end of a direction (FIN, with TLS a close_notify before it) and a reset
(RST) pass as well. A side that does not read is not read for.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from harness.extra.heads import take_head

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Sequence

    from harness.extra.place import Place

LONGEST_HEAD = 2**16
"""Bytes of a request's head, after which it is passed on as it is."""

PIECE = 2**16

_LINGER = struct.pack("ii", 1, 0)


class Plain:
    """The bytes on the way to a target without TLS, and back: as they are."""

    def send(self, data: bytes) -> bytes:
        """Return what goes out for bytes of the caller."""
        return data

    def receive(self, data: bytes) -> bytes:
        """Return what the caller gets for bytes of the target."""
        return data

    def end(self) -> bytes:
        """Return what goes out before the end of TCP."""
        return b""

    def take_outgoing(self) -> bytes:
        """Return what has to go out besides."""
        return b""


class Tls(Plain):
    """The same over TLS: `ssl.SSLObject`'s, since asyncio's cannot end one direction alone."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    async def shake_hands(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Open TLS; raises `OSError` where that fails."""
        while True:
            try:
                self._ssl.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(self.take_outgoing())
                if not (data := await reader.read(PIECE)):
                    raise ConnectionResetError from None
                self._incoming.write(data)
            else:
                writer.write(self.take_outgoing())
                return

    def send(self, data: bytes) -> bytes:
        """Put bytes into records."""
        rest = memoryview(data)
        with suppress(ssl.SSLError):  # TLS is over
            while rest:
                rest = rest[self._ssl.write(rest) :]
        return self.take_outgoing()

    def receive(self, data: bytes) -> bytes:
        """Take bytes out of records; a close_notify is answered, for which some servers wait."""
        self._incoming.write(data)
        plain = bytearray()
        try:
            while piece := self._ssl.read(PIECE):
                plain += piece
            self._notify()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._notify()
        except ssl.SSLError as error:
            if not plain:
                raise ConnectionResetError(str(error)) from None
        return bytes(plain)

    def end(self) -> bytes:
        """Say close_notify."""
        self._notify()
        return self.take_outgoing()

    def take_outgoing(self) -> bytes:
        """Return the records that TLS itself has to send."""
        return self._outgoing.read()

    def _notify(self) -> None:
        with suppress(ssl.SSLError):  # it was said, or the target's is not here yet
            self._ssl.unwrap()


class Relay:
    """Passes the connections of an engine on to a target."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._tasks: set[asyncio.Task[None]] = set()

    def connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take a connection."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled at once does not even begin.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def stop(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        target: StreamWriter | None = None
        try:
            data = await self._head(reader)
            answers, target = await asyncio.open_connection(self._place.host, self._place.port)
            _nodelay(writer)
            _nodelay(target)
            codec = Plain()
            if self._place.context:
                codec = Tls(self._place.context(), self._place.server_name)
                await codec.shake_hands(answers, target)
            target.write(codec.send(data))
            await _both(_up(reader, target, codec), _down(answers, writer, target, codec))
        except (OSError, asyncio.CancelledError):
            for end in (writer, target):
                if end:
                    _reset(end)
        finally:
            await _closed([end for end in (writer, target) if end])

    async def _head(self, reader: StreamReader) -> bytes:
        """Read a request, and write it anew."""
        data = bytearray()
        while (head := take_head(data)) is None and len(data) < LONGEST_HEAD:
            if not (piece := await reader.read(PIECE)):
                return bytes(data)
            data += piece
        if head is None:
            return bytes(data)
        asked = self._place.asked(head.begin("GET / HTTP/1.1").put("Host", self._place.authority))
        return asked.encode() + data


async def _up(reader: StreamReader, target: StreamWriter, codec: Plain) -> None:
    while data := await reader.read(PIECE):
        target.write(codec.send(data))
        await target.drain()
    target.write(codec.end())
    target.write_eof()


async def _down(answers: StreamReader, writer: StreamWriter, target: StreamWriter, codec: Plain) -> None:
    while data := await answers.read(PIECE):
        writer.write(codec.receive(data))
        if outgoing := codec.take_outgoing():
            target.write(outgoing)
        await writer.drain()
    writer.write_eof()


async def _both(*directions: Awaitable[None]) -> None:
    """Pass bytes on until both directions have ended; a reset ends both at once."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _closed(ends: Sequence[StreamWriter]) -> None:
    """Close connections once they have sent everything; where the relay stops before, reset them."""
    try:
        for end in ends:
            end.close()
        for end in ends:
            with suppress(OSError):
                await end.wait_closed()
    except asyncio.CancelledError:
        for end in ends:
            _reset(end)
        raise


def _nodelay(writer: StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: StreamWriter) -> None:
    """End a connection by RST."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()


@asynccontextmanager
async def relay(place: Place) -> AsyncIterator[str]:
    """Pass connections on to a target, and give the URL that leads to it."""
    passing = Relay(place)
    listener = await asyncio.start_server(passing.connected, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await passing.stop()
