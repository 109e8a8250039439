"""One connection of HTTP/2 or HTTP/3, with what the peer did on it, frame by frame, and its log.

`http2_wire` and `http3_wire` write and read the bytes. Nothing here keeps a case from breaking a rule: what
goes out is what the case says. What comes in is only judged where a rule holds in every case.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.extra.deflating import NAME, NegotiationError, agreement, parse_extensions
from harness.extra.frames import MAX_PAYLOAD
from harness.extra.seen import Seen
from harness.streams.codes import ERRORS
from harness.streams.fields import section_fault, status_of, text_of, values
from tooling.frames import LongFrameError, take_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.roles import Role
    from harness.streams.codes import Transport
    from harness.streams.fields import Fields
    from tooling.frames import Frame

LOGGED = 48
"""Bytes of a frame that the log shows."""

LOG_ENTRIES = 150
"""Entries of each kind in a log."""

CUT = " ..."


@dataclass
class Stream:
    """What the peer did on one stream; `seen` has its WebSocket frames."""

    number: int
    seen: Seen
    sections: list[Fields] = field(default_factory=list)
    """Its header sections, interim responses and trailers too."""
    ended_at: float | None = None
    """When it ended its side in order: END_STREAM, FIN."""
    reset_at: float | None = None
    reset: int | None = None
    """The code with which it reset the stream."""
    stopped: int | None = None
    """The code with which it asked to send no more (HTTP/3)."""
    data: int = 0
    """Bytes of DATA that came."""
    unread: bytearray = field(default_factory=bytearray)
    sent: list[tuple[Any, ...]] = field(default_factory=list)
    """The messages that the harness sent whole, as events."""
    sent_bytes: int = 0
    sent_end: float | None = None
    """When the harness ended its side, or reset the stream."""
    sent_close: float | None = None
    given_up: bool = False
    """Whether the harness has seen enough, and only clears up: what the peer does then is no answer."""
    request: Fields = ()
    ended_with_request: bool = False
    """Whether a client ended its side with its request."""
    close_with_end: bool = False
    """Whether its END_STREAM or FIN came with its Close, or before anything else did."""

    @property
    def answer(self) -> Fields | None:
        """The final response, if it came."""
        return next((fields for fields in self.sections if (status_of(fields) or 0) >= 200), None)

    @property
    def status(self) -> int | None:
        """The status of the final response."""
        return status_of(self.answer) if self.answer else None

    @property
    def opened(self) -> bool:
        """Whether there is a WebSocket connection."""
        return self.seen.opened

    @property
    def over_at(self) -> float | None:
        """When the peer ended the stream, in order or not."""
        times = [at for at in (self.ended_at, self.reset_at) if at is not None]
        return min(times) if times else None

    @property
    def over(self) -> bool:
        """Whether the peer ended its side, in order or not."""
        return self.over_at is not None


class Wire(ABC):
    """A connection; `role` is the role of the peer."""

    transport_name: Transport
    settings: list[dict[int, int]]
    """Each SETTINGS of the peer."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role
        self.began = time.monotonic()
        self.streams: dict[int, Stream] = {}
        self.settings = []
        self.error: int | None = None
        """The code with which the peer ended the connection, or said that it will (GOAWAY)."""
        self.gone = False
        """Whether the connection is over."""
        self.gone_at: float | None = None
        self.fault = ""
        self.log: list[list[Any]] = []
        self.came: asyncio.Queue[Stream] = asyncio.Queue()
        """The streams on which a client's request has come whole."""
        self.hold = False
        """Whether the peer gets no credit but what the case gives it."""
        self._noted: Counter[str] = Counter()
        self._changed = asyncio.Event()

    # What a case sends:

    @abstractmethod
    def open(self) -> Stream:
        """Begin a stream."""

    @abstractmethod
    def headers(self, stream: Stream, fields: Fields, *, end: bool = False, pieces: int = 1) -> None:
        """Send a header section, in so many frames (HTTP/2) or packets (HTTP/3)."""

    @abstractmethod
    def data(self, stream: Stream, data: bytes, *, end: bool = False, pad: int | None = None) -> None:
        """Send DATA, whatever the peer's window is."""

    @abstractmethod
    def room(self, stream: Stream) -> int:
        """Return how many bytes of DATA the peer's windows have room for."""

    @abstractmethod
    def raw(self, stream: Stream | None, kind: int, payload: bytes, flags: int = 0) -> None:
        """Send a frame of any type, on a stream or (None) about the connection."""

    @abstractmethod
    def reset(self, stream: Stream, code: int) -> None:
        """Reset a stream; over HTTP/3 both directions of it."""

    @abstractmethod
    def stop(self, stream: Stream, code: int) -> None:
        """Ask the peer to send no more (HTTP/3)."""

    @abstractmethod
    def set(self, settings: dict[int, int]) -> None:
        """Send SETTINGS."""

    @abstractmethod
    def credit(self, stream: Stream, count: int) -> None:
        """Let the peer send so many bytes more on a stream."""

    @abstractmethod
    def go_away(self, last: int) -> None:
        """Say that the connection is to end without an error: the peer's streams up to `last` are served."""

    def datagram(self, stream: Stream) -> bool:  # noqa: ARG002
        """Send a datagram for a stream; False where the peer takes none."""
        return False

    @abstractmethod
    def transmit(self) -> None:
        """Send what waits, in one piece."""

    @abstractmethod
    def cut(self) -> None:
        """End the connection without a word, as far as the transport has that."""

    @abstractmethod
    def end(self) -> None:
        """End the connection in order."""

    # What the peer does:

    def stream(self, number: int) -> Stream:
        """Return a stream of the peer's, which may be new."""
        if number not in self.streams:
            self.streams[number] = Stream(number, Seen(self.role))
        return self.streams[number]

    def error_name(self, code: int | None) -> str:
        """Return the name of an error code."""
        return ERRORS[self.transport_name].get(code or 0, f"{code:#x}" if code is not None else "none")

    def blame(self, fault: str) -> None:
        """Note a broken rule, if it is the first."""
        self.fault = self.fault or fault

    async def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition holds, checked whenever something comes in; False where time runs out."""
        self.transmit()
        deadline = time.monotonic() + timeout
        while not condition():
            self._changed.clear()
            left = deadline - time.monotonic()
            if left <= 0 or (self.gone and not condition()):
                return condition()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except asyncio.TimeoutError:
                return condition()
        return True

    def changed(self) -> None:
        """Wake who waits."""
        self._changed.set()

    def take_section(self, stream: Stream, fields: Fields, *, ends: bool) -> None:
        """Take in a header section."""
        self._log(
            "RH", f"HEADERS on stream {stream.number}{' with its end' if ends else ''}\n{text_of(fields)}", ""
        )
        self._behind_end(stream, "a header section")
        first = not stream.sections
        stream.sections.append(fields)
        if self.role == "client" and first:
            stream.request = fields
            stream.ended_with_request = ends
            self.came.put_nowait(stream)
        elif self.role == "server" and stream.answer is fields:
            if fault := section_fault(fields, frozenset({b":status"}), self.transport_name):
                stream.seen.blame(fault)
            stream.seen.opened = 200 <= (stream.status or 0) < 300
            if stream.seen.opened:
                agree(stream)
        if ends:
            self.take_end(stream)

    def take_data(self, stream: Stream, data: bytes, *, ends: bool) -> None:
        """Take in DATA: the frames of the WebSocket, or a body."""
        now = time.monotonic()
        self._behind_end(stream, "DATA")
        stream.data += len(data)
        if stream.seen.opened:
            stream.unread += data
            self._take_frames(stream, now)
        if ends:
            stream.close_with_end = stream.seen.close_at == now or stream.close_with_end
            self.take_end(stream)

    def _take_frames(self, stream: Stream, now: float) -> None:
        try:
            while frame := take_frame(stream.unread, MAX_PAYLOAD):
                key = frame.mask.hex() if frame.mask else None
                self._log("RF", shown(frame), frame.opcode, frame.fin, frame.rsv, frame.masked, key)
                stream.seen.take(frame, now)
        except LongFrameError as error:
            stream.seen.blame(str(error))

    def take_end(self, stream: Stream) -> None:
        """Take in the end of the peer's side."""
        if stream.given_up:
            return
        stream.ended_at = stream.ended_at or time.monotonic()
        self._ended(stream, "closed")

    def take_reset(self, stream: Stream, code: int) -> None:
        """Take in that the peer reset a stream."""
        if stream.given_up:
            return
        stream.reset_at, stream.reset = stream.reset_at or time.monotonic(), code
        self._ended(stream, "reset")

    def _ended(self, stream: Stream, how: Literal["closed", "reset"]) -> None:
        stream.seen.ended = stream.seen.ended or how
        self.changed()

    def _behind_end(self, stream: Stream, what: str) -> None:
        if stream.reset_at is not None:
            stream.seen.blame(f"{what} came behind its reset of the stream (RFC 9113 5.1)")
        elif stream.ended_at is not None:
            stream.seen.blame(f"{what} came behind its end of the stream (RFC 9113 5.1)")

    def take_gone(self, code: int | None = None) -> None:
        """Take in the end of the connection."""
        if not self.gone:
            self.gone, self.gone_at = True, time.monotonic()
            if code is not None:
                self.error = code
            self.note("R", f"end of the connection{'' if code is None else f', {self.error_name(code)}'}")
        self.changed()

    def begin(self, *, hold: bool) -> None:
        """Begin another case on the connection: with a log of its own."""
        self.log, self.began, self.hold = [], time.monotonic(), hold
        self._noted.clear()

    # The log:

    def note(self, direction: Literal["T", "R"], text: str, octets: bytes = b"") -> None:
        """Log what went out (T) or came in (R), with its first bytes."""
        hexed = f": {octets[:LOGGED].hex()}{CUT if len(octets) > LOGGED else ''}" if octets else ""
        self._log(f"{direction}N", f"{text}{hexed}")

    def sent_frame(self, frame: Frame) -> None:
        """Log a frame of the WebSocket that goes out."""
        key = frame.mask.hex() if frame.mask else None
        self._log("TF", shown(frame), frame.opcode, frame.fin, frame.rsv, key, None, 0, False)  # noqa: FBT003

    def sent_section(self, stream: Stream, fields: Fields, *, end: bool) -> None:
        """Log a header section that goes out."""
        self._log(
            "TH", f"HEADERS on stream {stream.number}{' with its end' if end else ''}\n{text_of(fields)}"
        )

    def _log(self, *entry: Any) -> None:
        self._noted[entry[0]] += 1
        if self._noted[entry[0]] <= LOG_ENTRIES:
            self.log.append([*entry, {"at": round((time.monotonic() - self.began) * 1000, 1)}])


def agree(stream: Stream) -> None:
    """Take in the extensions of a server's answer, which have to fit the client's offers (RFC 6455 9.1)."""
    offers, answers = (
        parse_extensions([value.decode("latin-1") for value in values(fields, b"sec-websocket-extensions")])
        for fields in (stream.request, stream.answer)
    )
    for name, parameters in answers:
        fitting = [offer for offer in offers if offer[0] == name]
        faults = []
        for offer in fitting if name == NAME else ():
            try:
                stream.seen.agree(agreement(offer, (name, parameters)))
                break
            except NegotiationError as error:
                faults.append(str(error))
        else:
            stream.seen.blame(faults[0] if faults else f"it answered with {name!r}, which was not offered")


def shown(frame: Frame) -> list[Any]:
    """Return a payload as Autobahn's log has it: text as it is, everything else in hexadecimal digits."""
    payload = frame.payload[:64]
    more = CUT if len(frame.payload) > 64 else ""
    if frame.rsv == 0 and payload.isascii() and payload.decode().isprintable():
        return [len(frame.payload), payload.decode() + more]
    return [len(frame.payload), f"0x{payload.hex()}{more}"]
