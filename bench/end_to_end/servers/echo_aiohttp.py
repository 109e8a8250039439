"""aiohttp, its web server."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, __version__, web

from bench.end_to_end.servers.serving import HOST, MAX_MESSAGE_SIZE, ready


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Serve one connection."""
    websocket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_SIZE)
    await websocket.prepare(request)
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            await websocket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await websocket.send_bytes(message.data)
    return websocket


async def main() -> None:
    """Serve."""
    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    ready(runner.addresses[0][1], f"aiohttp {__version__}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
