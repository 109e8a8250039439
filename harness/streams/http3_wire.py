"""HTTP/3 by its frames (RFC 9114): aioquic's QUIC carries them, its QPACK codes header sections."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any

import pylsqpack
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    HandshakeCompleted,
    QuicEvent,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)

from harness.streams.codes import CODES, H3_DATAGRAM, H3_FRAMES
from harness.streams.wire import Stream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.roles import Role
    from harness.streams.case import Case
    from harness.streams.driver import Target
    from harness.streams.fields import Fields

DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
CONTROL, ENCODER, DECODER = 0, 2, 3

DATAGRAM_SIZE = 1200

WINDOW = 5000
"""The window of a client's stream at its beginning: QUIC cannot lower it for the case about small ones."""

logging.getLogger("quic").addHandler(logging.NullHandler())  # the wire's own log says what happens


def varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Read an integer of variable length, and return the offset behind it, beyond the data if it is cut off.

    RFC 9000 16.
    """
    if at >= len(data):
        return 0, len(data) + 1
    size = 1 << (data[at] >> 6)
    number = int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return number, at + size


class HeldQuic(QuicConnection):
    """A QUIC connection that raises a window only when it is told to, where it is held."""

    held = False

    def _write_stream_limits(self, builder: Any, space: Any, stream: Any) -> None:
        if not self.held or stream.max_stream_data_local_sent != stream.max_stream_data_local:
            super()._write_stream_limits(builder, space, stream)


class Http3Wire(QuicConnectionProtocol, Wire):
    """A QUIC connection with HTTP/3, of a client or a server under test."""

    transport_name = "h3"

    def __init__(
        self, quic: QuicConnection, stream_handler: Any = None, *, role: Role, settings: dict[int, int]
    ) -> None:
        QuicConnectionProtocol.__init__(self, quic, stream_handler)
        Wire.__init__(self, role)
        self._first_settings = settings
        self._encoder, self._decoder = pylsqpack.Encoder(), pylsqpack.Decoder(0, 0)
        self._buffers: dict[int, bytearray] = {}
        self._kinds: dict[int, int] = {}
        self._control: int | None = None

    def greet(self) -> None:
        """Open the control stream with the settings, and the streams of QPACK."""
        self._control = self._quic.get_next_available_stream_id(is_unidirectional=True)
        self._quic.send_stream_data(self._control, encode_uint_var(CONTROL))
        self.set(self._first_settings)
        for kind in (ENCODER, DECODER):
            number = self._quic.get_next_available_stream_id(is_unidirectional=True)
            self._quic.send_stream_data(number, encode_uint_var(kind))
        self.transmit()

    # What comes in:

    def quic_event_received(self, event: QuicEvent) -> None:
        """Read frames."""
        match event:
            case HandshakeCompleted():
                self.greet()
            case StreamDataReceived(stream_id=number) if number % 4 >= 2:
                self._take_unidirectional(number, event.data)
            case StreamDataReceived(stream_id=number):
                self._take_request_stream(number, event.data, ends=event.end_stream)
            case StreamReset(stream_id=number):
                self.note("R", f"RESET_STREAM on stream {number}, {self.error_name(event.error_code)}")
                self.take_reset(self.stream(number), event.error_code)
            case StopSendingReceived(stream_id=number):
                self.note("R", f"STOP_SENDING on stream {number}, {self.error_name(event.error_code)}")
                self.stream(number).stopped = event.error_code
            case ConnectionTerminated():
                if not self.settings and event.reason_phrase:
                    self.blame(f"the handshake of QUIC failed: {event.reason_phrase}")
                self.take_gone(event.error_code)
                self._release()
        self.changed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the socket."""
        super().connection_lost(exc)
        self.take_gone()

    def _frames(self, number: int) -> list[tuple[int, bytes]]:
        """Take the whole frames off a stream's buffer."""
        buffer, found = self._buffers[number], []
        while buffer:
            kind, at = varint(buffer, 0)
            size, at = varint(buffer, at)
            if at + size > len(buffer):
                break
            octets = bytes(buffer[: at + size])
            payload = octets[at:]
            self.note(
                "R", f"{H3_FRAMES.get(kind, f'frame {kind:#x}')} on stream {number}, {size} bytes", octets
            )
            del buffer[: len(octets)]
            found.append((kind, payload))
        return found

    def _take_unidirectional(self, number: int, data: bytes) -> None:
        buffer = self._buffers.setdefault(number, bytearray())
        buffer += data
        if number not in self._kinds and buffer:
            self._kinds[number] = buffer.pop(0)  # the types that there are take one byte
        if self._kinds.get(number) != CONTROL:
            buffer.clear()
            return
        for kind, payload in self._frames(number):
            if kind == SETTINGS:
                self._take_settings(payload)

    def _take_settings(self, payload: bytes) -> None:
        at, found = 0, {}
        while at < len(payload):
            key, at = varint(payload, at)
            found[key], at = varint(payload, at)
        self.settings.append(found)

    def _take_request_stream(self, number: int, data: bytes, *, ends: bool) -> None:
        stream = self.stream(number)
        self._buffers.setdefault(number, bytearray()).extend(data)
        taken = self._frames(number)
        for index, (kind, payload) in enumerate(taken):
            last = ends and index == len(taken) - 1
            if kind == HEADERS:
                _, fields = self._decoder.feed_header(number, payload)
                self.take_section(stream, tuple(fields), ends=last)
            elif kind == DATA:
                self.take_data(stream, payload, ends=last)
            elif kind in H3_FRAMES:
                self.blame(f"{H3_FRAMES[kind]} came on a request stream (RFC 9114 7.2)")
        if ends:
            self.note("R", f"FIN on stream {number}")
            self.take_end(stream)

    # What goes out:

    def _frame(self, number: int, kind: int, payload: bytes, *, end: bool = False) -> None:
        octets = encode_uint_var(kind) + encode_uint_var(len(payload)) + payload
        fin = ", FIN" if end else ""
        name = H3_FRAMES.get(kind, f"frame {kind:#x}")
        self.note("T", f"{name} on stream {number}{fin}, {len(payload)} bytes", octets)
        self._write(number, octets, end=end)

    def _write(self, number: int, octets: bytes, *, end: bool = False) -> None:
        """Write to a stream, unless the peer has ended it, or it was reset."""
        try:
            self._quic.send_stream_data(number, octets, end_stream=end)
        except (ValueError, AssertionError, RuntimeError):
            self.note("T", f"nothing more: stream {number} is over")

    def open(self) -> Stream:
        """Begin a stream of the harness, which is the client."""
        number = self._quic.get_next_available_stream_id()
        self._quic.send_stream_data(number, b"")
        return self.stream(number)

    def headers(self, stream: Stream, fields: Fields, *, end: bool = False, pieces: int = 1) -> None:
        """Send HEADERS; in pieces, each goes out in a packet of its own."""
        self.sent_section(stream, fields, end=end)
        _, block = self._encoder.encode(stream.number, list(fields))
        octets = encode_uint_var(HEADERS) + encode_uint_var(len(block)) + block
        self.note(
            "T", f"HEADERS on stream {stream.number}{', FIN' if end else ''}, {len(block)} bytes", octets
        )
        size = -(-len(octets) // pieces)
        for at in range(0, len(octets), size):
            last = at + size >= len(octets)
            self._write(stream.number, octets[at : at + size], end=end and last)
            if not last:
                self.transmit()
        if end:
            stream.sent_end = time.monotonic()

    def data(self, stream: Stream, data: bytes, *, end: bool = False, pad: int | None = None) -> None:  # noqa: ARG002
        """Send one DATA frame; QUIC keeps what there is no window for."""
        stream.sent_bytes += len(data)
        self._frame(stream.number, DATA, data, end=end)
        if end:
            stream.sent_end = time.monotonic()

    def room(self, stream: Stream) -> int:
        """Return what the peer's windows have room for, less what waits already."""
        own = self._quic._streams.get(stream.number)  # noqa: SLF001  # aioquic says it nowhere else
        if own is None:
            return 0
        waiting = own.sender._buffer_stop  # noqa: SLF001
        of_connection = self._quic._remote_max_data - self._quic._remote_max_data_used  # noqa: SLF001
        return int(min(own.max_stream_data_remote - waiting, of_connection))

    def raw(self, stream: Stream | None, kind: int, payload: bytes, flags: int = 0) -> None:  # noqa: ARG002
        """Send any frame; None stands for the control stream."""
        number = stream.number if stream else self._control
        if number is not None:
            self._frame(number, kind, payload)

    def reset(self, stream: Stream, code: int) -> None:
        """Send RESET_STREAM and STOP_SENDING."""
        self.note("T", f"RESET_STREAM and STOP_SENDING on stream {stream.number}, {self.error_name(code)}")
        try:
            if stream.sent_end is None:
                self._quic.reset_stream(stream.number, code)
            if not stream.over:
                self._quic.stop_stream(stream.number, code)
        except (ValueError, AssertionError, RuntimeError):
            self.note("T", f"nothing: stream {stream.number} is over")
        stream.sent_end = stream.sent_end or time.monotonic()

    def stop(self, stream: Stream, code: int) -> None:
        """Send STOP_SENDING."""
        self.note("T", f"STOP_SENDING on stream {stream.number}, {self.error_name(code)}")
        self._quic.stop_stream(stream.number, code)

    def set(self, settings: dict[int, int]) -> None:
        """Send SETTINGS."""
        self.raw(
            None, SETTINGS, b"".join(encode_uint_var(k) + encode_uint_var(v) for k, v in settings.items())
        )

    def credit(self, stream: Stream, count: int) -> None:
        """Raise the window of a stream (MAX_STREAM_DATA)."""
        own = self._quic._streams.get(stream.number)  # noqa: SLF001  # aioquic raises it by itself alone
        if own is not None:
            own.max_stream_data_local += count
            self.note("T", f"MAX_STREAM_DATA on stream {stream.number}: {count} bytes more")

    def go_away(self, last: int) -> None:
        """Send GOAWAY."""
        self.raw(None, GOAWAY, encode_uint_var(last))

    def datagram(self, stream: Stream) -> bool:
        """Send a datagram (RFC 9297 2.1)."""
        takes = self._quic._remote_max_datagram_frame_size  # noqa: SLF001  # aioquic says it nowhere else
        if not takes or not any(settings.get(H3_DATAGRAM) for settings in self.settings):
            return False
        self.note("T", f"a datagram for stream {stream.number}")
        self._quic.send_datagram_frame(encode_uint_var(stream.number // 4) + b"ignored")
        return True

    def transmit(self) -> None:
        """Send what waits."""
        if not self.gone:
            super().transmit()

    def cut(self) -> None:
        """Close QUIC without more ado."""
        self.end()

    def end(self) -> None:
        """Close QUIC."""
        self._quic.close(error_code=CODES["H3_NO_ERROR"])
        super().transmit()
        self._release()

    def _release(self) -> None:
        """Close the socket, where it is this connection's alone: a client's."""
        if self.role == "server" and self._transport is not None:
            self.take_gone()
            self._transport.close()
            if self._timer is not None:
                self._timer.cancel()


async def connect(target: Target, case: Case | None) -> Http3Wire:
    """Connect to a server under test, as a case wants it; raises `OSError`."""
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        server_name=target.address[0],
        max_datagram_frame_size=DATAGRAM_SIZE,
    )
    if target.ca:
        configuration.load_verify_locations(target.ca)
    if target.insecure:
        configuration.verify_mode = ssl.CERT_NONE
    quic = HeldQuic(configuration=configuration)
    if case and case.window is not None:
        quic._local_max_stream_data_bidi_local = case.window  # noqa: SLF001  # aioquic has one for all kinds
    quic.held = bool(case and case.hold)
    settings = {H3_DATAGRAM: 1, **(dict(case.settings) if case else {})}
    local, address = await target.ends()
    wire = Http3Wire(quic, role="server", settings=settings)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: wire, local_addr=local)
    wire.connect(address)
    return wire


async def listen(
    files: tuple[str, str] | None, settings: Callable[[], dict[int, int]], begin: Callable[[Wire], None]
) -> tuple[Any, int]:
    """Listen for clients under test on the loopback interface; return the listener and its port.

    :param files: those of the certificate and of its key.
    :param settings: gives the SETTINGS of the next connection, which goes to `begin`.
    """
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=H3_ALPN,
        max_stream_data=WINDOW,
        max_datagram_frame_size=DATAGRAM_SIZE,
    )
    assert files, "QUIC has TLS"  # noqa: S101
    configuration.load_cert_chain(*files)

    def wire(quic: QuicConnection, stream_handler: Any = None) -> Http3Wire:
        made = Http3Wire(quic, stream_handler, role="client", settings=settings())
        begin(made)
        return made

    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: QuicServer(configuration=configuration, create_protocol=wire), local_addr=("127.0.0.1", 0)
    )
    return server, transport.get_extra_info("sockname")[1]
