"""The extensions of a connection, as what it receives passes through them (RFC 6455 9.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .close_codes import CloseReason
from .errors import ParseFailed
from .frame_header import MAX_CONTROL_PAYLOAD, OPCODES, RSV, RSV_BITS, RsvBits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .extensions import Extension

UNDEFINED_BITS = "Reserved bits that no extension defines (RFC 6455 5.2)"


class InboundExtensions:
    """Undoes what the peer's extensions did when sending: the last one first.

    A method that takes `room` returns at most so many bytes, where the extension keeps to `inbound_limit`.
    What is held back for that reason comes with `more`.

    :param client: whether this is the client's side; the hooks get to know this object as their `proto`.
    :param extensions: the negotiated extensions, in the order of the response.
    """

    __slots__ = ("_completed", "_extensions", "_held", "_held_back_by", "_unit", "client", "end_size")

    def __init__(self, client: bool, extensions: Sequence[Extension]) -> None:
        self.client = client
        self._extensions = tuple(reversed(extensions))
        self._completed = 0  # extensions that know that the frame is complete
        self._held_back_by: int | None = None  # the last extension that has more to give
        self._unit = 0  # bytes of the frame's payload that are passed on at a time; 0 for as they come
        self._held = bytearray()  # of a unit that has not all come
        self.end_size = extensions[0].inbound_rest if len(extensions) == 1 else 0
        """Bytes that `payload_to_end` takes, at most; 0 where it may not be used."""

    @property
    def holds_back(self) -> bool:
        """Whether there is more to come of what was passed in before."""
        return self._held_back_by is not None

    @property
    def frame_complete(self) -> bool:
        """Whether every extension has seen the end of the frame, and given all."""
        return self._completed == len(self._extensions) and self._held_back_by is None

    def judge_header(self, first: int, size: int) -> None:
        """Show a frame's header to the extensions; a bit that none claims fails the connection (5.2).

        :param first: the header's first byte.
        :param size: bytes of payload.
        """
        self._completed = 0
        opcode = OPCODES[first & 0x0F]
        rsv = RSV_BITS[(first & RSV) >> 4]
        claimed = self._unit = 0
        for extension in self._extensions:
            result = extension.frame_inbound_header(self, opcode, rsv, size)
            if isinstance(result, CloseReason):
                raise ParseFailed(f"The extension {extension.name} refused a frame header", result)
            if first & RSV:
                claimed |= RsvBits(*result).in_first_byte()
            self._unit = max(self._unit, extension.inbound_unit)
        if first & RSV & ~claimed:
            raise ParseFailed(UNDEFINED_BITS)

    @property
    def wanted(self) -> int | None:
        """How many more bytes `payload` takes at a time; None for any number."""
        return self._unit - len(self._held) if self._unit else None

    def payload(self, data: bytes, room: int, *, left: int, fin: bool) -> bytes:
        """Pass a piece of payload through, or keep it until its unit has come.

        :param data: at least one byte, and no more than `wanted`.
        :param left: bytes of the frame's payload that are still to come.
        :param fin: whether the frame ends the message.
        """
        if self._unit:
            if self._held or (left and len(data) < self._unit):
                self._held += data
                if left and len(self._held) < self._unit:
                    return b""
                data = bytes(self._held)
                self._held = bytearray()
            if not left and fin and self.end_size:
                return self.payload_to_end(data, room)
        return self._through(0, data, room)

    def more(self, room: int) -> bytes:
        """Get more of what was passed in before."""
        return self._through(self._held_back_by or 0, b"", room)

    def complete(self, room: int, *, fin: bool) -> bytes:
        """Tell the next extension that the frame is complete, and get what it held back for that."""
        extension = self._extensions[self._completed]
        self._completed += 1
        extension.inbound_limit = room
        tail = extension.frame_inbound_complete(self, fin)
        if isinstance(tail, CloseReason):
            raise ParseFailed(f"The extension {extension.name} refused the end of a frame", tail)
        return self._through(self._completed, tail, room) if tail else b""

    def payload_to_end(self, data: bytes, room: int) -> bytes:
        """Pass through the last piece of a compressed message, or a whole one, header and all."""
        extension = self._extensions[0]
        result = extension.frame_inbound_rest(self, data, room)
        if isinstance(result, CloseReason):
            raise ParseFailed(f"The extension {extension.name} refused a frame's payload", result)
        self._completed = 1
        self._held_back_by = 0 if len(result) == room and extension.inbound_pending else None
        return result

    def control_payload(self, data: bytes) -> bytes:
        """Pass the whole payload of a control frame through."""
        data = self._through(0, data, MAX_CONTROL_PAYLOAD)
        for _ in self._extensions:
            data += self.complete(MAX_CONTROL_PAYLOAD, fin=True)
        return data

    def end(self) -> None:
        """Let go of all that was received."""
        self._held = bytearray()
        for extension in self._extensions:
            extension.end_inbound()

    def _through(self, start: int, data: bytes, room: int) -> bytes:
        """Pass `data` through the extensions from the index `start` on, and note who holds something back."""
        for index in range(start, len(self._extensions)):
            extension = self._extensions[index]
            extension.inbound_limit = room
            result = extension.frame_inbound_payload_data(self, data)
            if isinstance(result, CloseReason):
                raise ParseFailed(f"The extension {extension.name} refused a frame's payload", result)
            data = result
        self._held_back_by = None
        for index in range(len(self._extensions) - 1, -1, -1):
            if self._extensions[index].inbound_pending:
                self._held_back_by = index
                break
        return data
