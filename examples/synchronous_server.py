"""A WebSocket echo server on blocking sockets, a thread for each connection.

    python synchronous_server.py [--certificate FILE [--key FILE]] [--max-message-size BYTES] [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server: it closes
every connection with 1001, and its exit status is 0.
"""

from __future__ import annotations

import selectors
import signal
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

from command_line import ServerArguments, server_arguments

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
from wsproto.utilities import RemoteProtocolError

PATHS = {"/", "/chat"}  # all others are 404
RECEIVE_BYTES = 65536
MAX_CONNECTIONS = 100  # each has a thread
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 60.0
LINGER_SECONDS = 2.0  # for the client's Close when the server stops, and for its end of file


class ServerStopsError(Exception):
    """Somebody asked the server to stop while a connection waited for its client."""


def main() -> int:
    """Serve until Ctrl-C, and say in one line why it cannot."""
    arguments = server_arguments(sys.argv[0], __doc__)
    family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    try:
        listener = socket.create_server((arguments.host, arguments.port), family=family)
    except OSError as error:
        print(f"cannot listen on {arguments.host} port {arguments.port}: {error}", file=sys.stderr)
        return 1
    stop, waker = socket.socketpair()
    with listener, stop, waker:
        wake_on_signals(waker)
        print(f"listening on {arguments.host} port {listener.getsockname()[1]}", flush=True)
        serve(listener, stop, arguments)
        signal.set_wakeup_fd(-1)  # `waker` goes
    return 0


def wake_on_signals(waker: socket.socket) -> None:
    """Let SIGINT and SIGTERM write a byte to `waker`, and do nothing else.

    Nobody reads that byte, so that the other end stays readable for every thread that waits for it.
    """
    waker.settimeout(0)  # as set_wakeup_fd() wants it
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


def serve(listener: socket.socket, stop: socket.socket, arguments: ServerArguments) -> None:
    """Accept connections until `stop` is readable, then wait for the closing handshakes."""
    listener.settimeout(0)  # a client may be gone before accept()
    connections: list[EchoConnection] = []
    with suppress(ServerStopsError):
        while True:
            wait_for_input(listener, stop, None)
            connections = [connection for connection in connections if connection.thread.is_alive()]
            try:
                sock, _ = listener.accept()
            except OSError as error:
                print(f"connection lost: {error}", flush=True)
                continue
            if len(connections) == MAX_CONNECTIONS:
                print(f"refused: {MAX_CONNECTIONS} connections are open", flush=True)
                sock.close()
                continue
            connections.append(EchoConnection(sock, stop, arguments))
            connections[-1].thread.start()
    deadline = time.monotonic() + 2 * LINGER_SECONDS
    for connection in connections:
        connection.thread.join(max(0.0, deadline - time.monotonic()))
        connection.abort()
        connection.thread.join()


def wait_for_input(sock: socket.socket, stop: socket.socket, seconds: float | None) -> None:
    """Wait until there is something to read from `sock`.

    :raises ServerStopsError: when `stop` can be read.
    :raises TimeoutError: when nothing has come in so many seconds.
    """
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return  # TLS has already read it from the network
    with selectors.DefaultSelector() as selector:
        selector.register(stop, selectors.EVENT_READ)
        selector.register(sock, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select(seconds)]
    if stop in ready:
        raise ServerStopsError
    if not ready:
        raise TimeoutError("the client sent nothing in time")


