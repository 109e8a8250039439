# /// script
# dependencies = ["websockets"]
# ///
"""websockets' asyncio server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from contract import HOST, Mode, listening_context, mode_of, ready, server_arguments, until_ended

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

    from websockets.http11 import Request

MODES = "fragments close ping subprotocol accept field target tls"


def of(connection: ServerConnection) -> Mode:
    """Return the mode that the client asks for."""
    return mode_of(connection.request.path if connection.request else "/")


def choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose the subprotocol that the mode names."""
    mode = of(connection)
    chosen = Subprotocol(mode.rest)
    return chosen if mode.name == "subprotocol" and chosen in offered else None


async def wait(_connection: ServerConnection, request: Request) -> None:
    """Accept the request as late as the mode says."""
    await asyncio.sleep(mode_of(request.path).delay)


def told(request: Request, mode: Mode) -> list[str]:
    """List what the mode asks for of the request."""
    if mode.name == "target":
        return [request.path]
    return request.headers.get_all(mode.rest) if mode.name == "field" else []


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    mode = of(connection)
    for line in told(connection.request, mode) if connection.request else ():
        await connection.send(line)
    if mode.name == "modes":
        await connection.send(MODES)
        return
    if mode.name == "close":
        connection.close_timeout = float(mode.values.get("timeout", 10))
        await connection.close(mode.code, mode.values.get("reason", ""))
    elif mode.name == "ping":
        await connection.ping(mode.values.get("payload", ""))
    async for message in connection:
        size = int(mode.values["size"]) if mode.name == "fragments" else len(message)
        # An iterable goes out in fragments, a message in one frame.
        await connection.send(message if size >= len(message) else pieces(message, size))


def pieces(message: str | bytes, size: int) -> Iterator[str | bytes]:
    """Cut a message."""
    return (message[start : start + size] for start in range(0, len(message), size))


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()

    async def echo_or_secure(connection: ServerConnection) -> None:
        mode = of(connection)
        if mode.name == "tls":
            port = await listen(0, listening_context(mode))
            await connection.send(f"wss://localhost:{port}")
        else:
            await echo(connection)

    async def listen(port: int, context: ssl.SSLContext | None = None) -> int:
        server = await ending.enter_async_context(
            serve(
                echo_or_secure,
                HOST,
                port,
                max_size=arguments.max_message_size,
                select_subprotocol=choose,
                process_request=wait,
                ssl=context,
            )
        )
        return int(server.sockets[0].getsockname()[1])

    async with AsyncExitStack() as ending:
        ready(await listen(arguments.port))
        await until_ended()


asyncio.run(main())
