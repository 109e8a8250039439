# /// script
# dependencies = ["tornado"]
# ///
"""tornado's server."""

from __future__ import annotations

import asyncio

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from contract import HOST, ready, server_arguments, until_ended


class Echo(WebSocketHandler):  # type: ignore[misc]  # mypy does not see tornado
    """Sends every message back."""

    def check_origin(self, origin: str) -> bool:  # noqa: ARG002
        """Take any."""
        return True

    def get_compression_options(self) -> dict[str, object]:
        """Accept permessage-deflate."""
        return {}

    async def on_message(self, message: str | bytes) -> None:
        """Send it back."""
        await self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    server = HTTPServer(Application([(".*", Echo)], websocket_max_message_size=arguments.max_message_size))
    sockets = bind_sockets(arguments.port, HOST)
    server.add_sockets(sockets)
    ready(sockets[0].getsockname()[1])
    await until_ended()


asyncio.run(main())
