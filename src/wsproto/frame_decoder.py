"""Bytes in, events out: the receiving half of the frame codec (RFC 6455 5, 6.2).

A frame is read in one of three ways, each tried before the next:

    unjudged  `FrameReader`: what is plainly right. Where the core is not compiled, that is a frame of at most
              125 bytes that has come whole.
    whole     `_read_frame`: a message that has come whole in one frame, of any size, plain or compressed by
              permessage-deflate, where there are no limits on messages.
    judged    `_read_otherwise`: the payload of any other frame, a piece at a time as it comes.

`_read_frame` judges the header, byte by byte, of every frame that the first way leaves unread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .close_frame import read_close
from .errors import ParseFailed
from .event_base import set_data, set_frame_finished, set_message_finished
from .events import CloseConnection, Message, Ping, Pong, TextMessage
from .extension import bound
from .frame_header import (
    CONTROL,
    FAULTLESS,
    LENGTH_16,
    LENGTH_64,
    MAX_CONTROL_PAYLOAD,
    RSV1_BIT,
    Opcode,
    first_byte_fault,
    length_fault,
    second_byte_fault,
)
from .frame_reader import FrameReader
from .inbound_extensions import UNDEFINED_BITS, InboundExtensions
from .inbound_message import InboundMessage
from .limits import Limits, checked_limits
from .masking import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .event_base import Event
    from .extension import Extension

_from_bytes, _new = int.from_bytes, object.__new__


class FrameDecoder(FrameReader):
    """Turns what one side of a connection receives into events (RFC 6455 5, 6.2).

    Between calls its extensions may hold part of a unit. Outside of extensions each byte is copied a few
    times at most.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    _message: InboundMessage

    def __init__(
        self, client: bool, extensions: Sequence[Extension] | None = None, *, limits: Limits | None = None
    ) -> None:
        used = [bound(extension, client=client) for extension in extensions or ()]
        limits = checked_limits(limits)
        self._extensions = InboundExtensions(used, limits) if used else None
        rest_size = None if self._extensions is None else self._extensions.rest_size
        super().__init__(client, InboundMessage(limits, rest_size))
        # With it the compiled core inflates whole messages.
        self._inflater = used[0].state.inflater if rest_size else None
        self._control_judged = False  # the extensions have seen the header of the control frame under way

    def _read_otherwise(self, inflated: bytes | None = None) -> Event | ParseFailed | None:
        """Read what may not pass unjudged: a whole message, or what has come of a frame.

        :param inflated: what the compiled core has inflated of a whole message already.
        :returns: an event; None for want of bytes; a failure as its error.
        """
        message = self._message
        try:
            if not message.in_frame:
                event = self._read_frame(inflated)
                # More is read of a data frame that has begun, also of a whole message that says nothing yet.
                if event is not None or not message.in_frame:
                    return event
            if message.failure is not None:
                raise message.failure
            if self._extensions is not None:
                return self._extensions.event(message, self._take_payload)
            payload = self._take_payload()
            return message.event(payload, not message.remaining)
        except ParseFailed as failure:
            failure.event_hint = CloseConnection(failure.code, str(failure))
            self._end()
            return failure

    def _end(self) -> None:
        """Read nothing more: a Close or a violation has come (RFC 6455 7.1.7)."""
        if self._extensions is not None:
            self._extensions.end()
            self._inflater = None
        self._end_reading()

    def _read_frame(self, inflated: bytes | None) -> Event | None:  # noqa: C901, PLR0912 - a fast path
        """Judge a frame's header byte by byte as it comes (RFC 6455 5.2); read a whole message at once.

        Of another data frame only the header is consumed, of a control frame nothing until it is all there.
        """
        buffer, position, message = self._buffer, self._position, self._message
        end, start = len(buffer), position + 2
        if position == end:
            return None
        first = buffer[position]
        kind = message.whole[first] if message.kind is None else None
        if kind is None and first not in FAULTLESS[begun := message.kind is not None]:  # R6455-10.7-01
            fault = first_byte_fault(first, message_begun=begun)
            # Extensions may have a meaning for the reserved bits.
            if fault is not None or self._extensions is None:  # R6455-5.2-03, R6455-5.8-01, R7692-5-11
                raise ParseFailed(fault or UNDEFINED_BITS)
        if end < start:
            return None
        size = buffer[position + 1] ^ self._mask
        if size > MAX_CONTROL_PAYLOAD:
            if size > LENGTH_64 or first & CONTROL:  # R6455-5.1-02, -05, R6455-5.2-09, R6455-5.5-01
                raise ParseFailed(second_byte_fault(buffer[position + 1], client=self.client))
            start += 2 if size == LENGTH_16 else 8
            if end < start:
                return None
            if size == LENGTH_16:
                size, least = buffer[start - 2] << 8 | buffer[start - 1], LENGTH_16  # R6455-5.2-08
            else:
                size, least = _from_bytes(buffer[start - 8 : start], "big"), 1 << 16  # R6455-5.2-08
            if size < least or size >> 63:  # R6455-5.2-05, -06
                raise ParseFailed(length_fault(size))
        if self._mask:  # R6455-5.3-06
            start += 4
        stop = start + size
        compression = self._extensions if first & RSV1_BIT else None
        if kind is None or stop > end or (compression is not None and size > compression.rest_size):
            if first & CONTROL:
                return self._control_event(first, size, start)
            self._begin_frame(first, size, start)
            return None
        payload = masked(buffer, start, stop, buffer[start - 4 : start]) if self._mask else buffer[start:stop]
        self._go_to(stop)
        finished = True
        if compression is not None:
            room = compression.room
            payload = compression.rest(payload, room, inflated, fin=True)
            finished = len(payload) < room
        data: str | bytes = payload
        if finished and kind is TextMessage:
            try:
                data = payload.decode()  # R7692-6.1-05
            except UnicodeDecodeError:
                finished = False
        if not finished:
            return self._first_event(first, payload, compression)
        event: Message[Any] = _new(kind)
        set_data(event, data)
        set_frame_finished(event, True)
        set_message_finished(event, True)
        return event

    def _first_event(self, first: int, payload: bytes, compression: InboundExtensions | None) -> Event | None:
        """Return the first event of a whole message that needs several, or that fails (RFC 6455 8.1).

        `_read_otherwise` returns the others.
        """
        message = self._message
        message.begin_frame(first, 0)
        message.event_due = True
        return message.event(payload, compression is None or compression.frame_complete)

    def _begin_frame(self, first: int, size: int, start: int) -> None:
        """Go on to the payload of a data frame, which is at `start`."""
        message, extensions = self._message, self._extensions
        known = size if extensions is None else 0  # an extension may make a payload longer or shorter
        message.judge_frame(size, known)
        if len(self._buffer) < start:  # the masking key has not all come
            return
        if extensions is not None:
            extensions.judge_header(first, size)
            message.event_due = True
        message.count_frame(known)
        message.begin_frame(first, size)
        self._go_to(start, True)

    def _control_event(self, first: int, size: int, start: int) -> Event | None:
        """Make an event of a control frame, once all of it has come; it touches no state of a message."""
        buffer, stop, extensions = self._buffer, start + size, self._extensions
        if extensions is not None and not self._control_judged:
            extensions.judge_header(first, size)
            self._control_judged = True
        if len(buffer) < stop:
            return None
        payload = masked(buffer, start, stop, buffer[start - 4 : start]) if self._mask else buffer[start:stop]
        if extensions is not None:
            payload = extensions.control_payload(payload)
            self._control_judged = False
        self._go_to(stop)
        opcode = first & 0x0F
        if opcode == Opcode.CLOSE:
            close = read_close(payload)
            self._end()
            return close
        return Ping(payload) if opcode == Opcode.PING else Pong(payload)  # R6455-5.4-08
