"""The message that is being received: payload in, events out, held to the limits (RFC 6455 5.4, 8.1).

`FastFrames` knows by its first byte (5.2) which frame may pass unjudged, and which event it is. A first byte
that it lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import TYPE_CHECKING, Any

from .close_codes import CloseReason
from .errors import ParseFailed
from .events import (
    BytesMessage,
    Message,
    Ping,
    Pong,
    TextMessage,
    set_data,
    set_frame_finished,
    set_message_finished,
)
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, RSV1_BIT, Opcode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .limits import Limits

_new = object.__new__

Kinds = list["type[Any] | None"]  # the event that a frame is, at the place of its first byte


def _kinds(known: dict[int, type[Any]]) -> Kinds:
    return list(map(known.get, range(256)))


_CONTROL: dict[int, type[Any]] = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: dict[int, type[Any]] = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN = {first & ~FIN: kind for first, kind in _WHOLE.items()}
# RFC 7692 6: permessage-deflate has marked them.
_COMPRESSED = {RSV1_BIT | first: kind for first, kind in _WHOLE.items()}
_NONE = _kinds({})


class FastFrames:
    """What a connection may read by its fast path."""

    def __init__(self, short: dict[type[Any] | None, Kinds], max_size: int, whole: Kinds) -> None:
        self.short = short  # short frames, by the kind of the message under way; None for no message
        self.max_size = max_size  # bytes of payload in a short frame, at most
        self.whole = whole  # messages of any size that are one frame
        # Short frames where a text waits for the rest of a code point.
        self.in_code_point = _kinds(_CONTROL) if max_size >= 0 else _NONE


_FRAGMENTS: dict[type[Any] | None, Kinds] = {
    kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind})
    for kind in _WHOLE.values()
}
_UNBOUNDED = FastFrames(
    {None: _kinds(_CONTROL | _WHOLE | _BEGUN), **_FRAGMENTS}, MAX_CONTROL_PAYLOAD, _kinds(_WHOLE)
)
# The frames of a message have to be counted, but for the one of a message that is whole.
_BOUNDED: dict[type[Any] | None, Kinds] = {
    None: _kinds(_CONTROL | _WHOLE),
    **dict.fromkeys(_WHOLE.values(), _kinds(_CONTROL)),
}
# Where an extension sees every frame, or an unknown bound judges it; where permessage-deflate alone does.
_NOTHING_SHORT = dict.fromkeys([None, *_WHOLE.values()], _NONE)
_NOTHING = FastFrames(_NOTHING_SHORT, -1, _NONE)
_COMPRESSED_OR_NOT = FastFrames(_NOTHING_SHORT, -1, _kinds(_WHOLE | _COMPRESSED))


def fast_frames(limits: Limits, rest_size: int | None) -> FastFrames:
    """Choose what a connection may read by its fast path; `rest_size` is that of its extensions, if any."""
    if rest_size is not None:
        return _COMPRESSED_OR_NOT if rest_size and not limits.bounds_messages else _NOTHING
    if not limits.bounds_messages:
        return _UNBOUNDED
    bounds = limits.on_messages()
    sizes = [bounds.pop(name) for name in ("max_frame_size", "max_message_size") if name in bounds]
    if bounds.pop("max_fragments", 1) == 0 or bounds:  # a bound that is not known here
        return _NOTHING
    return FastFrames(_BOUNDED, min([MAX_CONTROL_PAYLOAD, *sizes]), _NONE)


class InboundMessage:
    """What a connection knows of the message under way, and of the frame that is being read of it."""

    def __init__(self, limits: Limits, rest_size: int | None) -> None:
        self.fast = fast = fast_frames(limits, rest_size)
        self.fast_kinds = fast.short[None]  # what the next frame may be to take the fast path
        self.bounds = MessageBounds(limits) if limits.bounds_messages else None
        self.kind: type[Message[Any]] | None = None  # of the message's events; None for no message
        self.unfinished_code_point = b""  # its first bytes: the others have not come
        self.in_frame = False  # the payload of a data frame is being read
        self.fin = False  # that frame ends the message
        self.remaining = 0  # bytes of that payload that have not come
        self.event_due = False  # an event, or a failure, may follow without further bytes
        self.failure: ParseFailed | None = None  # to be raised once the text before it was yielded

    def begin_frame(self, first: int, size: int) -> None:
        """Take in the `first` byte of a data frame, and the `size` of its payload that is to be read."""
        if self.kind is None:
            self.kind = TextMessage if first & 0x0F == Opcode.TEXT else BytesMessage
            self.fast_kinds = self.fast.short[self.kind]
        self.fin = first >= FIN
        self.in_frame = True
        self.remaining = size

    def event(self, payload: bytes, frame_finished: bool) -> Message[Any] | None:  # noqa: C901 - on every path
        """Make an event of a piece of the frame's payload; None where it would say nothing."""
        message_finished = frame_finished and self.fin
        data: str | bytes = payload
        if self.kind is TextMessage:
            if self.unfinished_code_point:
                payload = self.unfinished_code_point + payload
            try:
                data, used = utf_8_decode(payload, "strict", message_finished)
            except UnicodeDecodeError as error:
                return self._text_before(payload, error.start)
            if used < len(payload):
                rest = self.unfinished_code_point = payload[used:]
                self.fast_kinds = self.fast.in_code_point
                if b"\xed\xa0" <= rest < b"\xee":  # CPython waits for the third byte of a surrogate
                    return self._text_before(payload, used)
            elif self.unfinished_code_point:
                self.unfinished_code_point = b""
                self.fast_kinds = self.fast.short[TextMessage]
        if frame_finished:
            self.in_frame = self.event_due = False
        elif not data:
            return None
        event: Any = _new(self.kind)  # type: ignore[arg-type]
        set_data(event, data)
        set_frame_finished(event, frame_finished)
        set_message_finished(event, message_finished)
        if message_finished:
            self.kind = None
            self.fast_kinds = self.fast.short[None]
            if self.bounds is not None:
                self.bounds.end_message()
        return event  # type: ignore[no-any-return]

    def _text_before(self, payload: bytes, start: int) -> TextMessage:
        """Fail for invalid UTF-8 at `start` (RFC 6455 8.1), once the text before it was yielded."""
        failure = ParseFailed(
            "Invalid UTF-8 in a text message (RFC 6455 8.1)", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        )
        if not start:
            raise failure
        self.fail_next(failure)
        return TextMessage(payload[:start].decode(), frame_finished=False, message_finished=False)

    def fail_next(self, failure: ParseFailed) -> None:
        """Raise `failure` where the next event would be read."""
        self.failure = failure
        self.event_due = True


