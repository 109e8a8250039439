"""The bridge in a direction: who comes to it, and where it goes on."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args
from weakref import WeakSet

from harness.streams.driver import Target
from harness.transports.passage import FromSuite, ToSuite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from harness.transports.passage import Carrier, Passage

    Accept = Callable[[], Passage]
    Keep = Callable[[Carrier], None]
    Note = Callable[[str], None]

LOOPBACK = "127.0.0.1"

Streams = Literal["shared", "own"]
"""Whether the WebSockets are streams of one connection, or each has one of its own."""

STREAMS: tuple[Streams, ...] = get_args(Streams)

BridgedTransport = Literal["h2", "h3"]


@dataclass(frozen=True)
class Files:
    """PEM files of a certificate: what a client trusts, and what a server shows."""

    authority: Path
    certificate: Path
    key: Path


class Dialer:
    """Gives a connection to the server under test: the last one as long as it can be shared.

    :param keep: takes every connection.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Carrier]], keep: Callable[[Carrier], None], *, shared: bool
    ) -> None:
        self._connect, self._keep, self._shared = connect, keep, shared
        self._last: Carrier | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Carrier:
        """Return one that takes a stream; raises `OSError` where the server takes no connection."""
        if not self._shared:
            return await self._new()
        async with self._lock:
            if self._last is None or not self._last.usable:
                self._last = await self._new()
            return self._last

    async def _new(self) -> Carrier:
        carrier = await self._connect()
        self._keep(carrier)
        return carrier


def on_loopback(transport: BridgedTransport, port: int, files: Files | None) -> Target:
    """Return the server under test at a port of the loopback interface."""
    scheme = "https" if files else "http"
    return Target(transport, f"{scheme}://{LOOPBACK}:{port}", str(files.authority) if files else None)


@asynccontextmanager
async def to_server(server: Target, note: Note, *, streams: Streams = "shared") -> AsyncIterator[str]:
    """Pass what comes by HTTP/1.1 on to a server; give the URL."""
    connect = {"h2": _connect_http2, "h3": _connect_http3}[server.transport]
    async with _ending() as keep:
        connecting = partial(connect, server, note, own=streams == "own")
        dial = Dialer(connecting, keep, shared=streams == "shared")
        scheme, authority = server.values["scheme"], server.values["authority"]
        listener = await asyncio.get_running_loop().create_server(
            lambda: FromSuite(dial, scheme, authority), LOOPBACK, 0
        )
        try:
            yield f"ws://{LOOPBACK}:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()


@asynccontextmanager
async def to_suite(
    transport: BridgedTransport, port: int, files: Files | None, note: Note
) -> AsyncIterator[str]:
    """Pass the streams of clients on to a suite at a port of the loopback interface; give the URL."""
    listen = {"h2": _listen_http2, "h3": _listen_http3}[transport]
    async with _ending() as keep, listen(partial(ToSuite, LOOPBACK, port), keep, files, note) as found:
        yield f"{'wss' if files else 'ws'}://{LOOPBACK}:{found}"


@asynccontextmanager
async def _ending() -> AsyncIterator[Callable[[Carrier], None]]:
    """Take connections, and end at last those that are still there."""
    carriers: WeakSet[Carrier] = WeakSet()
    try:
        yield carriers.add
    finally:
        await asyncio.gather(*(carrier.leave() for carrier in list(carriers)))


# Each library is imported where it is used: a bridge needs one of them.


async def _connect_http2(server: Target, note: Note, *, own: bool) -> Carrier:
    from harness.transports.http2 import Http2  # noqa: PLC0415

    host, port = server.address
    _, carrier = await asyncio.get_running_loop().create_connection(
        lambda: Http2(note, own=own), host, port, ssl=server.context()
    )
    await carrier.ready
    return carrier


@asynccontextmanager
async def _listen_http2(accept: Accept, keep: Keep, files: Files | None, note: Note) -> AsyncIterator[int]:
    from harness.transports.http2 import Http2  # noqa: PLC0415

    def connected() -> Http2:
        carrier = Http2(note, accept)
        keep(carrier)
        return carrier

    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        context.set_alpn_protocols(["h2"])
    listener = await asyncio.get_running_loop().create_server(connected, LOOPBACK, 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def _connect_http3(server: Target, note: Note, *, own: bool) -> Carrier:
    from harness.transports.http3 import connect  # noqa: PLC0415

    return await connect(server, note, own=own)


@asynccontextmanager
async def _listen_http3(accept: Accept, keep: Keep, files: Files | None, note: Note) -> AsyncIterator[int]:  # noqa: ARG001  # the end of its socket ends its connections
    from harness.transports.http3 import listen  # noqa: PLC0415

    assert files  # noqa: S101  # the command line sees to it
    async with listen(LOOPBACK, files.certificate, files.key, accept, note) as port:
        yield port
