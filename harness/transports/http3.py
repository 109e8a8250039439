"""HTTP/3 below the bridge (RFC 9114, RFC 9220): a connection of either role, its streams for the passages."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamReset,
)
from aioquic.quic.packet import QuicErrorCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from harness.streams.driver import Target
    from harness.transports.heads import Headers
    from harness.transports.passage import Passage

    Note = Callable[[str], None]

ENABLE_CONNECT_PROTOCOL = 0x8
"""The setting of RFC 9220 5."""

REQUEST_CANCELLED = 0x10C
"""H3_REQUEST_CANCELLED (RFC 9220 3)."""

WAITING = 2**18
"""Bytes that may wait for the peer's acknowledgement."""

STREAMS = 1000
"""Streams that a client may have at once: none of its cases has to wait."""


class Http3Stream:
    """One stream."""

    def __init__(self, carrier: Http3, stream_id: int) -> None:
        self.passage: Passage | None = None
        self.over = self.peer_ended = False
        self.held = 0
        """Bytes that the passage has not taken."""
        self._carrier, self.id = carrier, stream_id

    @property
    def full(self) -> bool:
        """Whether enough waits for the peer."""
        return self._carrier.waiting(self.id) >= WAITING

    def send_headers(self, headers: Headers, *, end: bool = False) -> None:
        """Send a header section."""
        if not self.over:
            self.over = end
            self._carrier.http3.send_headers(self.id, headers, end_stream=end)
            self.settle()

    def send(self, data: bytes) -> None:
        """Send DATA; aioquic keeps what there is no window for."""
        if not self.over:
            self._carrier.http3.send_data(self.id, data, end_stream=False)
            self.settle()

    def end(self) -> None:
        """End this side behind the DATA."""
        if not self.over:
            self.over = True
            self._carrier.http3.send_data(self.id, b"", end_stream=True)
            self.settle()

    def settle(self) -> None:
        """Send what is ready; a stream that both sides have ended is forgotten."""
        self._carrier.transmit_soon()
        if self.over and self.peer_ended:
            self._carrier.forget(self.id)

    def reset(self) -> None:
        """End both sides at once."""
        if not (self.over and self.peer_ended):
            self._carrier.reset(self.id, reset=not self.over, stop=not self.peer_ended)
        self.over = self.peer_ended = True
        self.settle()

    def credit(self, count: int) -> None:
        """Let the peer send on."""
        self.held -= count
        self._carrier.transmit_soon()


