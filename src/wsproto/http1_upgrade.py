"""What the opening handshake has over HTTP/1.1 alone (RFC 6455 4): heads with GET, Upgrade, the key, 101."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .authority import written_host
from .handshake_fields import (
    FRAMING,
    NOT_EXTRA_IN_ACCEPT,
    NOT_EXTRA_IN_REQUEST,
    UPGRADING,
    collected,
    list_of,
    refused,
    required,
    single,
)
from .handshake_messages import (
    ABSOLUTE,
    answer_fields,
    judge_content,
    judge_version,
    offer_fields,
    read_answer,
    read_offers,
    rejection_fields,
    written_target,
)
from .utilities import generate_accept_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .events import AcceptConnection, RejectConnection, Request
    from .extensions import Extension
    from .handshake_fields import Fields
    from .typing import Headers

_UPGRADE, _CONNECTION = (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
# A rejection frames its own body, and its connection-level fields are its own.
_PERMITTED_IN_REJECTION = FRAMING | UPGRADING | {b"sec-websocket-version"}


class RequestHead(NamedTuple):
    """The head of a request."""

    method: bytes
    target: bytes
    http_version: bytes
    headers: Headers
    """Its fields, the names in lower case, the values without white space around them."""


class ResponseHead(NamedTuple):
    """The head of a response."""

    status_code: int
    http_version: bytes
    headers: Headers


def written_head(first_line: bytes, headers: Headers) -> bytes:
    """Write the head of a request or response."""
    return b"\r\n".join([first_line, *[name + b": " + value for name, value in headers], b"", b""])


def written_request(event: Request, key: bytes) -> tuple[bytes, list[Extension]]:
    """Return a client's request (RFC 6455 4.1), and the extensions that it offers."""
    host = (b"Host", written_host(event.host))
    fields, offered = offer_fields(event)
    headers = [host, _UPGRADE, _CONNECTION, (b"Sec-WebSocket-Key", key), *fields]
    return written_head(b"GET %b HTTP/1.1" % written_target(event.target), headers), offered


def judge_request(request: RequestHead) -> tuple[Request, bytes, bool]:
    """Judge a client's request (RFC 6455 4.2.1).

    :returns: the event, the key, and whether a 100 response has to come before the 101 (RFC 9110 7.8).
    """
    if request.method != b"GET":
        raise refused("Request method must be GET")
    if not b"1.1" <= request.http_version < b"2":
        version = request.http_version.decode("ascii")
        raise refused(f"HTTP version must be 1.1, not {version} (RFC 6455 4.2.1)")
    fields = collected(request.headers)
    judge_content(fields)
    _upgrade_protocols(fields)
    judge_version(fields, 426)
    key = required(fields, "Sec-WebSocket-Key")
    if not _KEY.fullmatch(key):
        raise refused(f"Sec-WebSocket-Key {key!r} is not 16 bytes in base64 (RFC 6455 4.2.1)")
    target, host = _read_target(request.target, required(fields, "Host"))
    extra_headers = [field for field in request.headers if field[0] not in NOT_EXTRA_IN_REQUEST]
    event = read_offers(fields, host, target, extra_headers)
    expects_continue = b"expect" in fields and b"100-continue" in map(bytes.lower, fields[b"expect"])
    return event, key, expects_continue


def _read_target(received: bytes, host: bytes) -> tuple[str, bytes]:
    """Return the resource name, and the host; a target that is a whole URI has its own (RFC 9112 3.2.2)."""
    target = received.decode("ascii")  # visible ASCII is all that the readers of a head let through
    if "#" in target:
        raise refused(f"Request target {target!r} has a fragment (RFC 6455 3)")
    if target.startswith("/"):
        return target, host
    absolute = re.fullmatch(ABSOLUTE, target)
    if absolute is None or not absolute[1]:  # RFC 9110 4.2.1: no authority, no http URI
        raise refused(f"Bad request target {target!r} (RFC 9112 3.2)")
    authority, rest = absolute.groups()
    return rest if rest.startswith("/") else "/" + rest, authority.encode("ascii")


def written_acceptance(
    event: AcceptConnection, request: Request, key: bytes, *, expects_continue: bool
) -> tuple[bytes, list[Extension]]:
    """Return the response that accepts `request` (RFC 6455 4.2.2), and the extensions that were agreed on."""
    fields, extensions = answer_fields(event, request)
    headers = [_UPGRADE, _CONNECTION, (b"Sec-WebSocket-Accept", generate_accept_token(key)), *fields]
    first = b"HTTP/1.1 100 Continue\r\n\r\n" if expects_continue else b""
    return first + written_head(b"HTTP/1.1 101 Switching Protocols", headers), extensions


def judge_acceptance(
    response: ResponseHead, request: Request, offered: Sequence[Extension], key: bytes
) -> AcceptConnection:
    """Judge a response with the status 101 (RFC 6455 4.1): the event says what was agreed."""
    if response.http_version < b"1.1":
        raise refused("A 101 response must be HTTP/1.1 (RFC 6455 4.2.2)")
    fields = collected(response.headers)
    protocols = _upgrade_protocols(fields)
    if protocols != [b"websocket"]:  # RFC 6455 4.1, RFC 9110 7.8: the one that was asked for, alone
        protocols.remove(b"websocket")
        others = b", ".join(protocols).decode("ascii")
        raise refused(f"Bad header 'Upgrade': websocket is beside {others} (RFC 6455 4.1)")
    if single(fields, "Sec-WebSocket-Accept") != generate_accept_token(key):
        raise refused("Bad accept token")
    extra_headers = [field for field in response.headers if field[0] not in NOT_EXTRA_IN_ACCEPT]
    return read_answer(fields, request, offered, extra_headers)


def _upgrade_protocols(fields: Fields) -> list[bytes]:
    """Return what `Upgrade` names, in lower case; both headers have to be in order (RFC 6455 4.1, 4.2.1)."""
    if fields.get(b"upgrade") == [b"websocket"] and fields.get(b"connection") == [b"Upgrade"]:
        return [b"websocket"]  # as nearly every peer writes them: 2 of 20 microseconds less
    if b"upgrade" not in map(bytes.lower, list_of(fields, "Connection")):
        raise refused("Missing header, 'Connection: Upgrade'")
    protocols = [protocol.lower() for protocol in list_of(fields, "Upgrade")]
    if b"websocket" not in protocols:
        raise refused("Missing header, 'Upgrade: websocket'")
    return protocols


def rejection_headers(event: RejectConnection) -> Headers:
    """Return the header fields of a rejection, with what a 426 needs and lacks (RFC 9110 15.5.22, 7.8)."""
    headers = rejection_fields(event, _PERMITTED_IN_REJECTION)
    if event.status_code != 426:
        return headers
    given = [
        (name.lower(), option.strip(b" \t").lower())
        for name, value in headers
        for option in value.split(b",")
    ]
    if b"upgrade" not in dict(given):
        headers.append(_UPGRADE)
    if (b"connection", b"upgrade") not in given:
        headers.append(_CONNECTION)
    return headers
