# /// script
# dependencies = ["simple-websocket", "wsproto"]
# ///
"""simple-websocket's client, over the published wsproto."""

from __future__ import annotations

import asyncio

from simple_websocket import Client, ConnectionClosed

from contract import Mode, drive
from published_wsproto_echo import ask


def echo_in_thread(url: str, max_message_size: int) -> None:
    """Send every message back."""
    connection = Client.connect(url, max_message_size=max_message_size)
    try:
        while True:
            connection.send(connection.receive())
    except ConnectionClosed:
        pass


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await asyncio.to_thread(echo_in_thread, url, max_message_size)


# It loses a message that a Close follows at once, as an answer of the fuzzing server does: wsproto asks.
drive(echo, ask)
