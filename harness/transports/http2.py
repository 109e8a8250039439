"""HTTP/2 below the bridge (RFC 9113, RFC 8441): a connection of either role, its streams for the passages."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import h2.events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.transports.heads import Headers
    from harness.transports.passage import Passage

    Note = Callable[[str], None]

WINDOW = 2**18
"""Bytes that a peer may send on a stream before they were taken."""

CONNECTION_WINDOW = 2**24
"""Bytes for all streams: what one holds back must not stop the others."""

WAITING = 2**16
"""Bytes that may wait for the peer's window."""

STREAMS = 1000
"""Streams that a client may have at once: none of its cases has to wait."""

_SECTIONS = (
    h2.events.RequestReceived,
    h2.events.ResponseReceived,
    h2.events.InformationalResponseReceived,
    h2.events.TrailersReceived,
)


class Http2Stream:
    """One stream."""

    def __init__(self, carrier: Http2, stream_id: int) -> None:
        self.passage: Passage | None = None
        self.over = False
        """Whether nothing may be sent any more."""
        self.peer_ended = False
        self._carrier, self._id = carrier, stream_id
        self._unsent = bytearray()
        self._ends = False

    @property
    def full(self) -> bool:
        """Whether enough waits for the peer's window."""
        return len(self._unsent) >= WAITING or self._carrier.stalled

    def send_headers(self, headers: Headers, *, end: bool = False) -> None:
        """Send a header section."""
        if not self.over:
            self._carrier.http2.send_headers(self._id, headers, end_stream=end)
            self.over = end
            self.settle()

    def send(self, data: bytes) -> None:
        """Send DATA as the window has room for it."""
        if not self.over:
            self._unsent += data
            self.flush()

    def end(self) -> None:
        """End this side behind the DATA."""
        self._ends = True
        self.flush()

    def flush(self) -> None:
        """Send what the window has room for."""
        http2 = self._carrier.http2
        while self._unsent and not self.over:
            room = min(http2.local_flow_control_window(self._id), http2.max_outbound_frame_size)
            if room <= 0:  # SETTINGS can make a window negative (RFC 9113 6.9.2)
                break
            piece = bytes(self._unsent[:room])
            del self._unsent[:room]
            self.over = self._ends and not self._unsent
            http2.send_data(self._id, piece, end_stream=self.over)
        if self._ends and not self._unsent and not self.over:
            http2.end_stream(self._id)
            self.over = True
        self.settle()

    def settle(self) -> None:
        """Send what is ready; a stream that both sides have ended is forgotten."""
        self._carrier.transmit()
        if self.over and self.peer_ended:
            self._carrier.forget(self._id)

    def reset(self) -> None:
        """End both sides at once."""
        if not (self.over and self.peer_ended):
            with suppress(ProtocolError):  # it never began
                self._carrier.http2.reset_stream(self._id, ErrorCodes.CANCEL)
        self.was_reset()
        self.peer_ended = True
        self.settle()

    def was_reset(self) -> None:
        """Take in that nothing more may be sent."""
        self.over = True
        self._unsent.clear()

    def credit(self, count: int) -> None:
        """Let the peer send that many bytes more."""
        self._carrier.credit(count, self._id)


