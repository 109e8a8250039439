# /// script
# dependencies = ["wsproto"]
# ///
"""The published wsproto as a server."""

from __future__ import annotations

import asyncio

from contract import HOST, ready, server_arguments, until_ended
from published_wsproto_echo import EchoConnection
from wsproto import ConnectionType


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await EchoConnection(ConnectionType.SERVER, arguments.max_message_size).run(reader, writer)

    server = await asyncio.start_server(connected, HOST, arguments.port)
    ready(server.sockets[0].getsockname()[1])
    await until_ended()


asyncio.run(main())
