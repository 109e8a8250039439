"""Bytes in, events out: the receiving half of the frame codec (RFC 6455 5, 6.2)."""

from __future__ import annotations

from codecs import utf_8_decode
from typing import TYPE_CHECKING

from .close_codes import CloseReason, may_travel, named
from .events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage, message_piece
from .frame_header import (
    FIN,
    LENGTH_16,
    MASK,
    MAX_CONTROL_PAYLOAD,
    OPCODES,
    Opcode,
    ParseFailed,
    first_byte_fault,
    length_fault,
    second_byte_fault,
)
from .inbound_extensions import UNDEFINED_BITS, InboundExtensions
from .limits import DEFAULT_LIMITS, Limits
from .masking import masked, rotated

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from .extensions import Extension
    from .typing import BytesLike

_WHOLE_TEXT = FIN | Opcode.TEXT
_WHOLE_MESSAGE = (_WHOLE_TEXT, FIN | Opcode.BINARY)
# The first bytes that are right by the rules, by whether a message was begun. The look-up saves 0.3
# microseconds a frame.
_FAULTLESS = tuple(
    frozenset(
        fin | opcode
        for fin in (0, FIN)
        for opcode in OPCODES
        if first_byte_fault(fin | opcode, message_begun=begun) is None
    )
    for begun in (False, True)
)
_from_bytes, _new, _set_attribute = int.from_bytes, object.__new__, object.__setattr__


