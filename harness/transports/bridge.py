"""The bridge in a direction: who comes to it, and where it goes on."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from harness.transports.passage import FromSuite, ToSuite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from harness.transports.passage import Carrier, Passage

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
    """Gives a connection to the server under test: the last one as long as it can be shared."""

    def __init__(self, connect: Callable[[], Awaitable[Carrier]], *, shared: bool) -> None:
        self._connect, self._shared = connect, shared
        self._last: Carrier | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Carrier:
        """Return one that takes a stream; raises `OSError` where the server takes no connection."""
        if not self._shared:
            return await self._connect()
        async with self._lock:
            if self._last is None or not self._last.usable:
                self._last = await self._connect()
            return self._last


@asynccontextmanager
async def to_server(
    transport: BridgedTransport, port: int, files: Files | None, note: Note, *, streams: Streams = "shared"
) -> AsyncIterator[str]:
    """Pass what comes by HTTP/1.1 on to a server at a port of the loopback interface; give the URL."""
    connect = {"h2": _connect_http2, "h3": _connect_http3}[transport]
    dial = Dialer(partial(connect, port, files, note, own=streams == "own"), shared=streams == "shared")
    scheme = "https" if files else "http"
    listener = await asyncio.get_running_loop().create_server(
        lambda: FromSuite(dial, scheme, f"{LOOPBACK}:{port}"), LOOPBACK, 0
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
    accept = partial(ToSuite, LOOPBACK, port)
    listen = {"h2": _listen_http2, "h3": _listen_http3}[transport]
    async with listen(accept, files, note) as found:
        yield f"{'wss' if files else 'ws'}://{LOOPBACK}:{found}"


# Each library is imported where it is used: a bridge needs one of them.


async def _connect_http2(port: int, files: Files | None, note: Note, *, own: bool) -> Carrier:
    from harness.transports.http2 import Http2  # noqa: PLC0415

    context = None
    if files:
        context = ssl.create_default_context(cafile=files.authority)
        context.set_alpn_protocols(["h2"])
    _, carrier = await asyncio.get_running_loop().create_connection(
        lambda: Http2(note, own=own),
        LOOPBACK,
        port,
        ssl=context,
        server_hostname=LOOPBACK if files else None,
    )
    await carrier.ready
    return carrier


@asynccontextmanager
async def _listen_http2(accept: Callable[[], Passage], files: Files | None, note: Note) -> AsyncIterator[int]:
    from harness.transports.http2 import Http2  # noqa: PLC0415

    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        context.set_alpn_protocols(["h2"])
    listener = await asyncio.get_running_loop().create_server(
        lambda: Http2(note, accept), LOOPBACK, 0, ssl=context
    )
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def _connect_http3(port: int, files: Files | None, note: Note, *, own: bool) -> Carrier:
    from harness.transports import http3  # noqa: PLC0415

    assert files  # noqa: S101  # the command line sees to it
    return await http3.connect(LOOPBACK, port, files.authority, note, own=own)


@asynccontextmanager
async def _listen_http3(accept: Callable[[], Passage], files: Files | None, note: Note) -> AsyncIterator[int]:
    from harness.transports import http3  # noqa: PLC0415

    assert files  # noqa: S101  # the command line sees to it
    async with http3.listen(LOOPBACK, files.certificate, files.key, accept, note) as port:
        yield port