class MessageBounds:
    """Counts the frames and bytes of a message; what goes beyond `limits` is a `ParseFailed` with 1009."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.end_message()

    def end_message(self) -> None:
        """Begin to count anew."""
        self._fragments = self._size = 0

    def judge_frame(self, size: int, known: int) -> None:
        """Judge a data frame of `size` bytes on its header; `known` of them are known to be the message's."""
        limits = self._limits
        if limits.max_frame_size is not None and size > limits.max_frame_size:
            raise _too_big(f"Frame of {size} bytes, limit {limits.max_frame_size}")
        if limits.max_fragments is not None and self._fragments >= limits.max_fragments:
            raise _too_big(f"Message of more than {limits.max_fragments} fragments")
        if limits.max_message_size is not None and self._size + known > limits.max_message_size:
            raise self._message_too_big()

    def add_frame(self, known: int) -> None:
        """Count a data frame, and the bytes of the message that are known to be in it."""
        self._fragments += 1
        self._size += known

    def room(self, most: int) -> int:
        """Return how many of `most` bytes the next event may have: enough to show a message too big."""
        limit = self._limits.max_message_size
        return most if limit is None else min(most, limit - self._size + 1)

    def within(self, payload: bytes, fail: Callable[[ParseFailed], None]) -> bytes:
        """Count more bytes of the message, and return those within its bound; `fail` is told of others."""
        limit = self._limits.max_message_size
        if limit is not None and self._size + len(payload) > limit:
            fail(self._message_too_big())
            payload = payload[: limit - self._size]
        self._size += len(payload)
        return payload

    def _message_too_big(self) -> ParseFailed:
        return _too_big(f"Message of more than {self._limits.max_message_size} bytes")


def _too_big(message: str) -> ParseFailed:
    return ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)
