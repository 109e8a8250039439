"""A WebSocket client on a blocking socket: sends texts to an echo server, then a ping, then closes.

    python synchronous_client.py [--ca FILE | --insecure] [--timeout SECONDS] [URL | HOST PORT] [TEXT ...]

Exit status: 0 when all went well, 1 when the conversation failed, 2 when there was none: a wrong argument,
or an opening handshake that did not succeed.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

from command_line import ClientArguments, client_arguments

from wsproto import ConnectionState, ConnectionType, Ending, WSConnection
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
from wsproto.utilities import ProtocolError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

RECEIVE_BYTES = 65536
MAX_MESSAGE_BYTES = 2**20

Awaited = TypeVar("Awaited", bound=Event)


def main() -> int:
    """Connect, converse, and say in one line what went wrong."""
    arguments = client_arguments(sys.argv[0], __doc__)
    ws = WSConnection(ConnectionType.CLIENT)
    status = 2  # there is no WebSocket connection yet
    try:
        with arguments.address.connect(arguments.timeout, arguments.tls) as sock:
            open_websocket(ws, sock, arguments)
            status = 1
            converse(ws, sock, arguments.texts)
    except (OSError, ProtocolError) as error:
        print(arguments.failure(error), file=sys.stderr)
        return status
    except KeyboardInterrupt:
        return 130  # as a shell reports a program that Ctrl-C has ended
    return 0


def open_websocket(ws: WSConnection, sock: socket.socket, arguments: ClientArguments) -> None:
    """Do the opening handshake, all of it within the timeout: a server may answer byte by byte, or never."""
    deadline = time.monotonic() + arguments.timeout
    address = arguments.address
    request = Request(host=address.authority, target=address.target, extensions=[PerMessageDeflate()])
    sock.sendall(ws.send(request))
    while ws.state is ConnectionState.CONNECTING:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        # recv() gives b"" at end of file; wsproto wants to hear that as None.
        ws.receive_data(sock.recv(RECEIVE_BYTES) or None)
        for event in ws.events():
            if isinstance(event, RejectConnection):
                raise ConnectionError(f"the server answered with status {event.status_code}")
            if isinstance(event, AcceptConnection):
                print("connected")
                break  # what the server has sent behind it comes from the next events()
    sock.settimeout(arguments.timeout)


def converse(ws: WSConnection, sock: socket.socket, texts: list[str]) -> None:
    """Exchange the texts and a ping, and close."""
    events = receive(ws, sock)
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
    while ws.ending is Ending.NONE:  # the server ends the TCP connection first (RFC 6455 7.1.1)
        if sock.recv(1):
            raise ConnectionError("the server sent data after its Close frame")
        ws.receive_data(None)


def receive(ws: WSConnection, sock: socket.socket) -> Iterator[Event]:
    """Yield the server's events until the connection is closed; answers Ping and Close on the way."""
    while True:
        for event in ws.events():
            if isinstance(event, Ping):
                sock.sendall(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                if ws.state is ConnectionState.REMOTE_CLOSING:
                    sock.sendall(ws.send(event.response()))
                if ws.protocol_error is not None:  # the server broke the protocol, and the Close told it so
                    raise ws.protocol_error
            yield event
        if ws.state is ConnectionState.CLOSED:
            return
        ws.receive_data(sock.recv(RECEIVE_BYTES) or None)


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
