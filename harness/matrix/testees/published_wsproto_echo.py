"""The glue between asyncio and the published wsproto, as its users write it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

TOO_BIG = 1009


class EchoConnection:
    """One connection. The library bounds no message, so this glue does, as those of hypercorn and uvicorn."""

    def __init__(self, kind: ConnectionType, max_message_size: int) -> None:
        self.ws = WSConnection(kind)
        self._max_message_size = max_message_size
        self._parts: list[bytes] = []
        self._over = False

    async def run(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opening: bytes = b""
    ) -> None:
        """Run it to its end."""
        writer.write(opening)
        with suppress(ConnectionError):  # an end like another
            while not self._over:
                data = await reader.read(2**16)
                writer.write(self._take(data or None))
                await writer.drain()
                if not data:
                    break
        writer.close()

    def received(self, message: str | bytes) -> bytes:
        """Return the bytes that answer a whole message."""
        reply = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        return self.ws.send(reply)

    def _take(self, data: bytes | None) -> bytes:
        try:
            self.ws.receive_data(data)
            return b"".join([self._reply(event) for event in self.ws.events()])
        except RemoteProtocolError as error:
            if self.ws.client or error.event_hint is None:
                raise ConnectionAbortedError(str(error)) from error
            return self.ws.send(error.event_hint)

    def _reply(self, event: Event) -> bytes:
        match event:
            case Request():
                return self.ws.send(AcceptConnection(extensions=[PerMessageDeflate()]))
            case TextMessage() | BytesMessage() if self.ws.state is ConnectionState.OPEN:
                return self._join(event)
            case Ping() if self.ws.state is ConnectionState.OPEN:
                return self.ws.send(event.response())
            case CloseConnection():
                self._over = True
                if self.ws.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
                    return self.ws.send(event.response())
        return b""

    def _join(self, event: TextMessage | BytesMessage) -> bytes:
        self._parts.append(event.data.encode() if isinstance(event, TextMessage) else bytes(event.data))
        if sum(map(len, self._parts)) > self._max_message_size:
            return self.ws.send(CloseConnection(TOO_BIG, "message too big"))
        if not event.message_finished:
            return b""
        message = b"".join(self._parts)
        self._parts = []
        return self.received(message.decode() if isinstance(event, TextMessage) else message)


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


async def ask(url: str) -> str:
    """Return the server's message."""
    question = Question(ConnectionType.CLIENT, 2**16)
    await connect(url, question)
    return question.answer
