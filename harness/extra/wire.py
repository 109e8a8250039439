"""One TCP connection of an extra case, and the log of its bytes in both directions."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from harness.extra.frames import MAX_PAYLOAD
from harness.extra.heads import take_head
from tooling.frames import CLOSE, LongFrameError, take_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.extra.frames import Frame as SentFrame
    from harness.extra.heads import Head
    from harness.extra.seen import Seen, Tls
    from tooling.frames import Frame

PIECE = 2**16
"""Bytes that are sent at once."""

PATIENCE = 3.0
"""Seconds for which a peer may leave bytes unread."""

CUT_PAUSE = 0.001
"""Seconds between two pieces of what is sent in small ones, so that the peer reads them one by one."""

PAUSES = 100
"""Pieces that have such a pause before them; those behind them follow at once."""

LOGGED = 64
"""Bytes of a payload, and of a read or write, that the log shows: as many as Autobahn's log."""

LOGGED_HEAD = 4096
"""Characters of a head that the log shows."""

CUT = " ..."
"""Ends what the log does not show whole."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3}[^\r\n]*\r\n")

LOG_ENTRIES = 50
"""Entries of each kind in a log, so that a flood does not fill the report."""


class Wire(asyncio.Protocol):
    """A connection to the peer under test; `log` has the shape of Autobahn's wire logs.

    Each entry ends with `{"at": MS}`, its time since the case began. Times are those of `time.monotonic()`.
    """

    def __init__(self, connected: Callable[[Wire], None] | None = None) -> None:
        self.log: list[list[Any]] = []
        self.began = time.monotonic()
        """The time at which the case began."""
        self.sent_at: float | None = None
        """The time of the last bytes that went out, but for a Close."""
        self.close_at: float | None = None
        """The time of the first Close that went out."""
        self.received_at = self.began
        self.ended_at: float | None = None
        """The time at which the peer ended the connection."""
        self.sent_close: int | None = None
        """The code of the Close that went out."""
        self.unfinished = False
        """Whether the last frame that went out is not whole."""
        self.ended = ""
        self.tls: Tls | None = None
        """The peer's part in TLS, where this is a `TlsWire`."""
        self._is_over = False
        """Whether this side has ended its direction."""
        self._connected = connected
        self._noted: Counter[str] = Counter()
        self._unread = bytearray()
        self._reads_heads = True
        """Whether what comes in belongs to a head, which the log shows as text."""
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._by_client = connected is None

    # What asyncio calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._connected:
            self._connected(self)

    def data_received(self, data: bytes) -> None:
        """Keep what came in."""
        self._unread += data
        self.received_at = time.monotonic()
        if not self._reads_heads:
            self._note_octets(data)
        self._changed.set()

    def eof_received(self) -> bool:
        """Note the end of the peer's bytes; this side may still send."""
        self._end("closed")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and take what came before it: asyncio does not, where a write failed first."""
        if exc:
            with suppress(OSError):
                while data := os.read(self.transport.get_extra_info("socket").fileno(), PIECE):
                    self.data_received(data)
        self._end("reset" if exc else "closed")
        self._writable.set()

    def pause_writing(self) -> None:
        """Wait before more is sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Send on."""
        self._writable.set()

    # What the driver calls:

    async def send(  # the ways in which bytes go out
        self, data: bytes, seen: Seen | None = None, *, piece: int = PIECE, head: int = 0, pauses: int = 0
    ) -> None:
        """Send bytes, a piece at a time, as long as the peer reads them and has not closed.

        `head` of them belong to a head, which the log has already.
        """
        if octets := data[head:]:
            self._note("TO", [len(octets), _hex(octets)], False)  # noqa: FBT003  # the log's third column
        for start in range(0, len(data), piece):
            if seen:
                self._take(seen, lambda: seen.over)
            if self._is_over or self.transport.is_closing() or (seen and seen.over):
                self.unfinished = True
                return
            self._write(data[start : start + piece])
            self.sent_at = time.monotonic()
            pauses -= 1
            await asyncio.sleep(CUT_PAUSE if pauses > 0 else 0)
            if self._writable.is_set():
                continue
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._writable.wait(), PATIENCE)
                continue
            self.unfinished = True
            return

    async def send_close(self, frame: SentFrame) -> None:
        """Send a Close, whose time counts by itself."""
        before = self.sent_at
        await self.send(self.encode([frame]))
        self.sent_at = before

    def send_unread(self, data: bytes) -> None:
        """Send bytes, and keep here what the peer does not take."""
        self._note("TO", [len(data), _hex(data)], False)  # noqa: FBT003
        self._write(data)
        self.sent_at = time.monotonic()

    def _write(self, data: bytes) -> None:
        self.transport.write(data)

    @property
    def authority(self) -> str:
        """The address of this side, as a client's Host has to have it."""
        host, port = self.transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    @property
    def unread(self) -> bytes:
        """What has come and was not yet taken."""
        return bytes(self._unread)

    @property
    def waiting(self) -> int:
        """The number of bytes that the system has not yet taken."""
        return self.transport.get_write_buffer_size()

    def encode(self, frames: Iterable[SentFrame]) -> bytes:
        """Return the bytes of frames, and log them as sent."""
        written = []
        for frame in frames:
            keyed = frame.keyed(by_client=self._by_client)
            key = keyed.mask.hex() if keyed.mask else None
            self._note("TF", _shown(keyed), keyed.opcode, keyed.fin, keyed.rsv, key, None, None, False)  # noqa: FBT003
            written.append(keyed.encode())
            self.unfinished = (frame.declared or 0) > len(frame.payload)
            if frame.opcode == CLOSE and self.sent_close is None:
                self.close_at = time.monotonic()
                self.sent_close = int.from_bytes(frame.payload[:2], "big") if frame.payload else 1005
        return b"".join(written)

    def note_head(self, head: bytes) -> None:
        """Log a head that is sent."""
        self._note("TH", head_text(head))

    def mark_head(self, name: str) -> None:
        """Mark in the log which field of the peer's last head is at fault."""
        heads = [entry for entry in self.log if entry[0] == "RH"]
        if heads:
            heads[-1][2] = name

    async def flood(self, data: bytes, size: int) -> None:
        """Send the same bytes over and over, up to a size, until the peer says something or ends."""
        first = True
        for _ in range(0, size, len(data)):
            if self._unread or self.ended or self.transport.is_closing():
                return
            await self.send(data, head=0 if first else len(data))
            first = False

    async def read_head(self, timeout: float) -> Head | None:
        """Return the peer's head, or None where none comes in that many seconds."""
        found: list[Head] = []

        def whole() -> bool:
            before = bytes(self._unread)
            if not found and (head := take_head(self._unread)):
                found.append(head)
                self._note("RH", head_text(before[: len(before) - len(self._unread)]), "")
            return bool(found or self.ended)

        await self.wait(whole, timeout)
        return found[0] if found else None

    async def read_frames(self, seen: Seen, enough: Callable[[], bool], timeout: float) -> bool:
        """Hand frames to `seen` until it is enough, or the seconds are over; tell whether it was."""

        def take() -> bool:
            self._take(seen, enough)
            return enough()

        return await self.wait(take, timeout)

    async def read_next_head(self, timeout: float) -> Head | None:
        """Return the head behind the body of the one before, which may hold anything but a status line."""

        def found() -> bool:
            return self.ended != "" or _STATUS_LINE.search(self._unread) is not None

        await self.wait(found, timeout)
        if start := _STATUS_LINE.search(self._unread):
            self._note_octets(bytes(self._unread[: start.start()]))
            del self._unread[: start.start()]
        return await self.read_head(0)

    def _read_frames_from_here(self) -> None:
        if self._reads_heads:
            self._reads_heads = False
            self._note_octets(bytes(self._unread))

    def _note_octets(self, data: bytes) -> None:
        if data:
            self._note("RO", [len(data), _hex(data)])

    def _take(self, seen: Seen, enough: Callable[[], bool]) -> None:
        """Hand the frames that have come to `seen`, until it is enough."""
        self._read_frames_from_here()
        try:
            while not enough() and (frame := take_frame(self._unread, MAX_PAYLOAD)):
                key = frame.mask.hex() if frame.mask else None
                self._note("RF", _shown(frame), frame.opcode, frame.fin, frame.rsv, frame.masked, key)
                seen.take(frame, self.received_at)
        except LongFrameError as error:
            seen.blame(str(error))
        if self.ended and not enough():
            seen.ended = "reset" if self.ended == "reset" else "closed"

    async def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition holds, checked whenever bytes come in; False where time runs out."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not condition():
            left = deadline - asyncio.get_running_loop().time()
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left, 0))
            except asyncio.TimeoutError:
                return condition()
        return True

    def drain(self, seen: Seen) -> None:
        """Hand all frames to `seen` that have come, also those behind a Close."""
        self._take(seen, lambda: False)

    async def wait_end(self, timeout: float) -> bool:
        """Wait until the peer ends the connection; tell whether it did so in that many seconds."""
        return await self.wait(lambda: bool(self.ended), timeout)

    def close(self) -> None:
        """End the connection, in this direction first, so that the peer gets all that was sent."""
        self.cut_off()

    def cut_off(self) -> None:
        """End TCP in this direction, with no word of TLS before."""
        try:
            if not self.transport.is_closing():
                self._is_over = True
                self.transport.write_eof()
        except OSError:  # the peer is gone
            self.abort()

    def reset(self) -> None:
        """End the connection by RST."""
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._read_frames_from_here()
        self.transport.abort()

    def _end(self, how: str) -> None:
        self.ended = self.ended or how
        self.ended_at = self.ended_at or time.monotonic()
        self._changed.set()

    def _note(self, *entry: Any) -> None:
        self._noted[entry[0]] += 1
        if self._noted[entry[0]] <= LOG_ENTRIES:
            at = round(max(time.monotonic() - self.began, 0) * 1000, 1)
            self.log.append([*entry, {"at": at}])


def head_text(head: bytes) -> str:
    """Return a head as text, as much of it as a report shows."""
    text = head.decode("latin-1").strip()
    return text[:LOGGED_HEAD] + (CUT if len(text) > LOGGED_HEAD else "")


def _hex(data: bytes) -> str:
    return data[:LOGGED].hex() + (CUT if len(data) > LOGGED else "")


def _shown(frame: Frame) -> list[Any]:
    """Return a payload as Autobahn's log has it: text as it is, everything else in hexadecimal digits."""
    payload = frame.payload[:LOGGED]
    more = CUT if len(frame.payload) > LOGGED else ""
    if frame.rsv == 0 and payload.isascii() and payload.decode().isprintable():
        return [len(frame.payload), payload.decode() + more]
    return [len(frame.payload), f"0x{payload.hex()}{more}"]
