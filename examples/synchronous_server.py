"""A WebSocket echo server on blocking sockets, one connection after the other.

    python synchronous_server.py [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C ends the server.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from contextlib import suppress

from command_line import server_arguments

from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

RECEIVE_BYTES = 65536
IDLE_SECONDS = 60.0  # the next client waits no longer for a silent one
LINGER_SECONDS = 2.0  # for the client's end of file, after the closing handshake


def main() -> int:
    """Listen, and serve one connection at a time until Ctrl-C."""
    host, port, _ = server_arguments(sys.argv[0], __doc__)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        print(f"cannot listen on {host} port {port}: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    with listener, suppress(KeyboardInterrupt):
        print(f"listening on {host} port {listener.getsockname()[1]}", flush=True)
        while True:
            sock, _ = listener.accept()
            with sock:
                serve(sock)
    return 0


def serve(sock: socket.socket) -> None:
    """Hold one WebSocket connection, from the handshake to the end of the TCP connection."""
    ws = WSConnection(ConnectionType.SERVER)
    sock.settimeout(IDLE_SECONDS)
    try:
        while ws.state is not ConnectionState.CLOSED:
            # recv() gives b"" at end of file; wsproto wants to hear that as None.
            ws.receive_data(sock.recv(RECEIVE_BYTES) or None)
            for event in ws.events():
                sock.sendall(answer(ws, event))
        hang_up(sock)
    except RemoteProtocolError as error:
        print(f"handshake failed: {error}", flush=True)
        if error.event_hint is not None:  # the refusal, such as 400 or 426
            with suppress(OSError):
                sock.sendall(ws.send(error.event_hint))
                hang_up(sock)
    except OSError as error:
        print(f"connection lost: {error}", flush=True)


def answer(ws: WSConnection, event: Event) -> bytes:
    """Give the bytes to send for one event."""
    match event:
        case Request():
            print(f"accepted {event.target!r}", flush=True)
            return ws.send(AcceptConnection(extensions=[PerMessageDeflate()]))
        case TextMessage() | BytesMessage():
            # A message may come in pieces. Each goes back as a fragment: no message is held in memory.
            end = ", end of message" if event.message_finished else ""
            print(f"{type(event).__name__}: {len(event.data)} long{end}", flush=True)
            return ws.send(event)
        case Ping():
            print(f"ping {event.payload!r}", flush=True)
            return ws.send(event.response())
        case Pong():
            print(f"pong {event.payload!r}", flush=True)
        case CloseConnection():
            print(f"closed with {event.code:d} {event.reason or ''!r}", flush=True)
            # After an end of file (1006) there is nobody left to answer, and the state is CLOSED already.
            if ws.state is ConnectionState.REMOTE_CLOSING:
                return ws.send(event.response())
        case _:
            print(f"unexpected event: {event!r}", flush=True)
    return b""


def hang_up(sock: socket.socket) -> None:
    """Close the TCP connection so that what was sent last still arrives (RFC 6455 7.1.1).

    Closing a socket that has unread input resets the connection: the reset may overtake the Close frame.
    """
    with suppress(OSError):  # the client may be gone already
        sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(RECEIVE_BYTES):
                break


if __name__ == "__main__":
    sys.exit(main())