class FrameDecoder:
    """Turns what one side of a connection receives into events.

    Between calls it holds the unread bytes of a frame header or control frame and of a split code point. What
    has come in since the last `events()` waits in `_pending`, so that no byte is copied more than twice
    however the input is cut.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    __slots__ = (
        "_bounded",
        "_buffer",
        "_carry",
        "_control_judged",
        "_drained",
        "_ended",
        "_extensions",
        "_failure",
        "_fast_size",
        "_fin",
        "_fragments",
        "_in_frame",
        "_key",
        "_kind",
        "_limits",
        "_mask",
        "_message_begun",
        "_message_size",
        "_pending",
        "_position",
        "_remaining",
        "client",
    )

    def __init__(
        self, client: bool, extensions: Sequence[Extension] | None = None, *, limits: Limits | None = None
    ) -> None:
        self.client = client
        self._mask = 0 if client else MASK  # the mask bit that frames must have (RFC 6455 5.1)
        self._extensions = InboundExtensions(client, extensions) if extensions else None
        self._limits = limits or DEFAULT_LIMITS
        self._bounded = self._limits.bound_messages
        self._fast_size = self._longest_fast_frame()

        self._buffer = b""  # being read, from _position on
        self._position = 0
        self._pending = bytearray()  # received while _buffer was not used up
        self._drained = True
        self._ended = False  # a Close or a violation came: nothing is read any more
        self._failure: ParseFailed | None = None  # to be raised when the text before it was yielded

        self._message_begun = False  # a message is under way
        self._kind: type[TextMessage | BytesMessage] = BytesMessage  # what it is
        self._message_size = 0
        self._fragments = 0
        self._carry = b""  # the first bytes of a code point whose others have not come
        self._in_frame = False  # in the payload of a data frame
        self._remaining = 0  # bytes of that payload not yet received
        self._fin = False
        self._key: bytes | None = None  # its masking key, turned to where the payload goes on
        self._control_judged = False  # the extensions know the header of the control frame to be read

    def _longest_fast_frame(self) -> int:
        """Return the size up to which a whole, unfragmented message can skip all bookkeeping, or -1."""
        limits = self._limits
        if self._extensions is not None or limits.max_fragments == 0:
            return -1
        bounds = (limits.max_frame_size, limits.max_message_size)
        return min([MAX_CONTROL_PAYLOAD, *(bound for bound in bounds if bound is not None)])

    @property
    def drained(self) -> bool:
        """Whether all that was received has been read, as far as it can be."""
        return self._drained or self._ended

    def receive_bytes(self, data: BytesLike) -> None:
        """Take in `data`, to be read by `events`. After a Close or a violation it is dropped."""
        if self._ended:
            return
        self._drained = False
        if self._position == len(self._buffer) and not self._pending:
            self._buffer = data if type(data) is bytes else bytes(memoryview(data))
            self._position = 0
        else:
            self._pending += data

    def events(self) -> Generator[Event, None, CloseConnection | None]:  # noqa: C901, PLR0912 - the fast path
        """Yield messages, pings and pongs; return the peer's Close, or None for want of bytes.

        :raises ParseFailed: when a frame breaks the protocol; later input is dropped.
        """
        mask = self._mask
        header_size = 6 if mask else 2
        try:
            while not self._ended:
                # The fast path: a whole message of at most 125 bytes, nothing else under way. A text of 32
                # bytes takes a quarter of the time of the general path: no calls, an event with one
                # attribute (the others keep the defaults of their class), decoded and unmasked in place.
                while not self._message_begun:
                    buffer = self._buffer
                    start = self._position + header_size
                    if start > len(buffer):
                        break
                    first = buffer[self._position]
                    size = buffer[self._position + 1] ^ mask
                    stop = start + size
                    if first not in _WHOLE_MESSAGE or size > self._fast_size or stop > len(buffer):
                        break
                    payload = buffer[start:stop]
                    if mask:
                        key = (buffer[start - 4 : start] * 32)[:size]
                        plain = _from_bytes(payload, "big") ^ _from_bytes(key, "big")
                        payload = plain.to_bytes(size, "big")
                    if first == _WHOLE_TEXT:
                        try:
                            text = payload.decode()
                        except UnicodeDecodeError:
                            break
                        event: Event = _new(TextMessage)
                        _set_attribute(event, "data", text)
                    else:
                        event = _new(BytesMessage)
                        _set_attribute(event, "data", payload)
                    self._position = stop
                    yield event

                following = None
                if self._position < len(self._buffer) or self._in_frame:
                    following = self._next_event()
                elif not self._pending:  # all is read, as at the end of most calls
                    self._buffer = b""
                    self._position = 0
                    self._drained = True
                    break
                if following is None:
                    if not self._refill():
                        break
                elif type(following) is CloseConnection:
                    self._end()
                    return following
                else:
                    yield following
        except ParseFailed:
            self._end()
            raise
        return None

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
        return self._data_event() if extensions is None else self._extended_event(extensions)

    def _read_header(self) -> int | None:
        """Judge a frame's header byte by byte as it comes (RFC 6455 5.2).

        Returns the size of the payload, or None for want of bytes. The header of a data frame is consumed,
        that of a control frame only with its payload.
        """
        buffer, position = self._buffer, self._position
        first = buffer[position]
        if first not in _FAULTLESS[self._message_begun]:
            self._judge_first_byte(first)
        if len(buffer) < position + 2:
            return None
        size = buffer[position + 1] ^ self._mask
        start = position + 2
        if size > MAX_CONTROL_PAYLOAD:
            self._refuse_if(second_byte_fault(first, buffer[position + 1], client=self.client))
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
        if self._bounded:
            self._judge_size(size)
        if self._mask:
            start += 4
            if len(self._buffer) < start:
                return None
            self._key = self._buffer[start - 4 : start]
        if self._extensions is not None:
            self._extensions.judge_header(first, size)
        if not self._message_begun:
            self._message_begun = True
            self._kind = TextMessage if first & 0x0F == Opcode.TEXT else BytesMessage
        self._fragments += 1
        self._fin = first >= FIN
        self._in_frame = True
        self._remaining = size
        self._position = start
        return size

    @staticmethod
    def _refuse_if(fault: str | None) -> None:
        if fault is not None:
            raise ParseFailed(fault)

    def _judge_first_byte(self, first: int) -> None:
        """Refuse a first byte, unless an extension has something to say about its reserved bits."""
        self._refuse_if(first_byte_fault(first, message_begun=self._message_begun))
        if self._extensions is None:
            raise ParseFailed(UNDEFINED_BITS)

    def _read_length(self, form: int, start: int) -> int | None:
        """Return the extended length of the payload, or None for want of bytes."""
        stop = start + (2 if form == LENGTH_16 else 8)
        if len(self._buffer) < stop:
            return None
        length = _from_bytes(self._buffer[start:stop], "big")
        self._refuse_if(length_fault(form, length))
        return length

    def _judge_size(self, size: int) -> None:
        """Hold a data frame of `size` bytes to the limits (RFC 6455 10.4), before any of its payload."""
        limits = self._limits
        if limits.max_frame_size is not None and size > limits.max_frame_size:
            self._too_big(f"Frame of {size} bytes, limit {limits.max_frame_size}")
        if limits.max_fragments is not None and self._fragments >= limits.max_fragments:
            self._too_big(f"Message of more than {limits.max_fragments} fragments")
        if self._extensions is None:  # which may make a payload longer or shorter
            self._judge_message_size(size)

    def _judge_message_size(self, more: int) -> None:
        limit = self._limits.max_message_size
        if limit is not None and self._message_size + more > limit:
            self._too_big(f"Message of more than {limit} bytes")

    @staticmethod
    def _too_big(message: str) -> None:
        raise ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)

    def _take_payload(self) -> bytes:
        """Take what has come of the frame's payload, unmasked."""
        buffer, start = self._buffer, self._position
        stop = min(start + self._remaining, len(buffer))
        self._remaining -= stop - start
        self._position = stop
        key = self._key
        if key is None:
            return buffer[start:stop]
        if self._remaining:
            self._key = rotated(key, stop - start)
        return masked(buffer, start, stop, key)

    def _data_event(self) -> Event | None:
        """Make an event of what has come of a data frame, where no extension is in use."""
        payload = self._take_payload()
        self._message_size += len(payload)
        return self._message_event(payload, not self._remaining)

    def _extended_event(self, extensions: InboundExtensions) -> Event | None:
        """Make an event of what has come of a data frame, as the extensions leave it.

        What they make of it comes in events of at most `max_inflated_size` bytes (RFC 6455 10.4).
        """
        event = None
        piece: bytes | None = b""
        while event is None and piece is not None:
            pieces = []
            room = self._room()
            frame_finished = False
            while room > 0 and not frame_finished:
                piece = self._extended_piece(extensions, room)
                if piece is None:
                    break
                if piece:
                    pieces.append(piece)
                    room -= len(piece)
                frame_finished = not self._remaining and extensions.frame_complete
            payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if self._bounded:
                self._judge_message_size(len(payload))
            self._message_size += len(payload)
            event = self._message_event(payload, frame_finished)
        return event

    def _room(self) -> int:
        """Return the bytes that the next event may have: no more than shows that the message is too big."""
        limits = self._limits
        if limits.max_message_size is None:
            return limits.max_inflated_size
        return min(limits.max_inflated_size, limits.max_message_size - self._message_size + 1)

    def _extended_piece(self, extensions: InboundExtensions, room: int) -> bytes | None:
        """Get the next piece of payload out of the extensions, or None for want of bytes."""
        if extensions.holds_back:
            return extensions.more(room)
        if self._remaining:
            payload = self._take_payload()
            return extensions.payload(payload, room) if payload else None
        return extensions.complete(room, fin=self._fin)

    def _message_event(self, payload: bytes, frame_finished: bool) -> Event | None:
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
            self._carry = payload[used:]
            if b"\xed\xa0" <= self._carry < b"\xee":  # CPython waits for the third byte of a surrogate
                return self._text_before(payload, used)
        if frame_finished:
            self._in_frame = False
            if message_finished:
                self._message_begun = False
                self._message_size = self._fragments = 0
        elif not data:
            return None
        return message_piece(self._kind, data, frame_finished, message_finished)

    def _text_before(self, payload: bytes, start: int) -> Event:
        """Fail for invalid UTF-8 at `start` (RFC 6455 8.1), once the text before it was yielded."""
        failure = ParseFailed(
            "Invalid UTF-8 in a text message (RFC 6455 8.1)", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        )
        if not start:
            raise failure
        self._failure = failure
        return TextMessage(payload[:start].decode(), frame_finished=False, message_finished=False)

    def _control_event(self, size: int) -> Event | None:
        """Make an event of a control frame, once all of it has come; it touches no state of a message."""
        buffer, position = self._buffer, self._position
        start = position + (2 if self.client else 6)
        if len(buffer) < start + size:
            return None
        first = buffer[position]
        payload = buffer[start : start + size]
        if not self.client:
            payload = masked(payload, 0, size, buffer[start - 4 : start])
        if self._extensions is not None:
            payload = self._extensions.control_payload(payload)
            self._control_judged = False
        self._position = start + size
        opcode = first & 0x0F
        if opcode == Opcode.CLOSE:
            return self._close_event(payload)
        event = _new(Ping if opcode == Opcode.PING else Pong)
        _set_attribute(event, "payload", payload)
        return event

    @staticmethod
    def _close_event(payload: bytes) -> CloseConnection:
        """Read the code and reason of a Close (RFC 6455 5.5.1, 7.1.5, 7.1.6)."""
        if not payload:
            return CloseConnection(CloseReason.NO_STATUS_RCVD, "")
        if len(payload) == 1:
            raise ParseFailed("Close frame with a payload of 1 byte (RFC 6455 5.5.1)")
        code = int.from_bytes(payload[:2], "big")
        if not may_travel(code):
            raise ParseFailed(f"Close code {code} may not be sent (RFC 6455 7.4)")
        try:
            reason = payload[2:].decode()
        except UnicodeDecodeError as error:
            raise ParseFailed(
                f"Invalid UTF-8 in a close reason: {error.reason}", CloseReason.INVALID_FRAME_PAYLOAD_DATA
            ) from None
        return CloseConnection(named(code), reason)
