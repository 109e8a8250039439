"""HTTP/2 by its frames (RFC 9113): hyperframe reads them, hpack writes and reads header sections."""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from typing import TYPE_CHECKING, Any, Final, cast

import hpack
from hyperframe import frame as frames
from hyperframe.exceptions import HyperframeError

from harness.streams.codes import CODES, ENABLE_CONNECT_PROTOCOL, INITIAL_WINDOW_SIZE
from harness.streams.wire import Stream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.roles import Role
    from harness.streams.case import Case
    from harness.streams.driver import Target
    from harness.streams.fields import Fields

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)

END_STREAM, END_HEADERS, PADDED, ACK = 0x1, 0x4, 0x8, 0x1

DEFAULT_WINDOW: Final = 65535
FRAME_SIZE: Final = 16384
ROOM_OF_CONNECTION: Final = 2**30
"""The window of the whole connection, so that those of its streams are what counts."""


class Http2Wire(Wire, asyncio.Protocol):
    """A TCP connection with HTTP/2, of a client or a server under test."""

    transport_name = "h2"

    def __init__(self, role: Role, settings: dict[int, int]) -> None:
        super().__init__(role)
        self._first_settings = settings
        self._unsent = bytearray()
        self._unread = bytearray()
        self._preface = len(PREFACE) if role == "client" else 0
        self._next = 1
        self._encoder, self._decoder = hpack.Encoder(), hpack.Decoder()
        self._decoder.max_header_list_size = 2**20
        self._section = bytearray()
        self._section_of: tuple[int, bool] = 0, False
        self._send_room = DEFAULT_WINDOW
        self._peer_window = DEFAULT_WINDOW
        self._send_rooms: dict[int, int] = {}
        self._window = settings.get(INITIAL_WINDOW_SIZE, DEFAULT_WINDOW)
        self._lowered: list[int | None] = []
        """For each SETTINGS that is not acknowledged: the window that it lowers to."""
        self._rooms: dict[int, int] = {}

    # asyncio:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface."""
        self._transport = cast(asyncio.Transport, transport)
        if self.role == "server":
            self._unsent += PREFACE
        self.set(self._first_settings)
        self._frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", ROOM_OF_CONNECTION - DEFAULT_WINDOW))
        self.transmit()

    def data_received(self, data: bytes) -> None:
        """Read frames."""
        self._unread += data
        if self._preface:
            if len(self._unread) < self._preface:
                return
            if not self._unread.startswith(PREFACE):
                self.blame("it does not begin with the preface of HTTP/2 (RFC 9113 3.4)")
                self.cut()
                return
            del self._unread[: self._preface]
            self._preface = 0
        while len(self._unread) >= 9:
            size = int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < 9 + size:
                break
            octets = bytes(self._unread[: 9 + size])
            del self._unread[: 9 + size]
            try:
                self._take(octets)
            except (HyperframeError, hpack.HPACKError) as error:
                self.blame(f"it sent a frame that cannot be read: {error}")
        self.transmit()
        self.changed()

    def chose_h2(self) -> bool:
        """Tell whether the peer chose HTTP/2 in the handshake of TLS."""
        return bool(self._transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2")

    def eof_received(self) -> bool | None:
        """Take the end of TCP."""
        self.take_gone()
        return None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Take the end of TCP."""
        self.take_gone()

    # What comes in:

    def _take(self, octets: bytes) -> None:
        frame, size = frames.Frame.parse_frame_header(memoryview(octets)[:9])
        frame.parse_body(memoryview(octets)[9 : 9 + size])
        flags = " ".join(sorted(map(str, frame.flags)))
        where = f" on stream {frame.stream_id}" if frame.stream_id else ""
        extra = ""
        if isinstance(frame, frames.RstStreamFrame | frames.GoAwayFrame):
            extra = f", {self.error_name(frame.error_code)}"
        name = type(frame).__name__.removesuffix("Frame")
        self.note("R", f"{name}{where}{f' {flags}' if flags else ''}{extra}, {size} bytes", octets)
        match frame:
            case frames.HeadersFrame() | frames.ContinuationFrame():
                self._take_part(frame)
            case frames.DataFrame():
                self._take_data(frame)
            case frames.RstStreamFrame():
                self.take_reset(self.stream(frame.stream_id), frame.error_code)
            case frames.SettingsFrame():
                self._take_settings(frame)
            case frames.WindowUpdateFrame():
                self._take_credit(frame.stream_id, frame.window_increment)
            case frames.PingFrame() if "ACK" not in frame.flags:
                self._frame(PING, ACK, 0, frame.opaque_data)
            case frames.GoAwayFrame():
                self.error = frame.error_code
            case frames.PushPromiseFrame():
                self.blame("it sent PUSH_PROMISE (RFC 9113 8.4)")

    def _take_credit(self, number: int, increment: int) -> None:
        if number:
            self._send_rooms[number] = self._send_room_of(number) + increment
        else:
            self._send_room += increment

    def _take_part(self, frame: frames.HeadersFrame | frames.ContinuationFrame) -> None:
        if isinstance(frame, frames.HeadersFrame):
            self._section_of = frame.stream_id, "END_STREAM" in frame.flags
        self._section += frame.data
        if "END_HEADERS" in frame.flags:
            fields = tuple(
                (bytes(name), bytes(value))
                for name, value in self._decoder.decode(bytes(self._section), raw=True)
            )
            self._section.clear()
            number, ends = self._section_of
            self.take_section(self.stream(number), fields, ends=ends)

    def _take_data(self, frame: frames.DataFrame) -> None:
        number, size = frame.stream_id, frame.flow_controlled_length
        self._rooms[number] = self._room_of(number) - size
        if self._rooms[number] < 0:
            self.blame(
                f"it sent {-self._rooms[number]} bytes more than the window of a stream (RFC 9113 6.9.1)"
            )
        if not self.hold and size:
            self._frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", size))
            if "END_STREAM" not in frame.flags:
                self._grant(number, size)
        self.take_data(self.stream(number), bytes(frame.data), ends="END_STREAM" in frame.flags)

    def _take_settings(self, frame: frames.SettingsFrame) -> None:
        if "ACK" in frame.flags:
            lowered = self._lowered.pop(0) if self._lowered else None
            if lowered is not None:
                self._change_window(lowered)
            return
        self._frame(SETTINGS, ACK, 0, b"")
        new = dict(frame.settings)
        if (old := {k: v for s in self.settings for k, v in s.items()}).get(
            ENABLE_CONNECT_PROTOCOL
        ) == 1 and new.get(ENABLE_CONNECT_PROTOCOL, 1) != 1:
            self.blame(f"ENABLE_CONNECT_PROTOCOL goes from {old[ENABLE_CONNECT_PROTOCOL]} to 0 (RFC 8441 3)")
        self.settings.append(new)
        window = new.get(INITIAL_WINDOW_SIZE, self._peer_window)
        for number in self._send_rooms:
            self._send_rooms[number] += window - self._peer_window
        self._peer_window = window

    # Windows:

    def _room_of(self, number: int) -> int:
        return self._rooms.setdefault(number, self._window)

    def _send_room_of(self, number: int) -> int:
        return self._send_rooms.setdefault(number, self._peer_window)

    def _change_window(self, window: int) -> None:
        for number in self._rooms:
            self._rooms[number] += window - self._window
        self._window = window

    def _grant(self, number: int, size: int) -> None:
        self._rooms[number] = self._room_of(number) + size
        self._frame(WINDOW_UPDATE, 0, number, struct.pack(">I", size))

    def room(self, stream: Stream) -> int:
        """Return the smaller of the windows of stream and connection."""
        return min(self._send_room_of(stream.number), self._send_room)

    def credit(self, stream: Stream, count: int) -> None:
        """Send WINDOW_UPDATE."""
        self._grant(stream.number, count)

    # What goes out:

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        octets = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + payload
        if kind not in {WINDOW_UPDATE, PING}:
            name = (
                frames.FRAMES[kind].__name__.removesuffix("Frame")
                if kind in frames.FRAMES
                else f"frame {kind:#x}"
            )
            where = f" on stream {number}" if number else ""
            self.note("T", f"{name}{where}, flags {flags:#x}, {len(payload)} bytes", octets)
        self._unsent += octets

    def open(self) -> Stream:
        """Begin a stream of the harness, which is the client."""
        stream = self.stream(self._next)
        self._next += 2
        return stream

    def headers(self, stream: Stream, fields: Fields, *, end: bool = False, pieces: int = 1) -> None:
        """Send HEADERS, and CONTINUATION frames."""
        self.sent_section(stream, fields, end=end)
        block = self._encoder.encode(fields, huffman=False)
        size = min(-(-len(block) // pieces), FRAME_SIZE)
        parts = [block[at : at + size] for at in range(0, len(block), size)]
        for index, part in enumerate(parts):
            flags = (END_STREAM if end and not index else 0) | (END_HEADERS if index == len(parts) - 1 else 0)
            self._frame(HEADERS if not index else CONTINUATION, flags, stream.number, part)
        if end:
            stream.sent_end = time.monotonic()

    def data(self, stream: Stream, data: bytes, *, end: bool = False, pad: int | None = None) -> None:
        """Send one DATA frame."""
        flags = END_STREAM if end else 0
        if pad is not None:
            flags, data = flags | PADDED, bytes([pad]) + data + bytes(pad)
        self._send_rooms[stream.number] = self._send_room_of(stream.number) - len(data)
        self._send_room -= len(data)
        stream.sent_bytes += len(data)
        self._frame(DATA, flags, stream.number, data)
        if end:
            stream.sent_end = time.monotonic()

    def raw(self, stream: Stream | None, kind: int, payload: bytes, flags: int = 0) -> None:
        """Send any frame."""
        self._frame(kind, flags, stream.number if stream else 0, payload)

    def reset(self, stream: Stream, code: int) -> None:
        """Send RST_STREAM."""
        self._frame(RST_STREAM, 0, stream.number, struct.pack(">I", code))
        stream.sent_end = stream.sent_end or time.monotonic()

    def stop(self, stream: Stream, code: int) -> None:
        """HTTP/2 does not part both directions."""
        self.reset(stream, code)

    def set(self, settings: dict[int, int]) -> None:
        """Send SETTINGS; a lower window counts once they are acknowledged."""
        window = settings.get(INITIAL_WINDOW_SIZE, self._window)
        self._lowered.append(window if window < self._window else None)
        if window > self._window:
            self._change_window(window)
        self._frame(
            SETTINGS, 0, 0, b"".join(struct.pack(">HI", key, value) for key, value in settings.items())
        )

    def go_away(self, last: int) -> None:
        """Send GOAWAY with NO_ERROR."""
        self._frame(GOAWAY, 0, 0, struct.pack(">II", last, CODES["NO_ERROR"]))

    def transmit(self) -> None:
        """Send what waits."""
        if self._unsent and not self._transport.is_closing():
            self._transport.write(bytes(self._unsent))
        self._unsent.clear()

    def cut(self) -> None:
        """Abort TCP."""
        self._transport.abort()

    def end(self) -> None:
        """Say goodbye, and end TCP."""
        self.go_away(0)
        self.transmit()
        self._transport.close()


async def connect(target: Target, case: Case | None) -> Http2Wire:
    """Connect to a server under test, as a case wants it; raises `OSError`."""
    host, port = target.address
    context = target.context()
    settings = dict(case.settings) if case else {}
    if case and case.window is not None:
        settings[INITIAL_WINDOW_SIZE] = case.window
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(lambda: Http2Wire("server", settings), host, port, ssl=context)
    if context and not wire.chose_h2():
        wire.cut()
        raise OSError("it does not choose h2 by ALPN (RFC 9113 3.2)")
    return wire


async def listen(
    files: tuple[str, str] | None, settings: Callable[[], dict[int, int]], begin: Callable[[Wire], None]
) -> tuple[Any, int]:
    """Listen for clients under test on the loopback interface; return the listener and its port.

    :param files: those of the certificate and of its key; without them it is plain TCP.
    :param settings: gives the first SETTINGS of the next connection, which goes to `begin`.
    """
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        context.set_alpn_protocols(["h2"])

    def wire() -> Http2Wire:
        made = Http2Wire("client", settings())
        begin(made)
        return made

    server = await asyncio.get_running_loop().create_server(wire, "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1]
