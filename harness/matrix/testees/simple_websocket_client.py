# /// script
# dependencies = ["simple-websocket", "wsproto"]
# ///
"""simple-websocket's client, over the published wsproto."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from simple_websocket import Client, ConnectionClosed

from contract import Mode, drive
from published_wsproto_echo import ask

PATIENCE = 5
"""Seconds that it waits for a message: it does not notice every end of a connection."""


def echo_in_thread(url: str, max_message_size: int) -> None:
    """Send every message back."""
    connection = Client.connect(url, max_message_size=max_message_size)
    with suppress(ConnectionClosed):
        while (message := connection.receive(timeout=PATIENCE)) is not None:
            connection.send(message)
    connection.sock.close()  # which it leaves open where the server closes


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await asyncio.to_thread(echo_in_thread, url, max_message_size)


# It loses a message that a Close follows at once, as an answer of the fuzzing server does: wsproto asks.
drive(echo, ask)
