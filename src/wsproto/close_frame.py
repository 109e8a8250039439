"""The payload of a Close frame: a code and a reason (RFC 6455 5.5.1, 7.1.5, 7.1.6)."""

from __future__ import annotations

from .close_codes import NEVER_ON_THE_WIRE, CloseReason, may_travel, named
from .errors import LocalTypeError, LocalValueError, ParseFailed
from .events import CloseConnection
from .frame_header import MAX_CONTROL_PAYLOAD

MAX_REASON = MAX_CONTROL_PAYLOAD - 2  # bytes of UTF-8


def read_close(payload: bytes) -> CloseConnection:
    """Read what the peer's Close says.

    :raises ParseFailed: for a code that may not travel, or a reason that is not UTF-8.
    """
    if not payload:  # R6455-5.5.1-01, R6455-7.1.5-02
        return CloseConnection(CloseReason.NO_STATUS_RCVD, "")
    if len(payload) == 1:  # R6455-5.5.1-02
        raise ParseFailed("Close frame with a payload of 1 byte (RFC 6455 5.5.1)")
    code = int.from_bytes(payload[:2], "big")  # R6455-7.1.5-01
    if not may_travel(code):
        raise ParseFailed(f"Close code {code} may not be sent (RFC 6455 7.4)")
    try:
        reason = payload[2:].decode()  # R6455-5.5.1-03, R6455-7.1.6-01
    except UnicodeDecodeError as error:
        raise ParseFailed(
            f"Invalid UTF-8 in a close reason: {error.reason}", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        ) from None
    return CloseConnection(named(code), reason)


def written_close(code: int | None, reason: str | None) -> bytes:
    """Return the payload of a Close.

    :param code: None and 1005 stand for no code; 1006 and 1015, which never travel, become 1000.
    :param reason: cut at 123 bytes, at the end of a code point.
    :raises LocalProtocolError: for a code that may not travel, or a reason without a code.
    """
    if not (code is None or isinstance(code, int)):
        raise LocalTypeError(f"A close code must be an int, not {code!r}")
    if not (reason is None or isinstance(reason, str)):
        raise LocalTypeError(f"A close reason must be a str, not {reason!r}")
    if code is None or code == CloseReason.NO_STATUS_RCVD:  # R6455-7.4.1-04
        if reason:
            raise LocalTypeError("A close reason needs a close code (RFC 6455 5.5.1)")
        return b""
    if code in NEVER_ON_THE_WIRE:  # R6455-7.4.1-05, -08
        code = CloseReason.NORMAL_CLOSURE
    if not may_travel(code):
        raise LocalValueError(f"Close code {code} may not be sent (RFC 6455 7.4)")
    try:
        encoded = (reason or "").encode()
    except UnicodeEncodeError as error:
        raise LocalValueError(f"A close reason that is not valid Unicode: {error.reason}") from error
    if len(encoded) > MAX_REASON:
        encoded = encoded[:MAX_REASON].decode(errors="ignore").encode()
    return code.to_bytes(2, "big") + encoded  # R6455-7.1.2-01, R6455-7.4-01
