"""The glue between `h2` and `wsproto` that both sides of a WebSocket over HTTP/2 share (RFC 8441).

A stream stands where the TCP connection stands in HTTP/1.1: header sections and DATA go through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.events

from wsproto import Connection, ConnectionState, Ending
from wsproto.stream_handshake import HTTP2_CANCEL, HTTP2_PROTOCOL_ERROR, StreamHandshake
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2.connection import H2Connection

    from wsproto.events import Event

# An interim response and trailers are header sections, too.
SECTIONS = (
    h2.events.RequestReceived,
    h2.events.ResponseReceived,
    h2.events.InformationalResponseReceived,
    h2.events.TrailersReceived,
)


class WebSocketStream:
    """One WebSocket on one HTTP/2 stream."""

    def __init__(self, http2: H2Connection, stream_id: int, handshake: StreamHandshake) -> None:
        self.handshake = handshake
        self._http2 = http2
        self._stream_id = stream_id
        self._unsent = bytearray()  # waits for the peer's flow control window
        self._unacknowledged = 0  # bytes received that the peer has not got back as window yet
        self.ended = False  # by this side
        self.peer_ended = False
        self.lingers = False  # for a server: waits for the client to end its side

    @property
    def ws(self) -> StreamHandshake | Connection:
        """What the stream's events are for at present."""
        return self.handshake.connection or self.handshake

    @property
    def writable(self) -> bool:
        """Whether all that was sent fitted into the peer's flow control window."""
        return not self._unsent

    def receive(self, event: h2.events.Event) -> Iterator[Event]:
        """Take one event of this stream, and yield what it means to the WebSocket.

        :raises RemoteProtocolError: where it breaks the protocol; the peer has been told so.
        """
        try:
            if isinstance(event, SECTIONS):
                if self.ws.state is not ConnectionState.CLOSED:  # else it came in one read with what ended it
                    self.handshake.receive_headers(event.headers or [])
            elif isinstance(event, h2.events.DataReceived):
                self._unacknowledged += event.flow_controlled_length
                if self.ws.state is not ConnectionState.CLOSED:  # else the peer had not read that yet
                    self.ws.receive_data(event.data)
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                self.peer_ended = True
                self.ws.receive_data(None)  # as TCP's end of file is
        except RemoteProtocolError as error:
            if error.event_hint is None:
                self.reset(HTTP2_PROTOCOL_ERROR)
                self.ws.receive_data(None)
                yield from self._events()
            else:
                self.send(error.event_hint)
            raise
        yield from self._events()
        self.flush()

    def _events(self) -> Iterator[Event]:
        """Yield those of the handshake, then those of the connection, should there be one by then."""
        yield from self.handshake.events()
        if self.handshake.connection is not None:
            yield from self.handshake.connection.events()

    def send(self, event: Event) -> None:
        """Send one event, as soon as flow control lets it go."""
        if isinstance(self.ws, Connection):
            self._unsent += self.ws.send(event)
            self.flush()
        elif not self.ended:
            headers = self.handshake.send(event)
            self.ended = self.handshake.state is ConnectionState.CLOSED  # it is a refusal
            self._http2.send_headers(self._stream_id, headers, end_stream=self.ended)

    def flush(self) -> None:
        """Send what the window has room for: call it again when the peer enlarges the window."""
        ending = isinstance(self.ws, Connection) and self.ws.ending is Ending.END
        while self._unsent and not self.ended:
            room = self._http2.local_flow_control_window(self._stream_id)
            size = min(len(self._unsent), room, self._http2.max_outbound_frame_size)
            if size <= 0:  # SETTINGS can make a window negative (RFC 9113 6.9.2)
                return
            self.ended = ending and size == len(self._unsent)
            self._http2.send_data(self._stream_id, bytes(self._unsent[:size]), end_stream=self.ended)
            del self._unsent[:size]
        if ending and not self.ended:
            self._http2.end_stream(self._stream_id)
            self.ended = True

    def acknowledge(self) -> None:
        """Let the peer send as much again as was received."""
        if self._unacknowledged:
            self._http2.acknowledge_received_data(self._unacknowledged, self._stream_id)
            self._unacknowledged = 0

    def was_reset(self) -> None:
        """Take in that the stream was reset: h2 lets nothing more be sent on it."""
        self.ended = self.peer_ended = True
        self._unsent.clear()

    def reset(self, code: int = HTTP2_CANCEL) -> None:
        """End the stream at once: RST_STREAM with CANCEL stands for TCP's reset (RFC 8441 5)."""
        if not (self.ended and self.peer_ended):
            self._http2.reset_stream(self._stream_id, code)
            self.was_reset()
