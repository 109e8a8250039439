# /// script
# dependencies = ["uvicorn", "wsproto"]
# ///
"""uvicorn over the published wsproto."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from contract import HOST, ready, server_arguments
from echo_application import echo


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    with socket.create_server((HOST, arguments.port)) as listener:
        config = uvicorn.Config(
            echo,
            ws="wsproto",
            ws_max_size=arguments.max_message_size,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        ready(listener.getsockname()[1])
        await uvicorn.Server(config).serve([listener])


asyncio.run(main())
