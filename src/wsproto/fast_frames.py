"""Which frames may pass unjudged, and which event each is, by its first byte (RFC 6455 5.2).

A first byte that a table lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .events import BytesMessage, Ping, Pong, TextMessage
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, RSV1, Opcode

if TYPE_CHECKING:
    from .limits import Limits

Kinds = list["type[Any] | None"]
"""The event that a frame is, at the place of its first byte."""


def _kinds(known: dict[int, type[Any]]) -> Kinds:
    return [known.get(first) for first in range(256)]


_CONTROL: dict[int, type[Any]] = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: dict[int, type[Any]] = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN = {first & ~FIN: kind for first, kind in _WHOLE.items()}
# RFC 7692 6: permessage-deflate has marked them.
_COMPRESSED = {RSV1 | first: kind for first, kind in _WHOLE.items()}
_NONE = _kinds({})


@dataclass(frozen=True, slots=True)
class FastFrames:
    """What a connection may read by its fast path."""

    short: dict[type[Any] | None, Kinds]
    """Short frames, by the kind of the message under way; None for no message."""
    in_code_point: Kinds
    """Short frames where a text waits for the rest of a code point."""
    max_size: int
    """Bytes of payload in a short frame, at most."""
    whole: Kinds
    """Messages of any size that are one frame."""


_UNBOUNDED = FastFrames(
    short={
        None: _kinds(_CONTROL | _WHOLE | _BEGUN),
        **{
            kind: _kinds(_CONTROL | {Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind})
            for kind in _WHOLE.values()
        },
    },
    in_code_point=_kinds(_CONTROL),
    max_size=MAX_CONTROL_PAYLOAD,
    whole=_kinds(_WHOLE),
)
# The frames of a message have to be counted, but for the one of a message that is whole.
_BOUNDED = replace(
    _UNBOUNDED,
    short={None: _kinds(_CONTROL | _WHOLE), **dict.fromkeys(_WHOLE.values(), _kinds(_CONTROL))},
    max_size=-1,
    whole=_NONE,
)
# Where an extension sees every frame, and where permessage-deflate alone does.
_EXTENDED = FastFrames(dict.fromkeys([None, *_WHOLE.values()], _NONE), _NONE, -1, _NONE)
_COMPRESSED_OR_NOT = replace(_EXTENDED, whole=_kinds(_WHOLE | _COMPRESSED))


def fast_frames(limits: Limits, rest_size: int | None) -> FastFrames:
    """Choose what a connection may read by its fast path.

    :param rest_size: `InboundExtensions.rest_size`; None where there are no extensions.
    """
    bounds = limits.on_messages()
    if rest_size is not None:
        return _COMPRESSED_OR_NOT if rest_size and not bounds else _EXTENDED
    if not bounds:
        return _UNBOUNDED
    sizes = [bounds.pop(name) for name in ("max_frame_size", "max_message_size") if name in bounds]
    if bounds.pop("max_fragments", 1) == 0 or bounds:  # a bound that is not known here
        return _BOUNDED
    return replace(_BOUNDED, max_size=min([MAX_CONTROL_PAYLOAD, *sizes]))
