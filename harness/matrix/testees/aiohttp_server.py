# /// script
# dependencies = ["aiohttp"]
# ///
"""aiohttp's server."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from contract import HOST, ready, server_arguments, until_ended


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()

    async def echo(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(max_msg_size=arguments.max_message_size)
        await connection.prepare(request)
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                await connection.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)
        return connection

    application = web.Application()
    application.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, HOST, arguments.port)
    await site.start()
    ready(runner.addresses[0][1])
    await until_ended()


asyncio.run(main())
