# /// script
# dependencies = ["aiohttp"]
# ///
"""aiohttp's client."""

from __future__ import annotations

from aiohttp import ClientSession, WSMsgType

from contract import Mode, drive, trusting_context


async def echo(url: str, max_message_size: int, mode: Mode) -> None:
    """Send every message back."""
    protocols = (mode.rest,) if mode.name == "subprotocol" else ()
    async with (
        ClientSession() as session,
        session.ws_connect(
            url,
            max_msg_size=max_message_size,
            compress=15,
            protocols=protocols,
            headers=mode.fields,
            ssl=trusting_context(mode) or True,
        ) as connection,
    ):
        if mode.name == "close":
            await connection.close(code=mode.code, message=mode.values.get("reason", "").encode())
        elif mode.name == "ping":
            await connection.ping(mode.values.get("payload", "").encode())
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                await connection.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)


async def ask(url: str) -> str:
    """Return the server's message."""
    async with ClientSession() as session, session.ws_connect(url) as connection:
        return str(await connection.receive_str())


drive(echo, ask, ("close", "ping", "subprotocol", "fields", "tls"))
