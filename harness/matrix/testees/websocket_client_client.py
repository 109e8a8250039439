# /// script
# dependencies = ["websocket-client"]
# [tool.testee]
# unlimited = true
# ///
"""websocket-client. It has no compression and no limit of a message."""

from __future__ import annotations

import asyncio

import websocket

from contract import Mode, drive


def echo_in_thread(url: str) -> None:
    """Send every message back."""
    connection = websocket.create_connection(url)
    try:
        while True:
            opcode, message = connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return
            connection.send(message, opcode)
    except websocket.WebSocketConnectionClosedException:
        pass
    finally:
        connection.close()


def ask_in_thread(url: str) -> str:
    """Return the server's message."""
    connection = websocket.create_connection(url)
    answer = connection.recv()
    connection.close()
    return str(answer)


async def echo(url: str, _max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await asyncio.to_thread(echo_in_thread, url)


async def ask(url: str) -> str:
    """Return the server's message."""
    return await asyncio.to_thread(ask_in_thread, url)


drive(echo, ask)
