"""The opening handshake's request: what a client writes (RFC 6455 4.1), how a server judges it (4.2.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .errors import LocalTypeError, LocalValueError
from .events import Request
from .handshake_fields import (
    WEBSOCKET_VERSION,
    checked_extension,
    checked_headers,
    collected,
    connection_upgrades,
    elements,
    extension_elements,
    judge_head_size,
    refused,
    required,
    single,
)
from .header_grammar import is_token

if TYPE_CHECKING:
    from .extensions import Extension
    from .http_head import RequestHead
    from .limits import Limits
    from .typing import Headers

_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
# RFC 9110 7.2, RFC 3986 3.2: a name, an IPv4 address or a bracketed IPv6 address, then perhaps a port.
_HOST = re.compile(r"([A-Za-z0-9\-._~!$&'()*+,;=%]+|\[" + _IPV6.pattern + r"\])(:[0-9]*)?")
_MAX_HOST = 255 + len(":65535")
_ABSOLUTE = re.compile(r"(?:https?|wss?)://([^/?#]*)([^#]*)", re.IGNORECASE)
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_NOT_IN_TARGET = re.compile(r"[\x00-\x20\x7f#]")
_OWN_FIELDS = frozenset({b"host", b"sec-websocket-protocol", b"sec-websocket-extensions"})


class JudgedRequest(NamedTuple):
    """A request that may be accepted."""

    event: Request
    key: bytes
    """Its `Sec-WebSocket-Key`."""
    expects_continue: bool
    """Whether a 100 response has to come before the 101 (RFC 9110 7.8)."""


def request_headers(event: Request, key: bytes) -> tuple[Headers, list[Extension]]:
    """Return the header fields of a client's request (RFC 6455 4.1), and the extensions that it offers.

    :raises LocalProtocolError: for a value that cannot be written.
    """
    headers = [
        (b"Host", written_host(event.host)),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", key),
        (b"Sec-WebSocket-Version", WEBSOCKET_VERSION),
    ]
    if event.subprotocols:
        headers.append((b"Sec-WebSocket-Protocol", b", ".join(_checked_subprotocols(event.subprotocols))))
    offers = []
    offered = []
    for extension in event.extensions:
        if isinstance(extension, str):
            raise LocalTypeError(f"A client offers Extension objects, not the str {extension!r}")
        offer = extension.offer()
        if offer is not False and offer is not None:
            parameters = f"; {offer}" if isinstance(offer, str) and offer else ""
            offers.append(checked_extension(extension.name + parameters))
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
            raise LocalValueError(f"Subprotocol {subprotocol!r} is no token (RFC 6455 4.1)")
        if encoded in found:
            raise LocalValueError(f"Subprotocol {subprotocol!r} is given twice (RFC 6455 4.1)")
        found.append(encoded)
    return found


def written_host(host: str) -> bytes:
    """Return `host` as it stands in a request: Unicode in IDNA (RFC 6455 11.1), an IPv6 address in brackets.

    :raises LocalProtocolError: where it is no host.
    """
    if not isinstance(host, str):
        raise LocalTypeError(f"A host must be a str, not {host!r}")
    if _IPV6.fullmatch(host):
        host = f"[{host}]"
    if not host.isascii():
        name, colon, port = host.partition(":")
        try:
            host = name.encode("idna").decode("ascii") + colon + port
        except UnicodeError as error:
            raise LocalValueError(f"Host {host!r} has no form in IDNA: {error}") from error
    if not host.isascii() or not _HOST.fullmatch(host):
        raise LocalValueError(f"{host!r} is no host (RFC 9110 7.2)")
    return host.encode("ascii")


def written_target(target: str) -> bytes:
    """Return `target` as it stands in a request (RFC 6455 3, 4.1).

    An absolute URI stays as it is, all else becomes a path. Beyond ASCII it is UTF-8, percent-encoded (11.1).

    :raises LocalProtocolError: for white space, a control character or a fragment.
    """
    if not isinstance(target, str):
        raise LocalTypeError(f"A target must be a str, not {target!r}")
    if _NOT_IN_TARGET.search(target):
        raise LocalValueError(
            f"Target {target!r} has white space, a control character or a fragment (RFC 6455 3)"
        )
    if not target.startswith("/") and not _ABSOLUTE.match(target):
        target = "/" + target
    try:
        encoded = target.encode()
    except UnicodeEncodeError as error:
        raise LocalValueError(f"Target {target!r} is not valid Unicode: {error.reason}") from error
    return (
        encoded
        if target.isascii()
        else b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in encoded)
    )


def judge_request(request: RequestHead, limits: Limits) -> JudgedRequest:
    """Judge a client's request (RFC 6455 4.2.1).

    :raises RemoteProtocolError: for one that may not be accepted, with the response that says so.
    """
    headers = request.headers
    judge_head_size(headers, limits)
    if request.method != b"GET":
        raise refused("Request method must be GET")
    if not b"1.1" <= request.http_version < b"2":
        raise refused(
            f"HTTP version must be 1.1, not {request.http_version.decode('ascii')} (RFC 6455 4.2.1)"
        )
    fields = collected(headers)
    _judge_body(fields)
    connection_upgrades(fields)
    version = required(fields, "Sec-WebSocket-Version")
    if version != WEBSOCKET_VERSION:
        # RFC 6455 4.4
        raise refused(
            f"Sec-WebSocket-Version must be 13, not {version!r}",
            426,
            [(b"Sec-WebSocket-Version", WEBSOCKET_VERSION)],
        )
    key = required(fields, "Sec-WebSocket-Key")
    if not _KEY.fullmatch(key):
        raise refused(f"Sec-WebSocket-Key {key!r} is not 16 bytes in base64 (RFC 6455 4.2.1)")
    host = required(fields, "Host")
    target, authority = _read_target(request.target)
    event = Request(
        host=_read_host(host if authority is None else authority),
        target=target,
        extensions=extension_elements(fields.get(b"sec-websocket-extensions", [])),
        extra_headers=[field for field in headers if field[0] not in _OWN_FIELDS],
        subprotocols=_read_subprotocols(fields.get(b"sec-websocket-protocol", [])),
    )
    expects_continue = any(value.lower() == b"100-continue" for value in fields.get(b"expect", []))
    return JudgedRequest(event, key, expects_continue)


def _judge_body(fields: dict[bytes, list[bytes]]) -> None:
    """Refuse a request with a body: frames follow it at once (RFC 9110 7.8)."""
    length = single(fields, "Content-Length")
    if b"transfer-encoding" in fields or (length is not None and length.strip(b"0")):
        raise refused("The request has a body (RFC 6455 4.1)")


def _read_target(received: bytes) -> tuple[str, bytes | None]:
    """Return the resource name, and the authority of a target that was a whole URI (RFC 6455 4.2.1)."""
    target = received.decode("ascii")  # h11 lets visible ASCII through, nothing else
    if "#" in target:
        raise refused(f"Request target {target!r} has a fragment (RFC 6455 3)")
    if target.startswith("/"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise refused(f"Bad request target {target!r} (RFC 9112 3.2)")
    authority, rest = absolute.groups()
    return rest if rest.startswith("/") else "/" + rest, authority.encode("ascii")


def _read_host(received: bytes) -> str:
    """Return the host of a request, its IDNA labels in Unicode (RFC 6455 11.1, RFC 9112 3.2)."""
    host = received.decode("latin-1")  # so that anything gets as far as the match
    if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
        raise refused(f"Bad header 'Host': {received!r} is no host (RFC 9112 3.2)")
    name, colon, port = host.partition(":")
    if "xn--" not in name.lower():
        return host
    try:
        return name.encode("ascii").decode("idna") + colon + port
    except UnicodeError as error:
        raise refused(f"Bad header 'Host': {received!r} is not valid IDNA") from error


def _read_subprotocols(values: list[bytes]) -> list[str]:
    """Return the client's subprotocols; they are distinct tokens (RFC 6455 4.1, 4.2.1)."""
    found = elements(values, "Sec-WebSocket-Protocol")
    for subprotocol in found:
        if not is_token(subprotocol):
            raise refused(f"Subprotocol {subprotocol!r} is no token (RFC 6455 4.1)")
    if len(set(found)) < len(found):
        raise refused(f"Subprotocols {found!r} are not distinct (RFC 6455 4.1)")
    return [subprotocol.decode("ascii") for subprotocol in found]
