"""The fast path of receiving: the frames that need no judgement (RFC 6455 5.2). src/core has it in C.

`Unjudged` says what may pass. A first byte that `FastFrames` lacks, or a frame that does not read at once, is
left unread: `FrameReader._read_otherwise`, which a `FrameDecoder` has, judges it and says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .core import twin
from .event_base import set_data, set_frame_finished, set_message_finished, set_payload
from .events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from .frame_header import FIN, MASK, MAX_CONTROL_PAYLOAD, RSV1_BIT, Opcode
from .masking import KEY_REPEATED, masked, unmasked_piece
from .utilities import as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .errors import ParseFailed
    from .event_base import Event
    from .typing import BytesLike

    Conclude = Callable[[CloseConnection | ParseFailed | None], Event | None]

_from_bytes, _new = int.from_bytes, object.__new__

Kinds = list["type[Any] | None"]  # the event that a frame is, at the place of its first byte


class Unjudged(NamedTuple):
    """What a connection may read without judging it; sizes in bytes, -1 for no bound."""

    frames: bool = True
    """Frames of messages, pings and pongs, within the bounds."""
    max_compressed_size: int = 0
    """Payload of a message that permessage-deflate marks (RFC 7692 6); whole messages alone may pass then."""
    max_inflated_size: int = 0
    """What such a message may become, in one event."""
    max_frame_size: int = -1
    max_message_size: int = -1
    max_fragments: int = -1

    @property
    def bounded(self) -> bool:
        """Whether there is a bound."""
        return max(self[3:]) >= 0


BOUNDS = ("max_frame_size", "max_message_size", "max_fragments")


def _kinds(known: dict[int, type[Any]]) -> Kinds:
    return list(map(known.get, range(256)))


_CONTROL: dict[int, type[Any]] = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: dict[int, type[Any]] = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN = {first & ~FIN: kind for first, kind in _WHOLE.items()}
_NONE = _kinds({})


class FastFrames:
    """The tables of the short frames that may pass."""

    def __init__(self, short: dict[type[Any] | None, Kinds], max_size: int) -> None:
        self.short = short  # short frames, by the kind of the message under way; None for no message
        self.max_size = max_size  # bytes of payload in a short frame, at most
        # Short frames where a text waits for the rest of a code point.
        self.in_code_point: Kinds = _kinds(_CONTROL) if max_size >= 0 else _NONE


_FRAGMENTS: dict[type[Any] | None, Kinds] = {
    kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind})
    for kind in _WHOLE.values()
}
_UNBOUNDED = FastFrames({None: _kinds(_CONTROL | _WHOLE | _BEGUN), **_FRAGMENTS}, MAX_CONTROL_PAYLOAD)
# The frames of a message have to be counted, but for the one of a message that is whole.
_BOUNDED: dict[type[Any] | None, Kinds] = {
    None: _kinds(_CONTROL | _WHOLE),
    **dict.fromkeys(_WHOLE.values(), _kinds(_CONTROL)),
}
_NOTHING = FastFrames(dict.fromkeys([None, *_WHOLE.values()], _NONE), -1)

# Messages of any size that are one frame: plain ones, and those that permessage-deflate marks (RFC 7692 6).
_PLAIN = _kinds(_WHOLE)
_PLAIN_OR_COMPRESSED = _kinds(_WHOLE | {RSV1_BIT | first: kind for first, kind in _WHOLE.items()})


def _fast_frames(unjudged: Unjudged) -> FastFrames:
    if not unjudged.frames:
        return _NOTHING
    if not unjudged.bounded:
        return _UNBOUNDED
    sizes = [size for size in (unjudged.max_frame_size, unjudged.max_message_size) if size >= 0]
    return FastFrames(_BOUNDED, min([MAX_CONTROL_PAYLOAD, *sizes]))


def whole_messages(unjudged: Unjudged) -> Kinds:
    """Return the messages that may be read in one piece."""
    if unjudged.max_compressed_size:
        return _PLAIN_OR_COMPRESSED
    return _NONE if unjudged.bounded or not unjudged.frames else _PLAIN


@twin
class MessageState:
    """What a reader knows of the message under way, and of the frame that is being read of it."""

    __slots__ = (
        "event_due",
        "fast",
        "fast_kinds",
        "fin",
        "fragments",
        "in_frame",
        "kind",
        "remaining",
        "size",
        "unfinished_code_point",
    )

    def __init__(self, unjudged: Unjudged) -> None:
        self.fast: FastFrames = _fast_frames(unjudged)
        self.go_on(None)
        self.in_frame: bool = False  # the payload of a data frame is being read
        self.fin: bool = False  # that frame ends the message
        self.remaining: int = 0  # bytes of that payload that have not come
        self.event_due: bool = False  # an event, or a failure, may follow without further bytes

    def go_on(self, kind: type[Message[Any]] | None, unfinished_code_point: bytes = b"") -> None:
        """Take in of which kind the message under way is, None for no message.

        :param unfinished_code_point: the first bytes of a code point, whose others have not come.
        """
        self.kind: type[Message[Any]] | None = kind
        self.unfinished_code_point: bytes = unfinished_code_point
        # What the next frame may be to take the fast path.
        self.fast_kinds: Kinds = self.fast.in_code_point if unfinished_code_point else self.fast.short[kind]
        if kind is None:
            self.fragments: int = 0  # frames of the message so far
            self.size: int = 0  # bytes of the message that are known so far

    def count_frame(self, known: int) -> None:
        """Count a data frame, and the bytes that are known to be the message's."""
        self.fragments += 1
        self.size += known


