"""What an extension is (RFC 6455 9): the base of all of them, and how one connection uses one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .frame_header import NO_RSV, Opcode, RsvBits
from .limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .close_codes import CloseReason


class Side(Protocol):
    """What the frame hooks of an extension get to know of their connection."""

    client: bool
    """Whether this is the client's side."""


class Extension:
    """Base of all extensions (RFC 6455 9). By itself it is never offered or accepted, and changes no frame.

    The handshake calls `offer` and `finalize` on a client, `accept` on a server. An enabled extension then
    sees every frame: a received one in the order header, payload (any number of pieces), complete. The hooks
    that see it take

    * `proto`: the connection; hooks may use `proto.client` (bool), True on the client's side.
    * `opcode`: the `Opcode` of the frame.
    * `rsv`: its reserved bits (`RsvBits`): as received, or as the extensions before have set them.
    * `payload_length`: bytes of payload in the whole frame.
    * `data`: a piece of a received payload, unmasked; of a frame that is sent the whole payload.
    * `fin`: whether the frame ends its message.
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
        """Return the parameters to offer; True offers without parameters, False does not offer."""
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
        """Return the reserved bits that this extension gives a meaning, or the code to fail with."""
        return NO_RSV

    def frame_inbound_payload_data(self, proto: Side, data: bytes) -> bytes | CloseReason:
        """Return what a piece of payload stands for, or the code to fail with."""
        return data

    def frame_inbound_complete(self, proto: Side, fin: bool) -> bytes | CloseReason | None:
        """Return what is left at the end of a frame, or the code to fail with."""
        return None

    def frame_outbound(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Return the reserved bits and the payload of a frame to be sent."""
        return rsv, data


class HookState:
    """The `proto` of an extension's hooks: which side this is, and how much they may return.

    The hooks of a program need `client` alone. Those of this library keep their state in a subclass: it
    bounds their results, and makes them independent of how the bytes were cut into reads.
    """

    client = False  # whether this is the client's side
    # Bytes that the next inbound hook may return, at most; set before each call.
    room: int = DEFAULT_LIMITS.max_inflated_size
    pending = False  # whether `frame_inbound_payload_data(proto, b"")` would give more of what it got before
    unit: int = 0  # bytes in each piece of the present frame's payload but its last; 0 for any
    rest_size = 0  # bytes of payload for which `inbound_rest` may stand for three hooks; 0 for never
    # Takes the last piece of a frame, and whether it ends the message; or a whole message with RSV1, and what
    # `inflater.direct` has made of it already, if anything.
    inbound_rest: Callable[[bytes, bool, bytes | None], bytes | CloseReason]
    inflater: Any

    def end_inbound(self) -> None:
        """Let go of what was received: nothing more is read."""


class BoundExtension(Extension):
    """An extension that was agreed on, bound to one connection: its hooks, and their `proto`."""

    def __init__(self, extension: Extension, state: HookState) -> None:
        self.name: str = extension.name
        self.hooks = extension  # R6455-9.2-01
        self.state = state

    def enabled(self) -> bool:
        """Tell that the handshake has agreed on it."""
        return True


def bound(extension: Extension, *, client: bool) -> BoundExtension:
    """Bind `extension` to one connection; one that is bound already is returned as it is."""
    used = extension.for_connection()
    if not isinstance(used, BoundExtension):
        used = BoundExtension(used, HookState())
    used.state.client = client
    return used
