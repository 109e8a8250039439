"""The glue between `aioquic` and `wsproto` that both sides of a WebSocket over HTTP/3 share (RFC 9220)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aioquic.h3.events import DataReceived, H3Event, HeadersReceived

from wsproto import Connection, ConnectionState, Ending
from wsproto.stream_handshake import H3_MESSAGE_ERROR, H3_REQUEST_CANCELLED, StreamHandshake
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aioquic.h3.connection import H3Connection
    from aioquic.quic.connection import QuicConnection

    from wsproto.events import Event

H3_FRAME_UNEXPECTED = 0x105  # RFC 9114 8.1


class WebSocketStream:
    """One WebSocket on one stream of HTTP/3. aioquic keeps what the peer has no window for."""

    def __init__(
        self, quic: QuicConnection, http3: H3Connection, stream_id: int, handshake: StreamHandshake
    ) -> None:
        self.handshake = handshake
        self._quic = quic
        self._http3 = http3
        self._stream_id = stream_id
        self.ended = False  # by this side
        self.peer_ended = False
        self.lingers = False  # for a server: waits for the client to end its side

    @property
    def ws(self) -> StreamHandshake | Connection:
        """What the stream's events are for at present."""
        return self.handshake.connection or self.handshake

    def receive(self, event: H3Event) -> Iterator[Event]:
        """Take one event of this stream, and yield what it means to the WebSocket.

        :raises RemoteProtocolError: where it breaks the protocol; the peer has been told so.
        """
        try:
            if self.ws.state is ConnectionState.CLOSED:
                pass  # it was under way when the WebSocket ended
            elif isinstance(event, HeadersReceived):
                self.handshake.receive_headers(event.headers)
            elif isinstance(event, DataReceived):
                self.ws.receive_data(event.data)
            yield from self._events()
            if isinstance(event, HeadersReceived | DataReceived) and event.stream_ended:
                yield from self.receive_end()
        except RemoteProtocolError as error:
            if self.handshake.connection is not None:
                # Any known frame but DATA in the tunnel is an error of the whole connection (RFC 9114 4.4).
                self._quic.close(H3_FRAME_UNEXPECTED, reason_phrase="HEADERS behind the handshake")
                yield from self.receive_end()
            elif error.event_hint is None:
                self.reset(H3_MESSAGE_ERROR)
                yield from self.receive_end()
            else:
                self.send(error.event_hint)
            raise
        self._end_in_order()

    def receive_end(self) -> Iterator[Event]:
        """Take in the end of the peer's side, by FIN or a reset, as TCP's end of file."""
        self.peer_ended = True
        self.ws.receive_data(None)
        yield from self._events()

    def _events(self) -> Iterator[Event]:
        """Yield those of the handshake, then those of the connection, should there be one by then."""
        yield from self.handshake.events()
        if self.handshake.connection is not None:
            yield from self.handshake.connection.events()

    def send(self, event: Event) -> None:
        """Send one event, and the end behind it where it is the last."""
        if self.ended:
            return
        if isinstance(self.ws, Connection):
            data = self.ws.send(event)
            self.ended = self.ws.ending is Ending.END
            self._http3.send_data(self._stream_id, data, end_stream=self.ended)
        else:
            headers = self.handshake.send(event)
            self.ended = self.handshake.state is ConnectionState.CLOSED  # it is a refusal
            self._http3.send_headers(self._stream_id, headers, end_stream=self.ended)

    def reset(self, code: int = H3_REQUEST_CANCELLED) -> None:
        """End both sides of the stream at once (RFC 9220 3)."""
        self._quic.reset_stream(self._stream_id, code)
        if not self.peer_ended:
            self._quic.stop_stream(self._stream_id, code)
        self.ended = self.peer_ended = True

    def _end_in_order(self) -> None:
        if isinstance(self.ws, Connection) and self.ws.ending is Ending.END and not self.ended:
            self._http3.send_data(self._stream_id, b"", end_stream=True)
            self.ended = True
