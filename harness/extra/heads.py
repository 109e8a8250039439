"""Heads of requests and responses as the extra cases write and read them (RFC 6455 4, RFC 9112)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from typing import NamedTuple

KEY = "Sec-WebSocket-Key"
ACCEPT = "Sec-WebSocket-Accept"
VERSION = "Sec-WebSocket-Version"
PROTOCOL = "Sec-WebSocket-Protocol"
EXTENSIONS = "Sec-WebSocket-Extensions"

_TARGET = re.compile(r"(/|http://)[!\"$-~]*")  # without a fragment (RFC 6455 3)

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The text behind the key in the hash of the accept token (RFC 6455 1.3)."""


@dataclass(frozen=True)
class Head:
    """A start line and header fields, in their order.

    In what a case writes, `{host}` stands for the server's address, `{key}` for a fresh key, `{accept}` for
    the token that answers the client's key.
    """

    start: str
    fields: tuple[tuple[str, str], ...]
    line_end: str = "\r\n"
    left_off: int = 0
    """Bytes that are left off its end, so that it is not whole."""

    def add(self, name: str, value: str) -> Head:
        """Return the head with one field more, at its end."""
        return replace(self, fields=(*self.fields, (name, value)))

    def adding(self, *fields: tuple[str, str]) -> Head:
        """Return the head with these fields more, at its end."""
        return replace(self, fields=(*self.fields, *fields))

    def drop(self, name: str) -> Head:
        """Return the head without a field."""
        return replace(self, fields=tuple(field for field in self.fields if field[0].lower() != name.lower()))

    def put(self, name: str, *values: str) -> Head:
        """Return the head with these values of a field, a line each, in place of what it had."""
        return replace(self, fields=(*self.drop(name).fields, *((name, value) for value in values)))

    def begin(self, start: str) -> Head:
        """Return the head with another start line."""
        return replace(self, start=start)

    def only_start(self) -> Head:
        """Return the start line alone, without its end."""
        return replace(self, fields=(), left_off=4)

    def cut(self, count: int) -> Head:
        """Return the head without that many bytes at its end."""
        return replace(self, left_off=count)

    def spell(self, change: str) -> Head:
        """Return the head with every name in `lower` or `upper` case."""
        return replace(self, fields=tuple((getattr(name, change)(), value) for name, value in self.fields))

    def encode(self, **values: str) -> bytes:
        """Write it, with values in place of `{host}` and the like."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.fields)]
        written = self.line_end.join([*lines, "", ""])
        for name, value in values.items():
            written = written.replace(f"{{{name}}}", value)
        return written.encode("latin-1")[: -self.left_off or None]

    def values(self, name: str) -> list[str]:
        """List the values of a field, a line each."""
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def tokens(self, name: str) -> list[str]:
        """List the elements of a field that is a list of tokens, over all lines, in lower case."""
        return [part.strip(" \t").lower() for value in self.values(name) for part in value.split(",")]

    @property
    def status(self) -> int:
        """The status code of a response, 0 where there is none."""
        parts = self.start.split(" ")
        return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


REQUEST = Head(
    "GET / HTTP/1.1",
    (
        ("Host", "{host}"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "{key}"),
        ("Sec-WebSocket-Version", "13"),
    ),
)
"""A correct request."""

RESPONSE = Head(
    "HTTP/1.1 101 Switching Protocols",
    (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "{accept}")),
)
"""A correct response."""


def take_head(data: bytearray) -> Head | None:
    """Take a head off the front of `data`; None where it is not yet whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    start, *lines = data[:end].decode("latin-1").split("\r\n")
    del data[: end + 4]
    fields = (line.partition(":") for line in lines)
    return Head(start, tuple((name, value.strip(" \t")) for name, _, value in fields))


def accept_token(key: str) -> str:
    """Return the token that answers a key (RFC 6455 4.2.2)."""
    digest = hashlib.sha1((key + GUID).encode("latin-1"), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class HeadFault(NamedTuple):
    """The field at fault, nothing for the first line, and what is wrong."""

    field: str
    text: str

    @classmethod
    def of(cls, head: Head, name: str, sender: str) -> HeadFault:
        """Name the values of a field."""
        return cls(name, f"the {sender} has {name} {head.values(name)}")


def response_fault(head: Head, key: str, request: Head) -> HeadFault | None:
    """Name the fault of a server's 101; None where it is as RFC 6455 4.2.2 wants it."""
    if not head.start.startswith("HTTP/1.1 101 "):
        return HeadFault("", f"the response begins {head.start!r}")
    if head.tokens("Upgrade") != ["websocket"]:
        return HeadFault.of(head, "Upgrade", "response")
    if "upgrade" not in head.tokens("Connection"):
        return HeadFault.of(head, "Connection", "response")
    if head.values(ACCEPT) != [accept_token(key)]:
        return HeadFault.of(head, ACCEPT, "response")
    for name, section in ((EXTENSIONS, "11.3.2"), (PROTOCOL, "11.3.4")):
        if len(head.values(name)) > 1:
            return HeadFault(name, f"the response has two {name} lines (RFC 6455 {section})")
    offered = {part.strip(" \t") for value in request.values(PROTOCOL) for part in value.split(",")}
    if not set(head.values(PROTOCOL)) <= offered - {""}:
        return HeadFault(PROTOCOL, f"the response has {PROTOCOL} {head.values(PROTOCOL)}, not an offered one")
    for name, section in (("Content-Length", "9110 8.6"), ("Transfer-Encoding", "9112 6.1")):
        if head.values(name):
            return HeadFault(name, f"the response has {name}, which a 101 may not have (RFC {section})")
    return None


def request_fault(head: Head, authority: str) -> HeadFault | None:
    """Name the fault of a client's request to a server; None where it is as RFC 6455 4.1 wants it."""
    method, _, rest = head.start.partition(" ")
    target, _, version = rest.partition(" ")
    if method != "GET" or version != "HTTP/1.1" or not _TARGET.fullmatch(target):
        return HeadFault("", f"the request begins {head.start!r}")
    if head.values("Host") != [authority]:
        return HeadFault("Host", f"the request has Host {head.values('Host')}, not ['{authority}']")
    if "websocket" not in head.tokens("Upgrade"):
        return HeadFault.of(head, "Upgrade", "request")
    if "upgrade" not in head.tokens("Connection"):
        return HeadFault.of(head, "Connection", "request")
    if head.values(VERSION) != ["13"]:
        return HeadFault.of(head, VERSION, "request")
    for name in ("Origin", "Authorization"):
        if len(head.values(name)) > 1:
            return HeadFault(name, f"the request has two lines of {name}")
    return key_fault(head, set())


def key_fault(head: Head, known: set[str]) -> HeadFault | None:
    """Name what tells a request's key from 16 random bytes, also beside the keys that came before.

    Of 16 random bytes hardly ever (1 in 10**7) fewer than 9 differ, or 6 are those of another key.
    """
    keys = head.values(KEY)
    nonce = _nonce(keys[0]) if len(keys) == 1 else b""
    if len(nonce) != 16:
        return HeadFault.of(head, KEY, "request")
    if keys[0] in known:
        return HeadFault(KEY, f"the key {keys[0]!r} came before")
    if len(set(nonce)) < 9:
        return HeadFault(KEY, f"the key {keys[0]!r} has only {len(set(nonce))} different bytes")
    for other in known:
        same = sum(one == two for one, two in zip(nonce, _nonce(other), strict=False))
        if same > 5:
            return HeadFault(KEY, f"the key {keys[0]!r} has {same} bytes of the earlier key {other!r}")
    return None


def _nonce(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return b""
