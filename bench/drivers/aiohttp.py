"""Drives the reader and the writer of aiohttp's WebSocket code, `aiohttp.http_websocket`.

They sit between a queue and a transport; the transport here drops or keeps what is written. aiohttp's
handshake belongs to its HTTP client and server, which cannot be driven without an event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketReader, WebSocketWriter, WSMsgType

from bench.drivers import interface
from bench.drivers.interface import UnsupportedError
from bench.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bench.drivers.interface import Once, Timed
    from bench.workloads import Material, Role

UNLIMITED = 2**30
NO_HANDSHAKE = "the handshake belongs to its HTTP client and server"
LEVEL = "compresses at level 1, which cannot be chosen"
FRAGMENTS = "cannot send a fragment"
LOOP = asyncio.new_event_loop()
LOOP.close()  # nothing ever waits


def identity() -> dict[str, str]:
    """Return the version and file that were imported, and whether the reader is the compiled one."""
    compiled = WebSocketReader.__module__.endswith("reader_c")
    return {
        "version": aiohttp.__version__,
        "file": str(aiohttp.__file__),
        "helpers": "reader and masking in C" if compiled else "no C extension",
    }


class Transport(asyncio.Transport):
    """Takes the bytes that are written, and drops them unless somebody wants to see them."""

    kept: list[bytes] | None = None

    def write(self, data: Any) -> None:
        """Take bytes."""
        if self.kept is not None:
            self.kept.append(bytes(data))

    def is_closing(self) -> bool:
        """Stay open."""
        return False

    def pause_reading(self) -> None:
        """Raise: the queue is large enough for every workload."""
        raise RuntimeError("the queue is full")


def run_through(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never has to wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("there was nothing to read")


class Endpoint(interface.Endpoint):
    """A reader that feeds a queue, and a writer."""

    no_idle = NO_HANDSHAKE

    def __init__(self, role: Role, *, deflate: bool) -> None:
        super().__init__(role, deflate=deflate)
        protocol = BaseProtocol(LOOP)
        self.transport = Transport()
        protocol.connection_made(self.transport)
        self.queue = WebSocketDataQueue(protocol, UNLIMITED, loop=LOOP)
        self.reader = WebSocketReader(self.queue, 0, deflate, True)  # noqa: FBT003  # positional there
        self.writer = WebSocketWriter(protocol, self.transport, use_mask=role == "client", limit=UNLIMITED)

    def receive(self, material: Material) -> Timed:
        """Feed the reads, and take every message from the queue."""
        feed_data, read_queue = self.reader.feed_data, self.queue.read
        reads = list(zip(material.reads, material.ends, strict=True))

        async def loop(repeat: int) -> None:
            for _ in range(repeat):
                for read, count in reads:
                    feed_data(read)
                    for _ in range(count):
                        await read_queue()

        return lambda repeat: run_through(loop(repeat))

    def received(self, material: Material) -> list[Message]:
        """Do it once."""
        messages = []

        async def loop() -> None:
            for read, count in zip(material.reads, material.ends, strict=True):
                self.reader.feed_data(read)
                for _ in range(count):
                    message = await self.queue.read()
                    data = message.data.encode() if message.type == WSMsgType.TEXT else bytes(message.data)
                    messages.append(Message(int(message.type), data))

        run_through(loop())
        return messages

    def send(self, material: Material) -> Timed:
        """Send each message; text as the bytes that the writer takes."""
        send_frame, messages = self.writer.send_frame, self._sendable(material)

        async def loop(repeat: int) -> None:
            for _ in range(repeat):
                for opcode, payload in messages:
                    await send_frame(payload, opcode)

        return lambda repeat: run_through(loop(repeat))

    def _sendable(self, material: Material) -> list[tuple[WSMsgType, bytes]]:
        if self.deflate:
            raise UnsupportedError(LEVEL)
        if material.fragment:
            raise UnsupportedError(FRAGMENTS)
        return [(WSMsgType(opcode), payload) for opcode, payload in material.messages]

    def sent(self, material: Material) -> bytes:
        """Do it once."""
        return self._written(self.send(material))

    def answer_pings(self, material: Material) -> Timed:
        """Send a pong for each ping, as aiohttp's own receiving method does."""
        feed_data, read_queue, send_frame = self.reader.feed_data, self.queue.read, self.writer.send_frame
        reads = list(zip(material.reads, material.ends, strict=True))

        async def loop(repeat: int) -> None:
            for _ in range(repeat):
                for read, count in reads:
                    feed_data(read)
                    for _ in range(count):
                        message = await read_queue()
                        await send_frame(message.data, WSMsgType.PONG)

        return lambda repeat: run_through(loop(repeat))

    def answered(self, material: Material) -> bytes:
        """Do it once."""
        return self._written(self.answer_pings(material))

    def _written(self, timed: Timed) -> bytes:
        self.transport.kept = []
        timed(1)
        output = b"".join(self.transport.kept)
        self.transport.kept = None
        return output

    def answer_close(self, material: Material) -> Once:
        """Send a Close for the one that came."""
        return self._closing(material, answers=True)

    def begin_close(self, material: Material) -> Once:
        """Send a Close and take its answer."""
        return self._closing(material, answers=False)

    def _closing(self, material: Material, *, answers: bool) -> Once:
        written: list[bytes] = []
        self.transport.kept = written
        feed_data, read_queue, close = self.reader.feed_data, self.queue.read, self.writer.close
        (read,) = material.reads

        async def answer() -> None:
            feed_data(read)
            message = await read_queue()
            await close(message.data, message.extra or "")

        async def begin() -> None:
            await close(1000, "done")
            feed_data(read)
            await read_queue()

        def run() -> bytes:
            run_through(answer() if answers else begin())
            return b"".join(written)

        return run


def shake_hands(*, deflate: bool) -> Callable[[], tuple[bytes, bytes]]:  # noqa: ARG001  # as elsewhere
    """Refuse."""
    raise UnsupportedError(NO_HANDSHAKE)


def accept(request: bytes) -> Once:  # noqa: ARG001  # as elsewhere
    """Refuse."""
    raise UnsupportedError(NO_HANDSHAKE)
