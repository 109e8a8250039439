# /// script
# dependencies = ["autobahn"]
# ///
"""autobahn's asyncio client."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

from contract import HOST, Mode, drive


def accept(response: object) -> PerMessageDeflateResponseAccept | None:
    """Accept permessage-deflate."""
    return (
        PerMessageDeflateResponseAccept(response) if isinstance(response, PerMessageDeflateResponse) else None
    )


async def visit(url: str, max_message_size: int, *, echoes: bool) -> str:
    """Send every message back, or none, until the server closes; return the last one."""
    messages = [""]
    ended = asyncio.get_running_loop().create_future()

    class Echo(WebSocketClientProtocol):
        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803, FBT001  # autobahn's names
            if echoes:
                self.sendMessage(payload, isBinary)
            else:
                messages.append(payload.decode())

        def onClose(self, _clean: bool, _code: int | None, _reason: str | None) -> None:  # noqa: N802, FBT001
            if not ended.done():
                ended.set_result(None)

    factory = WebSocketClientFactory(url)
    factory.protocol = Echo
    factory.setProtocolOptions(
        maxMessagePayloadSize=max_message_size,
        maxFramePayloadSize=max_message_size,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept,
        failByDrop=False,
    )
    server = urlsplit(url)
    await asyncio.get_running_loop().create_connection(factory, HOST, server.port or 80)
    await ended
    return messages[-1]


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await visit(url, max_message_size, echoes=True)


async def ask(url: str) -> str:
    """Return the server's message."""
    return await visit(url, 2**20, echoes=False)


drive(echo, ask)
