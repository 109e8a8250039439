# /// script
# dependencies = ["hypercorn", "wsproto", "h2", "aioquic"]
# [tool.testee]
# transports = ["h1", "h2", "h3"]
# ///
"""hypercorn, over the published wsproto; HTTP/2 over h2, HTTP/3 over aioquic."""

from __future__ import annotations

import asyncio

from hypercorn.asyncio import serve
from hypercorn.config import Config

from contract import until_ended
from echo_application import configured, echo


async def main() -> None:
    """Serve until ended."""
    await serve(echo, configured(Config()), shutdown_trigger=until_ended)


asyncio.run(main())