class Http3(QuicConnectionProtocol):
    """One connection.

    :param accept: makes the passage of a client's stream; None where this side is the client.
    :param note: takes a line about a peer that breaks HTTP/3.
    :param own: whether the connection ends with its first stream.
    """

    http3: H3Connection

    def __init__(
        self,
        quic: QuicConnection,
        *,
        note: Note,
        accept: Callable[[], Passage] | None = None,
        own: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(quic, **options)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._note, self._accept, self._own = note, accept, own
        self._streams: dict[int, Http3Stream] = {}
        self._is_over = self._transmits = self._has_http3 = self._used = False
        # aioquic gives window back as soon as bytes have come, and has no other place to say when to wait.
        self._give_window = quic._write_stream_limits  # noqa: SLF001
        quic._write_stream_limits = self._limit  # type: ignore[method-assign]  # noqa: SLF001

    # For the bridge:

    @property
    def usable(self) -> bool:
        """Whether it takes another stream."""
        return not self._is_over

    def open(self, passage: Passage) -> Http3Stream:
        """Open a stream to a server."""
        stream_id = self._quic.get_next_available_stream_id()
        stream = self._streams[stream_id] = Http3Stream(self, stream_id)
        stream.passage = passage
        self._used = True
        return stream

    def waiting(self, stream_id: int) -> int:
        """Return how many bytes the peer has not acknowledged; aioquic does not tell it in another way."""
        stream = self._quic._streams.get(stream_id)  # noqa: SLF001
        return len(stream.sender._buffer) if stream else 0  # noqa: SLF001

    def transmit_soon(self) -> None:
        """Send what is ready, with what becomes so in this moment."""
        if not self._transmits:
            self._transmits = True
            asyncio.get_running_loop().call_soon(self._transmit_now)

    def _transmit_now(self) -> None:
        self._transmits = False
        self.transmit()

    def reset(self, stream_id: int, *, reset: bool, stop: bool) -> None:
        """Reset a stream where this side has not ended, and ask the peer to stop where it has not."""
        if not self._is_over:
            if reset:
                self._quic.reset_stream(stream_id, REQUEST_CANCELLED)
            if stop:
                self._quic.stop_stream(stream_id, REQUEST_CANCELLED)

    def forget(self, stream_id: int) -> None:
        """Take in that a stream is over on both sides."""
        self._streams.pop(stream_id, None)

    async def leave(self) -> None:
        """End the connection, and reset what its streams lead to."""
        self._fail("")
        self.close()
        await self.wait_closed()
        if self._accept is None and self._transport:
            self._transport.close()

    def _leave_own(self) -> None:
        """End a connection of one stream, when the peer has all of it."""
        done = self._own and self._used and not self._streams and not self._is_over
        if done and not any(map(self.waiting, self._quic._streams)):  # noqa: SLF001
            self._is_over = True
            self._leaving = asyncio.ensure_future(self.leave())

    # The connection:

    def _limit(self, builder: Any, space: Any, stream: Any) -> None:
        """Give a stream no window while its bytes wait."""
        known = self._streams.get(stream.stream_id)
        if known is None or known.held <= 0:
            self._give_window(builder, space, stream)

    def datagram_received(self, data: Any, addr: Any) -> None:
        """Take a datagram, which may make room for what waits."""
        super().datagram_received(data, addr)
        for stream in list(self._streams.values()):
            if stream.passage and not stream.full:
                stream.passage.drained()
        self._leave_own()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take one event of QUIC; a stream that is reset is not an event of HTTP/3."""
        match event:
            case ProtocolNegotiated():
                self.http3, self._has_http3 = H3Connection(self._quic), True
                if self._accept:
                    self.ready.set_result(None)
            case StopSendingReceived():
                self._need_not_send(event.stream_id)
            case StreamReset():
                self._was_reset(event.stream_id)
            case ConnectionTerminated():
                in_order = event.error_code in {QuicErrorCode.NO_ERROR, ErrorCode.H3_NO_ERROR}
                why = f"the connection has ended with error {event.error_code:#x} {event.reason_phrase}"
                self._fail("" if in_order else why)
        if self._has_http3 and not self._is_over:
            for http3_event in self.http3.handle_event(event):
                self._take(http3_event)
            self._greet()
        self.transmit_soon()

    def _need_not_send(self, stream_id: int) -> None:
        """Take the end of this direction alone: the peer takes no more, but may still send (RFC 9000 3.5)."""
        if stream := self._streams.get(stream_id):
            stream.over = True  # aioquic resets it
            stream.settle()

    def _was_reset(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream and stream.passage:
            passage = stream.passage
            stream.reset()
            passage.stream_reset()

    def _take(self, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived | DataReceived):
            return
        stream = self._streams.get(event.stream_id)
        if stream is None and self._accept and isinstance(event, HeadersReceived):
            stream = self._streams[event.stream_id] = Http3Stream(self, event.stream_id)
            stream.passage = self._accept()
            stream.passage.stream = stream
        if stream is None or stream.passage is None:
            return
        if isinstance(event, HeadersReceived):
            stream.passage.headers_came(event.headers)
        elif event.data:
            stream.held += len(event.data)
            stream.passage.data_came(event.data, len(event.data))
        if event.stream_ended:
            stream.peer_ended = True
            stream.passage.stream_ended()
        stream.settle()

    def _greet(self) -> None:
        """Take in a server's settings, for which a client has to wait (RFC 9220 3)."""
        settings = self.http3.received_settings
        if self.ready.done() or settings is None:
            return
        if settings.get(ENABLE_CONNECT_PROTOCOL) == 1:
            self.ready.set_result(None)
        else:
            self._fail("the server does not offer extended CONNECT (RFC 9220 3)")

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
            stream.over = stream.peer_ended = True
            if stream.passage:
                stream.passage.stream_reset()


def _quiet() -> None:
    """Leave it to the notes to say what goes wrong."""
    logging.getLogger("quic").addHandler(logging.NullHandler())
    logging.getLogger("quic").propagate = False


async def connect(server: Target, note: Note, *, own: bool) -> Http3:
    """Connect to a server, and wait for its settings; raises `OSError` where that fails."""
    _quiet()
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=server.address[0])
    if server.ca:
        configuration.load_verify_locations(server.ca)
    if server.insecure:
        configuration.verify_mode = ssl.CERT_NONE
    local, address = await server.ends()
    # Not aioquic's own way, whose socket is open on every interface.
    _, carrier = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Http3(QuicConnection(configuration=configuration), note=note, own=own), local_addr=local
    )
    carrier.connect(address)
    try:
        await carrier.ready
    except BaseException:
        await carrier.leave()
        raise
    return carrier


@asynccontextmanager
async def listen(
    host: str, certificate: Path, key: Path, accept: Callable[[], Passage], note: Note
) -> AsyncIterator[int]:
    """Take clients, and give the port."""
    _quiet()
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificate, key)
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: QuicServer(
            configuration=configuration, create_protocol=partial(Http3, note=note, accept=accept)
        ),
        local_addr=(host, 0),
    )
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        server.close()
