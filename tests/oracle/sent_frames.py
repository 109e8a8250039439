"""What one end has sent so far: each frame is judged as it goes out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.oracle.inflating import TAIL
from tooling import frames as wire

if TYPE_CHECKING:
    from tooling.frames import Frame


@dataclass
class Progress:
    """One message after another: what each should be so far, and what was seen of it."""

    kind: int = 0
    meant: bytes = b""
    seen: bytes = b""

    def mean(self, frame: Frame) -> None:
        self.kind = frame.opcode or self.kind
        self.meant += frame.payload

    def check(self, *, fin: bool, exactly: bool) -> None:
        """Compare: a frame that is compressed may keep back some of its data until its message ends."""
        assert self.meant.startswith(self.seen)
        assert len(self.meant) == len(self.seen) or not (fin or exactly)
        if fin:
            self.meant = self.seen = b""


@dataclass
class SentFrames:
    """The frames of one direction: those that RFC 6455 5 permits, and that say what is meant."""

    masked: bool
    deflates: bool = False
    takeover: bool = True
    closed: bool = False  # a Close was sent
    inside: bool = False  # a message was begun and not finished
    compressed: bool = False  # that message
    progress: Progress = field(default_factory=Progress)
    inflater: zlib._Decompress | None = None

    def judge(self, data: bytes, meant: Frame) -> None:
        """Judge one frame."""
        frame = wire.decode_frame(data)
        assert (frame.mask is not None) == self.masked
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        assert (frame.opcode, frame.fin) == (meant.opcode, meant.fin)
        if frame.opcode < wire.CLOSE:
            self._judge_data(frame, meant)
        else:
            assert (frame.rsv, frame.payload) == (0, meant.payload)
            assert len(frame.payload) <= 125
        if frame.opcode == wire.CLOSE:
            assert not self.closed
            assert frame.close_code not in {1005, 1006, 1015}
            assert frame.close_reason.encode() == frame.payload[2:]
            self.closed = True

    def _judge_data(self, frame: Frame, meant: Frame) -> None:
        """Judge a frame of a message (RFC 6455 5.4, 5.5.1; RFC 7692 6.1)."""
        assert not self.closed
        assert (frame.opcode == wire.CONTINUATION) == self.inside
        assert frame.rsv in ({0, wire.RSV1} if self.deflates and not self.inside else {0})
        if not self.inside:
            self.compressed = frame.rsv == wire.RSV1
        self.inside = not frame.fin
        self.progress.mean(meant)
        self.progress.seen += self._inflated(frame) if self.compressed else frame.payload
        self.progress.check(fin=frame.fin, exactly=not self.compressed)

    def _inflated(self, frame: Frame) -> bytes:
        if self.inflater is None:
            self.inflater = zlib.decompressobj(-15)
        payload = self.inflater.decompress(frame.payload + (TAIL if frame.fin else b""))
        if frame.fin and not self.takeover:
            self.inflater = None
        return payload
