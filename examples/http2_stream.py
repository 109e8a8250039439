"""The glue between `h2` and `wsproto` that both sides of a WebSocket over HTTP/2 share (RFC 8441).

A stream stands where the TCP connection stands in HTTP/1.1, and `Connection` where `WSConnection` does: the
opening handshake is made of HTTP/2 headers, all that follows travels in DATA frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.events
from h2.errors import ErrorCodes

from wsproto import Connection, ConnectionState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2.connection import H2Connection

    from wsproto.events import Event


class WebSocketStream:
    """One WebSocket connection on one HTTP/2 stream."""

    def __init__(self, http2: H2Connection, stream_id: int, ws: Connection) -> None:
        self.ws = ws
        self._http2 = http2
        self._stream_id = stream_id
        self._unsent = bytearray()  # waits for the peer's flow control window
        self._unacknowledged = 0  # bytes received that the peer has not got back as window yet
        self._ending = False
        self.ended = False  # by this side, or by a reset

    @property
    def writable(self) -> bool:
        """Whether all that was sent fitted into the peer's flow control window."""
        return not self._unsent

    def receive(self, event: h2.events.Event) -> Iterator[Event]:
        """Take one event of this stream, and yield what it means to the WebSocket connection."""
        data: bytes | None = None
        match event:
            case h2.events.DataReceived():
                self._unacknowledged += event.flow_controlled_length
                data = event.data
            case h2.events.StreamEnded():
                pass  # an orderly end, as TCP's end of file is
            case h2.events.StreamReset():
                self.ended = True  # as TCP's reset is
                self._unsent.clear()
            case _:
                return
        if self.ws.state is not ConnectionState.CLOSED:
            self.ws.receive_data(data)
            yield from self.ws.events()

    def send(self, event: Event) -> None:
        """Send one event, as soon as flow control lets it go."""
        self._unsent += self.ws.send(event)
        self.flush()

    def flush(self) -> None:
        """Send what the window has room for: call it again when the peer enlarges the window."""
        while self._unsent and not self.ended:
            room = self._http2.local_flow_control_window(self._stream_id)
            size = min(len(self._unsent), room, self._http2.max_outbound_frame_size)
            if size <= 0:  # SETTINGS can make a window negative (RFC 9113 6.9.2)
                return
            self._http2.send_data(self._stream_id, bytes(self._unsent[:size]))
            del self._unsent[:size]
        if self._ending and not self.ended:
            self._http2.end_stream(self._stream_id)
            self.ended = True

    def acknowledge(self) -> None:
        """Let the peer send as much again as was received."""
        if self._unacknowledged:
            self._http2.acknowledge_received_data(self._unacknowledged, self._stream_id)
            self._unacknowledged = 0

    def end(self) -> None:
        """End the stream in order, after all that is still unsent."""
        self._ending = True
        self.flush()

    def abort(self) -> None:
        """End the stream at once: RST_STREAM with CANCEL stands for TCP's reset (RFC 8441 5)."""
        if not self.ended:
            self._http2.reset_stream(self._stream_id, ErrorCodes.CANCEL)
            self.ended = True
            self._unsent.clear()
