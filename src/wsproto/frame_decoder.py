"""Bytes in, events out: the receiving half of the frame codec (RFC 6455 5, 6.2).

A frame is read in one of three ways, each tried before the next:

    unjudged  `FrameReader`: what is plainly right. Where the core is not compiled, that is a frame of at most
              125 bytes that has come whole.
    whole     `_whole_message`: a message that has come whole in one frame, of any size, plain or compressed
              by permessage-deflate, where there are no limits on messages.
    judged    `_read_otherwise`: everything else, a piece at a time as it comes. Its header is judged byte by
              byte.

Only the third way finds anything wrong: the other two leave a frame unread that they cannot take.
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
    judge_length,
    judge_second_byte,
)
from .frame_reader import FrameReader
from .inbound_extensions import UNDEFINED_BITS, InboundExtensions
from .inbound_message import InboundMessage
from .limits import DEFAULT_LIMITS, Limits
from .masking import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .event_base import Event
    from .extension import Extension

_from_bytes, _new = int.from_bytes, object.__new__


class FrameDecoder(FrameReader):
    """Turns what one side of a connection receives into events.

    Its extensions perhaps hold part of a unit between calls. Outside of extensions no byte is copied more
    than twice.

    :param client: whether this is the client's side.
    :param extensions: the negotiated extensions, in the order of the response.
    :param limits: bounds on frames and messages.
    """

    _message: InboundMessage

    def __init__(
        self, client: bool, extensions: Sequence[Extension] | None = None, *, limits: Limits | None = None
    ) -> None:
        used = [bound(extension, client=client) for extension in extensions or ()]
        limits = limits or DEFAULT_LIMITS
        self._extensions = InboundExtensions(used, limits) if used else None
        rest_size = None if self._extensions is None else self._extensions.rest_size
        super().__init__(client, InboundMessage(limits, rest_size))
        # By it the compiled core inflates whole messages.
        self._inflater = used[0].state.inflater if rest_size else None
        self._control_judged = False  # the extensions know the header of the control frame to be read

    def _read_otherwise(self, inflated: bytes | None = None) -> Event | ParseFailed | None:
        """Read what may not pass unjudged: a whole message, or what has come of a frame.

        :param inflated: what has been inflated already of the whole message to be read.

        Returns None for want of bytes, and what ends the frames as it is: a Close, or a failure.
        """
        message = self._message
        try:
            if not message.in_frame:
                event = self._whole_message(inflated)
                if event is not None:
                    return event
            if not message.in_frame:  # a whole message may have been begun, and say nothing yet
                if (size := self._read_header()) is None:
                    return None
                if not message.in_frame:
                    return self._control_event(size)
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

    def _whole_message(self, inflated: bytes | None) -> Event | None:  # noqa: C901 - a fast path
        """Read a message that has come whole in one frame, or return None for anything else.

        It takes half the time of the judged way, which asks an extension three times.
        """
        buffer, position, message = self._buffer, self._position, self._message
        start = position + 2
        # Two bytes of length are wanted in any case: what is as short as that is a short frame.
        kind = message.whole[buffer[position]] if start + 2 <= len(buffer) else None
        if kind is None or message.kind is not None:
            return None
        first = buffer[position]
        size = buffer[position + 1] ^ self._mask
        # What is wrong with a length is for `_read_header` to say.
        if size == LENGTH_16:
            size = buffer[start] << 8 | buffer[start + 1]  # R6455-5.2-08
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
            # There is more to come, or it has to fail: `_read_otherwise` goes on with it.
            message.begin_frame(first, 0)
            message.event_due = True
            return message.event(payload, compression is None or compression.frame_complete)
        event: Message[Any] = _new(kind)
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
        if position == len(buffer):
            return None
        first = buffer[position]
        begun = self._message.kind is not None
        if first not in FAULTLESS[begun]:  # R6455-10.7-01
            fault = first_byte_fault(first, message_begun=begun)
            # Extensions may have a meaning for the reserved bits.
            if fault is not None or self._extensions is None:  # R6455-5.2-03, R6455-5.8-01, R7692-5-11
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
            length = _from_bytes(buffer[position + 2 : start], "big")  # R6455-5.2-08
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
        message, extensions = self._message, self._extensions
        known = size if extensions is None else 0  # which may make a payload longer or shorter
        message.judge_frame(size, known)
        if self._mask:  # R6455-5.3-06
            start += 4
            if len(self._buffer) < start:
                return None
        if extensions is not None:
            extensions.judge_header(first, size)
            message.event_due = True
        message.count_frame(known)
        message.begin_frame(first, size)
        self._go_to(start, True)
        return size

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
        self._go_to(stop)
        opcode = buffer[position] & 0x0F
        if opcode == Opcode.CLOSE:
            close = read_close(payload)
            self._end()
            return close
        return Ping(payload) if opcode == Opcode.PING else Pong(payload)  # R6455-5.4-08
