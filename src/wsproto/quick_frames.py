"""Which event a frame is by its first byte (RFC 6455 5.2), where it can be read without bookkeeping.

A first byte that a table lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .events import BytesMessage, Event, Ping, Pong, TextMessage
from .frame_header import FIN, MAX_CONTROL_PAYLOAD, RSV1, Opcode

if TYPE_CHECKING:
    from .inbound_extensions import InboundExtensions
    from .limits import Limits

_Kinds = dict[int, type[Event]]

_MESSAGES = (TextMessage, BytesMessage)
_CONTROL: _Kinds = {FIN | Opcode.PING: Ping, FIN | Opcode.PONG: Pong}
_WHOLE: _Kinds = {FIN | Opcode.TEXT: TextMessage, FIN | Opcode.BINARY: BytesMessage}
_BEGUN: _Kinds = {Opcode.TEXT: TextMessage, Opcode.BINARY: BytesMessage}
# RFC 7692 6: permessage-deflate has marked them.
_COMPRESSED: _Kinds = {FIN | RSV1 | Opcode.TEXT: TextMessage, FIN | RSV1 | Opcode.BINARY: BytesMessage}
_NONE: _Kinds = {}


class QuickFrames(NamedTuple):
    """What a connection may read without bookkeeping."""

    outside: _Kinds
    """Frames outside of a fragmented message."""
    inside: dict[type[Event], _Kinds]
    """Frames inside of one, by its kind."""
    whole: _Kinds
    """Messages of any size that are one frame."""
    size: int
    """Bytes of payload in those of `outside` and `inside`, at most."""


_PLAIN = QuickFrames(
    {**_CONTROL, **_WHOLE, **_BEGUN},
    {kind: {**_CONTROL, Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind} for kind in _MESSAGES},
    _WHOLE,
    MAX_CONTROL_PAYLOAD,
)
# Where an extension sees every frame, and where permessage-deflate alone does.
_EXTENDED = QuickFrames(_NONE, dict.fromkeys(_MESSAGES, _NONE), _NONE, -1)
_COMPRESSED_OR_NOT = _EXTENDED._replace(whole={**_WHOLE, **_COMPRESSED})


def quick_frames(limits: Limits, extensions: InboundExtensions | None) -> QuickFrames:
    """Choose what a connection with these limits and extensions may read without bookkeeping."""
    if extensions is not None:
        return _COMPRESSED_OR_NOT if extensions.end_size and not limits.bound_messages else _EXTENDED
    if not limits.bound_messages:
        return _PLAIN
    # The frames of a message have to be counted, but for the one of a message that is whole.
    bounds = (limits.max_frame_size, limits.max_message_size, -1 if limits.max_fragments == 0 else None)
    size = min([MAX_CONTROL_PAYLOAD, *(bound for bound in bounds if bound is not None)])
    return QuickFrames({**_CONTROL, **_WHOLE}, dict.fromkeys(_MESSAGES, _CONTROL), _NONE, size)
