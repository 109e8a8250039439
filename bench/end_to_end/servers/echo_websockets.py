"""websockets, its asyncio server."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve
from websockets.version import version

from bench.end_to_end.servers.serving import HOST, MAX_MESSAGE_SIZE, ready


async def echo(websocket: ServerConnection) -> None:
    """Serve one connection."""
    async for message in websocket:
        await websocket.send(message)


async def main() -> None:
    """Serve."""
    async with serve(
        echo, HOST, 0, compression=None, ping_interval=None, max_size=MAX_MESSAGE_SIZE
    ) as server:
        ready(next(iter(server.sockets)).getsockname()[1], f"websockets {version}")
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
