# /// script
# dependencies = ["aiohttp"]
# ///
"""aiohttp's client."""

from __future__ import annotations

from aiohttp import ClientSession, WSMsgType

from contract import drive


async def echo(url: str, max_message_size: int) -> None:
    """Send every message back."""
    async with (
        ClientSession() as session,
        session.ws_connect(url, max_msg_size=max_message_size, compress=15) as connection,
    ):
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                await connection.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)


async def ask(url: str) -> str:
    """Return the server's message."""
    async with ClientSession() as session, session.ws_connect(url) as connection:
        return str(await connection.receive_str())


drive(echo, ask)
