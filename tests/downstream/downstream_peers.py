"""Both ends of a connection behind one blocking interface, made of this library and of `websockets`."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

import websockets.exceptions
import websockets.sync.client
import websockets.sync.server

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.connection import Connection as WebsocketsConnection

TIMEOUT_SECONDS = 20.0
RECEIVE_BYTES = 65536
HOST = "127.0.0.1"

# What the servers of the exchange do on demand, besides echoing:
ASK_FRAGMENTS = "send fragments"
ASK_PING = "send a ping"
ASK_CLOSE = "close from your side"
PONG_ARRIVED = "the pong arrived"
SERVER_CLOSE = (4002, "the server is done")

Data = str | bytes
Closes = queue.Queue[tuple[int, str | None]]

FRAGMENTS: list[Data] = ["frag", "", "men", "ts \N{SNOWMAN}"]


class Closed(Exception):  # noqa: N818  (an outcome, not always an error)
    """The peer has closed the connection."""

    def __init__(self, code: int, reason: str | None) -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = int(code)
        self.reason = reason


class Endpoint(Protocol):
    """One end of a WebSocket connection, whatever library is behind it."""

    def send(self, data: Data) -> None:
        """Send a message."""

    def send_fragments(self, pieces: list[Data]) -> None:
        """Send a message in as many frames as there are pieces."""

    def receive(self) -> Data:
        """Receive a whole message; raises `Closed`."""
        raise NotImplementedError

    def ping(self, payload: bytes) -> None:
        """Send a ping and wait for its pong."""

    def close(self, code: int, reason: str) -> None:
        """Close from this side."""

    def compressed(self) -> bool | None:
        """Whether permessage-deflate was negotiated; None where the library behind does not tell."""

    def traffic(self) -> int | None:
        """Bytes sent and received so far; None where the library behind does not tell."""


class OwnEndpoint:
    """This library on a blocking socket, in either role."""

    def __init__(self, sock: socket.socket, role: ConnectionType) -> None:
        sock.settimeout(TIMEOUT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pings_received = 0
        self._sock = sock
        self._ws = WSConnection(role)
        self._pieces: list[Data] = []
        self._messages: deque[Data] = deque()
        self._pongs: deque[bytes] = deque()
        self._closed: Closed | None = None
        self._deflate: bool | None = None
        self._traffic = 0
        if role is ConnectionType.CLIENT:
            host, port = sock.getpeername()[:2]
            self._send(Request(host=f"{host}:{port}", target="/", extensions=[PerMessageDeflate()]))
        while self._ws.state is ConnectionState.CONNECTING:
            self._pump()

    def send(self, data: Data) -> None:
        self._send(message_event(data))

    def send_fragments(self, pieces: list[Data]) -> None:
        for piece in pieces[:-1]:
            self._send(message_event(piece, finished=False))
        self._send(message_event(pieces[-1]))

    def receive(self) -> Data:
        while not self._messages:
            self._pump()
        return self._messages.popleft()

    def ping(self, payload: bytes) -> None:
        self._send(Ping(payload=payload))
        while payload not in self._pongs:
            self._pump()
        self._pongs.clear()

    def close(self, code: int, reason: str) -> None:
        self._send(CloseConnection(code=code, reason=reason))
        while self._closed is None:
            self._pump()
        if self._ws.client:  # servers answer with the same code; some clients with 1000, or not at all
            same(code, self._closed.code, "the code of the server's answer to Close")
        self.hang_up()

    def hang_up(self) -> None:
        """Wait for the peer's end of file; the server's comes first."""
        with contextlib.suppress(OSError):
            if not self._ws.client:
                self._sock.shutdown(socket.SHUT_WR)
            while self._sock.recv(RECEIVE_BYTES):
                pass
        self._sock.close()

    def compressed(self) -> bool | None:
        return self._deflate

    def traffic(self) -> int | None:
        return self._traffic

    def _send(self, event: Event) -> bytes:
        data = self._ws.send(event)
        self._traffic += len(data)
        self._sock.sendall(data)
        return data

    def _pump(self) -> None:
        if self._closed is not None:
            raise self._closed
        data = self._sock.recv(RECEIVE_BYTES)
        self._traffic += len(data)
        self._ws.receive_data(data or None)
        for event in self._ws.events():
            self._handle(event)

    def _handle(self, event: Event) -> None:
        match event:
            case Request():
                sent = self._send(AcceptConnection(extensions=[PerMessageDeflate()]))
                self._deflate = b"permessage-deflate" in sent
            case AcceptConnection():
                self._deflate = bool(event.extensions)
            case TextMessage() | BytesMessage():
                self._pieces.append(event.data)
                if event.message_finished:
                    self._messages.append(joined(self._pieces))
                    self._pieces = []
            case Ping():
                self.pings_received += 1
                self._send(event.response())
            case Pong():
                self._pongs.append(event.payload)
            case CloseConnection():
                self._closed = Closed(event.code, event.reason)
                if self._ws.state is ConnectionState.REMOTE_CLOSING:
                    with contextlib.suppress(OSError):  # some clients do not wait for the answer
                        self._send(event.response())
            case _:
                raise ValueError(f"unexpected event {event!r}")


class WebsocketsEndpoint:
    """The `websockets` package, in either role."""

    def __init__(self, connection: WebsocketsConnection) -> None:
        self._connection = connection

    def send(self, data: Data) -> None:
        self._connection.send(data)

    def send_fragments(self, pieces: list[Data]) -> None:
        self._connection.send(pieces)  # an iterable is sent as fragments

    def receive(self) -> Data:
        try:
            return self._connection.recv(timeout=TIMEOUT_SECONDS)
        except websockets.exceptions.ConnectionClosed as error:
            if error.rcvd is None:
                raise Closed(1006, "") from error
            raise Closed(error.rcvd.code, error.rcvd.reason) from error

    def ping(self, payload: bytes) -> None:
        if not self._connection.ping(payload).wait(TIMEOUT_SECONDS):
            raise TimeoutError(f"no pong {payload!r} within {TIMEOUT_SECONDS:g} seconds")

    def close(self, code: int, reason: str) -> None:
        self._connection.close(code, reason)
        if isinstance(self._connection, websockets.sync.client.ClientConnection):
            same(code, self._connection.close_code, "the code of the server's answer to Close")

    def compressed(self) -> bool | None:
        return bool(self._connection.protocol.extensions)

    def traffic(self) -> int | None:
        return None


def message_event(data: Data, *, finished: bool = True) -> TextMessage | BytesMessage:
    """Make the event that sends a message, or a fragment of it."""
    if isinstance(data, str):
        return TextMessage(data=data, message_finished=finished)
    return BytesMessage(data=data, message_finished=finished)


def joined(pieces: list[Data]) -> Data:
    """Join the pieces of one message."""
    return b"".join(pieces) if isinstance(pieces[0], bytes) else "".join(pieces)  # type: ignore[arg-type]


def same(expected: object, actual: object, what: str) -> None:
    """Fail with both values, cut to a readable length, when they differ."""
    if expected != actual:
        raise AssertionError(f"{what}: expected {brief(expected)}, got {brief(actual)}")


def brief(value: object) -> str:
    """Show a value; of a long one its beginning and length."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


