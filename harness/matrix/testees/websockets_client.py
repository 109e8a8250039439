# /// script
# dependencies = ["websockets"]
# ///
"""websockets' asyncio client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from contract import Mode, drive, trusting_context

if TYPE_CHECKING:
    from collections.abc import Iterator


async def echo(url: str, max_message_size: int, mode: Mode) -> None:
    """Send every message back."""
    subprotocols = [Subprotocol(mode.rest)] if mode.name == "subprotocol" else None
    async with connect(
        url,
        max_size=max_message_size,
        proxy=None,
        subprotocols=subprotocols,
        additional_headers=mode.fields,
        ssl=trusting_context(mode),
    ) as connection:
        if mode.name == "close":
            connection.close_timeout = float(mode.values.get("timeout", 10))
            await connection.close(mode.code, mode.values.get("reason", ""))
        elif mode.name == "ping":
            await connection.ping(mode.values.get("payload", ""))
        async for message in connection:
            size = int(mode.values["size"]) if mode.name == "fragments" else len(message)
            # An iterable goes out in fragments, a message in one frame.
            await connection.send(message if size >= len(message) else pieces(message, size))


def pieces(message: str | bytes, size: int) -> Iterator[str | bytes]:
    """Cut a message."""
    return (message[start : start + size] for start in range(0, len(message), size))


async def ask(url: str) -> str:
    """Return the server's message."""
    async with connect(url, proxy=None) as connection:
        return str(await connection.recv())


drive(echo, ask, ("fragments", "close", "ping", "subprotocol", "fields", "tls"))
