"""uvicorn with one of its WebSocket implementations, which the argument names."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

from bench.end_to_end.servers.serving import HOST, MAX_MESSAGE_SIZE, ready

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable


async def echo(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Serve one connection: an ASGI application."""
    if scope["type"] != "websocket":
        raise NotImplementedError(f"this application serves WebSockets, not {scope['type']}")
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


class Server(uvicorn.Server):  # type: ignore[misc]  # unknown where uvicorn is not installed
    """uvicorn, which tells when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        library = "wsproto" if self.config.ws == "wsproto" else "websockets"
        release = importlib.import_module(library).__version__
        port = self.servers[0].sockets[0].getsockname()[1]
        ready(port, f"uvicorn {uvicorn.__version__}", f"{library} {release}")


def main(implementation: str) -> None:
    """Serve."""
    config = uvicorn.Config(
        echo,
        host=HOST,
        port=0,
        loop="asyncio",
        ws=implementation,
        ws_max_size=MAX_MESSAGE_SIZE,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="warning",
    )
    Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1])
