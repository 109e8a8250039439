"""Which frames may pass unjudged, and which event each is, by its first byte (RFC 6455 5.2).

A first byte that a table lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .events import BytesMessage, Ping, Pong, TextMessage
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, RSV1, Opcode

if TYPE_CHECKING:
    from .event_base import Event
    from .inbound_extensions import InboundExtensions
    from .limits import Limits

Kinds = list["type[Event] | None"]
"""The event that a frame is, at the place of its first byte."""

MESSAGES = (TextMessage, BytesMessage)


def _kinds(*known: dict[int, type[Event]]) -> Kinds:
    return [next((kinds[first] for kinds in known if first in kinds), None) for first in range(256)]


_CONTROL: dict[int, type[Event]] = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: dict[int, type[Event]] = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN: dict[int, type[Event]] = {Opcode.TEXT: TextMessage, Opcode.BINARY: BytesMessage}
# RFC 7692 6: permessage-deflate has marked them.
_COMPRESSED = {RSV1 | first: kind for first, kind in _WHOLE.items()}
_NONE = _kinds()


@dataclass(frozen=True, slots=True)
class FastFrames:
    """What a connection may read by its fast path."""

    outside: Kinds
    """Short frames outside of a fragmented message."""
    inside: dict[type[Event], Kinds]
    """Short frames inside of one, by its kind."""
    max_size: int
    """Bytes of payload in a short frame, at most."""
    whole: Kinds
    """Messages of any size that are one frame."""


_UNBOUNDED = FastFrames(
    outside=_kinds(_CONTROL, _WHOLE, _BEGUN),
    inside={
        kind: _kinds(_CONTROL, {Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind})
        for kind in MESSAGES
    },
    max_size=MAX_CONTROL_PAYLOAD,
    whole=_kinds(_WHOLE),
)
# The frames of a message have to be counted, but for the one of a message that is whole.
_BOUNDED = FastFrames(_kinds(_CONTROL, _WHOLE), dict.fromkeys(MESSAGES, _kinds(_CONTROL)), -1, _NONE)
# Where an extension sees every frame, and where permessage-deflate alone does.
_EXTENDED = FastFrames(_NONE, dict.fromkeys(MESSAGES, _NONE), -1, _NONE)
_COMPRESSED_OR_NOT = replace(_EXTENDED, whole=_kinds(_WHOLE, _COMPRESSED))


def fast_frames(limits: Limits, extensions: InboundExtensions | None) -> FastFrames:
    """Choose what a connection with these limits and extensions may read by its fast path."""
    bounds = limits.on_messages()
    if extensions is not None:
        return _COMPRESSED_OR_NOT if extensions.rest_size and not bounds else _EXTENDED
    if not bounds:
        return _UNBOUNDED
    sizes = [bounds.pop(name) for name in ("max_frame_size", "max_message_size") if name in bounds]
    if bounds.pop("max_fragments", 1) == 0 or bounds:  # a bound that is not known here
        return _BOUNDED
    return replace(_BOUNDED, max_size=min([MAX_CONTROL_PAYLOAD, *sizes]))
