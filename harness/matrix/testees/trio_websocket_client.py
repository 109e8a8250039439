# /// script
# dependencies = ["trio-websocket", "wsproto"]
# ///
"""trio-websocket's client, over the published wsproto."""

from __future__ import annotations

import asyncio

import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from contract import Mode, drive


async def echo_in_trio(url: str, max_message_size: int) -> None:
    """Send every message back."""
    async with open_websocket_url(url, max_message_size=max_message_size) as connection:
        try:
            while True:
                await connection.send_message(await connection.get_message())
        except ConnectionClosed:
            pass


async def ask_in_trio(url: str) -> str:
    """Return the server's message."""
    async with open_websocket_url(url) as connection:
        return str(await connection.get_message())


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back, in an event loop of trio's."""
    await asyncio.to_thread(trio.run, echo_in_trio, url, max_message_size)


async def ask(url: str) -> str:
    """Return the server's message."""
    return await asyncio.to_thread(trio.run, ask_in_trio, url)


drive(echo, ask)
