"""A WebSocket client on a blocking socket: sends texts to an echo server, then a ping, then closes.

    python synchronous_client.py [HOST PORT [TEXT ...]]

Exit status: 0 when all went well, 1 when the connection or the peer failed, 2 for a wrong argument.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, TypeVar

from command_line import authority, client_arguments

from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.messages import MessageJoiner
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECEIVE_BYTES = 65536
TIMEOUT_SECONDS = 10.0
MAX_MESSAGE_BYTES = 2**20

Awaited = TypeVar("Awaited", bound=Event)


def main() -> int:
    """Connect, converse, and say in one line what went wrong."""
    host, port, texts = client_arguments(sys.argv[0], __doc__)
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as sock:
            converse(sock, authority(host, port), texts)
    except (OSError, RemoteProtocolError) as error:
        print(f"{authority(host, port)}: {error}", file=sys.stderr)
        return 1
    return 0


def converse(sock: socket.socket, host: str, texts: list[str]) -> None:
    """Open a WebSocket connection, exchange the texts and a ping, and close it."""
    ws = WSConnection(ConnectionType.CLIENT)
    sock.sendall(ws.send(Request(host=host, target="/", extensions=[PerMessageDeflate()])))
    events = receive(ws, sock)
    expect_acceptance(next(events))

    for text in texts:
        sock.sendall(ws.send(TextMessage(data=text)))
        print(f"received {whole_message(events).data!r}")

    sock.sendall(ws.send(Ping(payload=b"still there?")))
    print(f"received pong {await_event(events, Pong).payload!r}")

    sock.sendall(ws.send(CloseConnection(code=1000, reason="bye")))
    close = await_event(events, CloseConnection)
    if close.code == 1006:
        raise ConnectionError("the connection was lost before the server's Close frame")
    print(f"closed with {close.code:d} {close.reason or ''!r}")
    # The server closes the TCP connection first (RFC 6455 7.1.1): wait for its end of file.
    if sock.recv(1):
        raise ConnectionError("the server sent data after its Close frame")


def receive(ws: WSConnection, sock: socket.socket) -> Iterator[Event]:
    """Yield the server's events until the connection is closed; answers Ping and Close on the way."""
    while ws.state is not ConnectionState.CLOSED:
        # recv() gives b"" at end of file; wsproto wants to hear that as None.
        ws.receive_data(sock.recv(RECEIVE_BYTES) or None)
        for event in ws.events():
            if isinstance(event, Ping):
                sock.sendall(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                if ws.state is ConnectionState.REMOTE_CLOSING:
                    sock.sendall(ws.send(event.response()))
                if ws.protocol_error is not None:  # the server broke the protocol, and the Close told it so
                    raise ws.protocol_error
            yield event


def expect_acceptance(event: Event) -> None:
    """Check that the server answered the request with 101."""
    if isinstance(event, RejectConnection):
        raise ConnectionError(f"the server answered with status {event.status_code}")
    if not isinstance(event, AcceptConnection):
        raise ConnectionError(f"the server did not accept: {event!r}")
    print("connected")


def whole_message(events: Iterator[Event]) -> TextMessage | BytesMessage:
    """Read one message, which may come in any number of pieces, with control frames between them."""
    joiner = MessageJoiner(MAX_MESSAGE_BYTES)
    for event in events:
        if isinstance(event, TextMessage | BytesMessage):
            message = joiner.join(event)
            if message is not None:
                return message
        elif isinstance(event, CloseConnection):
            raise ConnectionError(f"the server closed with {event.code:d} {event.reason or ''!r}")
    raise ConnectionError("the connection ended inside a message")


def await_event(events: Iterator[Event], kind: type[Awaited]) -> Awaited:
    """Read up to the next event of one class."""
    for event in events:
        if isinstance(event, kind):
            return event
        if isinstance(event, CloseConnection):
            raise ConnectionError(f"the server closed with {event.code:d} {event.reason or ''!r}")
    raise ConnectionError(f"the connection ended before the {kind.__name__}")


if __name__ == "__main__":
    sys.exit(main())
