"""This library, as an `asyncio.Protocol`: all answers to one read leave in one write."""

from __future__ import annotations

import asyncio
from typing import cast

from bench.end_to_end.servers.serving import HOST, MAX_MESSAGE_SIZE, ready
from wsproto import ConnectionState, ConnectionType, MessageJoiner, WSConnection, __version__, compiled
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Request, TextMessage
from wsproto.utilities import RemoteProtocolError

CLOSED = ConnectionState.CLOSED


class EchoConnection(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._ws = WSConnection(ConnectionType.SERVER)
        self._joiner = MessageJoiner(MAX_MESSAGE_SIZE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer what the client sent; nothing comes once the transport is closed."""
        ws = self._ws
        try:
            ws.receive_data(data)
            answers = [self._answer(event) for event in ws.events()]
        except RemoteProtocolError as error:
            answers = [ws.send(error.event_hint)] if error.event_hint is not None else []
        self._transport.write(b"".join(answers))
        if ws.state is CLOSED:
            self._transport.close()

    def pause_writing(self) -> None:
        """Read no more from a client that does not read its echoes."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def _answer(self, event: Event) -> bytes:
        if isinstance(event, (TextMessage, BytesMessage)):
            message = self._joiner.join(event)
            return b"" if message is None else self._ws.send(message)
        if isinstance(event, Request):
            return self._ws.send(AcceptConnection())
        if isinstance(event, Ping) or (
            isinstance(event, CloseConnection) and self._ws.can_send(CloseConnection)
        ):
            return self._ws.send(event.response())
        return b""


async def main() -> None:
    """Serve."""
    server = await asyncio.get_running_loop().create_server(EchoConnection, HOST, 0)
    ready(
        server.sockets[0].getsockname()[1],
        f"wsproto {__version__}, {'compiled' if compiled else 'pure Python'}",
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
