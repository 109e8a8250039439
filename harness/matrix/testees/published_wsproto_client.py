# /// script
# dependencies = ["wsproto"]
# ///
"""The published wsproto as a client."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from contract import Mode, drive
from published_wsproto_echo import EchoConnection
from wsproto import ConnectionType
from wsproto.events import Request
from wsproto.extensions import PerMessageDeflate


class Question(EchoConnection):
    """Keeps what the server says."""

    answer = ""

    def received(self, message: str | bytes) -> bytes:
        """Keep it."""
        self.answer = str(message)
        return b""


async def connect(url: str, connection: EchoConnection) -> None:
    """Run a connection to its end."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = Request(host=parts.netloc, target=target, extensions=[PerMessageDeflate()])
    await connection.run(reader, writer, connection.ws.send(request))


async def echo(url: str, max_message_size: int, _mode: Mode) -> None:
    """Send every message back."""
    await connect(url, EchoConnection(ConnectionType.CLIENT, max_message_size))


async def ask(url: str) -> str:
    """Return the server's message."""
    question = Question(ConnectionType.CLIENT, 2**16)
    await connect(url, question)
    return question.answer


drive(echo, ask)
