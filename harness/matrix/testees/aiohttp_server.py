# /// script
# dependencies = ["aiohttp"]
# ///
"""aiohttp's server."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from contract import HOST, Mode, listening_context, mode_of, ready, server_arguments, until_ended


def told(request: web.Request, mode: Mode) -> list[str]:
    """List what the mode asks for of the request."""
    if mode.name == "target":
        return [request.raw_path]
    name = mode.rest.lower().encode() if mode.name == "field" else b""
    return [value.decode("latin-1") for known, value in request.raw_headers if known.lower() == name]


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()

    async def echo(request: web.Request) -> web.WebSocketResponse:
        mode = mode_of(request.path_qs)
        protocols = (mode.rest,) if mode.name == "subprotocol" else ()
        timeout = float(mode.values.get("timeout", 10))
        connection = web.WebSocketResponse(
            max_msg_size=arguments.max_message_size, protocols=protocols, timeout=timeout
        )
        await asyncio.sleep(mode.delay)
        await connection.prepare(request)
        for line in told(request, mode):
            await connection.send_str(line)
        if mode.name == "modes":
            await connection.send_str("close ping subprotocol accept field target tls")
            await connection.close()
        elif mode.name == "tls":
            secured = web.TCPSite(runner, HOST, 0, ssl_context=listening_context(mode))
            await secured.start()
            await connection.send_str(f"wss://localhost:{runner.addresses[-1][1]}")
            await connection.close()
        elif mode.name == "close":
            await connection.close(code=mode.code, message=mode.values.get("reason", "").encode())
        elif mode.name == "ping":
            await connection.ping(mode.values.get("payload", "").encode())
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
