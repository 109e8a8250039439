"""Header sections as the cases of section H write and read them: pairs of bytes (RFC 9113 8, RFC 9114 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.extra.heads import accept_token

if TYPE_CHECKING:
    from harness.streams.codes import Transport

Fields = tuple[tuple[bytes, bytes], ...]

REQUEST: Fields = (
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"{scheme}"),
    (b":path", b"{path}"),
    (b":authority", b"{authority}"),
    (b"sec-websocket-version", b"13"),
)
"""The request that any server has to accept; what stands in braces is the server's."""

RESPONSE: Fields = ((b":status", b"200"),)

OF_HTTP1 = frozenset({b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"transfer-encoding"})
"""The fields of one connection of HTTP/1.1 (RFC 9113 8.2.2)."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(rb"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_STATUS = re.compile(rb"[1-9][0-9][0-9]")


def adding(*fields: tuple[bytes, bytes], to: Fields = REQUEST) -> Fields:
    """Return a section with these fields more, at its end."""
    return (*to, *fields)


def before(*fields: tuple[bytes, bytes], to: Fields = REQUEST) -> Fields:
    """Return a section with these fields more, in front."""
    return (*fields, *to)


def without(*names: bytes, of: Fields = REQUEST) -> Fields:
    """Return a section without some fields."""
    return tuple(field for field in of if field[0] not in names)


def put(name: bytes, value: bytes, in_: Fields = REQUEST) -> Fields:
    """Return a section with another value for a field."""
    return tuple((known, value if known == name else old) for known, old in in_)


def filled(fields: Fields, **values: str) -> Fields:
    """Return a section with the server's own values in the place of `{scheme}` and the like."""
    written = []
    for name, value in fields:
        for key, own in values.items():
            value = value.replace(b"{%s}" % key.encode(), own.encode())  # noqa: PLW2901
        written.append((name, value))
    return tuple(written)


def values(fields: Fields | None, name: bytes) -> list[bytes]:
    """List the values of a field."""
    return [value for known, value in fields or () if known == name]


def status_of(fields: Fields) -> int | None:
    """Return the status of a response, None where it is none."""
    found = values(fields, b":status")
    return int(found[0]) if len(found) == 1 and _STATUS.fullmatch(found[0]) else None


def accepting(fields: Fields, request: Fields) -> Fields:
    """Return a response with the answer to the key of a request, where it has one and is accepted."""
    keys, said = values(request, b"sec-websocket-key"), values(fields, b"sec-websocket-accept")
    if not keys or said or (status_of(fields) or 0) // 100 != 2:
        return fields
    return (*fields, (b"sec-websocket-accept", accept_token(keys[0].decode("latin-1")).encode()))


def text_of(fields: Fields) -> str:
    """Return a section as text, a field a line."""
    lines = [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in fields]
    text = "\n".join(line if len(line) <= 300 else f"{line[:300]} ..." for line in lines[:40])
    return text if len(lines) <= 40 else f"{text}\n... and {len(lines) - 40} fields more"


def section_fault(fields: Fields, pseudo: frozenset[bytes], transport: Transport) -> str:
    """Name what makes a section malformed, if anything does (RFC 9113 8.2, 8.3; RFC 9114 4.2, 4.3)."""
    fault = _fault(fields, pseudo)
    return fault if transport == "h2" else re.sub(r"RFC 9113 8\.([23])[\d.]*", r"RFC 9114 4.\1", fault)


def _fault(fields: Fields, pseudo: frozenset[bytes]) -> str:
    behind = False
    known: set[bytes] = set()
    for name, value in fields:
        if name.startswith(b":"):
            if behind or name in known or name not in pseudo:
                return f"{name!r} is unknown, a second, or behind a field (RFC 9113 8.3)"
            known.add(name)
        elif not _NAME.fullmatch(name):
            return f"the name {name!r} is not valid in lower case (RFC 9113 8.2)"
        elif name in OF_HTTP1 or (name == b"te" and value != b"trailers"):
            return f"{name!r}: {value!r} belongs to HTTP/1.1 (RFC 9113 8.2.2)"
        elif not _VALUE.fullmatch(value):
            return f"{value!r} is no value of a field (RFC 9113 8.2.1)"
        else:
            behind = True
    if missing := pseudo - known:
        return f"{', '.join(sorted(name.decode() for name in missing))} is missing (RFC 9113 8.3)"
    return ""