class Http2(asyncio.Protocol):
    """One connection.

    :param accept: makes the passage of a client's stream; None where this side is the client.
    :param note: takes a line about a peer that breaks HTTP/2.
    :param own: whether the connection ends with its first stream.
    """

    def __init__(self, note: Note, accept: Callable[[], Passage] | None = None, *, own: bool = False) -> None:
        self.http2 = H2Connection(H2Configuration(client_side=accept is None, header_encoding=None))
        settings = {SettingCodes.INITIAL_WINDOW_SIZE: WINDOW, SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS}
        settings[SettingCodes.ENABLE_PUSH if accept is None else SettingCodes.ENABLE_CONNECT_PROTOCOL] = int(
            accept is not None
        )
        self.http2.local_settings = Settings(client=accept is None, initial_values=settings)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stalled = False
        """Whether TCP takes no more."""
        self._note, self._accept, self._own = note, accept, own
        self._streams: dict[int, Http2Stream] = {}
        self._is_over = False
        self._transmits = False

    # For the bridge:

    @property
    def usable(self) -> bool:
        """Whether it takes another stream."""
        most = self.http2.remote_settings.max_concurrent_streams
        return not self._is_over and len(self._streams) < most

    def open(self, passage: Passage) -> Http2Stream:
        """Open a stream to a server."""
        stream_id = self.http2.get_next_available_stream_id()
        stream = self._streams[stream_id] = Http2Stream(self, stream_id)
        stream.passage = passage
        return stream

    def transmit(self) -> None:
        """Send what is ready, with what becomes so in this moment."""
        if not self._transmits:
            self._transmits = True
            asyncio.get_running_loop().call_soon(self._write)

    def credit(self, count: int, stream_id: int) -> None:
        """Give window back, for a stream and for all."""
        if not self._is_over and count:
            self.http2.acknowledge_received_data(count, stream_id)
            self.transmit()

    def forget(self, stream_id: int) -> None:
        """Take in that a stream is over on both sides."""
        self._streams.pop(stream_id, None)
        if self._own and not self._streams and not self._is_over:
            self._close()

    async def leave(self) -> None:
        """End the connection, and reset what its streams lead to."""
        self._close()
        self._fail("")

    def _close(self) -> None:
        """Say goodbye."""
        if not self._is_over:
            self._is_over = True
            self.http2.close_connection()
            self._write()
        self._transport.close()

    # The TCP connection:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.http2.initiate_connection()
        self.http2.increment_flow_control_window(CONNECTION_WINDOW)
        self._write()

    def _write(self) -> None:
        self._transmits = False
        data = self.http2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def pause_writing(self) -> None:
        """Read no more from who sends."""
        self.stalled = True

    def resume_writing(self) -> None:
        """Read on."""
        self.stalled = False
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand every event to the passage of its stream."""
        if self._is_over:
            return
        try:
            events = self.http2.receive_data(data)
        except ProtocolError as error:
            self._write()  # h2 has prepared the GOAWAY
            self._fail(f"the peer broke HTTP/2: {error}")
            return
        for event in events:  # before all others: h2 knows of it already, and sends nothing more
            if isinstance(event, h2.events.StreamReset) and event.stream_id in self._streams:
                self._streams[event.stream_id].was_reset()
            if isinstance(event, h2.events.ConnectionTerminated):
                self._is_over = True
                for stream in self._streams.values():
                    stream.was_reset()
        for event in events:
            self._take(event)
        self.transmit()

    def _take(self, event: h2.events.Event) -> None:
        stream_id = getattr(event, "stream_id", None) or 0
        match event:
            case h2.events.RemoteSettingsChanged() if not self.ready.done():
                self._greet()
            case h2.events.ConnectionTerminated():
                # h2 sends and takes nothing behind it, on streams that the peer would serve either.
                code = event.error_code
                self._fail(f"the peer ended the connection with error {code}" if code else "")
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._flush()
            case h2.events.RequestReceived() if self._accept:
                stream = self._streams[stream_id] = Http2Stream(self, stream_id)
                stream.passage = self._accept()
                stream.passage.stream = stream
        if (known := self._streams.get(stream_id)) and known.passage:
            self._pass_on(event, known, known.passage)
        elif isinstance(event, h2.events.DataReceived):
            self.credit(event.flow_controlled_length, stream_id)

    def _pass_on(self, event: h2.events.Event, stream: Http2Stream, passage: Passage) -> None:
        match event:
            case h2.events.DataReceived():
                passage.data_came(event.data, event.flow_controlled_length)
            case h2.events.StreamEnded():
                stream.peer_ended = True
                passage.stream_ended()
            case h2.events.StreamReset():
                stream.peer_ended = True
                passage.stream_reset()
            case _ if isinstance(event, _SECTIONS):
                passage.headers_came(event.headers or [])
        stream.settle()

    def _greet(self) -> None:
        """Take in the first settings: a client has to wait for them (RFC 8441 3)."""
        if self._accept or self.http2.remote_settings.enable_connect_protocol:
            self.ready.set_result(None)
        else:
            self._fail("the server does not offer extended CONNECT (RFC 8441 3)")

    def _flush(self) -> None:
        for stream in list(self._streams.values()):
            stream.flush()
            if stream.passage and not stream.full:
                stream.passage.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """Reset all that the streams lead to."""
        self._fail(str(exc or ""))

    def _fail(self, why: str) -> None:
        """End all that the streams lead to; there is nothing to say of a peer that leaves in order."""
        self._is_over = True
        if why:
            self._note(why)
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why or "the peer ended the connection"))
            self.ready.exception()  # nobody waits for it on a server
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.was_reset()
            if stream.passage:
                stream.passage.stream_reset()
        self._transport.close()
