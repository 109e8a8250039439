"""Bytes in, events out: the receiving half of the frame codec (RFC 6455 5, 6.2).

A frame is read in one of three ways, each tried before the next:

    short    `events` itself: a frame of at most 125 bytes that has come whole, and that `FastFrames` knows
             by its first byte. No call, no bookkeeping.
    whole    `_whole_message`: a message that has come whole in one frame, of any size, plain or compressed by
             permessage-deflate, where there are no limits on messages.
    judged   `_next_event`: everything else, a piece at a time as it comes. Its header is judged byte by byte.

Only the third way finds anything wrong: the other two leave a frame unread that they cannot take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .close_frame import read_close
from .errors import ParseFailed
from .events import (
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    TextMessage,
    set_data,
    set_frame_finished,
    set_message_finished,
    set_payload,
)
from .extension import bound
from .frame_header import (
    CONTROL,
    FAULTLESS,
    FIN,
    LENGTH_16,
    LENGTH_64,
    MASK,
    MAX_CONTROL_PAYLOAD,
    RSV1_BIT,
    Opcode,
    first_byte_fault,
    judge_length,
    judge_second_byte,
)
from .inbound_extensions import UNDEFINED_BITS, InboundExtensions
from .inbound_message import InboundMessage
from .limits import DEFAULT_LIMITS, Limits
from .masking import KEY_REPEATED, masked, unmasked_piece
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .event_base import Event
    from .extension import Extension
    from .typing import BytesLike

    Conclude = Callable[[CloseConnection | ParseFailed | None], Event | None]
    Events = Generator[Event, None, None]

End = TypeVar("End", CloseConnection, ParseFailed)

_from_bytes, _new = int.from_bytes, object.__new__


def raise_failure(end: CloseConnection | ParseFailed | None) -> CloseConnection | None:
    """Conclude the events of a connection: the Close is one of them, a failure is raised."""
    if isinstance(end, ParseFailed):
        raise end
    return end


class FrameDecoder:
    """Turns what one side of a connection receives into events.

    Between calls it holds the unread bytes of a frame header or control frame and of a split code point, its
    extensions perhaps part of a unit; what has come in since the last `events()` waits in `_pending`. Outside
    of extensions no byte is copied more than twice.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    def __init__(
        self, client: bool, extensions: Sequence[Extension] | None = None, *, limits: Limits | None = None
    ) -> None:
        self.client = client
        self._mask = 0 if client else MASK  # the mask bit that frames must have (RFC 6455 5.1)
        used = [bound(extension, client=client) for extension in extensions or ()]
        limits = limits or DEFAULT_LIMITS
        self._extensions = InboundExtensions(used, limits) if used else None
        rest_size = None if self._extensions is None else self._extensions.rest_size
        self._message = InboundMessage(limits, rest_size)

        self._buffer = b""  # being read, from _position on
        self._position = 0
        self._pending = bytearray()  # received while _buffer was not used up
        self._drained = True
        self._eof = False  # no more bytes will come
        self._ended = False  # a Close or a failure came: nothing is read any more

        self._masking_key: bytes | None = None  # of a data frame, turned to where its payload goes on
        self._control_judged = False  # the extensions know the header of the control frame to be read

    @property
    def drained(self) -> bool:
        """Whether all that was received has been read, as far as it can be."""
        return self._drained or self._ended

    def receive_bytes(self, data: BytesLike) -> None:
        """Take in `data`, to be read by `events`. After a Close or a failure it is dropped."""
        if type(data) is not bytes:
            data = as_bytes(data, "Received data")
        if self._drained:  # so that at most a header is left in _buffer
            self._buffer = self._buffer + data if self._buffer else data
            self._drained = False
        elif not self._ended:
            self._pending += data

    def receive_eof(self) -> None:
        """Take in that no more bytes will come."""
        self._eof = True

    def events(self, conclude: Conclude = raise_failure) -> Events:  # noqa: C901, PLR0912, PLR0915 - fast
        """Yield messages, pings and pongs, then what `conclude` makes of the end: see `codec.Decoder`."""
        mask, message, end = self._mask, self._message, None
        header_size, max_size = 6 if mask else 2, message.fast.max_size
        while not self._ended:
            while not message.in_frame:  # A short frame takes a quarter of the time of a judged one.
                buffer, position = self._buffer, self._position
                start, available = position + header_size, len(buffer)
                if start > available:
                    break
                first = buffer[position]
                kind = message.fast_kinds[first]
                size = buffer[position + 1] ^ mask
                stop = start + size
                if kind is None or size > max_size or stop > available:
                    break
                if mask:
                    block = _from_bytes(buffer[start - 4 : stop], "big")  # the key, then the payload
                    keys = (block >> (size << 3)) * KEY_REPEATED[size]
                    if size & 3:
                        keys >>= 32 - ((size & 3) << 3)
                    payload: Any = (block ^ keys).to_bytes(size, "big")
                else:
                    payload = buffer[start:stop]
                event: Any = _new(kind)
                if kind is TextMessage:
                    try:
                        payload = payload.decode()
                    except UnicodeDecodeError:
                        break
                elif kind is not BytesMessage:
                    set_payload(event, payload)
                    self._position = stop
                    yield event
                    continue
                set_data(event, payload)
                set_frame_finished(event, True)
                set_message_finished(event, fin := first >= FIN)
                if not fin or message.kind is not None:
                    message.kind = None if fin else kind
                    message.fast_kinds = message.fast.short[message.kind]
                self._position = stop
                yield event
            if self._position == len(self._buffer) and not (message.event_due or self._pending):
                self._buffer, self._position, self._drained = b"", 0, True
                if not self._eof:
                    return  # without asking `conclude`, which would find nothing
                break
            try:
                event = (None if message.in_frame else self._whole_message()) or self._next_event()
            except ParseFailed as failure:
                event = self._end(failure)
            if self._ended:
                end = event
            elif event is not None:
                yield event
            elif not self._refill():
                break
        if (last := conclude(end)) is not None:
            yield last

    def _refill(self) -> bool:
        """Let go of what was read, put what has come in since behind the rest; tell whether there was any."""
        rest = self._buffer[self._position :]
        self._position = 0
        if not self._pending:
            self._buffer = rest
            self._drained = True
            return False
        self._buffer = rest + self._pending
        self._pending = bytearray()
        return True

    def _end(self, end: End) -> End:
        """Let go of all that was received: nothing is read after a Close or a violation (RFC 6455 7.1.7)."""
        if self._extensions is not None:
            self._extensions.end()
        self._ended = True
        self._drained = False
        self._buffer = b""
        self._position = 0
        self._pending = bytearray()
        if isinstance(end, ParseFailed):
            end.event_hint = CloseConnection(end.code, str(end))
        return end

    def _whole_message(self) -> Event | None:  # noqa: C901 - a fast path
        """Read a message that has come whole in one frame, or return None for anything else.

        It takes half the time of `_next_event`, which asks an extension three times.
        """
        buffer, position, message = self._buffer, self._position, self._message
        start = position + 2
        # Two bytes of length are wanted in any case: what is as short as that is a short frame.
        kind = message.fast.whole[buffer[position]] if start + 2 <= len(buffer) else None
        if kind is None or message.kind is not None:
            return None
        first = buffer[position]
        size = buffer[position + 1] ^ self._mask
        # What is wrong with a length is for `_read_header` to say.
        if size == LENGTH_16:
            size = buffer[start] << 8 | buffer[start + 1]
            start += 2
            if size < LENGTH_16:
                return None
        elif size == LENGTH_64:
            start += 8
            size = _from_bytes(buffer[start - 8 : start], "big")
            if size < 1 << 16:
                return None
        elif size > LENGTH_64:  # the mask bit is wrong
            return None
        if self._mask:
            start += 4
        stop = start + size
        compression = self._extensions if first & RSV1_BIT else None
        if stop > len(buffer) or (compression is not None and size > compression.rest_size):
            return None
        payload = masked(buffer, start, stop, buffer[start - 4 : start]) if self._mask else buffer[start:stop]
        self._position = stop
        finished = True
        if compression is not None:
            room = compression.room
            payload = compression.rest(payload, room, fin=True)
            finished = len(payload) < room
        data: str | bytes = payload
        if finished and kind is TextMessage:
            try:
                data = payload.decode()
            except UnicodeDecodeError:
                finished = False
        if not finished:
            # There is more to come, or it has to fail: `_next_event` goes on with it.
            message.begin_frame(first, 0)
            message.event_due = True
            return message.event(payload, compression is None or compression.frame_complete)
        event: Message[Any] = _new(kind)
        set_data(event, data)
        set_frame_finished(event, True)
        set_message_finished(event, True)
        return event

    def _next_event(self) -> Event | None:
        """Judge and read what has come of a frame; return None for want of bytes."""
        message = self._message
        if message.failure is not None:
            raise message.failure
        if not message.in_frame:
            size = self._read_header()
            if size is None:
                return None
            if not message.in_frame:
                return self._control_event(size)
        if self._extensions is not None:
            return self._extensions.event(message, self._take_payload)
        payload = self._take_payload()
        return message.event(payload, not message.remaining)

    def _read_header(self) -> int | None:
        """Judge a frame's header byte by byte as it comes (RFC 6455 5.2).

        Returns the size of the payload, or None for want of bytes. The header of a data frame is consumed,
        that of a control frame only with its payload.
        """
        buffer, position = self._buffer, self._position
        if position == len(buffer):
            return None
        first = buffer[position]
        begun = self._message.kind is not None
        if first not in FAULTLESS[begun]:
            fault = first_byte_fault(first, message_begun=begun)
            # Extensions may have a meaning for the reserved bits.
            if fault is not None or self._extensions is None:
                raise ParseFailed(fault or UNDEFINED_BITS)
        start = position + 2
        if len(buffer) < start:
            return None
        size = buffer[position + 1] ^ self._mask
        if size > MAX_CONTROL_PAYLOAD:
            judge_second_byte(first, buffer[position + 1], client=self.client)
            start += 2 if size == LENGTH_16 else 8
            if len(buffer) < start:
                return None
            length = _from_bytes(buffer[position + 2 : start], "big")
            judge_length(size, length)
            size = length
        if first & CONTROL:
            if self._extensions is not None and not self._control_judged:
                self._extensions.judge_header(first, size)
                self._control_judged = True
            return size
        return self._begin_frame(first, size, start)

    def _begin_frame(self, first: int, size: int, start: int) -> int | None:
        """Go on to the payload of a data frame, which is at `start` but for the masking key."""
        bounds = self._message.bounds
        known = size if self._extensions is None else 0  # which may make a payload longer or shorter
        if bounds is not None:
            bounds.judge_frame(size, known)
        if self._mask:
            start += 4
            if len(self._buffer) < start:
                return None
            self._masking_key = self._buffer[start - 4 : start]
        if self._extensions is not None:
            self._extensions.judge_header(first, size)
            self._message.event_due = True
        if bounds is not None:
            bounds.add_frame(known)
        self._message.begin_frame(first, size)
        self._position = start
        return size

    def _take_payload(self, most: int | None = None) -> bytes:
        """Take what has come of the frame's payload, or the first `most` bytes of that, unmasked."""
        buffer, start, message = self._buffer, self._position, self._message
        remaining = message.remaining
        stop = start + (remaining if most is None or most > remaining else most)
        if stop > len(buffer):  # noqa: PLR1730 - four times as quick as min()
            stop = len(buffer)
        message.remaining = remaining - (stop - start)
        self._position = stop
        key = self._masking_key
        if key is None:
            return buffer[start:stop]
        if not message.remaining:
            return masked(buffer, start, stop, key)
        if turn := (stop - start) & 3:
            self._masking_key = key[turn:] + key[:turn]
        return unmasked_piece(buffer, start, stop, key)

    def _control_event(self, size: int) -> Event | None:
        """Make an event of a control frame, once all of it has come; it touches no state of a message."""
        buffer, position = self._buffer, self._position
        start = position + (6 if self._mask else 2)
        stop = start + size
        if len(buffer) < stop:
            return None
        payload = masked(buffer, start, stop, buffer[start - 4 : start]) if self._mask else buffer[start:stop]
        if self._extensions is not None:
            payload = self._extensions.control_payload(payload)
            self._control_judged = False
        self._position = stop
        opcode = buffer[position] & 0x0F
        if opcode == Opcode.CLOSE:
            return self._end(read_close(payload))
        return Ping(payload) if opcode == Opcode.PING else Pong(payload)
