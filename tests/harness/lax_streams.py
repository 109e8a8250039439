"""Peers over HTTP/2 and HTTP/3 that break the rules of section H: servers, and a client.

They speak through the harness's own wires, which keep nobody from breaking a rule.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.streams.driver import WIRES, Target
from harness.streams.fields import RESPONSE, adding, filled, put
from tooling import frames
from tooling.frames import CLOSE, MASK, PING, PONG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from harness.streams.codes import Transport
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
    wires: list[Wire] = []
    try:
        for number in [*range(1, count + 1), 0]:
            with suppress(OSError):
                if not wires or wires[-1].gone:
                    wires.append(await target.connect(None, 1.0))
                await _ask(wires[-1], target, number, how)
        await wires[-1].until(lambda: False, 2.0)
    finally:
        for wire in wires:
            if not wire.gone:
                wire.end()
        await asyncio.sleep(0)  # for the ends of their sockets


async def _ask(wire: Wire, target: Target, number: int, how: str) -> None:
    """Ask for a case, or with 0 for the reports."""
    path = f"/runCase?case={number}&agent=lax" if number else "/updateReports?agent=lax"
    fields = put(b":path", path.encode(), NO_END if how == "asks wrongly" else REQUEST)
    stream = wire.open()
    stream.seen.opened = True
    wire.headers(stream, filled(fields, **target.values), end=how == "asks wrongly")
    wire.transmit()
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
