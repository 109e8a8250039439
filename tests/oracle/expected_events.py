"""What the bytes of a peer have to give: frames read as RFC 6455 5 and RFC 7692 7.2.2 put it, one by one.

The reader shares no code with the library and keeps all it reads; it is written to be checked against the
RFCs, not to be quick. What it says is the same however the bytes were cut into reads.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.oracle.inflating import TAIL
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wsproto import Limits

MAX_FINAL_BLOCKS: Final = 1024
"""Blocks with BFINAL=1 that the library takes in one message."""

_CONT: Final = rb"[\x80-\xbf]"
#: RFC 3629 4: the well-formed sequences, and what one of them may begin with.
_UTF_8: Final = re.compile(
    rb"(?:[\x00-\x7f]+|[\xc2-\xdf]" + _CONT + rb"|\xe0[\xa0-\xbf]" + _CONT + rb"|[\xe1-\xec\xee\xef]"
    rb"" + _CONT + rb"{2}|\xed[\x80-\x9f]" + _CONT + rb"|\xf0[\x90-\xbf]" + _CONT + rb"{2}"
    rb"|[\xf1-\xf3]" + _CONT + rb"{3}|\xf4[\x80-\x8f]" + _CONT + rb"{2}){0,1000}"
)
_UTF_8_BEGUN: Final = re.compile(
    rb"(?:[\xc2-\xdf]|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef]" + _CONT + rb"?|\xed[\x80-\x9f]?"
    rb"|\xf0(?:[\x90-\xbf]" + _CONT + rb"?)?|[\xf1-\xf3]" + _CONT + rb"{0,2}|\xf4(?:[\x80-\x8f]"
    rb"" + _CONT + rb"?)?)?"
)


@dataclass(frozen=True)
class Deflate:
    """What was agreed on for the direction from the peer, and how zlib is given what comes.

    zlib keeps to itself what it inflated in the call that fails, and notices a reference beyond the window
    only where it has let go of those bytes: so what comes of bad data depends on `unit`, and on nothing else.
    """

    window_bits: int = 15
    takeover: bool = True
    unit: int = 2**14
    """Bytes of a frame that are inflated at a time, the last ones of a message with the tail."""


@dataclass
class Expected:
    """What a stream has to give."""

    events: list[Event] = field(default_factory=list)
    """The pieces of each frame joined; of a frame that has not all come, or that fails, what there is."""
    codes: set[int] = field(default_factory=set)
    """The close codes that the stream may fail with; none where it does not fail."""
    certain: bool = True
    """Whether it has to fail: a header that is wrong, and has come in part, need not be judged yet."""

    @property
    def closed(self) -> bool:
        """Whether the peer's Close has come."""
        return bool(self.events) and isinstance(self.events[-1], CloseConnection)


class _FailedError(Exception):
    def __init__(self, *codes: int, certain: bool = True) -> None:
        self.codes = set(codes)
        self.certain = certain


class _WantMoreError(Exception):
    """The stream ends here."""


