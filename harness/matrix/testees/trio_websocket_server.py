# /// script
# dependencies = ["trio-websocket", "wsproto"]
# ///
"""trio-websocket's server, over the published wsproto."""

from __future__ import annotations

from functools import partial

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from contract import HOST, ready, server_arguments


async def echo(request: WebSocketRequest) -> None:
    """Send every message back."""
    connection = await request.accept()
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed:
        pass


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    async with trio.open_nursery() as nursery:
        serve = partial(serve_websocket, ssl_context=None, max_message_size=arguments.max_message_size)
        server = await nursery.start(serve, echo, HOST, arguments.port)
        ready(server.port)


trio.run(main)
