"""The extensions of a connection, as what it receives passes through them (RFC 6455 9.1)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .errors import ParseFailed
from .frame_header import MAX_CONTROL_PAYLOAD, OPCODES, RSV, RSV_BITS, RsvBits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .event_base import Event
    from .extension import BoundExtension
    from .inbound_message import InboundMessage
    from .limits import Limits

UNDEFINED_BITS = "Reserved bits that no extension defines (RFC 6455 5.2)"


class InboundExtensions:
    """Undoes what the peer's extensions did when sending: the last one first.

    A method that takes `room` returns at most so many bytes, where the extensions keep to theirs; what they
    hold back for that reason comes in later events.
    """

    def __init__(self, extensions: Sequence[BoundExtension], limits: Limits) -> None:
        self._event_size = min(limits.max_inflated_size, sys.maxsize)  # zlib takes no higher one
        self.room: int = self._event_size  # bytes left of the next event; all of it where a frame begins
        self._extensions = tuple(reversed(extensions))  # R6455-9.1-07
        self._completed = 0  # extensions whose `frame_inbound_complete` was called
        self._held_back_by: int | None = None  # the last extension that has more to give
        self._unit = 0  # bytes of the frame's payload that are passed on at a time; 0 for as they come
        self._held = bytearray()  # of a unit that has not all come
        # Bytes that `rest` takes, at most; 0 where it may not be used.
        self.rest_size: int = extensions[0].state.rest_size if len(extensions) == 1 else 0

    @property
    def frame_complete(self) -> bool:
        """Whether every extension has seen the end of the frame, and given all."""
        return self._completed == len(self._extensions) and self._held_back_by is None

    def judge_header(self, first: int, size: int) -> None:
        """Show a frame's header to the extensions; a bit that none claims fails the connection (5.2)."""
        self._completed = 0
        opcode = OPCODES[first & 0x0F]
        rsv = RSV_BITS[(first & RSV) >> 4]
        claimed = self._unit = 0
        for extension in self._extensions:
            result = extension.hooks.frame_inbound_header(extension.state, opcode, rsv, size)
            if isinstance(result, CloseReason):
                raise ParseFailed(f"The extension {extension.name} refused a frame header", result)
            if first & RSV:
                claimed |= RsvBits(*result).in_first_byte()
            self._unit = max(self._unit, extension.state.unit)
        if first & RSV & ~claimed:  # R6455-5.2-03
            raise ParseFailed(UNDEFINED_BITS)

    def event(self, message: InboundMessage, take: Callable[[int | None], bytes]) -> Event | None:
        """Make an event of what has come of a data frame, as the extensions leave it; None for want of bytes.

        An event has at most `max_inflated_size` bytes (RFC 6455 10.4), and events stop at multiples of that,
        however the frame was cut into reads. The bytes before a failure are judged and yielded before it.
        `take` takes what has come of the frame's payload, at most so many bytes.
        """
        event = None
        piece: bytes | None = b""
        while event is None and piece is not None:
            pieces = []
            room = message.room(self.room)
            frame_finished = False
            try:
                while room > 0 and not frame_finished:
                    piece = self._piece(message, take, room)
                    if piece is None:
                        break
                    if piece:
                        pieces.append(piece)
                        room -= len(piece)
                    frame_finished = not message.remaining and self.frame_complete
            except ParseFailed as failure:
                message.fail_next(failure)
            payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self.room -= len(payload)
            if self.room <= 0 or frame_finished:
                self.room = self._event_size
            payload = message.within(payload)
            event = message.event(payload, frame_finished and message.failure is None)
            if event is None and message.failure is not None:
                raise message.failure
        return event

    def _piece(self, message: InboundMessage, take: Callable[[int | None], bytes], room: int) -> bytes | None:
        """Get the next piece of payload out of the extensions, or None for want of bytes."""
        if self._held_back_by is not None:
            return self._through(self._held_back_by, b"", room)
        if not message.remaining:
            return self._complete(room, fin=message.fin)
        data = take(self._unit - len(self._held) if self._unit else None)
        if not data:
            return None
        if self._unit:
            if self._held or (message.remaining and len(data) < self._unit):
                self._held += data
                if message.remaining and len(self._held) < self._unit:
                    return b""
                data = bytes(self._held)
                self._held = bytearray()
            if not message.remaining and self.rest_size:
                return self.rest(data, room, fin=message.fin)
        return self._through(0, data, room)

    def _complete(self, room: int, *, fin: bool) -> bytes:
        """Tell the next extension that the frame is complete, and get what it held back for that."""
        extension = self._extensions[self._completed]
        self._completed += 1
        extension.state.room = room
        tail = extension.hooks.frame_inbound_complete(extension.state, fin)
        if isinstance(tail, CloseReason):
            raise ParseFailed(f"The extension {extension.name} refused the end of a frame", tail)
        return self._through(self._completed, tail, room) if tail else b""

    def rest(self, data: bytes, room: int, inflated: bytes | None = None, *, fin: bool) -> bytes:
        """Pass through the last piece of a compressed message's frame, or a whole message, header and all.

        :param inflated: what the inflater has made of it already.
        """
        extension = self._extensions[0]
        extension.state.room = room
        result = extension.state.inbound_rest(data, fin, inflated)
        if isinstance(result, CloseReason):
            raise ParseFailed(f"The extension {extension.name} refused a frame's payload", result)
        self._completed = 1
        self._held_back_by = 0 if len(result) == room and extension.state.pending else None
        return result

    def control_payload(self, data: bytes) -> bytes:
        """Pass the whole payload of a control frame through."""
        data = self._through(0, data, MAX_CONTROL_PAYLOAD)
        for _ in self._extensions:
            data += self._complete(MAX_CONTROL_PAYLOAD, fin=True)
        return data

    def end(self) -> None:
        """Let go of all that was received."""
        self._held = bytearray()
        for extension in self._extensions:
            extension.state.end_inbound()

    def _through(self, start: int, data: bytes, room: int) -> bytes:
        """Pass `data` through the extensions from the index `start` on, and note who holds something back."""
        for index in range(start, len(self._extensions)):
            extension = self._extensions[index]
            extension.state.room = room
            result = extension.hooks.frame_inbound_payload_data(extension.state, data)
            if isinstance(result, CloseReason):
                raise ParseFailed(f"The extension {extension.name} refused a frame's payload", result)
            data = result  # R6455-6.2-06
        pending = [index for index, extension in enumerate(self._extensions) if extension.state.pending]
        self._held_back_by = pending[-1] if pending else None
        return data