class _Inflater:
    """zlib, begun anew after each block with BFINAL=1 (RFC 7692 7.2.3.4), and given a unit at a time."""

    def __init__(self, agreed: Deflate) -> None:
        self._agreed = agreed
        self._zlib: zlib._Decompress | None = None
        self._final_blocks = 0
        self._open = False  # there is something for the tail to complete

    def frame(self, payload: bytes, room: Callable[[], int], *, whole: bool, last: bool) -> Iterator[bytes]:
        """Inflate what has come of a frame: a unit waits until it is whole, the tail goes with the last.

        :param room: tells how much may be inflated until it is yielded.
        """
        size, unit = len(payload), self._agreed.unit
        for start in range(0, size or 1, unit):
            data = payload[start : start + unit]
            at_end = start + unit >= size
            if not whole and len(data) < unit:
                return
            tail = TAIL if at_end and last and (data or self._open) else b""
            yield from self._unit(data + tail, tail, room)

    def _unit(self, data: bytes, tail: bytes, room: Callable[[], int]) -> Iterator[bytes]:
        output = b""
        left = room()
        pending = bool(data)
        while pending:
            if self._zlib is None:
                self._zlib = zlib.decompressobj(-self._agreed.window_bits)
            inflater = self._zlib
            inflated = inflater.decompress(data, left)
            output += inflated
            left -= len(inflated)
            if inflater.eof:
                self._zlib = None
                self._final_blocks += 1
                if self._final_blocks > MAX_FINAL_BLOCKS:
                    raise zlib.error("too many final blocks")
                data = inflater.unused_data
                if data == tail:  # there is nothing for it to complete
                    data = b""
                pending = self._open = bool(data)
            else:
                data = inflater.unconsumed_tail
                self._open = True
                pending = bool(data) or not left
            if not pending or not left:
                yield output
                output = b""
                left = room()

    def end(self) -> None:
        self._open = False
        self._final_blocks = 0
        if not self._agreed.takeover:
            self._zlib = None


