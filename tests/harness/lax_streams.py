"""Peers over HTTP/2 and HTTP/3 that break the rules of section H: servers, and a client.

They speak through the harness's own wires, which keep nobody from breaking a rule.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.streams.codes import CODES
from harness.streams.driver import WIRES, Target
from harness.streams.fields import RESPONSE, adding, filled, put
from tooling import frames
from tooling.frames import CLOSE, MASK, PING, PONG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from harness.streams.codes import Transport
    from harness.streams.fields import Fields
    from harness.streams.wire import Stream, Wire

    Behaviour = Callable[[Wire, Stream], Awaitable[None]]

ALLOWING = {0x8: 1}
"""The settings by which a server allows extended CONNECT."""

LONGEST = 20.0
"""Seconds that a peer stays, more than any of these tests takes."""


async def echo(wire: Wire, stream: Stream, mask: bytes | None, *, answers_close: bool = True) -> None:
    """Send every frame back, whatever it is, and never end the stream."""
    done = 0
    while await wire.until(lambda: len(stream.seen.frames) > done or stream.over, LONGEST):  # noqa: B023
        if wire.gone or (stream.over and len(stream.seen.frames) <= done):
            return
        for frame in stream.seen.frames[done:]:
            done += 1
            if frame.opcode == CLOSE and not answers_close:
                return
            opcode = PONG if frame.opcode == PING else frame.opcode
            if stream.reset is None:
                wire.data(stream, frames.frame(opcode, frame.payload, mask=mask))


async def takes(wire: Wire, stream: Stream) -> None:
    """Accept every request and every frame."""
    stream.seen.opened = True
    wire.headers(stream, RESPONSE)
    await echo(wire, stream, None)


async def refuses(wire: Wire, stream: Stream) -> None:
    """Refuse every request, with a status that fits none."""
    wire.headers(stream, ((b":status", b"302"),), end=True)
    wire.transmit()


async def is_silent(wire: Wire, stream: Stream) -> None:
    """Say nothing."""


async def is_fragile(wire: Wire, stream: Stream) -> None:
    """Accept requests, and end the connection as soon as a stream ends."""
    stream.seen.opened = True
    wire.headers(stream, RESPONSE)
    await echo(wire, stream, None)
    if stream.over:
        wire.cut()


async def speaks_http1(wire: Wire, stream: Stream) -> None:
    """Accept requests as over HTTP/1.1."""
    wire.headers(stream, adding((b"upgrade", b"websocket"), to=RESPONSE))
    wire.transmit()


async def hangs_on_many_fields(wire: Wire, stream: Stream) -> None:
    """Accept requests, and say nothing to one that is long."""
    if len(stream.request) < 100:
        await takes(wire, stream)


async def aborts_by_datagram_error(wire: Wire, stream: Stream) -> None:
    """Accept requests, and abort a stream behind its first message, as a datagram asks for."""
    stream.seen.opened = True
    wire.headers(stream, RESPONSE)
    await wire.until(lambda: bool(stream.seen.frames), LONGEST)
    frame = stream.seen.frames[0]
    wire.data(stream, frames.frame(frame.opcode, frame.payload))
    wire.transmit()
    await wire.until(lambda: False, 0.05)
    wire.reset(stream, CODES["H3_DATAGRAM_ERROR"])
    wire.transmit()


async def resets(wire: Wire, stream: Stream) -> None:
    """Accept requests, and reset streams with another error than is due."""
    stream.seen.opened = True
    wire.headers(stream, RESPONSE)
    await wire.until(lambda: bool(stream.seen.frames) or stream.over, LONGEST)
    wire.reset(stream, 0x2 if wire.transport_name == "h2" else 0x102)
    wire.transmit()


@asynccontextmanager
async def serving(
    transport: Transport,
    files: tuple[str, str] | None,
    behave: Behaviour,
    *,
    once: bool = False,
    settings: dict[int, int] = ALLOWING,
) -> AsyncIterator[str]:
    """Serve so, and give the URL; `once`: no connection is served behind the first one."""
    tasks: set[asyncio.Task[None]] = set()
    wires: list[Wire] = []

    async def serve(wire: Wire) -> None:
        while await wire.until(lambda: not wire.came.empty(), LONGEST):
            tasks.add(asyncio.ensure_future(behave(wire, wire.came.get_nowait())))

    def begin(wire: Wire) -> None:
        wires.append(wire)
        if not once or len(wires) == 1:
            tasks.add(asyncio.get_running_loop().create_task(serve(wire)))

    listener, port = await import_module(WIRES[transport]).listen(files, lambda: settings, begin)
    try:
        yield f"{'https' if files else 'http'}://127.0.0.1:{port}/"
    finally:
        listener.close()
        for wire in wires:
            if not wire.gone:
                wire.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


REQUEST = (
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"{scheme}"),
    (b":authority", b"{authority}"),
    (b":path", b"{path}"),
    (b"sec-websocket-version", b"13"),
)
NO_END = ((b":method", b"CONNECT"), (b"upgrade", b"websocket"), (b":path", b"{path}"))


async def lax_client(target: Target, count: int, how: str) -> None:
    """Ask for each case, and take whatever comes (`takes`), or ask wrongly, or leave when anything comes."""
    wire: Wire | None = None
    async with connecting(target) as connect:
        for number in [*range(1, count + 1), 0]:
            with suppress(OSError):
                if wire is None or wire.gone:
                    wire = await connect()
                await _ask(wire, target, number, how)
        if wire:
            await wire.until(lambda: False, 2.0)


@asynccontextmanager
async def connecting(target: Target) -> AsyncIterator[Callable[[], Awaitable[Wire]]]:
    """Give what connects to a server, and end the connections at last."""
    wires: list[Wire] = []

    async def connect() -> Wire:
        wires.append(await target.connect(None, 1.0))
        return wires[-1]

    try:
        yield connect
    finally:
        for wire in wires:
            if not wire.gone:
                wire.end()
        await asyncio.sleep(0)  # for the ends of their sockets


def ask(wire: Wire, target: Target, path: str, request: Fields = REQUEST, *, end: bool = False) -> Stream:
    """Send a request."""
    stream = wire.open()
    stream.seen.opened = True
    wire.headers(stream, filled(put(b":path", path.encode(), request), **target.values), end=end)
    wire.transmit()
    return stream


CASE, MODE, REPORTS = (
    "/runCase?case=1&agent=lax",
    "/getCaseMode?case=1&modes=close",
    "/updateReports?agent=lax",
)


async def client_by_settings(target: Target, *, waits: bool) -> None:
    """Ask for a case; on the connection that follows wait for leave to ask, or not."""
    async with connecting(target) as connect:
        wire = await connect()
        ask(wire, target, CASE)
        await wire.until(lambda: wire.gone, LONGEST)
        wire = await connect()
        if waits:
            await wire.until(lambda: any(found.get(0x8) for found in wire.settings), LONGEST)
        ask(wire, target, REPORTS)
        await wire.until(lambda: wire.gone, LONGEST)


async def client_that_closes(target: Target, *, request_ends: bool, close_ends: bool) -> None:
    """Ask for the mode of a case, then for the case; close first, with the end of the stream or without."""
    async with connecting(target) as connect:
        wire = await connect()
        told = ask(wire, target, MODE)
        await wire.until(lambda: told.over, 1.0)
        stream = ask(wire, target, CASE, end=request_ends)
        await wire.until(lambda: bool(stream.sections), 1.0)
        wire.data(stream, frames.frame(CLOSE, b"\x03\xe8", mask=MASK), end=close_ends)
        wire.transmit()
        await wire.until(lambda: stream.over, 1.0)
        if not (close_ends or request_ends):
            wire.data(stream, b"", end=True)
        ask(wire, target, REPORTS)
        await wire.until(lambda: wire.gone, LONGEST)


async def client_by_goaway(target: Target, *, leaves: bool) -> None:
    """Ask for a case, and behind the GOAWAY for the reports: by another connection, or by the same."""
    async with connecting(target) as connect:
        wire = await connect()
        ask(wire, target, CASE)
        await wire.until(lambda: wire.gone if leaves else wire.error is not None, 0.2)
        if leaves:
            await wire.until(lambda: wire.gone, LONGEST)
        else:
            ask(wire, target, REPORTS)
            await wire.until(lambda: wire.gone, LONGEST)
        wire = await connect()
        ask(wire, target, REPORTS)
        await wire.until(lambda: wire.gone, LONGEST)


async def _ask(wire: Wire, target: Target, number: int, how: str) -> None:
    """Ask for a case, or with 0 for the reports."""
    path = f"/runCase?case={number}&agent=lax" if number else REPORTS
    wrong = how == "asks wrongly"
    stream = ask(wire, target, path, NO_END if wrong else REQUEST, end=wrong)
    if how == "leaves" and number:
        await wire.until(lambda: bool(stream.sections or stream.over), 1.0)
        wire.cut()
        await wire.until(lambda: wire.gone, 1.0)
    elif how == "takes":
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(echo(wire, stream, MASK), 0.15)
    else:
        await wire.until(lambda: stream.over, 0.15)


def target_of(transport: Transport, url: str, ca: Any) -> Target:
    """The target of a URL as the harness's servers say it."""
    return Target(transport, url.replace("ws", "http", 1), ca)
