"""What an extension is (RFC 6455 9): the base of those of this library and of a program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .frame_header import NO_RSV, Opcode, RsvBits

if TYPE_CHECKING:
    from .close_codes import CloseReason


class Side(Protocol):
    """What the frame hooks of an extension get to know of their connection."""

    client: bool
    """Whether this is the client's side."""


class Extension:
    """Base of all extensions. By itself it is never offered, never accepted, and changes no frame.

    The handshake calls `offer` and `finalize` on a client, `accept` on a server. An enabled extension then
    sees every frame: a received one in the order header, payload (any number of pieces), complete.
    """

    name: str
    """The token of the extension (RFC 6455 9.1)."""

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on this extension."""
        return False

    def reset(self) -> None:
        """Forget what was negotiated: a new handshake begins."""

    def for_connection(self) -> Extension:
        """Return the object that one connection uses."""
        return self

    def offer(self) -> bool | str:
        """Return a client's parameters, True for none, False to offer nothing."""
        return False

    def accept(self, offer: str) -> bool | str | None:
        """Return a server's answer to `offer`: parameters, True for none, False or None to decline it."""
        return None

    def finalize(self, offer: str) -> None:
        """Take in the server's answer `offer`.

        :raises RemoteProtocolError: for an answer that this side cannot agree to.
        """

    def frame_inbound_header(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Return the reserved bits that this extension gives a meaning, or the code to fail with.

        :param payload_length: bytes of payload in the frame.
        """
        return NO_RSV

    def frame_inbound_payload_data(self, proto: Side, data: bytes) -> bytes | CloseReason:
        """Return what a piece of payload stands for, or the code to fail with."""
        return data

    def frame_inbound_complete(self, proto: Side, fin: bool) -> bytes | CloseReason | None:
        """Return what is left at the end of a frame, or the code to fail with; `fin` ends the message."""
        return None

    def frame_outbound(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Return the reserved bits and the payload of a frame to be sent."""
        return rsv, data
