"""Computed values of the opening handshake, helpers for bytes and fields; the old address of `errors`."""

from __future__ import annotations

import hashlib
import os
from binascii import b2a_base64
from typing import TYPE_CHECKING

from .errors import LocalProtocolError, LocalTypeError, ProtocolError, RemoteProtocolError
from .header_grammar import GrammarError, split_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .typing import BytesLike

__all__ = [
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "as_bytes",
    "generate_accept_token",
    "generate_nonce",
    "normed_header_dict",
    "split_comma_header",
]

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


def as_bytes(data: BytesLike, what: str) -> bytes:
    """Return the bytes of `data`, any bytes-like object.

    :param what: names it in the error.
    :raises LocalProtocolError: for anything else, also a `TypeError`.
    """
    if type(data) is bytes:
        return data
    try:
        return bytes(memoryview(data))  # R6455-10.3-02
    except (TypeError, ValueError) as error:  # ValueError: a released memoryview
        raise LocalTypeError(f"{what} must be bytes, not {type(data).__name__}") from error


def generate_nonce() -> bytes:
    """Make the value of a `Sec-WebSocket-Key` (RFC 6455 4.1): 16 fresh random bytes, as base64."""
    return b2a_base64(os.urandom(16), newline=False)  # R6455-4.1-29, -30


def generate_accept_token(token: bytes) -> bytes:
    """Compute the `Sec-WebSocket-Accept` that answers the `Sec-WebSocket-Key` `token` (RFC 6455 4.2.2)."""
    digest = hashlib.sha1(token + ACCEPT_GUID, usedforsecurity=False).digest()  # R6455-4.2.2-16
    return b2a_base64(digest, newline=False)


def normed_header_dict(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Collect `headers` by lower-case name; the values of one name are joined with `b", "` (RFC 9110 5.3)."""
    collected: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        collected[key] = collected[key] + b", " + value if key in collected else value
    return collected


def split_comma_header(value: bytes) -> list[str]:
    """Split a header value at the commas outside its quoted strings (RFC 9110 5.6.1), without empty elements.

    :raises RemoteProtocolError: where `value` is not ASCII, or a quoted string does not end.
    """
    try:
        return [element.decode("ascii") for element in split_list(value)]
    except (GrammarError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(f"Bad header value {value!r}: {error}") from error
