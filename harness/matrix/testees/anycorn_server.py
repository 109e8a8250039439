# /// script
# dependencies = ["anycorn", "wsproto", "h2"]
# [tool.testee]
# transports = ["h2"]
# ///
"""anycorn, a fork of hypercorn, over the published wsproto and h2."""

from __future__ import annotations

import asyncio

from anycorn import serve
from anycorn.config import Config

from contract import until_ended
from echo_application import configured, echo


async def main() -> None:
    """Serve until ended."""
    await serve(echo, configured(Config()), shutdown_trigger=until_ended)


asyncio.run(main())