class EchoConnection:
    """One connection, in a thread of its own: nothing else touches its `WSConnection`."""

    def __init__(self, sock: socket.socket, stop: socket.socket, arguments: ServerArguments) -> None:
        self.thread = threading.Thread(target=self._run)
        self._sock = sock
        self._stop = stop
        self._tls = arguments.tls
        self._ws = WSConnection(ConnectionType.SERVER, limits=arguments.limits)
        self._deadline = time.monotonic() + HANDSHAKE_SECONDS

    def abort(self) -> None:
        """End the TCP connection from another thread: whatever the connection waits for fails then."""
        with suppress(OSError):  # it has ended already
            # SSLSocket.shutdown would take the TLS state away from the thread that works with it.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _run(self) -> None:
        """Hold the WebSocket connection, from its handshake to the end of the TCP connection."""
        try:
            self._prepare()
            self._converse()
            self._hang_up()
        except ServerStopsError:
            if self._ws.state is ConnectionState.OPEN:
                self._say_goodbye()
        except RemoteProtocolError as error:
            print(f"handshake failed: {error}", flush=True)
            if isinstance(error.event_hint, RejectConnection):  # such as 400 or 426
                with suppress(OSError):
                    self._sock.sendall(self._refuse(error.event_hint))
                    self._hang_up()
        except OSError as error:
            print(f"connection lost: {error}", flush=True)
        finally:
            self._sock.close()

    def _prepare(self) -> None:
        # A small frame leaves at once instead of waiting for the acknowledgement of the one before.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.settimeout(HANDSHAKE_SECONDS)
        if self._tls:
            wait_for_input(self._sock, self._stop, HANDSHAKE_SECONDS)
            self._sock = sock = self._tls.wrap_socket(
                self._sock, server_side=True, do_handshake_on_connect=False
            )
            sock.do_handshake()

    def _converse(self) -> None:
        while self._ws.ending is Ending.NONE:
            opening = self._ws.state is ConnectionState.CONNECTING
            seconds = max(0.0, self._deadline - time.monotonic()) if opening else IDLE_SECONDS
            wait_for_input(self._sock, self._stop, seconds)
            self._read(IDLE_SECONDS)

    def _say_goodbye(self) -> None:
        deadline = time.monotonic() + LINGER_SECONDS
        with suppress(OSError):  # the client may be gone, or slow
            self._sock.settimeout(LINGER_SECONDS)
            self._sock.sendall(self._ws.send(CloseConnection(code=1001, reason="server stops")))
            while self._ws.ending is Ending.NONE:
                self._read(deadline - time.monotonic())
            self._hang_up()

    def _read(self, seconds: float) -> None:
        """Receive once, and answer."""
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)
        # recv() gives b"" at end of file; wsproto wants to hear that as None.
        self._ws.receive_data(self._sock.recv(RECEIVE_BYTES) or None)
        for event in self._ws.events():
            self._sock.sendall(self._answer(event))

    def _answer(self, event: Event) -> bytes:
        """Return the bytes to send for one event."""
        match event:
            case Request() if event.target.partition("?")[0] not in PATHS:
                print(f"refused {event.target!r}: 404", flush=True)
                return self._refuse(RejectConnection(status_code=404))
            case Request():
                print(f"accepted {event.target!r}", flush=True)
                return self._ws.send(AcceptConnection(extensions=[PerMessageDeflate()]))
            case TextMessage() | BytesMessage() if self._ws.state is ConnectionState.OPEN:
                # A message may come in pieces. Each goes back as a fragment: no message is held in memory.
                end = ", end of message" if event.message_finished else ""
                print(f"{type(event).__name__}: {len(event.data)} long{end}", flush=True)
                return self._ws.send(event)
            case Ping():
                print(f"ping {event.payload!r}", flush=True)
                return self._ws.send(event.response())
            case Pong():
                print(f"pong {event.payload!r}", flush=True)
            case CloseConnection():
                print(f"closed with {event.code:d} {event.reason or ''!r}", flush=True)
                # After an end of file (1006) there is nobody left to answer, and the state is CLOSED already.
                if self._ws.state is ConnectionState.REMOTE_CLOSING:
                    return self._ws.send(event.response())
        return b""

    def _refuse(self, rejection: RejectConnection) -> bytes:
        """Return the bytes of a refusal: it announces the end of the connection (RFC 9112 9.6)."""
        return self._ws.send(replace(rejection, headers=[*rejection.headers, (b"Connection", b"close")]))

    def _hang_up(self) -> None:
        """Close the TCP connection so that what was sent last still arrives (RFC 6455 7.1.1).

        Closing a socket that has unread input resets the connection: the reset may overtake the Close frame.
        """
        with suppress(OSError):  # the client may be gone already
            self._sock.settimeout(LINGER_SECONDS)
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.unwrap()  # sends TLS's close_notify, and waits for the client's
            self._sock.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + LINGER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(RECEIVE_BYTES):
                    break


if __name__ == "__main__":
    sys.exit(main())
