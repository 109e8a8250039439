"""Which frames may pass unjudged, and which event each is, by its first byte (RFC 6455 5.2).

A first byte that a table lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .events import BytesMessage, Ping, Pong, TextMessage
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, RSV1_BIT, Opcode

if TYPE_CHECKING:
    from .limits import Limits

Kinds = list["type[Any] | None"]  # the event that a frame is, at the place of its first byte


def _kinds(known: dict[int, type[Any]]) -> Kinds:
    kinds: Kinds = [None] * 256
    for first, kind in known.items():
        kinds[first] = kind
    return kinds


_CONTROL: dict[int, type[Any]] = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: dict[int, type[Any]] = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN = {first & ~FIN: kind for first, kind in _WHOLE.items()}
# RFC 7692 6: permessage-deflate has marked them.
_COMPRESSED = {RSV1_BIT | first: kind for first, kind in _WHOLE.items()}
_NONE = _kinds({})


class FastFrames:
    """What a connection may read by its fast path."""

    def __init__(self, short: dict[type[Any] | None, Kinds], max_size: int, whole: Kinds) -> None:
        self.short = short  # short frames, by the kind of the message under way; None for no message
        self.max_size = max_size  # bytes of payload in a short frame, at most
        self.whole = whole  # messages of any size that are one frame
        # Short frames where a text waits for the rest of a code point.
        self.in_code_point = _kinds(_CONTROL) if max_size >= 0 else _NONE


_FRAGMENTS: dict[type[Any] | None, Kinds] = {
    kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind})
    for kind in _WHOLE.values()
}
_UNBOUNDED = FastFrames(
    {None: _kinds(_CONTROL | _WHOLE | _BEGUN), **_FRAGMENTS}, MAX_CONTROL_PAYLOAD, _kinds(_WHOLE)
)
# The frames of a message have to be counted, but for the one of a message that is whole.
_BOUNDED: dict[type[Any] | None, Kinds] = {
    None: _kinds(_CONTROL | _WHOLE),
    **dict.fromkeys(_WHOLE.values(), _kinds(_CONTROL)),
}
# Where an extension sees every frame, or an unknown bound judges it; where permessage-deflate alone does.
_NOTHING_SHORT = dict.fromkeys([None, *_WHOLE.values()], _NONE)
_NOTHING = FastFrames(_NOTHING_SHORT, -1, _NONE)
_COMPRESSED_OR_NOT = FastFrames(_NOTHING_SHORT, -1, _kinds(_WHOLE | _COMPRESSED))


def fast_frames(limits: Limits, rest_size: int | None) -> FastFrames:
    """Choose what a connection may read by its fast path; `rest_size` is that of its extensions, if any."""
    if rest_size is not None:
        return _COMPRESSED_OR_NOT if rest_size and not limits.bounds_messages else _NOTHING
    if not limits.bounds_messages:
        return _UNBOUNDED
    bounds = limits.on_messages()
    sizes = [bounds.pop(name) for name in ("max_frame_size", "max_message_size") if name in bounds]
    if bounds.pop("max_fragments", 1) == 0 or bounds:  # a bound that is not known here
        return _NOTHING
    return FastFrames(_BOUNDED, min([MAX_CONTROL_PAYLOAD, *sizes]), _NONE)
