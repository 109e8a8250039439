# /// script
# dependencies = ["wsproto"]
# ///
"""The published wsproto as a client."""

from __future__ import annotations

from contract import Mode, drive
from published_wsproto_echo import EchoConnection, ask, connect
from wsproto import ConnectionType


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await connect(url, EchoConnection(ConnectionType.CLIENT, max_message_size))


drive(echo, ask)
