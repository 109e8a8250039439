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

from contract import HOST, Mode, mode_of, ready, server_arguments, until_ended


class Echo(WebSocketHandler):  # type: ignore[misc]  # mypy does not see tornado
    """Sends every message back."""

    def check_origin(self, origin: str) -> bool:  # noqa: ARG002
        """Take any."""
        return True

    def get_compression_options(self) -> dict[str, object]:
        """Accept permessage-deflate."""
        return {}

    @property
    def mode(self) -> Mode:
        """The mode that the client asks for."""
        return mode_of(self.request.uri)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Choose the one that the mode names."""
        mode = self.mode
        return mode.rest if mode.name == "subprotocol" and mode.rest in subprotocols else None

    async def prepare(self) -> None:
        """Accept the request as late as the mode says."""
        await asyncio.sleep(self.mode.delay)

    def open(self) -> None:
        """Begin what the mode says."""
        mode = self.mode
        if mode.name == "target":
            self.write_message(self.request.uri)
        for line in self.request.headers.get_list(mode.rest) if mode.name == "field" else ():
            self.write_message(line)
        if mode.name == "modes":
            self.write_message("close ping subprotocol accept field target")
            self.close(1000)
        elif mode.name == "close":
            self.close(mode.code, mode.values.get("reason", ""))
        elif mode.name == "ping":
            self.ping(mode.values.get("payload", "").encode())

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
