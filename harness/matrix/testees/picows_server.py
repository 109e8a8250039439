# /// script
# dependencies = ["picows"]
# ///
"""picows' message API (picows.websockets), its asyncio server."""

from __future__ import annotations

import asyncio

from picows.websockets.asyncio.server import ServerConnection, serve

from contract import HOST, ready, server_arguments, until_ended


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    async with serve(echo, HOST, arguments.port, max_size=arguments.max_message_size) as server:
        ready(server.sockets[0].getsockname()[1])
        await until_ended()


asyncio.run(main())
