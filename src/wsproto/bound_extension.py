"""An extension as one connection uses it: its results come bounded, and do not depend on the reads.

The frame codec knows `BoundExtension` alone. permessage-deflate has one of its own, `HookedExtension` drives
the hooks of all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .extension import Extension
from .limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from .close_codes import CloseReason
    from .extension import Side
    from .frame_header import Opcode, RsvBits


class BoundExtension(Extension):
    """An extension that was agreed on, bound to one connection."""

    client = False
    """Whether this is the client's side."""
    room: int = DEFAULT_LIMITS.max_inflated_size
    """Bytes that the next inbound hook may return, at most; set before each call."""
    pending = False
    """Whether `frame_inbound_payload_data(proto, b"")` would give more of what was passed in before."""
    unit = 0
    """Bytes in each piece of the present frame's payload but its last; 0 for pieces as they come."""
    rest_size = 0
    """Bytes of payload for which `inbound_rest` may stand for three hooks, at most; 0 for never."""

    def enabled(self) -> bool:
        """Tell that the handshake has agreed on it."""
        return True

    def inbound_rest(self, data: bytes) -> bytes | CloseReason:
        """Take the last piece of a message with RSV1, or a whole one, header and all."""
        raise NotImplementedError

    def end_inbound(self) -> None:
        """Let go of what was received: nothing more is read."""


class HookedExtension(BoundExtension):
    """Drives the hooks of `extension`, which get to know this object as their `proto`.

    :param inner: where `extension` is a subclass with hooks of its own: what the hooks of its base stand on.
    """

    def __init__(self, extension: Extension, inner: BoundExtension | None = None) -> None:
        self.name = extension.name
        self.inner = BoundExtension() if inner is None else inner
        self._extension = extension

    def frame_inbound_header(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Show the header of a frame."""
        result = self._extension.frame_inbound_header(self, opcode, rsv, payload_length)
        self.unit = self.inner.unit
        return result

    def frame_inbound_payload_data(self, proto: Side, data: bytes) -> bytes | CloseReason:
        """Pass a piece of payload through."""
        self.inner.room = self.room
        result = self._extension.frame_inbound_payload_data(self, data)
        self.pending = self.inner.pending
        return result

    def frame_inbound_complete(self, proto: Side, fin: bool) -> bytes | CloseReason | None:
        """Tell that the frame is complete."""
        self.inner.room = self.room
        result = self._extension.frame_inbound_complete(self, fin)
        self.pending = self.inner.pending
        return result

    def end_inbound(self) -> None:
        """Let go of what was received."""
        self.inner.end_inbound()

    def frame_outbound(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Pass a frame to be sent through."""
        return self._extension.frame_outbound(self, opcode, rsv, data, fin)


def bound(extension: Extension, *, client: bool) -> BoundExtension:
    """Return what the one connection on the side `client` uses of `extension`."""
    used = extension.for_connection()
    if not isinstance(used, BoundExtension):
        used = HookedExtension(used)
    used.client = client
    return used
