# /// script
# dependencies = ["hypercorn", "wsproto"]
# ///
"""hypercorn, over the published wsproto."""

from __future__ import annotations

import asyncio
import socket

from hypercorn.asyncio import serve
from hypercorn.config import Config

from contract import HOST, ready, server_arguments, until_ended
from echo_application import echo


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    listener = socket.create_server((HOST, arguments.port))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.websocket_max_message_size = arguments.max_message_size
    config.errorlog = None
    config.graceful_timeout = 1
    ready(port)
    await serve(echo, config, shutdown_trigger=until_ended)


asyncio.run(main())