@twin
class FrameReader:
    """Turns the frames that need no judgement into events, and has the others judged.

    A short frame, which has come whole and has at most 125 bytes, takes a quarter of the time here.

    Between calls it holds the unread bytes of a frame header or control frame; what has come in since the
    last `events()` waits in `_pending`.

    :param client: whether this is the client's side.
    :param message: the message under way.
    """

    # Judges what may not pass, and reads it; returns None for want of bytes, a failure as its error.
    _read_otherwise: Callable[[], Event | ParseFailed | None]

    def __init__(self, client: bool, message: MessageState) -> None:
        self.client = client
        self._mask = 0 if client else MASK  # the mask bit that frames must have (RFC 6455 5.1)
        self._message = message
        self._buffer = b""  # being read, from _position on
        self._position = 0
        self._pending = bytearray()  # received while _buffer was not used up
        self._drained = True
        self._eof = False  # no more bytes will come
        self._ended = False  # a Close or a failure came: nothing is read any more
        self._masking_key: bytes | None = None  # of a data frame, turned to where its payload goes on

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
            self._pending += data  # R6455-6.2-01

    def receive_eof(self) -> None:
        """Take in that no more bytes will come."""
        self._eof = True

    def events(self, conclude: Conclude | None = None) -> Iterator[Event]:  # noqa: C901, PLR0912, PLR0915 - fast
        """Yield messages, pings and pongs, then what `conclude` makes of the end: see `codec.Decoder`."""
        mask, message = self._mask, self._message
        header_size, max_size = 6 if mask else 2, message.fast.max_size
        end: Any = None
        while not self._ended:
            while not message.in_frame:
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
                    payload: Any = (block ^ keys).to_bytes(size, "big")  # R6455-6.2-07
                else:
                    payload = buffer[start:stop]
                event: Any = _new(kind)
                if kind is TextMessage:
                    try:
                        payload = payload.decode()
                    except UnicodeDecodeError:
                        break
                elif kind is not BytesMessage:
                    set_payload(event, payload)  # R6455-5.4-04, R6455-6.2-02
                    self._position = stop
                    yield event
                    continue
                set_data(event, payload)
                set_frame_finished(event, True)
                set_message_finished(event, fin := first >= FIN)  # R6455-5.2-01
                if not fin or message.kind is not None:
                    message.kind = None if fin else kind  # R6455-6.2-03, -04
                    message.fast_kinds = message.fast.short[message.kind]
                self._position = stop
                yield event
            if self._ended:  # another generator has come to the end
                break
            if self._position == len(self._buffer) and not (message.event_due or self._pending):
                self._buffer, self._position, self._drained = b"", 0, True
                if not self._eof:
                    return  # without asking `conclude`, which would find nothing
                break
            event = self._read_otherwise()
            if self._ended:
                end = event
            elif event is not None:
                yield event
            elif not self._refill():
                break
        if (last := _raise_failure(end) if conclude is None else conclude(end)) is not None:
            yield last

    def _refill(self) -> bool:
        """Let go of what was read, put what has come in since behind the rest; tell whether there was any."""
        rest = self._buffer[self._position :]
        self._position = 0
        if not self._pending:
            self._buffer = rest  # R6455-5.4-03
            self._drained = True
            return False
        self._buffer = rest + self._pending
        self._pending = bytearray()
        return True

    def _go_to(self, position: int, payload: bool = False) -> None:
        """Go on at `position`; with `payload` that of a data frame begins there, behind its masking key."""
        if payload and self._mask:
            self._masking_key = self._buffer[position - 4 : position]
        self._position = position

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

    def _end_reading(self) -> None:
        """Let go of all that was received: nothing is read after a Close or a violation (RFC 6455 7.1.7)."""
        self._ended = True  # R6455-7.1.7-07
        self._drained = False
        self._buffer = b""
        self._position = 0
        self._pending = bytearray()


def _raise_failure(end: CloseConnection | ParseFailed | None) -> CloseConnection | None:
    """Conclude the events of a codec by itself: the Close is one of them, a failure is raised."""
    if end is None or isinstance(end, CloseConnection):
        return end
    raise end
