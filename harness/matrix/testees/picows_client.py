# /// script
# dependencies = ["picows"]
# ///
"""picows' message API (picows.websockets), its asyncio client."""

from __future__ import annotations

from picows.websockets.asyncio.client import connect

from contract import Mode, drive


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    async with connect(url, max_size=max_message_size, proxy=None) as connection:
        async for message in connection:
            await connection.send(message)


async def ask(url: str) -> str:
    """Return the server's message."""
    async with connect(url, proxy=None) as connection:
        return str(await connection.recv())


drive(echo, ask)
