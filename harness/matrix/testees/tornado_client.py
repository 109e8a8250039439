# /// script
# dependencies = ["tornado"]
# ///
"""tornado's client."""

from __future__ import annotations

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from contract import Mode, drive


async def echo(url: str, max_message_size: int, mode: Mode) -> None:
    """Send every message back."""
    connection = await websocket_connect(
        HTTPRequest(url, headers=mode.fields),
        compression_options={},
        max_message_size=max_message_size,
        subprotocols=[mode.rest] if mode.name == "subprotocol" else None,
    )
    if mode.name == "close":
        connection.close(mode.code, mode.values.get("reason", ""))
    elif mode.name == "ping":
        connection.ping(mode.values.get("payload", "").encode())
    while (message := await connection.read_message()) is not None:
        await connection.write_message(message, binary=isinstance(message, bytes))


async def ask(url: str) -> str:
    """Return the server's message."""
    connection = await websocket_connect(url)
    return str(await connection.read_message())


drive(echo, ask, ("close", "ping", "subprotocol", "fields"))
