"""Close codes: their names, and which of them may travel in a Close frame (RFC 6455 7.4)."""

from __future__ import annotations

from enum import IntEnum


class CloseReason(IntEnum):
    """The close codes that RFC 6455 7.4.1 and its IANA registry name."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003  # R6455-7.4.1-02
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_FRAME_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXT = 1010  # R6455-7.4.1-06, R7692-5.1-01
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE_FAILED = 1015


# Codes that an application may see, and that no frame ever carries (RFC 6455 7.4.1).
NEVER_ON_THE_WIRE = frozenset(
    {CloseReason.NO_STATUS_RCVD, CloseReason.ABNORMAL_CLOSURE, CloseReason.TLS_HANDSHAKE_FAILED}
)

_TRAVELS = frozenset(CloseReason) - NEVER_ON_THE_WIRE


def may_travel(code: int) -> bool:
    """Tell whether a Close frame may carry `code`: a registered one, or 3000 to 4999 (RFC 6455 7.4.2)."""
    return code in _TRAVELS or 3000 <= code <= 4999  # R6455-7.4.1-01, -03, R6455-7.4.2-01, -02, -03


def named(code: int) -> int:
    """Return the `CloseReason` of a `code` that may travel and has one, else `code` itself."""
    return CloseReason(code) if code in _TRAVELS else code
