"""`python -m harness drive`: an echo client that runs every case of a fuzzing server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from harness.testee.echo import COMPRESSION_LEVEL, MAX_MESSAGE_SIZE, EchoConnection
from tooling.errors import CommandError
from wsproto import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

    from wsproto.utilities import RemoteProtocolError


ClientT = TypeVar("ClientT", bound="EchoClient")


class EchoClient(EchoConnection):
    """A client's end of one connection: sends every message back until the server closes."""

    role = ConnectionType.CLIENT

    def __init__(self, host: str, target: str, max_message_size: int) -> None:
        super().__init__(max_message_size)
        # Autobahn asks for no context takeover (cases 13.2, 13.5, 13.6) only of a client that offers it.
        offers: list[Extension] = [
            PerMessageDeflate(compression_level=COMPRESSION_LEVEL),
            PerMessageDeflate(client_no_context_takeover=True, compression_level=COMPRESSION_LEVEL),
        ]
        self._request = Request(host=host, target=target, extensions=offers)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the opening request."""
        super().connection_made(transport)
        self.transport.write(self.ws.send(self._request))

    def _refuse(self, error: RemoteProtocolError) -> bytes:
        if isinstance(error.event_hint, CloseConnection):
            return super()._refuse(error)
        self.transport.close()  # the handshake failed, and only a server answers that
        return b""

    def _finish(self) -> None:
        self._close_later()  # RFC 6455 7.1.1: the server closes the TCP connection


class Question(EchoClient):
    """A connection that keeps what the server says, where the server answers with a message and a Close."""

    answer: str | None = None

    def received(self, message: TextMessage | BytesMessage) -> bytes:
        """Keep the text."""
        self.answer = str(message.data)
        return b""


async def drive(
    url: str, agent: str, progress: Callable[[int, int], None], max_message_size: int = MAX_MESSAGE_SIZE
) -> int:
    """Run every case of the fuzzing server at `url`, have it write its reports, and give the number of cases.

    `progress` gets the number of each case as it starts, and how many there are. Raises `CommandError` where
    the server does not answer.
    """
    server = urlsplit(url)
    count = await _case_count(server)
    name = quote(agent, safe="")
    for number in range(1, count + 1):
        progress(number, count)
        await _connect(EchoClient, server, f"/runCase?case={number}&agent={name}", max_message_size)
    await _connect(EchoClient, server, f"/updateReports?agent={name}")
    return count


async def _case_count(server: SplitResult) -> int:
    question = await _connect(Question, server, "/getCaseCount")
    if question.answer is None or not question.answer.isdecimal():
        raise CommandError(
            f"{server.geturl()}/getCaseCount answered {question.answer!r}, not a number of cases"
        )
    return int(question.answer)


async def _connect(
    kind: type[ClientT], server: SplitResult, target: str, max_message_size: int = MAX_MESSAGE_SIZE
) -> ClientT:
    """Run one connection to its end."""
    try:
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: kind(server.netloc, target, max_message_size), server.hostname or "", server.port or 80
        )
    except OSError as error:
        raise CommandError(f"cannot connect to {server.geturl()}: {error.strerror or error}") from error
    await client.lost
    return client
