"""Header sections of a stream, right and odd: vectors for properties and fuzz targets."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsproto.typing import Headers

CONNECT: Final = {
    b":method": b"CONNECT",
    b":protocol": b"websocket",
    b":scheme": b"https",
    b":authority": b"server.example.com",
    b":path": b"/chat",
    b"sec-websocket-version": b"13",
}
ODD_FIELDS: Final = (
    *({name: value} for name, value in CONNECT.items()),
    *({name: b""} for name in CONNECT),
    *({b":protocol": value} for value in (b"WebSocket", b"foo", b"websocket, foo", b"websocket/13")),
    *({b":path": value} for value in (b"chat", b"*", b"/#a", b"/\x80", b"/a b")),
    *({b":authority": value} for value in (b"user@a", b"[::1]:80", b"xn--bcher-kva.de", b"xn--\xff", b"a b")),
    *({b":scheme": value} for value in (b"http", b"HTTPS", b"wss")),
    *(
        {b":method": b"GET"},
        {b":foo": b"bar"},
        {b":status": b"200"},
        {b"X": b""},
        {b"a b": b""},
        {b"a:b": b""},
    ),
    *({b"x": value} for value in (b"", b" a", b"a\t", b"a\nb", b"a\rb", b"a\0b", b"a\x80", b"a" * 70)),
    *({name: b"1"} for name in (b"connection", b"upgrade", b"keep-alive", b"transfer-encoding")),
    *({b"te": value} for value in (b"trailers", b"gzip")),
    *({b"host": value} for value in (b"server.example.com", b"SERVER.example.com", b"other")),
    *({b"content-length": value} for value in (b"0", b"00", b"5", b"a")),
    *({b"sec-websocket-protocol": value} for value in (b"chat, superchat", b"a, a", b"a b", b",")),
    {b"sec-websocket-key": b"a", b"sec-websocket-accept": b"b", b"cookie": b"a=b"},
)


def odd_sections(first: dict[bytes, bytes], changes: Iterable[dict[bytes, bytes]]) -> list[Headers]:
    """Make header sections: with each change, with that left out, with each pair left out, and others."""
    sections: list[Headers] = []
    for change in changes:
        fields = list({**first, **change}.items())
        sections.append(sorted(fields, key=lambda field: field[0][:1] != b":"))
        sections.append([field for field in fields if field[0] not in change])
    sections += [
        [field for field in first.items() if field[0] not in pair] for pair in combinations(first, 2)
    ]
    sections.append([*first.items(), *first.items()])
    sections.append(list(reversed(list(first.items()))))
    sections.append([*first.items(), (b"cookie", b"a=b"), (b"x", b"1"), (b"cookie", b"c=d")])
    return sections
