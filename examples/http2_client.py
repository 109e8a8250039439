"""A WebSocket client over HTTP/2 (RFC 8441): texts, a ping, then the close. Plain TCP is by prior knowledge.

    python http2_client.py [--ca FILE | --insecure] [--timeout SECONDS] [URL | HOST PORT] [TEXT ...]

Exit status: 0 when all went well, 1 when the conversation failed, 2 when there was none: a wrong argument,
or an opening handshake that did not succeed. Needs the `h2` package.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import h2.events
from command_line import client_arguments
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from http2_stream import WebSocketStream

from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import WEBSOCKET_VERSION, client_extensions_handshake
from wsproto.messages import MessageJoiner
from wsproto.utilities import ProtocolError as WebSocketError
from wsproto.utilities import normed_header_dict, split_comma_header

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from addresses import Address

RECEIVE_BYTES = 65536
MAX_MESSAGE_BYTES = 2**20

Awaited = TypeVar("Awaited", bound=Event)


def main() -> int:
    """Connect, converse, and say in one line what went wrong."""
    arguments = client_arguments(sys.argv[0], __doc__, alpn="h2")
    status = 2  # there is no WebSocket connection yet
    try:
        with arguments.address.connect(arguments.timeout, arguments.tls) as sock:
            client = Http2Client(sock)
            stream = client.open(arguments.address)
            print("connected")
            status = 1
            converse(client, stream, arguments.texts)
    except (OSError, ProtocolError, WebSocketError) as error:
        print(arguments.failure(error), file=sys.stderr)
        return status
    except KeyboardInterrupt:
        return 130  # as a shell reports a program that Ctrl-C has ended
    return 0


class Http2Client:
    """A TCP connection with one HTTP/2 connection and one WebSocket on it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._http2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._http2.initiate_connection()
        self._http2_events = self._receive_http2()

    def open(self, address: Address) -> WebSocketStream:
        """Do the opening handshake: an extended CONNECT (RFC 8441 4, 5)."""
        self._await_extended_connect()
        deflate = PerMessageDeflate()
        offer = deflate.offer()
        stream_id = self._http2.get_next_available_stream_id()
        request = [
            (b":method", b"CONNECT"),
            (b":protocol", b"websocket"),
            (b":scheme", b"https" if address.scheme == "wss" else b"http"),
            (b":authority", address.authority.encode()),
            (b":path", address.target.encode()),
            (b"sec-websocket-version", WEBSOCKET_VERSION),
            (b"sec-websocket-extensions", f"{deflate.name}; {offer}".encode()),
        ]
        self._http2.send_headers(stream_id, request)
        accepted = self._await_acceptance([deflate])
        return WebSocketStream(self._http2, stream_id, Connection(ConnectionType.CLIENT, accepted))

    def events(self, stream: WebSocketStream) -> Iterator[Event]:
        """Yield the server's events until the connection is closed; answers Ping and Close on the way."""
        for http2_event in self._http2_events:
            if isinstance(http2_event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
                stream.flush()
            for event in stream.receive(http2_event):
                if isinstance(event, Ping):
                    stream.send(event.response())
                elif isinstance(event, CloseConnection):
                    if stream.ws.state is ConnectionState.REMOTE_CLOSING:
                        stream.send(event.response())
                    stream.end()
                yield event
            stream.acknowledge()
            if stream.ws.state is ConnectionState.CLOSED:
                return

    def finish(self) -> None:
        """Wait for the server's end of the stream, then say goodbye to the HTTP/2 connection."""
        with suppress(ConnectionError):  # a server may as well end the whole connection
            for event in self._http2_events:
                if isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                    break
            self._http2.close_connection()
            self._sock.sendall(self._http2.data_to_send())

    def _await_extended_connect(self) -> None:
        for event in self._http2_events:
            if isinstance(event, h2.events.RemoteSettingsChanged):
                break
        if not self._http2.remote_settings.enable_connect_protocol:
            raise ConnectionError("the server does not offer extended CONNECT (RFC 8441 3)")

    def _await_acceptance(self, extensions: list[Extension]) -> list[Extension]:
        for event in self._http2_events:
            if isinstance(event, h2.events.ResponseReceived):
                headers = normed_header_dict(event.headers)
                if not headers[b":status"].startswith(b"2"):
                    raise ConnectionError(f"the server answered with status {headers[b':status'].decode()}")
                answers = split_comma_header(headers.get(b"sec-websocket-extensions", b""))
                return client_extensions_handshake(answers, extensions)
            if isinstance(event, h2.events.StreamReset):
                raise ConnectionError(f"the server reset the stream with error {event.error_code}")
        raise ConnectionError("the connection ended before the server's response")

    def _receive_http2(self) -> Iterator[h2.events.Event]:
        """Alternate between sending all there is and receiving.

        Flow control bounds what is under way in either direction, so that both sides cannot block in a send.
        """
        while True:
            self._sock.sendall(self._http2.data_to_send())
            data = self._sock.recv(RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the server ended the TCP connection")
            for event in self._http2.receive_data(data):
                if isinstance(event, h2.events.ConnectionTerminated):
                    raise ConnectionError(f"the server ended the connection with error {event.error_code}")
                yield event


def converse(client: Http2Client, stream: WebSocketStream, texts: list[str]) -> None:
    """Exchange the texts and a ping, and close."""
    events = client.events(stream)

    for text in texts:
        stream.send(TextMessage(data=text))
        print(f"received {whole_message(events).data!r}")

    stream.send(Ping(payload=b"still there?"))
    print(f"received pong {await_event(events, Pong).payload!r}")

    stream.send(CloseConnection(code=1000, reason="bye"))
    close = await_event(events, CloseConnection)
    if close.code == 1006:
        raise ConnectionError("the stream ended before the server's Close frame")
    print(f"closed with {close.code:d} {close.reason or ''!r}")
    client.finish()


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
