"""What reaches the application as it came: fields and target of a request, and what a client adds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from harness.extra.case import of_client, of_server
from harness.extra.expectations import Echoes
from harness.extra.heads import REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.extra.seen import Seen

ORIGIN = ("Origin", "http://example.com")
COOKIES = (("Cookie", "a=b; c=d"), ("Cookie", "e=f"))
AUTHORIZATION = ("Authorization", "Basic dTpw")

OPAQUE = "that is a SHOULD"
LONG = "a server may refuse fields that are longer than it likes (RFC 9110 5.4)"
RECOMMENDED = "RFC 9112 3 recommends 8000 octets, and demands none"

_EXPOSED = "R6455-4.2.1-11"

# The title, the row, the fields of the request, the one that is asked for, and the lines to be told.
_FIELDS = (
    ("Origin", "R6455-4.2.2-05", (ORIGIN,), "Origin", (ORIGIN[1],)),
    ("“Origin: null”", "R6455-4.2.2-05", (("Origin", "null"),), "Origin", ("null",)),
    ("Origin, asked for in lower case", "R6455-4.2.2-05", (ORIGIN,), "origin", (ORIGIN[1],)),
    ("no Origin where there is none", "R6455-4.2.2-05", (), "Origin", ()),
    ("Authorization", _EXPOSED, (AUTHORIZATION,), "Authorization", (AUTHORIZATION[1],)),
    ("a line of Cookie", _EXPOSED, (*COOKIES[:1], ORIGIN), "Cookie", (COOKIES[0][1],)),
    ("two lines of Cookie", _EXPOSED, COOKIES, "Cookie", tuple(value for _, value in COOKIES)),
    (
        "a field that nobody knows, with commas, quotes and blanks within",
        _EXPOSED,
        (("X-Extra", ', a,, "b  c" ;\td,'),),
        "X-Extra",
        (', a,, "b  c" ;\td,',),
    ),
    ("a field without the blanks around it", "R9112-5-01", (("X-Extra", " \t a b \t"),), "X-Extra", ("a b",)),
    ("an empty field", _EXPOSED, (("X-Extra", ""),), "X-Extra", ("",)),
)  # fmt: skip

_TARGETS = (
    ("with percent signs", "/target/a%2Fb%20c%25%e2%82%ac"),
    ("with slashes in a row", "/target//a///"),
    ("with dots", "/target/./a/../b"),
    ("with every other character that a path may have", "/target/-._~!$&'()*+,;=:@"),
    ("with a query", "/target?a=b&c=d%26e&a=+f"),
    ("with question marks and slashes in its query", "/target?a?b=c/d?//e"),
    ("with a query that is no list of pairs", "/target/x?&&=;"),
)


def request_with(fields: tuple[tuple[str, str], ...]) -> Callable[[Seen], str]:
    """Want each of these fields in a client's request, as often as it was given, and no other Origin."""

    def judge(seen: Seen) -> str:
        for name in dict.fromkeys(["Origin", *(name for name, _ in fields)]):
            wanted = [value for known, value in fields if known == name]
            values = seen.head.values(name) if seen.head else []
            if values != wanted:
                seen.head_fault = name
                return f"the request has {name} {values}, not {wanted}"
        return ""

    return judge


PASSED_ON = (
    *(
        of_server(
            f"The application gets {what}",
            row,
            Echoes(*lines, "Hello"),
            mode=f"/field/{name}",
            request=REQUEST.adding(*fields),
        )
        for what, row, fields, name, lines in _FIELDS
    ),
    of_server(
        "The application gets a field with a byte over 0x7F, or the request is refused",
        "R9110-5.5-03",
        Echoes("caf\xe9", "Hello", may_refuse=True),
        unmet="NON-STRICT",
        why=OPAQUE,
        mode="/field/X-Extra",
        request=REQUEST.add("X-Extra", "caf\xe9"),
    ),
    of_server(
        "The application gets a Cookie of 4,096 bytes",
        _EXPOSED,
        Echoes("a=" + "x" * 4094, "Hello"),
        unmet="NON-STRICT",
        why=LONG,
        mode="/field/Cookie",
        request=REQUEST.add("Cookie", "a=" + "x" * 4094),
    ),
    *(
        of_server(
            f"The application gets a target {what} as it is",
            "R6455-4.2.1-03",
            Echoes(target, "Hello"),
            mode=target,
        )
        for what, target in _TARGETS
    ),
    of_server(
        "The application gets a target of 7,900 bytes as it is",
        "R9112-3-02",
        Echoes(f"/target?{'a=b&' * 1973}", "Hello"),
        unmet="NON-STRICT",
        why=RECOMMENDED,
        mode=f"/target?{'a=b&' * 1973}",
    ),
)

SENT = tuple(
    of_client(
        f"The client sends {what}",
        row,
        Echoes("Hello", also=request_with(fields)),
        mode=f"/fields?{urlencode(fields)}",
    )
    for what, row, fields in (
        ("one Origin", "R6455-4.1-32", (ORIGIN,)),
        ("no Origin that it was not told to send", "R6455-4.1-32", (("X-Extra", "1"),)),
        ("Authorization", "R6455-4.1-39", (AUTHORIZATION,)),
        ("a Cookie", "R6455-4.1-39", COOKIES[:1]),
        (
            "a field with commas, quotes and blanks within",
            "R6455-4.1-39",
            (("X-Extra", 'a,, "b  c" ; d'), ORIGIN, *COOKIES[:1]),
        ),
    )
)
