"""Deflating and inflating the messages of one direction (RFC 7692 7.2).

Both halves make their zlib objects when the first compressed message needs them (an inflater
takes 40 KiB, a deflater 260 KiB), and let go of them after each message without context takeover.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from .errors import LocalTypeError

if TYPE_CHECKING:
    from collections.abc import Callable

# What a sender leaves off the end of each message, and a receiver puts back (RFC 7692 7.2.1, 7.2.2).
TAIL = b"\x00\x00\xff\xff"
MAX_FINAL_BLOCKS = 1024  # in one message: each, with BFINAL=1, ends a zlib object and costs a new one


class _Backend:
    """The module that compresses, and the errors of all that have done so."""

    module: Any = zlib
    errors: tuple[type[Exception], ...] = (zlib.error,)


def set_zlib_backend(module: Any) -> None:
    """Use another module in place of `zlib`, such as `zlib_ng.zlib_ng` or `isal.isal_zlib` (RFC 7692 7.2).

    All connections of the process use it for the zlib objects that they make from now on. A compression level
    higher than it supports becomes its highest.

    :param module: has the interface of `zlib`.
    :raises LocalProtocolError: for a module that lacks what is needed, also a `TypeError`.
    """
    needed = ("compressobj", "decompressobj", "error", "Z_BEST_COMPRESSION", "Z_DEFAULT_COMPRESSION")
    if missing := [name for name in needed if not hasattr(module, name)]:
        raise LocalTypeError(f"{module!r} is not a backend for zlib: it lacks {', '.join(missing)}")
    _Backend.module = module
    _Backend.errors = tuple(dict.fromkeys((*_Backend.errors, module.error)))


def inflate_errors() -> tuple[type[Exception], ...]:
    """Return the errors that say that the peer's data cannot be inflated (RFC 7692 7.2.2)."""
    return _Backend.errors