class Reader:
    """Reads one stream.

    :param client: whether the receiver is a client.
    :param deflate: what was agreed on, None where nothing was.
    :param extended: whether there is any extension, so that a header is judged when all of it has come.
    """

    def __init__(
        self, data: bytes, *, client: bool, deflate: Deflate | None, limits: Limits, extended: bool
    ) -> None:
        self._data = data
        self._offset = 0
        self._client = client
        self._deflate = deflate
        self._extended = extended
        self._inflater = _Inflater(deflate) if deflate else None
        self._limits = limits
        self._reading = Expected()
        self._kind: type[TextMessage | BytesMessage] | None = None
        self._compressed = False
        self._fragments = 0
        self._size = 0  # of the message
        self._begun = b""  # of a code point

    def read(self) -> Expected:
        """Read all of it, or up to the peer's Close or a failure."""
        expected = self._reading
        try:
            while self._offset < len(self._data) and not expected.closed:
                self._frame()
        except _FailedError as failure:
            expected.codes = failure.codes
            expected.certain = failure.certain
        except _WantMoreError:
            pass
        return expected

    def _take(self, count: int) -> bytes:
        end = self._offset + count
        if end > len(self._data):
            raise _WantMoreError
        data = self._data[self._offset : end]
        self._offset = end
        return data

    def _frame(self) -> None:
        first = self._data[self._offset]
        opcode = first & 15
        length, key = self._header(opcode, first)
        whole = length <= len(self._data) - self._offset
        payload = _unmasked(self._data[self._offset : self._offset + length], key)
        self._offset += length
        if opcode >= CLOSE:
            if whole:
                self._reading.events.append(_control(opcode, payload))
        else:
            self._data_frame(opcode, first, payload, whole=whole)

    def _header(self, opcode: int, first: int) -> tuple[int, bytes]:
        """Read and judge a header (5.2); return the length of the payload, and the masking key."""
        codes: set[int] = set()
        complete = True
        length = 0
        key = b""
        try:
            self._take(1)
            codes |= self._first_byte_faults(opcode, first)
            (second,) = self._take(1)
            length = second & 127
            if bool(second & 128) is self._client or (opcode >= CLOSE and length > 125):
                codes.add(1002)
            if length > 125:
                least = 126 if length == 126 else 1 << 16
                length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
                if length < least or length >= 1 << 63:
                    codes.add(1002)
            if opcode < CLOSE:
                codes |= self._limit_faults(length)
            key = b"" if self._client else self._take(4)
        except _WantMoreError:
            complete = False
        if codes:
            raise _FailedError(*codes, certain=complete or not self._extended)
        if not complete:
            raise _WantMoreError
        return length, key

    def _first_byte_faults(self, opcode: int, first: int) -> set[int]:
        permitted = RSV1 if self._deflate and opcode in (TEXT, BINARY) else 0
        begun = self._kind is not None
        right = (
            opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
            and not (first >> 4 & 7) & ~permitted
            and (opcode >= CLOSE or (opcode == CONTINUATION) is begun)
            and (opcode < CLOSE or first >= 128)
        )
        return set() if right else {1002}

    def _limit_faults(self, length: int) -> set[int]:
        limits = self._limits
        too_big = (
            (limits.max_frame_size is not None and length > limits.max_frame_size)
            or (limits.max_fragments is not None and self._fragments >= limits.max_fragments)
            or (not self._extended and self._too_big(length))
        )
        return {1009} if too_big else set()

    def _too_big(self, length: int) -> bool:
        limit = self._limits.max_message_size
        return limit is not None and self._size + length > limit

    def _data_frame(self, opcode: int, first: int, payload: bytes, *, whole: bool) -> None:
        if opcode != CONTINUATION:
            self._kind = TextMessage if opcode == TEXT else BytesMessage
            self._compressed = bool(first & 64)
        self._fragments += 1
        last = first >= 128 and whole
        corrupt = False
        if self._compressed:
            payload, corrupt = self._inflated(payload, whole=whole, last=last)
            if corrupt:
                whole = last = False
        too_big = self._too_big(len(payload))
        if too_big:  # with an extension the bytes count as they come out of it: those before count as well
            assert self._extended
            assert self._limits.max_message_size is not None
            payload = payload[: self._limits.max_message_size - self._size]
            whole = last = False
        self._size += len(payload)
        data = self._text(payload, last=last) if self._kind is TextMessage else payload
        if data or whole:
            self._reading.events.append(self._kind(data, whole, last))  # type: ignore[misc, arg-type]
        if too_big:
            raise _FailedError(1009)
        if corrupt:
            raise _FailedError(1007)
        if last:
            self._kind = None
            self._fragments = self._size = 0

    def _inflated(self, payload: bytes, *, whole: bool, last: bool) -> tuple[bytes, bool]:
        """Inflate what has come of a frame, until it is wrong or too big; tell whether it is wrong."""
        assert self._inflater is not None
        most, limit = self._limits.max_inflated_size, self._limits.max_message_size
        output = b""

        def room() -> int:
            """An event holds so much at most, and one byte too many shows a message too big."""
            left = most - len(output) % most
            return left if limit is None else min(left, limit + 1 - self._size - len(output))

        try:
            for inflated in self._inflater.frame(payload, room, whole=whole, last=last):
                output += inflated
                if self._too_big(len(output)):
                    return output, False
        except zlib.error:
            return output, True
        if last:
            self._inflater.end()
        return output, False

    def _text(self, payload: bytes, *, last: bool) -> str:
        data = self._begun + payload
        size = _well_formed(data)
        text = data[:size].decode()
        self._begun = data[size:]
        if not (not self._begun if last else _UTF_8_BEGUN.fullmatch(self._begun)):
            if text:  # what stands before the first wrong byte is delivered
                self._reading.events.append(TextMessage(text, False, False))
            raise _FailedError(1007)
        return text


def _well_formed(data: bytes) -> int:
    """How many bytes of `data` are UTF-8; some at a time, as `re` remembers every repetition of a group."""
    size = 0
    while (match := _UTF_8.match(data, size)) and match[0]:
        size = match.end()
    return size


def _unmasked(payload: bytes, key: bytes) -> bytes:
    """`wire.xor`, in less time."""
    if not key or not payload:
        return payload
    keys = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(len(payload), "big")


def _control(opcode: int, payload: bytes) -> Event:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return CloseConnection(1005, "")
    code = int.from_bytes(payload[:2], "big")
    # RFC 6455 7.4, and what IANA has registered since.
    may_travel = code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999
    if len(payload) == 1 or not may_travel:
        raise _FailedError(1002)
    reason = payload[2:]
    if _well_formed(reason) < len(reason):
        raise _FailedError(1007)
    return CloseConnection(code, reason.decode())
