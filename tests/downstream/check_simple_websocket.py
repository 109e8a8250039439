"""simple-websocket in both roles, with its own keepalive pings."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import simple_websocket
from downstream_exchange import Abilities, Exchange, check_client, check_server, run_check
from downstream_peers import (
    HOST,
    RECEIVE_BYTES,
    Closed,
    Closes,
    Data,
    pinged_client,
    serve_script,
    socket_server,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

PING_SECONDS = 1.0  # also the time that a pong may take, on a busy machine in the middle of 1 MiB


class SimpleEndpoint:
    """A client or server of simple-websocket."""

    def __init__(self, connection: simple_websocket.Client | simple_websocket.Server) -> None:
        self._connection: Any = connection  # it takes and gives more than its type stubs say

    def send(self, data: Data) -> None:
        self._connection.send(data)

    def send_fragments(self, pieces: list[Data]) -> None:
        raise NotImplementedError("simple-websocket sends whole messages")

    def receive(self) -> Data:
        try:
            message: Data = self._connection.receive()
        except simple_websocket.ConnectionClosed as error:
            raise Closed(error.reason, error.message) from error
        return message

    def ping(self, payload: bytes) -> None:
        # It pings by itself, and closes when the pong of one ping has not come by the time of the next.
        time.sleep(PING_SECONDS * 2.5)
        if not self._connection.connected:
            raise TimeoutError(
                f"simple-websocket missed the pong: {self._connection.close_message}; {payload!r}"
            )

    def close(self, code: int, reason: str) -> None:
        self._connection.close(code, reason)

    def compressed(self) -> bool | None:
        return None

    def traffic(self) -> int | None:
        return None


@contextmanager
def simple_client(port: int) -> Iterator[SimpleEndpoint]:
    """Connect with simple-websocket."""
    client = simple_websocket.Client.connect(f"ws://{HOST}:{port}/", ping_interval=PING_SECONDS)
    yield SimpleEndpoint(client)


@contextmanager
def simple_server(closes: Closes) -> Iterator[int]:
    """Serve with simple-websocket on a socket that a WSGI server would hand over; gives the port."""

    def serve(sock: socket.socket) -> None:
        environ = {**request_environ(sock), "werkzeug.socket": sock}
        server = simple_websocket.Server.accept(environ, ping_interval=PING_SECONDS)
        serve_script(SimpleEndpoint(server), closes)

    with socket_server(serve) as port:
        yield port


def request_environ(sock: socket.socket) -> dict[str, str]:
    """Read the head of the request, as a WSGI server does."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = sock.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the client left before its request was complete")
        head += data
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    fields = (line.partition(":") for line in lines)
    return {f"HTTP_{name.upper().replace('-', '_')}": value.strip() for name, _, value in fields}


# The server accepts permessage-deflate, the client offers none.
as_server = Abilities(server_fragments=False)
as_client = Abilities(compression=False, client_fragments=False)
run_check(
    "simple-websocket",
    [
        *check_server(simple_server, as_server),
        Exchange(pinged_client, simple_server, as_server),
        *check_client(simple_client, as_client),
        Exchange(
            simple_client,
            simple_server,
            Abilities(compression=False, client_fragments=False, server_fragments=False),
        ),
    ],
)
