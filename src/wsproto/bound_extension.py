"""An extension as one connection uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .extension import Extension
from .limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .close_codes import CloseReason


class HookState:
    """The `proto` of an extension's hooks: which side this is, and how much they may return.

    The hooks of a program need `client` alone. Those of this library keep their state in a subclass, so that
    their results are bounded and do not depend on how the bytes were cut into reads.
    """

    client = False  # whether this is the client's side
    # Bytes that the next inbound hook may return, at most; set before each call.
    room: int = DEFAULT_LIMITS.max_inflated_size
    pending = False  # whether `frame_inbound_payload_data(proto, b"")` would give more of what it got before
    unit = 0  # bytes in each piece of the present frame's payload but its last; 0 for pieces as they come
    rest_size = 0  # bytes of payload for which `inbound_rest` may stand for three hooks; 0 for never
    # Takes the last piece of a message with RSV1, or a whole one, header and all.
    inbound_rest: Callable[[bytes], bytes | CloseReason]

    def end_inbound(self) -> None:
        """Let go of what was received: nothing more is read."""


class BoundExtension(Extension):
    """An extension that was agreed on, bound to one connection: its hooks, and their `proto`."""

    def __init__(self, extension: Extension, state: HookState) -> None:
        self.name = extension.name
        self.hooks = extension
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
