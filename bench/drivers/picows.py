"""Drives picows through its documented functions, on an event loop whose connections lead nowhere.

`ws_create_server` and `ws_connect` hand a protocol factory to the loop. Here the loop keeps it, and the
driver writes into the protocol's buffer what a transport would read into it. This takes one copy, which
stands for the one from the kernel, and is counted. picows hands out frames: it joins no messages and
inflates nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import picows

from bench import handshakes
from bench.drivers import interface
from bench.drivers.interface import UnsupportedError
from bench.messages import Message
from tooling.frames import CONTINUATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.drivers.interface import Once, Timed
    from bench.workloads import Material, Role

NO_DEFLATE = "has no permessage-deflate"
PAIR = "its client's handshake runs in the event loop"
UNSEEN = "takes its memory past Python's allocators"
SIZE = 2**31 - 1


def identity() -> dict[str, str]:
    """Return the version and file that were imported."""
    version = picows.version.__version__
    return {"version": version, "file": str(picows.__file__), "helpers": "all of it in Cython and C"}


class Socket:
    """Takes the options that picows sets; without a file number, it writes through the transport."""

    def setsockopt(self, *_: object) -> None:
        """Set nothing."""

    def getsockopt(self, *_: object) -> int:
        """Return the size of a buffer."""
        return 2**18

    def fileno(self) -> int:
        """Return a number that means none."""
        return -1


class Transport(asyncio.Transport):
    """Keeps the last thing written, but drops it while time is taken."""

    def __init__(self) -> None:
        super().__init__({"socket": Socket()})
        self.last = b""
        self.keeps = True

    def write(self, data: Any) -> None:
        """Take bytes."""
        if self.keeps:
            self.last = bytes(data)

    def get_write_buffer_size(self) -> int:
        """Say that everything is written."""
        return 0

    def is_closing(self) -> bool:
        """Stay open."""
        return False

    def close(self) -> None:
        """Stay open."""

    def abort(self) -> None:
        """Stay open."""


class Loop(asyncio.SelectorEventLoop):
    """Keeps the protocol factories that it is given."""

    factory: Callable[[], Any]

    async def create_server(self, factory: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        """Listen nowhere."""
        self.factory = factory

    async def create_connection(self, factory: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        """Connect to nothing."""
        transport, protocol = Transport(), factory()
        protocol.connection_made(transport)
        self.connected.set_result((transport, protocol))
        return transport, protocol

    connected: asyncio.Future[tuple[Transport, Any]]


LOOP = Loop()
OPTIONS = {"websocket_handshake_timeout": None, "max_frame_size": SIZE, "use_aiofastnet": False}


class Listener(picows.WSListener):  # type: ignore[misc]
    """Takes the payload of each frame as `str` or `bytes`, and answers a Close."""

    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] | None = None

    def on_ws_connected(self, transport: Any) -> None:
        """Keep the transport for sending."""
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a frame, as picows' examples do."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            payload = frame.get_payload_as_utf8_text()
        else:
            payload = frame.get_payload_as_bytes()
            if frame.msg_type == picows.WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
        if self.messages is not None:
            data = payload.encode() if isinstance(payload, str) else payload
            if frame.msg_type == CONTINUATION:
                opcode, first = self.messages.pop()
                self.messages.append(Message(opcode, first + data))
            else:
                self.messages.append(Message(int(frame.msg_type), data))


async def _server_factory() -> Callable[[], Any]:
    await picows.ws_create_server(lambda _: Listener(), "127.0.0.1", 0, **OPTIONS)
    return LOOP.factory


async def _open_server() -> tuple[Transport, Any]:
    transport, protocol = Transport(), SERVER()
    protocol.connection_made(transport)
    _feed(protocol, handshakes.request(deflate=False))
    return transport, protocol


async def _open_client() -> tuple[Transport, Any]:
    LOOP.connected = LOOP.create_future()
    task = asyncio.ensure_future(picows.ws_connect(Listener, "ws://127.0.0.1:80/", **OPTIONS))
    transport, protocol = await LOOP.connected
    _feed(protocol, handshakes.response(transport.last, deflate=False))
    await task
    return transport, protocol


SERVER = LOOP.run_until_complete(_server_factory())


def _feed(protocol: Any, read: bytes) -> None:
    """Hand a read to the protocol, in as many parts as its buffer needs."""
    view = memoryview(read)
    while view:
        buffer = protocol.get_buffer(len(view))
        size = min(len(buffer), len(view))
        buffer[:size] = view[:size]
        protocol.buffer_updated(size)
        view = view[size:]


class Endpoint(interface.Endpoint):
    """A protocol of picows that is open."""

    no_idle = no_peak = UNSEEN

    def __init__(self, role: Role, *, deflate: bool) -> None:
        super().__init__(role, deflate=deflate)
        if deflate:
            raise UnsupportedError(NO_DEFLATE)
        if role == "server":
            self.transport, self.protocol = LOOP.run_until_complete(_open_server())
        else:
            self.transport, self.protocol = LOOP.run_until_complete(_open_client())
        self.listener: Listener = self.protocol.listener

    def receive(self, material: Material) -> Timed:
        """Fill the protocol's buffer; the listener is called from there."""
        get_buffer, buffer_updated = self.protocol.get_buffer, self.protocol.buffer_updated
        feed, protocol, reads = _feed, self.protocol, material.reads
        self.transport.keeps = False

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for read in reads:
                    buffer = get_buffer(-1)
                    size = len(read)
                    if size <= len(buffer):
                        buffer[:size] = read
                        buffer_updated(size)
                    else:
                        feed(protocol, read)

        return run

    answer_pings = receive  # picows answers by itself

    def received(self, material: Material) -> list[Message]:
        """Do it once; picows keeps pings for itself."""
        messages: list[Message] = []
        self.listener.messages = messages
        for read in material.reads:
            _feed(self.protocol, read)
        self.listener.messages = None
        return messages

    def send(self, material: Material) -> Timed:
        """Send each message, or its fragments; text as bytes."""
        send, calls = self.listener.transport.send, _calls(material)
        self.transport.keeps = False

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for kind, piece, last in calls:
                    send(kind, piece, last)

        return run

    def sent(self, material: Material) -> bytes:
        """Do it once."""
        output = b""
        for kind, piece, last in _calls(material):
            self.listener.transport.send(kind, piece, last)
            output += self.transport.last
        return output

    def answered(self, material: Material) -> bytes:
        """Do it once."""
        output = b""
        for read in material.reads:
            _feed(self.protocol, read)
            output += self.transport.last
        return output

    def answer_close(self, material: Material) -> Once:
        """Have the listener answer."""
        protocol, transport, (read,) = self.protocol, self.transport, material.reads

        def run() -> bytes:
            _feed(protocol, read)
            return transport.last

        return run

    def begin_close(self, material: Material) -> Once:
        """Send a Close and take its answer."""
        protocol, transport, (read,) = self.protocol, self.transport, material.reads
        send_close = self.listener.transport.send_close

        def run() -> bytes:
            send_close(1000, b"done")
            output = transport.last
            _feed(protocol, read)
            return output

        return run


def _calls(material: Material) -> list[tuple[picows.WSMsgType, bytes, bool]]:
    calls = []
    for opcode, payload in material.messages:
        kind = picows.WSMsgType(opcode)
        size = material.fragment or len(payload)
        starts = range(0, len(payload), size)
        for start in starts:
            calls.append((kind, payload[start : start + size], start == starts[-1]))
            kind = picows.WSMsgType.CONTINUATION
    return calls


def shake_hands(*, deflate: bool) -> Callable[[], tuple[bytes, bytes]]:
    """Refuse."""
    raise UnsupportedError(NO_DEFLATE if deflate else PAIR)


def accept(request: bytes) -> Once:  # noqa: ARG001  # as elsewhere
    """Refuse."""
    raise UnsupportedError(NO_DEFLATE)
