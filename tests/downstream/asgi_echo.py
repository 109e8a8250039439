"""The ASGI application that the servers under test run: the exchange's server, as far as ASGI can say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from downstream_peers import ASK_CLOSE, SERVER_CLOSE, Closes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class EchoApplication:
    """Echoes, closes on demand, and notes how each connection ended."""

    def __init__(self, closes: Closes) -> None:
        self._closes = closes

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one connection."""
        if scope["type"] != "websocket":
            raise NotImplementedError(f"this application serves WebSockets, not {scope['type']}")
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._closes.put((int(message["code"]), message.get("reason")))
                return
            if message.get("text") == ASK_CLOSE:
                code, reason = SERVER_CLOSE
                await send({"type": "websocket.close", "code": code, "reason": reason})
                return
            await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
