"""The opening handshake of one transport in the words of the other (RFC 8441 5.1, RFC 9220 3)."""

from __future__ import annotations

import base64
import os
from http import HTTPStatus
from typing import TYPE_CHECKING

from harness.extra.heads import KEY, REQUEST, Head, accept_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Headers = list[tuple[bytes, bytes]]

_HTTP1_ALONE = frozenset(
    {
        "connection",
        "host",
        "keep-alive",
        "proxy-connection",
        "sec-websocket-accept",
        "sec-websocket-key",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields that HTTP/1.1 needs, and a stream has in another way or not at all (RFC 9113 8.2.2, RFC 8441 5)."""


def request_headers(request: Head, scheme: str, authority: str) -> Headers:
    """Return the extended CONNECT in place of a GET."""
    target = request.start.split(" ")[1]
    asked = {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": scheme,
        ":path": target,
        ":authority": authority,
    }
    return [*_encoded(asked.items()), *_fields(request)]


def request_head(headers: Iterable[tuple[bytes, bytes]], authority: str) -> Head:
    """Return the GET in place of an extended CONNECT."""
    pseudo, fields = _split(headers)
    base = REQUEST.begin(f"GET {pseudo.get(':path', '/')} HTTP/1.1").drop("Sec-WebSocket-Version")
    key = base64.b64encode(os.urandom(16)).decode()
    return base.put("Host", authority).put(KEY, key).adding(*fields)


def asks_for_websocket(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request is an extended CONNECT for a WebSocket."""
    pseudo, _ = _split(headers)
    return (pseudo.get(":method"), pseudo.get(":protocol", "").lower()) == ("CONNECT", "websocket")


def response_headers(response: Head, asked: Iterable[tuple[bytes, bytes]] = ()) -> Headers:
    """Return the response of a stream in place of one of HTTP/1.1: 200 stands for 101.

    :param asked: the client's request. A key in it is answered: nobody needs it (RFC 8441 5), but who sends
        one may want the answer.
    """
    status = 200 if response.status == 101 else response.status
    keys = [value for name, value in asked if name == b"sec-websocket-key"]
    accept = [("sec-websocket-accept", accept_token(keys[0].decode("latin-1")))] if keys else []
    return [*_encoded([(":status", str(status)), *accept]), *_fields(response)]


def status_of(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the status of a response, 0 where it has none."""
    status = _split(headers)[0].get(":status", "")
    return int(status) if status.isdecimal() else 0


def response_head(headers: Sequence[tuple[bytes, bytes]], request: Head) -> Head:
    """Return the response of HTTP/1.1 in place of one of a stream: 101 stands for 200."""
    status, (_, fields) = status_of(headers), _split(headers)
    if 200 <= status < 300:
        opened = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
        accept = ("Sec-WebSocket-Accept", accept_token(next(iter(request.values(KEY)), "")))
        return Head("HTTP/1.1 101 Switching Protocols", (*opened, accept, *fields))
    return refusal(status or 502).adding(*fields)


def refusal(status: int) -> Head:
    """Return the head of a refusal over HTTP/1.1; its body ends with the connection."""
    known = status in {member.value for member in HTTPStatus}
    phrase = HTTPStatus(status).phrase if known else "Unknown"
    return Head(f"HTTP/1.1 {status} {phrase}", (("Connection", "close"),))


def _fields(head: Head) -> Headers:
    return _encoded((name.lower(), value) for name, value in head.fields if name.lower() not in _HTTP1_ALONE)


def _encoded(fields: Iterable[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def _split(headers: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Part the pseudo-headers from the fields that HTTP/1.1 has, too."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    pseudo = {name: value for name, value in pairs if name.startswith(":")}
    return pseudo, [
        (name, value) for name, value in pairs if not name.startswith(":") and name not in _HTTP1_ALONE
    ]
