"""A WebSocket client over HTTP/2 (RFC 8441): texts, a ping, then the close. Plain TCP is by prior knowledge.

    python http2_client.py [--ca FILE | --insecure] [--timeout SECONDS] [URL | HOST PORT] [TEXT ...]

Exit status: 0 when all went well, 1 when the conversation failed, 2 when there was none: a wrong argument,
or an opening handshake that did not succeed. Needs the `h2` package.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import h2.events
from command_line import client_arguments
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from http2_stream import WebSocketStream
from synchronous_client import await_event, whole_message

from wsproto import ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, RejectConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import ProtocolError as WebSocketError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from addresses import Address

    from wsproto.events import Event

RECEIVE_BYTES = 65536


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
        # The server pushes nothing on a WebSocket (RFC 9113 8.5), and has to know before it could.
        self._http2.local_settings = Settings(client=True, initial_values={SettingCodes.ENABLE_PUSH: 0})
        self._http2.initiate_connection()
        self._http2_events = self._receive_http2()

    def open(self, address: Address) -> WebSocketStream:
        """Do the opening handshake: an extended CONNECT (RFC 8441 4, 5), once the server has allowed it."""
        for event in self._http2_events:
            if isinstance(event, h2.events.RemoteSettingsChanged):
                break
        if not self._http2.remote_settings.enable_connect_protocol:
            raise ConnectionError("the server does not offer extended CONNECT (RFC 8441 3)")
        scheme = "https" if address.scheme == "wss" else "http"
        handshake = StreamHandshake(ConnectionType.CLIENT, scheme=scheme)
        stream = WebSocketStream(self._http2, self._http2.get_next_available_stream_id(), handshake)
        stream.send(Request(address.authority, address.target, extensions=[PerMessageDeflate()]))
        while handshake.state is ConnectionState.CONNECTING:
            for answer in self.receive(stream):
                if isinstance(answer, RejectConnection):
                    raise ConnectionError(f"the server answered with status {answer.status_code}")
        return stream

    def receive(self, stream: WebSocketStream) -> Iterator[Event]:
        """Take the next event of HTTP/2, and yield what it means to the WebSocket."""
        event = next(self._http2_events)
        if isinstance(event, h2.events.StreamReset):
            stream.was_reset()
            if stream.handshake.connection is None:
                raise ConnectionError(f"the server reset the stream with error {event.error_code}")
        yield from stream.receive(event)
        stream.acknowledge()
        stream.flush()

    def events(self, stream: WebSocketStream) -> Iterator[Event]:
        """Yield the server's events until the connection is closed; answers Ping and Close on the way."""
        while stream.ws.state is not ConnectionState.CLOSED:
            for event in self.receive(stream):
                if isinstance(event, Ping | CloseConnection) and stream.ws.can_send(event.response()):
                    stream.send(event.response())
                yield event

    def finish(self, stream: WebSocketStream) -> None:
        """Wait for the server's end of the stream, then say goodbye to the HTTP/2 connection."""
        with suppress(ConnectionError):  # a server may as well end the whole connection
            while not stream.peer_ended:
                list(self.receive(stream))
            self._http2.close_connection()
            self._sock.sendall(self._http2.data_to_send())

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
    client.finish(stream)


if __name__ == "__main__":
    sys.exit(main())
