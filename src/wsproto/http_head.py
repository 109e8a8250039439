"""The heads of the two HTTP messages that open nearly every connection, read without h11.

h11 takes 15 of the 35 microseconds in which a server reads a request, this a quarter of that. It reads what
follows the strict grammar of RFC 9112, comes whole, and has nothing about it that h11 would have to judge.
Everything else is None, and h11's to read. Of what it reads, h11 reads the same: see `tests/properties/`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .header_grammar import TOKEN

if TYPE_CHECKING:
    from .typing import Headers

# RFC 9112 2.1, 5: one CRLF behind each line, no white space before a colon, no folded lines.
_FIELDS = rb"((?:" + TOKEN + rb":[\x20-\x7e\t\x80-\xff]*\r\n)+)\r\n"
_REQUEST = re.compile(rb"GET ([\x21-\x7e]+) HTTP/1\.1\r\n" + _FIELDS)
_SWITCHING_PROTOCOLS = re.compile(rb"HTTP/1\.1 101 [\x20-\x7e\t]*\r\n" + _FIELDS)
# What says how long a message is; h11 knows all about it.
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class RequestHead(NamedTuple):
    """The head of a request."""

    method: bytes
    target: bytes
    http_version: bytes
    headers: Headers
    """Its fields, the names in lower case, the values without white space around them."""


def regular_request(head: bytes) -> RequestHead | None:
    """Read the head of a request, or return None where h11 has to."""
    match = _REQUEST.fullmatch(head)
    if match is None:
        return None
    headers = _fields(match[2])
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 or not _FRAMING.isdisjoint(names):
        return None
    return RequestHead(b"GET", match[1], b"1.1", headers)


def regular_acceptance(head: bytes) -> Headers | None:
    """Read the fields of a 101 response, or return None where h11 has to."""
    match = _SWITCHING_PROTOCOLS.fullmatch(head)
    if match is None:
        return None
    headers = _fields(match[1])
    return headers if all(name not in _FRAMING for name, _ in headers) else None


def _fields(lines: bytes) -> Headers:
    fields = []
    for line in lines[:-2].split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.append((name.lower(), value.strip(b" \t")))
    return fields
