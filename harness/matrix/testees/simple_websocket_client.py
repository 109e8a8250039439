# /// script
# dependencies = ["simple-websocket", "wsproto"]
# ///
"""simple-websocket's client, over the published wsproto."""

from __future__ import annotations

import asyncio

from simple_websocket import Client, ConnectionClosed

from contract import Mode, drive


def echo_in_thread(url: str, max_message_size: int) -> None:
    """Send every message back."""
    connection = Client.connect(url, max_message_size=max_message_size)
    try:
        while True:
            connection.send(connection.receive())
    except ConnectionClosed:
        pass


def ask_in_thread(url: str) -> str:
    """Return the server's message."""
    connection = Client.connect(url)
    answer = connection.receive()
    connection.close()
    return str(answer)


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await asyncio.to_thread(echo_in_thread, url, max_message_size)


async def ask(url: str) -> str:
    """Return the server's message."""
    return await asyncio.to_thread(ask_in_thread, url)


drive(echo, ask)
