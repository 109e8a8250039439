"""Which event a frame is by its first byte (RFC 6455 5.2), where it can be read without bookkeeping.

A first byte that a table lacks takes the general path, which also says what is wrong with it.
"""

from __future__ import annotations

from typing import NamedTuple

from .events import BytesMessage, Event, Ping, Pong, TextMessage
from .frame_header import FIN, RSV1, Opcode

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


PLAIN = QuickFrames(
    {**_CONTROL, **_WHOLE, **_BEGUN},
    {kind: {**_CONTROL, Opcode.CONTINUATION: kind, FIN | Opcode.CONTINUATION: kind} for kind in _MESSAGES},
    _WHOLE,
)
BOUNDED = QuickFrames({**_CONTROL, **_WHOLE}, dict.fromkeys(_MESSAGES, _CONTROL), _NONE)
"""Where the frames of a message have to be counted."""
EXTENDED = QuickFrames(_NONE, dict.fromkeys(_MESSAGES, _NONE), _NONE)
"""Where an extension sees every frame."""
COMPRESSED = EXTENDED._replace(whole={**_WHOLE, **_COMPRESSED})
"""Where permessage-deflate is all that does."""
