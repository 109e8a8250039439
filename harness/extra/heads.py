"""Heads of requests and responses as the extra cases write and read them (RFC 6455 4, RFC 9112)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace

KEY = "Sec-WebSocket-Key"
ACCEPT = "Sec-WebSocket-Accept"
VERSION = "Sec-WebSocket-Version"
PROTOCOL = "Sec-WebSocket-Protocol"
EXTENSIONS = "Sec-WebSocket-Extensions"

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

    def add(self, name: str, value: str) -> Head:
        """Return the head with one field more, at its end."""
        return replace(self, fields=(*self.fields, (name, value)))

    def drop(self, name: str) -> Head:
        """Return the head without a field."""
        return replace(self, fields=tuple(field for field in self.fields if field[0].lower() != name.lower()))

    def put(self, name: str, *values: str) -> Head:
        """Return the head with these values of a field, a line each, in place of what it had."""
        return replace(self, fields=(*self.drop(name).fields, *((name, value) for value in values)))

    def begin(self, start: str) -> Head:
        """Return the head with another start line."""
        return replace(self, start=start)

    def spell(self, change: str) -> Head:
        """Return the head with every name in `lower` or `upper` case."""
        return replace(self, fields=tuple((getattr(name, change)(), value) for name, value in self.fields))

    def encode(self, **values: str) -> bytes:
        """Write it, with values in place of `{host}` and the like."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.fields)]
        written = "\r\n".join([*lines, "", ""])
        for name, value in values.items():
            written = written.replace(f"{{{name}}}", value)
        return written.encode("latin-1")

    def written(self) -> str:
        """Return it as text, without the empty line at its end."""
        return self.encode().decode("latin-1").strip()

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


def response_fault(head: Head, key: str) -> str:
    """Name the fault of a server's 101; empty where it is as RFC 6455 4.2.2 wants it."""
    if not head.start.startswith("HTTP/1.1 101"):
        return f"the response begins {head.start!r}"
    if head.tokens("Upgrade") != ["websocket"]:
        return f"the response has Upgrade {head.values('Upgrade')}"
    if "upgrade" not in head.tokens("Connection"):
        return f"the response has Connection {head.values('Connection')}"
    if head.values("Sec-WebSocket-Accept") != [accept_token(key)]:
        return f"the response has Sec-WebSocket-Accept {head.values('Sec-WebSocket-Accept')}"
    if len(head.values("Sec-WebSocket-Extensions")) > 1:
        return "the response has two Sec-WebSocket-Extensions lines (RFC 6455 11.3.2)"
    return ""


def request_fault(head: Head) -> str:
    """Name the fault of a client's request; empty where it is as RFC 6455 4.1 wants it."""
    method, _, rest = head.start.partition(" ")
    target, _, version = rest.partition(" ")
    if method != "GET" or version != "HTTP/1.1" or not target.startswith(("/", "http://")):
        return f"the request begins {head.start!r}"
    if len(head.values("Host")) != 1:
        return f"the request has Host {head.values('Host')}"
    if "websocket" not in head.tokens("Upgrade"):
        return f"the request has Upgrade {head.values('Upgrade')}"
    if "upgrade" not in head.tokens("Connection"):
        return f"the request has Connection {head.values('Connection')}"
    if head.values("Sec-WebSocket-Version") != ["13"]:
        return f"the request has Sec-WebSocket-Version {head.values('Sec-WebSocket-Version')}"
    keys = head.values("Sec-WebSocket-Key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return f"the request has Sec-WebSocket-Key {keys}"
    return ""


def _is_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return False
