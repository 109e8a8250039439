"""Deflates the frames of a sequence as was agreed on, and inflates them again for the model (RFC 7692)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra.deflating import TAIL
from tooling.frames import BINARY, CLOSE, RSV1, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.extra.deflating import Agreement
    from harness.fuzzing.sequence import Form, Sent

MAX_INFLATED = 2 * 2**20
"""Bytes in the longest message that the model inflates."""

_SETTINGS: dict[Form, tuple[int, int]] = {
    "stored": (0, zlib.Z_DEFAULT_STRATEGY),
    "fixed": (9, zlib.Z_FIXED),
    "huffman": (9, zlib.Z_HUFFMAN_ONLY),
    "final": (9, zlib.Z_DEFAULT_STRATEGY),
    "blocks": (9, zlib.Z_DEFAULT_STRATEGY),
}
"""Level and strategy of zlib for the forms that do without the window of earlier messages."""

_END = b"\x03\x00"
"""A last, empty block: what is whole ends with it (RFC 1951 3.2.6)."""


class Deflater:
    """Deflates what goes out on one connection."""

    def __init__(self, agreed: Agreement) -> None:
        self._bits = max(agreed.bits("client"), 9)
        self._takes_over = agreed.takes_over("client")
        self._window: zlib._Compress | None = None
        self._current: zlib._Compress | None = None
        self._form: Form = ""

    def written(self, frames: Sequence[Sent]) -> list[Sent]:
        """Return the frames as they go out."""
        return [self._written(frame) for frame in frames]

    def _written(self, frame: Sent) -> Sent:
        if frame.opcode >= CLOSE:
            return frame
        if frame.opcode in {TEXT, BINARY}:
            self._form = frame.form
            if frame.rsv & RSV1:  # bytes as they are, which the window of the server then has
                self._window = None
            self._begin()
        if not frame.form or frame.form != self._form or self._current is None:
            return frame
        rsv = frame.rsv | (RSV1 if frame.opcode else 0)
        written = replace(frame, payload=self._deflated(frame), rsv=rsv, length_form=None)
        if frame.fin:
            self._current = None
        return written

    def _begin(self) -> None:
        if not self._form:
            self._current = None
        elif self._form == "takeover":
            if self._window is None or not self._takes_over:
                self._window = zlib.compressobj(9, wbits=-self._bits)
            self._current = self._window
        else:
            level, strategy = _SETTINGS[self._form]
            self._current = zlib.compressobj(level, zlib.DEFLATED, -self._bits, 8, strategy)
            self._window = None  # which does not know these bytes

    def _deflated(self, frame: Sent) -> bytes:
        deflater = self._current
        assert deflater is not None  # noqa: S101  # the caller has looked
        half = len(frame.payload) // 2 if self._form == "blocks" else 0
        data = b""
        if half:
            data = deflater.compress(frame.payload[:half]) + deflater.flush(zlib.Z_FULL_FLUSH)
        data += deflater.compress(frame.payload[half:])
        if not frame.fin:
            return data + deflater.flush(zlib.Z_SYNC_FLUSH)
        if self._form == "final":
            return data + deflater.flush(zlib.Z_FINISH) + b"\0"  # RFC 7692 7.2.3.4
        data += deflater.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(TAIL) if data.endswith(TAIL) else data + b"\0"  # nothing was left to flush


class Inflated:
    """Inflates what comes from the client, message by message, as far as it has come.

    `fault` is set where DEFLATE cannot go on, `unclear` where servers may differ, `large` over the bound, and
    `ended_before` where an earlier message had a block with BFINAL.
    """

    def __init__(self, agreed: Agreement) -> None:
        self._takes_over = agreed.takes_over("client")
        self._full = agreed.bits("client") == 15 and self._takes_over
        self._inflater = zlib.decompressobj(wbits=-15)
        self.ended_before = self._ended = False
        self.begin()

    def begin(self) -> None:
        """Begin a message."""
        self.data = b""
        self.fault = self.unclear = self.large = False
        self.ended_before = self._ended
        if not self._takes_over:
            self._inflater = zlib.decompressobj(wbits=-15)

    def take(self, payload: bytes, *, last: bool, ours: bool) -> bytes:
        """Inflate a fragment; `ours` are those that were deflated here, and are right."""
        self.unclear = self.unclear or not (ours or self._full)
        out = self._inflate(payload, ours=ours)
        if last and not self.fault:
            out += self._inflate(TAIL, ours=ours)
            self.unclear = self.unclear or not self._whole()
        self.data += out
        return out

    def _inflate(self, payload: bytes, *, ours: bool) -> bytes:
        out = b""
        while not self.fault and not self.large:
            try:
                out += self._inflater.decompress(payload, MAX_INFLATED + 1)
            except zlib.error:
                self.fault = True
            self.large = len(self.data) + len(out) > MAX_INFLATED
            if not self._inflater.eof:
                return out
            self._ended = True
            payload = self._inflater.unused_data
            self.unclear = self.unclear or not ours  # some end at a block with BFINAL
            self._inflater = zlib.decompressobj(wbits=-15)
        return out

    def _whole(self) -> bool:
        """Tell whether a message has ended at the border of a block."""
        copy = self._inflater.copy()
        try:
            rest = copy.decompress(_END)
        except zlib.error:
            return False
        return copy.eof and not rest and not copy.unused_data
