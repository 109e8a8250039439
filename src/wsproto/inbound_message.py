"""The message that is being received: payload in, events out, held to the limits (RFC 6455 5.4, 8.1)."""

from __future__ import annotations

import sys
from codecs import utf_8_decode
from typing import TYPE_CHECKING, Any

from .close_codes import CloseReason
from .errors import ParseFailed
from .event_base import set_data, set_frame_finished, set_message_finished
from .events import BytesMessage, Message, TextMessage
from .frame_header import FIN, Opcode
from .frame_reader import BOUNDS, MessageState, Unjudged, whole_messages

if TYPE_CHECKING:
    from .frame_reader import Kinds
    from .limits import Limits

_new = object.__new__


LONGEST = 2**63 - 1  # bytes that a frame can have (RFC 6455 5.2); a higher bound stands for no bound


def unjudged(bounds: dict[str, int], rest_size: int | None, max_inflated_size: int) -> Unjudged:
    """Choose what may pass, given the bounds on messages and the `rest_size` of the extensions, if any."""
    if rest_size is not None:
        return Unjudged(False, 0 if bounds else rest_size, min(max_inflated_size, sys.maxsize))
    known = [min(bounds.get(name, -1), LONGEST) for name in BOUNDS]
    if not bounds.keys() <= set(BOUNDS) or 0 in known:  # one is not known here, or lets hardly anything pass
        return Unjudged(frames=False)
    return Unjudged(True, 0, 0, *known)


class InboundMessage(MessageState):
    """The message under way. What goes beyond `limits` is a `ParseFailed` with 1009."""

    __slots__ = ("bounds", "failure", "whole")

    event_due: bool
    fin: bool
    in_frame: bool
    size: int

    def __init__(self, limits: Limits, rest_size: int | None) -> None:
        bounds = limits.on_messages
        self.bounds: Limits | None = limits if bounds else None
        may_pass = unjudged(bounds, rest_size, limits.max_inflated_size)
        super().__init__(may_pass)
        self.whole: Kinds = whole_messages(may_pass)  # those that may be read in one piece
        self.failure: ParseFailed | None = None  # to be raised once the text before it was yielded

    def begin_frame(self, first: int, size: int) -> None:
        """Take in the `first` byte of a data frame, and the `size` of its payload that is to be read."""
        if self.kind is None:
            self.go_on(TextMessage if first & 0x0F == Opcode.TEXT else BytesMessage)  # R6455-5.4-06, -10
        self.fin = first >= FIN
        self.in_frame = True
        self.remaining = size

    def event(self, payload: bytes, frame_finished: bool) -> Message[Any] | None:
        """Make an event of a piece of the frame's payload; None where it would say nothing."""
        kind = self.kind
        message_finished = frame_finished and self.fin
        data: str | bytes = payload
        if kind is TextMessage:
            begun = self.unfinished_code_point
            if begun:
                payload = begun + payload
            try:
                data, used = utf_8_decode(payload, "strict", message_finished)  # R6455-5.6-01
            except UnicodeDecodeError as error:
                return self._text_before(payload, error.start)  # R6455-8.1-01
            if begun or used < len(payload):
                rest = payload[used:]
                self.go_on(kind, rest)
                if b"\xed\xa0" <= rest < b"\xee":  # CPython waits for the third byte of a surrogate
                    return self._text_before(payload, used)
        if frame_finished:
            self.in_frame = self.event_due = False
        elif not data:
            return None
        event: Any = _new(kind)  # type: ignore[arg-type]
        set_data(event, data)
        set_frame_finished(event, frame_finished)
        set_message_finished(event, message_finished)
        if message_finished:
            self.go_on(None)
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

    def judge_frame(self, size: int, known: int) -> None:
        """Judge a data frame of `size` bytes on its header; `known` of them are known to be the message's."""
        bounds = self.bounds
        if bounds is None:
            return
        if bounds.max_frame_size is not None and size > bounds.max_frame_size:  # R6455-10.4-01, -02
            raise _too_big(f"Frame of {size} bytes, limit {bounds.max_frame_size}")
        if bounds.max_fragments is not None and self.fragments >= bounds.max_fragments:
            raise _too_big(f"Message of more than {bounds.max_fragments} fragments")
        if bounds.max_message_size is not None and self.size + known > bounds.max_message_size:
            raise _message_too_big(bounds.max_message_size)

    def room(self, most: int) -> int:
        """Return how many of `most` bytes the next event may have: enough to show a message too big."""
        limit = None if self.bounds is None else self.bounds.max_message_size
        return most if limit is None else min(most, limit - self.size + 1)

    def within(self, payload: bytes) -> bytes:
        """Count more bytes of the message, and return those within its bound; others fail it afterwards."""
        limit = None if self.bounds is None else self.bounds.max_message_size
        if limit is None:
            return payload
        if self.size + len(payload) > limit:
            self.fail_next(_message_too_big(limit))
            payload = payload[: limit - self.size]
        self.size += len(payload)
        return payload


def _message_too_big(limit: int) -> ParseFailed:
    return _too_big(f"Message of more than {limit} bytes")


def _too_big(message: str) -> ParseFailed:
    return ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)  # R6455-7.4.1-09