class Inflater:
    """Inflates messages, a bounded piece at a time.

    :param window_bits: the sender's window, 8 to 15.
    :param context_takeover: whether a message may refer back to the one before (RFC 7692 7.1.1).
    """

    unit: int = 2**14
    """Bytes of a frame to pass to zlib in one call, counted from the frame's first byte.

    zlib returns nothing of what it inflated in a call that fails, and accepts a reference beyond the window
    to what it inflated in the same call. With units, the events of bad data do not depend on how it was cut
    into reads. Units also bound the work per byte, since zlib copies what it leaves unread.
    """

    def __init__(self, window_bits: int, *, context_takeover: bool) -> None:
        self.window_bits = window_bits
        self.context_takeover = context_takeover
        self.pending: bool = False  # `inflate` stopped at its limit and may have more to give
        self._inflater: zlib._Decompress | None = None
        self._input = b""  # what zlib has not read, from `_offset` on
        self._offset = 0
        self._finishing = False
        self._final_blocks = 0
        self._block_open = False  # there is something for the tail to complete
        # `decompress` of zlib's object, where it may be called for the next message as a whole; else None.
        self.direct: Callable[[bytes, int], bytes] | None = None

    def inflate(  # noqa: C901 - a fast path before the loop
        self, data: bytes, limit: int, inflated: bytes | None = None, *, fin: bool
    ) -> bytes:
        """Take in `data`, return at most `limit` bytes of what has come in so far; `fin` ends the message.

        :param inflated: what `direct` has made of `data` and the tail already.
        :raises Exception: one of `inflate_errors()`, for data that is not DEFLATE (RFC 1951), or too many
            blocks with BFINAL=1.
        """
        if fin and (data or self._block_open):
            data += TAIL  # R7692-7.2.2-01, R7692-7.2.3.1-01, R7692-7.2.3.3-01, R7692-7.2.3.5-01
        if data and not self._input:
            inflater = self._inflater or self._new_inflater()
            if inflated is None:
                inflated = inflater.decompress(data, limit)  # R7692-7.2.1-03
            if len(inflated) < limit and not inflater.eof:  # so zlib has read all of it, as nearly always
                if not fin:
                    self._block_open = True
                    self.direct = None
                elif self.direct is None:
                    self._end_message()
                return inflated
        if data:
            self._input = self._input[self._offset :] + data if self._input else data
            self._offset = 0
            self._block_open = self.pending = True
            self.direct = None
        self._finishing = self._finishing or fin
        given = data
        pieces = []
        while self.pending and limit > 0:
            inflater = self._inflater or self._new_inflater()
            if inflated is None:  # one unit of the input and the tail, or what is left of them
                given = self._input[self._offset : self._offset + self.unit + len(TAIL)]
                inflated = inflater.decompress(given, limit)  # R7692-7.2.1-02
            self._account(inflater, given, inflated, limit)
            limit -= len(inflated)
            pieces.append(inflated)
            inflated = None
        if self._finishing and not self.pending:
            self._end_message()
        return b"".join(pieces)

    def _new_inflater(self) -> zlib._Decompress:
        inflater: zlib._Decompress = _Backend.module.decompressobj(-self.window_bits)
        self._inflater = inflater
        return inflater

    def _account(self, inflater: zlib._Decompress, given: bytes, inflated: bytes, limit: int) -> None:
        """Note how much of the input was used, and whether there is more to come."""
        # At the end of a stream zlib may give what it left unread in both places.
        rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        self._offset += len(given)
        # Nothing is copied, since a program may call the hooks with much. Only isal takes in what it does not
        # use yet, and gives it back here.
        if len(rest) <= len(given):
            self._offset -= len(rest)
        else:
            self._input, self._offset = rest + self._input[self._offset :], 0
        if inflater.eof and self._finishing and self._input[self._offset :] == TAIL:
            self._offset = len(self._input)  # there is nothing for the tail to complete
        unread = self._offset < len(self._input)
        if not unread:
            self._input = b""
        # With all input read zlib can still hold the rest of a match that did not fit into `limit`.
        self.pending = unread or (len(inflated) == limit and not inflater.eof)
        # R7692-7.2.1-04, R7692-7.2.3.4-01
        if inflater.eof:  # A block with BFINAL=1 ends zlib's stream, but not the message (RFC 7692 7.2.3.4).
            self._inflater = None
            self._block_open = unread
            self._final_blocks += 1
            if self._final_blocks > MAX_FINAL_BLOCKS:
                raise zlib.error(f"More than {MAX_FINAL_BLOCKS} blocks with BFINAL=1 in one message")

    def _end_message(self) -> None:
        """Forget the message, and the context that is not taken over."""
        self._finishing = False
        self._block_open = False
        self._final_blocks = 0
        if not self.context_takeover:  # R7692-7.2.2-02, -03, -04, -05
            self._inflater = None
        self.direct = None if self._inflater is None else self._inflater.decompress


class Deflater:
    """Deflates messages with a window of 9 to 15 bits; the levels are zlib's."""

    def __init__(self, window_bits: int, *, context_takeover: bool, level: int, memory_level: int) -> None:
        self.window_bits = window_bits
        self.context_takeover = context_takeover
        self.level = level
        self.memory_level = memory_level
        self._deflater: zlib._Compress | None = None

    def deflate(self, data: bytes, *, fin: bool) -> bytes:
        """Return the compressed payload of a frame; `fin` ends the message (RFC 7692 7.2.1)."""
        deflater = self._deflater
        if deflater is None:
            backend = _Backend.module
            level = min(self.level, backend.Z_BEST_COMPRESSION)
            if level < 0:
                level = backend.Z_DEFAULT_COMPRESSION
            deflater = backend.compressobj(level, zlib.DEFLATED, -self.window_bits, self.memory_level)
            self._deflater = deflater
        deflated = deflater.compress(data)  # of nothing, too: zlib flushes nothing twice in a row
        if not fin:  # R7692-7.2.1-06
            return deflated
        if not self.context_takeover:  # R7692-7.2.1-08, -09, -10, -11, R7692-7.2.3.2-01
            self._deflater = None
        deflated += deflater.flush(zlib.Z_SYNC_FLUSH)  # R7692-7.2.1-05
        return deflated[: -len(TAIL)]  # R7692-7.2.1-01, R7692-7.2.3.6-01
