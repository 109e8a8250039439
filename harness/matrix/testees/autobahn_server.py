# /// script
# dependencies = ["autobahn"]
# ///
"""autobahn's asyncio server."""

from __future__ import annotations

import asyncio

from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

from contract import HOST, ready, server_arguments, until_ended


class Echo(WebSocketServerProtocol):
    """Sends every message back."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803, FBT001  # autobahn's names
        """Send it."""
        self.sendMessage(payload, isBinary)


def accept(offers: list[object]) -> PerMessageDeflateOfferAccept | None:
    """Accept the first offer of permessage-deflate."""
    return next(
        (
            PerMessageDeflateOfferAccept(offer)
            for offer in offers
            if isinstance(offer, PerMessageDeflateOffer)
        ),
        None,
    )


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(
        maxMessagePayloadSize=arguments.max_message_size,
        maxFramePayloadSize=arguments.max_message_size,
        perMessageCompressionAccept=accept,
        failByDrop=False,
    )
    server = await asyncio.get_running_loop().create_server(factory, HOST, arguments.port)
    ready(server.sockets[0].getsockname()[1])
    await until_ended()


asyncio.run(main())
