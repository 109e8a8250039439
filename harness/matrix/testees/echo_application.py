"""The ASGI application of the testees that are ASGI servers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from contract import HOST, ready, server_arguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def echo(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Send every message back; answer an ordinary request with 426."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 426, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
    else:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})


def configured(config: Any) -> Any:
    """Fill the configuration of hypercorn, or of its fork, by the command line; say where it will listen."""
    arguments = server_arguments()
    if arguments.transport == "h3":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        config.bind, config.quic_bind = [], [f"{HOST}:{port}"]
        config.certfile, config.keyfile = arguments.certificate, arguments.key
    else:
        listener = socket.create_server((HOST, arguments.port))
        port = listener.getsockname()[1]
        config.bind = [f"fd://{listener.detach()}"]
    config.websocket_max_message_size = arguments.max_message_size
    config.errorlog = None
    config.graceful_timeout = 1
    ready(port)
    return config
