"""What a request says over any transport: a client writes it (RFC 6455 4.1), a server reads it (4.2.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .authority import read_host
from .errors import LocalTypeError, LocalValueError
from .events import Request
from .handshake_fields import (
    WEBSOCKET_VERSION,
    checked_headers,
    names_of,
    refused,
    required,
    written_extension,
)
from .header_grammar import is_token

if TYPE_CHECKING:
    from .extensions import Extension
    from .handshake_fields import Fields
    from .typing import Headers

ABSOLUTE = re.compile(r"(?:https?|wss?)://([^/?#]*)([^#]*)", re.IGNORECASE)
"""A target that is a whole URI: its authority, and its path and query (RFC 9112 3.2.2)."""
_NOT_IN_TARGET = re.compile(r"[\x00-\x20\x7f#]")


def offer_fields(event: Request) -> tuple[Headers, list[Extension]]:
    """Return the fields that say what a client offers, the application's behind them, and its extensions."""
    headers = [(b"Sec-WebSocket-Version", WEBSOCKET_VERSION)]
    if event.subprotocols:
        headers.append((b"Sec-WebSocket-Protocol", b", ".join(_checked_subprotocols(event.subprotocols))))
    offers = []
    offered = []
    for extension in event.extensions:
        if isinstance(extension, str):
            raise LocalTypeError(f"A client offers Extension objects, not the str {extension!r}")
        offer = extension.offer()
        if offer is not False and offer is not None:
            offers.append(written_extension(extension.name, offer))
            offered.append(extension)
    if offers:
        headers.append((b"Sec-WebSocket-Extensions", b", ".join(offers)))
    return headers + checked_headers(event.extra_headers), offered


def _checked_subprotocols(subprotocols: list[str]) -> list[bytes]:
    """Return subprotocols as bytes; they are distinct tokens (RFC 6455 4.1)."""
    if isinstance(subprotocols, str):
        raise LocalTypeError(f"Subprotocols must be a list of str, not the str {subprotocols!r}")
    found = []
    for subprotocol in subprotocols:
        if not isinstance(subprotocol, str):
            raise LocalTypeError(f"A subprotocol must be a str, not {subprotocol!r}")
        encoded = subprotocol.encode("utf-8", "surrogatepass")
        if not is_token(encoded):
            raise LocalValueError(f"Subprotocol {subprotocol!r} is not a token (RFC 6455 4.1)")
        if encoded in found:
            raise LocalValueError(f"Subprotocol {subprotocol!r} is given twice (RFC 6455 4.1)")
        found.append(encoded)
    return found


def written_target(target: str) -> bytes:
    """Return `target` as it stands in a request (RFC 6455 3, 4.1).

    An absolute URI stays as it is, all else becomes a path. Beyond ASCII it is UTF-8, percent-encoded (11.1).
    """
    if not isinstance(target, str):
        raise LocalTypeError(f"A target must be a str, not {target!r}")
    if _NOT_IN_TARGET.search(target):
        raise LocalValueError(
            f"Target {target!r} has white space, a control character or a fragment (RFC 6455 3)"
        )
    if not target.startswith("/") and not ABSOLUTE.match(target):
        target = "/" + target
    try:
        encoded = target.encode()
    except UnicodeEncodeError as error:
        raise LocalValueError(f"Target {target!r} is not valid Unicode: {error.reason}") from error
    if target.isascii():
        return encoded
    return b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in encoded)


def judge_version(fields: Fields, status_code: int) -> None:
    """Refuse every version but 13 with a response of this status that names 13 (RFC 6455 4.4)."""
    name = "Sec-WebSocket-Version"
    if required(fields, name) != WEBSOCKET_VERSION:
        # Users compare the text, which says the same of a version that is missing and of another one.
        raise refused(f"Missing header, {name!r}", status_code, [(name.encode(), WEBSOCKET_VERSION)])


def read_offers(fields: Fields, host: bytes, target: str, extra_headers: Headers) -> Request:
    """Return the event for a request whose other fields are in order (RFC 6455 4.2.1)."""
    request = Request(
        host=read_host(host),
        target=target,
        extensions=names_of(fields, "Sec-WebSocket-Extensions"),
        extra_headers=extra_headers,
        subprotocols=names_of(fields, "Sec-WebSocket-Protocol"),
    )
    if len(set(request.subprotocols)) < len(request.subprotocols):
        raise refused(f"Subprotocols {request.subprotocols!r} are not distinct (RFC 6455 4.1)")
    return request