@contextlib.contextmanager
def own_client(port: int) -> Iterator[OwnEndpoint]:
    """Connect with this library."""
    with socket.create_connection((HOST, port), timeout=TIMEOUT_SECONDS) as sock:
        yield OwnEndpoint(sock, ConnectionType.CLIENT)


@contextlib.contextmanager
def pinged_client(port: int) -> Iterator[OwnEndpoint]:
    """Connect, and see the server's keepalive pings come and be answered."""
    with own_client(port) as client:
        while client.pings_received < 2:
            client.ping(b"meanwhile")
        yield client


@contextlib.contextmanager
def websockets_client(port: int, compression: str | None = "deflate") -> Iterator[WebsocketsEndpoint]:
    """Connect with the `websockets` package."""
    connecting = websockets.sync.client.connect(
        f"ws://{HOST}:{port}/", max_size=None, compression=compression
    )
    with connecting as connection:
        yield WebsocketsEndpoint(connection)


@contextlib.contextmanager
def own_server(closes: Closes) -> Iterator[int]:
    """Serve `serve_script` with this library, a thread a connection; gives the port."""

    def serve(sock: socket.socket) -> None:
        with sock:
            endpoint = OwnEndpoint(sock, ConnectionType.SERVER)
            serve_script(endpoint, closes)
            endpoint.hang_up()

    with socket_server(serve) as port:
        yield port


@contextlib.contextmanager
def websockets_server(closes: Closes) -> Iterator[int]:
    """Serve `serve_script` with the `websockets` package; gives the port."""

    def serve(connection: websockets.sync.server.ServerConnection) -> None:
        serve_script(WebsocketsEndpoint(connection), closes)

    with serve_websockets(serve) as port:
        yield port


@contextlib.contextmanager
def serve_websockets(serve: Callable[[websockets.sync.server.ServerConnection], None]) -> Iterator[int]:
    """Serve with the `websockets` package; gives the port."""
    # Not every client closes its TCP connection after the closing handshake: wait 1 second instead of 10.
    with websockets.sync.server.serve(serve, HOST, 0, max_size=None, close_timeout=1) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]
        server.shutdown()


@contextlib.contextmanager
def socket_server(serve: ServeSocket) -> Iterator[int]:
    """Accept TCP connections on a free port, and serve each in a thread of its own; gives the port."""
    with socket.create_server((HOST, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):  # closed below
                while True:
                    sock, _ = listener.accept()
                    threading.Thread(target=serve, args=(sock,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


class ServeSocket(Protocol):
    """What `socket_server` does with each connection."""

    def __call__(self, sock: socket.socket, /) -> None:
        """Serve it, and close it."""


def serve_script(endpoint: Endpoint, closes: Closes) -> None:
    """Serve one connection of the exchange."""
    try:
        while True:
            message = endpoint.receive()
            if message == ASK_FRAGMENTS:
                endpoint.send_fragments(FRAGMENTS)
            elif message == ASK_PING:
                endpoint.ping(b"from the server")
                endpoint.send(PONG_ARRIVED)
            elif message == ASK_CLOSE:
                endpoint.close(*SERVER_CLOSE)
                return
            else:
                endpoint.send(message)
    except Closed as closed:
        closes.put((closed.code, closed.reason))
