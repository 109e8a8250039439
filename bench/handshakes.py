"""The benchmark's own opening handshakes (RFC 6455 4), as a peer of the measured library would write them."""

from __future__ import annotations

import base64
import hashlib
import re

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEFLATE = b"permessage-deflate"

#: The request of a current Chrome, from a page on the same site with a session.
BROWSER_REQUEST = (
    b"GET /socket?room=lobby&token=9f86d081884c7d659a2feaa0c55ad015 HTTP/1.1\r\n"
    b"Host: chat.example.com\r\n"
    b"Connection: Upgrade\r\n"
    b"Pragma: no-cache\r\n"
    b"Cache-Control: no-cache\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/141.0.0.0 Safari/537.36\r\n"
    b"Upgrade: websocket\r\n"
    b"Origin: https://chat.example.com\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7\r\n"
    b"Cookie: session=eyJ1c2VyIjoiNDIiLCJjc3JmIjoiYzM1In0.aQx1ZQ.kd0n5vY0t; theme=dark; consent=1\r\n"
    b"Sec-Fetch-Dest: empty\r\n"
    b"Sec-Fetch-Mode: websocket\r\n"
    b"Sec-Fetch-Site: same-origin\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    b"\r\n"
)


def request(*, deflate: bool) -> bytes:
    """Write a client's request with only the fields that it needs."""
    return (
        b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: "
        + KEY
        + b"\r\nSec-WebSocket-Version: 13\r\n"
        + (b"Sec-WebSocket-Extensions: " + DEFLATE + b"\r\n" if deflate else b"")
        + b"\r\n"
    )


def accept_token(head: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that belongs to the key in a request."""
    key = header(head, b"Sec-WebSocket-Key")
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


def response(head: bytes, *, deflate: bool) -> bytes:
    """Write the answer to a client's request."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: "
        + accept_token(head)
        + b"\r\n"
        + (b"Sec-WebSocket-Extensions: " + DEFLATE + b"\r\n" if deflate else b"")
        + b"\r\n"
    )


def header(head: bytes, name: bytes) -> bytes:
    """Return the value of a header field, empty where it is missing."""
    found = re.search(rb"(?mi)^" + re.escape(name) + rb":[ \t]*(.*?)[ \t]*\r$", head)
    return found[1] if found else b""


def complaint(head: bytes, answer: bytes, *, deflate: bool) -> str:
    """Name the fault of an answer to a request; empty where it opens the connection."""
    if not answer.startswith(b"HTTP/1.1 101 ") or not answer.endswith(b"\r\n\r\n"):
        return f"the answer is {answer[:60]!r}"
    if header(answer, b"Sec-WebSocket-Accept") != accept_token(head):
        return f"Sec-WebSocket-Accept is {header(answer, b'Sec-WebSocket-Accept')!r}"
    agreed = header(answer, b"Sec-WebSocket-Extensions").split(b";")[0].strip()
    if agreed != (DEFLATE if deflate else b""):
        return f"Sec-WebSocket-Extensions is {agreed!r}"
    return ""
