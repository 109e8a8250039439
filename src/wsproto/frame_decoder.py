"""Bytes in, events out: the receiving half of the frame codec (RFC 6455 5, 6.2)."""

from __future__ import annotations

from codecs import utf_8_decode
from typing import TYPE_CHECKING, Any

from .close_codes import CloseReason
from .close_frame import read_close
from .errors import ParseFailed
from .events import (
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    TextMessage,
    set_data,
    set_frame_finished,
    set_message_finished,
    set_ping_payload,
    set_pong_payload,
)
from .frame_header import (
    FAULTLESS,
    FIN,
    LENGTH_16,
    LENGTH_64,
    MASK,
    MAX_CONTROL_PAYLOAD,
    RSV1,
    Opcode,
    first_byte_fault,
    length_fault,
    refuse_if,
    second_byte_fault,
)
from .inbound_extensions import UNDEFINED_BITS, InboundExtensions
from .limits import DEFAULT_LIMITS, Limits
from .masking import KEY_REPEATED, masked, unmasked_piece
from .message_bounds import MessageBounds
from .quick_frames import quick_frames
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .event_base import Event
    from .extensions import Extension
    from .typing import BytesLike

    Conclude = Callable[[CloseConnection | ParseFailed | None], Event | None]

_from_bytes, _new, _set_attribute = int.from_bytes, object.__new__, object.__setattr__


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

    __slots__ = (
        "_bounds",
        "_buffer",
        "_busy",
        "_carry",
        "_control_judged",
        "_drained",
        "_ended",
        "_eof",
        "_extensions",
        "_failure",
        "_fin",
        "_in_frame",
        "_inside",
        "_key",
        "_kind",
        "_limits",
        "_mask",
        "_outside",
        "_pending",
        "_position",
        "_quick",
        "_quick_size",
        "_remaining",
        "_room",
        "_whole",
        "client",
    )

    def __init__(
        self, client: bool, extensions: Sequence[Extension] | None = None, *, limits: Limits | None = None
    ) -> None:
        self.client = client
        self._mask = 0 if client else MASK  # the mask bit that frames must have (RFC 6455 5.1)
        self._extensions = InboundExtensions(client, extensions) if extensions else None
        self._limits = limits or DEFAULT_LIMITS
        self._bounds = MessageBounds(self._limits) if self._limits.bound_messages else None

        self._buffer = b""  # being read, from _position on
        self._position = 0
        self._pending = bytearray()  # received while _buffer was not used up
        self._drained = True
        self._eof = False  # no more bytes will come
        self._ended = False  # a Close or a violation came: nothing is read any more
        self._failure: ParseFailed | None = None  # to be raised when the text before it was yielded

        self._kind: type[Event] | None = None  # of the message that is under way
        self._carry = b""  # the first bytes of a code point whose others have not come
        self._in_frame = False  # in the payload of a data frame
        self._busy = False  # an event may follow without further bytes
        self._remaining = 0  # bytes of that payload not yet received
        self._fin = False
        self._room = self._limits.max_inflated_size  # what extensions may make of it in one event
        self._key: bytes | None = None  # its masking key, turned to where the payload goes on
        self._control_judged = False  # the extensions know the header of the control frame to be read

        quick = quick_frames(self._limits, self._extensions)
        self._outside, self._inside, self._whole, self._quick_size = quick
        self._quick = self._outside  # what the next frame may be to take the fast path

    @property
    def drained(self) -> bool:
        """Whether all that was received has been read, as far as it can be."""
        return self._drained or self._ended

    def receive_bytes(self, data: BytesLike) -> None:
        """Take in `data`, to be read by `events`. After a Close or a violation it is dropped."""
        if type(data) is not bytes:
            data = as_bytes(data, "Received data")
        if self._ended:
            return
        if self._drained:  # so that at most a header is left in _buffer
            self._buffer = self._buffer + data if self._buffer else data
            self._drained = False
        else:
            self._pending += data

    def receive_eof(self) -> None:
        """Take in that no more bytes will come."""
        self._eof = True

    def events(  # noqa: C901, PLR0912, PLR0915 - the fast path
        self, conclude: Conclude = raise_failure
    ) -> Generator[Event, None, None]:
        """Yield messages, pings and pongs, then what `conclude` makes of the end.

        :param conclude: is given the peer's Close, or the `ParseFailed` of a frame that breaks the protocol,
            after both of which input is dropped, or None for want of bytes; it returns an event or None.
        :raises ParseFailed: where `conclude` does.
        """
        end: CloseConnection | ParseFailed | None = None
        mask = self._mask
        header_size = 6 if mask else 2
        quick_size = self._quick_size
        try:
            while not self._ended:
                # The fast path: a whole frame of at most 125 bytes. A text of 32 bytes takes a quarter of the
                # time of the general path: no calls, decoded and unmasked in place, an event made by hand.
                while not self._in_frame:
                    buffer, position = self._buffer, self._position
                    start = position + header_size
                    if start > len(buffer):
                        break
                    first = buffer[position]
                    kind = self._quick.get(first)
                    size = buffer[position + 1] ^ mask
                    stop = start + size
                    if kind is None or size > quick_size or stop > len(buffer):
                        break
                    if mask:
                        # The key and the payload XOR the key again and again: zeros, and the plain payload.
                        block = _from_bytes(buffer[start - 4 : stop], "big")
                        keys = (block >> (size << 3)) * KEY_REPEATED[size]
                        if size & 3:
                            keys >>= 32 - ((size & 3) << 3)
                        payload = (block ^ keys).to_bytes(size, "big")
                    else:
                        payload = buffer[start:stop]
                    event: Any = _new(kind)
                    if kind is TextMessage:
                        if self._carry:
                            break
                        try:
                            set_data(event, payload.decode())
                        except UnicodeDecodeError:
                            break
                    elif kind is BytesMessage:
                        set_data(event, payload)
                    else:
                        set_ping_payload(event, payload) if kind is Ping else set_pong_payload(event, payload)
                        self._position = stop
                        yield event
                        continue
                    set_frame_finished(event, True)
                    set_message_finished(event, first >= FIN)
                    if first >= FIN:
                        self._kind = None
                        self._quick = self._outside
                    else:
                        self._kind = kind
                        self._quick = self._inside[kind]
                    self._position = stop
                    yield event

                if self._position < len(self._buffer) or self._busy:
                    event = (None if self._in_frame else self._whole_message()) or self._next_event()
                    if event is None:
                        if not self._refill():
                            break
                    elif type(event) is CloseConnection:
                        self._end()
                        end = event
                    else:
                        yield event
                elif self._pending:
                    self._refill()
                else:  # all is read, as at the end of most calls
                    self._buffer = b""
                    self._position = 0
                    self._drained = True
                    if not self._eof:
                        return  # without asking `conclude`, which would find nothing
                    break
        except ParseFailed as failure:
            self._end()
            failure.event_hint = CloseConnection(failure.code, str(failure))
            end = failure
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

    def _end(self) -> None:
        """Let go of all that was received: nothing is read after a Close or a violation (RFC 6455 7.1.7)."""
        if self._extensions is not None:
            self._extensions.end()
        self._ended = True
        self._buffer = b""
        self._position = 0
        self._pending = bytearray()
        self._carry = b""

    def _next_event(self) -> Event | None:
        """Read the next event by the general path, or return None for want of bytes."""
        if self._failure is not None:
            raise self._failure
        if not self._in_frame:
            size = self._read_header()
            if size is None:
                return None
            if not self._in_frame:
                return self._control_event(size)
        extensions = self._extensions
        if extensions is not None:
            return self._extended_event(extensions)
        payload = self._take_payload()
        return self._message_event(payload, not self._remaining)

    def _whole_message(self) -> Event | None:  # noqa: C901 - a quick path
        """Read a message that has come whole in one frame, or return None for anything else.

        It takes half the time of the general path, which asks an extension three times.
        """
        buffer, position = self._buffer, self._position
        first = buffer[position]
        kind = self._whole.get(first)
        start = position + 2
        if kind is None or self._kind is not None or start > len(buffer):
            return None
        size = buffer[position + 1] ^ self._mask
        # Not by `_read_length`: three calls less, an eighth of the instructions for 1 KiB. What is wrong with
        # a length is for the general path to say; one that is not all there stops beyond the buffer anyway.
        if size == LENGTH_16:
            start += 2
            size = _from_bytes(buffer[start - 2 : start], "big")
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
        if stop > len(buffer) or (first & RSV1 and size > self._extensions.end_size):  # type: ignore[union-attr]
            return None
        payload = masked(buffer, start, stop, buffer[start - 4 : start]) if self._mask else buffer[start:stop]
        self._position = stop
        data: str | bytes = payload
        finished = True
        if first & RSV1:
            room = self._limits.max_inflated_size
            data = payload = self._extensions.payload_to_end(payload, room)  # type: ignore[union-attr]
            finished = len(data) < room
        if finished and kind is TextMessage:
            try:
                data = payload.decode()
            except UnicodeDecodeError:
                finished = False
        if not finished:
            # There is more to come, or it has to fail: the general path goes on with it.
            self._kind = kind
            self._in_frame = self._fin = self._busy = True
            self._room = self._limits.max_inflated_size
            return self._message_event(payload, self._extensions is None or self._extensions.frame_complete)
        event = _new(kind)
        set_data(event, data)
        set_frame_finished(event, True)
        set_message_finished(event, True)
        return event

    def _read_header(self) -> int | None:
        """Judge a frame's header byte by byte as it comes (RFC 6455 5.2).

        Returns the size of the payload, or None for want of bytes. The header of a data frame is consumed,
        that of a control frame only with its payload.
        """
        buffer, position = self._buffer, self._position
        first = buffer[position]
        if first not in FAULTLESS[self._kind is not None]:
            refuse_if(first_byte_fault(first, message_begun=self._kind is not None))
            if self._extensions is None:  # which may have a meaning for the reserved bits
                raise ParseFailed(UNDEFINED_BITS)
        if len(buffer) < position + 2:
            return None
        size = buffer[position + 1] ^ self._mask
        start = position + 2
        if size > MAX_CONTROL_PAYLOAD:
            refuse_if(second_byte_fault(first, buffer[position + 1], client=self.client))
            length = self._read_length(size, start)
            if length is None:
                return None
            start += 2 if size == LENGTH_16 else 8
            size = length
        if first & 0x08:
            if self._extensions is not None and not self._control_judged:
                self._extensions.judge_header(first, size)
                self._control_judged = True
            return size
        return self._begin_frame(first, size, start)

    def _begin_frame(self, first: int, size: int, start: int) -> int | None:
        """Go on to the payload of a data frame, which is at `start` but for the masking key."""
        bounds = self._bounds
        known = size if self._extensions is None else 0  # which may make a payload longer or shorter
        if bounds is not None:
            bounds.judge_frame(size, known)
        if self._mask:
            start += 4
            if len(self._buffer) < start:
                return None
            self._key = self._buffer[start - 4 : start]
        if self._extensions is not None:
            self._extensions.judge_header(first, size)
            self._room = self._limits.max_inflated_size
            self._busy = True
        if self._kind is None:
            self._kind = TextMessage if first & 0x0F == Opcode.TEXT else BytesMessage
            self._quick = self._inside[self._kind]
        if bounds is not None:
            bounds.add_frame(known)
        self._fin = first >= FIN
        self._in_frame = True
        self._remaining = size
        self._position = start
        return size

    def _read_length(self, form: int, start: int) -> int | None:
        """Return the extended length of the payload, or None for want of bytes."""
        stop = start + (2 if form == LENGTH_16 else 8)
        if len(self._buffer) < stop:
            return None
        length = _from_bytes(self._buffer[start:stop], "big")
        refuse_if(length_fault(form, length))
        return length

    def _take_payload(self, most: int | None = None) -> bytes:
        """Take what has come of the frame's payload, or the first bytes of that, unmasked."""
        buffer, start = self._buffer, self._position
        stop = start + (self._remaining if most is None or most > self._remaining else most)
        if stop > len(buffer):  # noqa: PLR1730 - four times as quick as min()
            stop = len(buffer)
        self._remaining -= stop - start
        self._position = stop
        key = self._key
        if key is None:
            return buffer[start:stop]
        if not self._remaining:
            return masked(buffer, start, stop, key)
        if turn := (stop - start) & 3:
            self._key = key[turn:] + key[:turn]
        return unmasked_piece(buffer, start, stop, key)

    def _extended_event(self, extensions: InboundExtensions) -> Event | None:
        """Make an event of what has come of a data frame, as the extensions leave it.

        What they make of it comes in events of at most `max_inflated_size` bytes (RFC 6455 10.4), and they
        stop at its multiples, however the frame was cut into reads. What came before a violation is judged,
        and yielded, before it.
        """
        event = None
        piece: bytes | None = b""
        while event is None and piece is not None:
            pieces = []
            room = self._room if self._bounds is None else self._bounds.room(self._room)
            frame_finished = False
            try:
                while room > 0 and not frame_finished:
                    piece = self._extended_piece(extensions, room)
                    if piece is None:
                        break
                    if piece:
                        pieces.append(piece)
                        room -= len(piece)
                    frame_finished = not self._remaining and extensions.frame_complete
            except ParseFailed as failure:
                self._fail_next(failure)
            payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._room -= len(payload)
            if self._room <= 0:
                self._room = self._limits.max_inflated_size
            if self._bounds is not None:
                size = self._bounds.take(len(payload))
                if size < len(payload):
                    self._fail_next(self._bounds.message_too_big())
                    payload = payload[:size]
            event = self._message_event(payload, frame_finished and self._failure is None)
            if event is None and self._failure is not None:
                raise self._failure
        return event

    def _extended_piece(self, extensions: InboundExtensions, room: int) -> bytes | None:
        """Get the next piece of payload out of the extensions, or None for want of bytes."""
        if extensions.holds_back:
            return extensions.more(room)
        if self._remaining:
            payload = self._take_payload(extensions.wanted)
            if not payload:
                return None
            return extensions.payload(payload, room, left=self._remaining, fin=self._fin)
        return extensions.complete(room, fin=self._fin)

    def _message_event(self, payload: bytes, frame_finished: bool) -> Event | None:  # noqa: C901 - on every path
        """Make an event of a piece of payload; None where it would say nothing."""
        message_finished = frame_finished and self._fin
        data: str | bytes = payload
        if self._kind is TextMessage:
            if self._carry:
                payload = self._carry + payload
            try:
                data, used = utf_8_decode(payload, "strict", message_finished)
            except UnicodeDecodeError as error:
                return self._text_before(payload, error.start)
            if used < len(payload):
                self._carry = payload[used:]
                if b"\xed\xa0" <= self._carry < b"\xee":  # CPython waits for the third byte of a surrogate
                    return self._text_before(payload, used)
            elif self._carry:
                self._carry = b""
        if frame_finished:
            self._in_frame = self._busy = False
        elif not data:
            return None
        event: Any = _new(self._kind)  # type: ignore[arg-type]
        set_data(event, data)
        set_frame_finished(event, frame_finished)
        set_message_finished(event, message_finished)
        if message_finished:
            self._kind = None
            self._quick = self._outside
            if self._bounds is not None:
                self._bounds.end_message()
        return event  # type: ignore[no-any-return]

    def _text_before(self, payload: bytes, start: int) -> Event:
        """Fail for invalid UTF-8 at `start` (RFC 6455 8.1), once the text before it was yielded."""
        failure = ParseFailed(
            "Invalid UTF-8 in a text message (RFC 6455 8.1)", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        )
        if not start:
            raise failure
        self._fail_next(failure)
        return TextMessage(payload[:start].decode(), frame_finished=False, message_finished=False)

    def _fail_next(self, failure: ParseFailed) -> None:
        """Raise `failure` where the next event would be read."""
        self._failure = failure
        self._busy = True

    def _control_event(self, size: int) -> Event | None:
        """Make an event of a control frame, once all of it has come; it touches no state of a message."""
        buffer, position = self._buffer, self._position
        start = position + (2 if self.client else 6)
        if len(buffer) < start + size:
            return None
        payload = buffer[start : start + size]
        if not self.client:
            payload = masked(payload, 0, size, buffer[start - 4 : start])
        if self._extensions is not None:
            payload = self._extensions.control_payload(payload)
            self._control_judged = False
        self._position = start + size
        opcode = buffer[position] & 0x0F
        if opcode == Opcode.CLOSE:
            return read_close(payload)
        return Ping(payload) if opcode == Opcode.PING else Pong(payload)
