"""Odd requests as data: what is changed, and whether a server has to refuse, accept, or may do either."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from harness.extra.heads import EXTENSIONS, KEY, PROTOCOL, REQUEST, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from harness.extra.heads import Head
    from harness.fuzzing.sequence import Wanted

    Change = Callable[[Head], Head]


class Oddity(NamedTuple):
    """A change to a right request."""

    words: str
    wanted: Wanted
    rule: str
    change: Change


def _put(name: str, *values: str) -> Change:
    return lambda head: head.put(name, *values)


def _add(name: str, *values: str) -> Change:
    return lambda head: head.adding(*((name, value) for value in values))


def _drop(name: str) -> Change:
    return lambda head: head.drop(name)


def _method(method: str, version: str = "HTTP/1.1") -> Change:
    def change(head: Head) -> Head:
        return head.begin(f"{method} {head.start.split(' ')[1]} {version}")

    return change


def _spelt(old: str, new: str) -> Change:
    """Return what writes a field's name otherwise."""

    def change(head: Head) -> Head:
        value = "".join(head.values(old)[:1])
        return head.drop(old).add(new, value)

    return change


_RIGHT: tuple[tuple[str, Change], ...] = (
    ("names of fields in lower case", lambda head: head.spell("lower")),
    ("names of fields in upper case", lambda head: head.spell("upper")),
    ("“Upgrade: WebSocket”", _put("Upgrade", "WebSocket")),
    ("“Upgrade: WEBSOCKET”", _put("Upgrade", "WEBSOCKET")),
    ("“Connection: keep-alive, Upgrade”", _put("Connection", "keep-alive, Upgrade")),
    ("“Connection: upgrade”", _put("Connection", "upgrade")),
    ("“Connection: UPGRADE, keep-alive”", _put("Connection", "UPGRADE, keep-alive")),
    ("two lines of Connection", _put("Connection", "keep-alive", "Upgrade")),
    ("“Connection: ,Upgrade ,”", _put("Connection", ",Upgrade ,")),
    ("blanks around values", _put("Upgrade", "  \t websocket \t ")),
    ("blanks around the version", _put(VERSION, "  13\t")),
    ("an unknown field", _add("X-Unknown", 'a, b; c="d"')),
    ("an unknown field without a value", _add("X-Unknown", "")),
    ("an unknown field of 2,000 bytes", _add("X-Unknown", "a" * 2000)),
    ("thirty unknown fields", _add("X-Unknown", *map(str, range(30)))),
    ("two lines of Cookie", _add("Cookie", "a=b", "c=d")),
    ("User-Agent", _add("User-Agent", "fuzz/1 (a; b)")),
    ("an unknown extension", _add(EXTENSIONS, "x-unknown; a=1; b")),
)  # fmt: skip

_WRONG: tuple[tuple[str, str, Change], ...] = (
    ("the method POST", "request", _method("POST")),
    ("the method HEAD", "request", _method("HEAD")),
    ("HTTP/1.0", "request", _method("GET", "HTTP/1.0")),
    ("no Host", "host", _drop("Host")),
    ("two lines of Host", "host", _add("Host", "b.example")),
    ("no Upgrade", "request", _drop("Upgrade")),
    ("“Upgrade: websockets”", "request", _put("Upgrade", "websockets")),
    ("“Upgrade: h2c”", "request", _put("Upgrade", "h2c")),
    ("“Upgrade: web socket”", "request", _put("Upgrade", "web socket")),
    ("no Connection", "request", _drop("Connection")),
    ("“Connection: keep-alive”", "request", _put("Connection", "keep-alive")),
    ("“Connection: Upgraded”", "request", _put("Connection", "Upgraded")),
    ("“Connection: close”", "request", _put("Connection", "close")),
    ("no key", "request", _drop(KEY)),
    ("an empty key", "request", _put(KEY, "")),
    ("no version", "request", _drop(VERSION)),
    ("an empty version", "request", _put(VERSION, "")),
    *((f"version {version}", "request", _put(VERSION, version)) for version in ("9", "12", "14", "131")),
    ("version x", "request", _put(VERSION, "x")),
    ("a blank before the colon of Upgrade", "space before colon", _spelt("Upgrade", "Upgrade ")),
    ("a blank before the colon of the key", "space before colon", _spelt(KEY, f"{KEY} ")),
)  # fmt: skip

_OPEN: tuple[tuple[str, Change], ...] = (
    ("“Upgrade: h2c, websocket”", _put("Upgrade", "h2c, websocket")),
    ("Origin", _add("Origin", "http://example.com")),
    ("two subprotocols", _put(PROTOCOL, "x-one, x-two")),
    ("two lines of subprotocols", _put(PROTOCOL, "x-one", "x-two")),
    ("HTTP/1.2", _method("GET", "HTTP/1.2")),
    ("“Content-Length: 0”", _add("Content-Length", "0")),
    ("a folded field", _add("X-Unknown", "a\r\n b")),
    ("a NUL in an unknown field", _add("X-Unknown", "a\0b")),
    ("an unknown field with a byte over 0x7F", _add("X-Unknown", "\xff\xfe")),
    ("a key of 15 bytes", _put(KEY, base64.b64encode(b"a" * 15).decode())),
    ("a key of 17 bytes", _put(KEY, base64.b64encode(b"a" * 17).decode())),
    ("a key that is not Base64", _put(KEY, "?" * 24)),
    ("two lines of the key", _add(KEY, "AAAAAAAAAAAAAAAAAAAAAA==")),
    ("two lines of the version", _add(VERSION, "13")),
    ("version 8", _put(VERSION, "8")),  # a draft's, which a server may understand (RFC 6455 4.4)
    ("an expectation", _add("Expect", "100-continue")),
    ("an empty subprotocol", _add(PROTOCOL, "")),
    ("a field of 20,000 bytes", _add("X-Unknown", "a" * 20_000)),
)  # fmt: skip

ODDITIES = (
    *(Oddity(words, "accept", "right request", change) for words, change in _RIGHT),
    *(Oddity(words, "refuse", rule, change) for words, rule, change in _WRONG),
    *(Oddity(words, "either", "right request", change) for words, change in _OPEN),
)

STRICTNESS: dict[Wanted, int] = {"refuse": 0, "either": 1, "accept": 2}
"""Which oddity decides, where there are several: the one of the lowest number."""

_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_SIZES = ("server_max_window_bits", "client_max_window_bits")
_WRONG_PARAMETERS = (
    "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
    "server_max_window_bits=010", "client_max_window_bits=0", "client_max_window_bits=x",
    "client_max_window_bits=16", "client_no_context_takeover=1", "server_no_context_takeover=true",
    "unknown_parameter", "max_window_bits=10",
)  # fmt: skip


def offer(random: Random) -> str:
    """Return an offer of permessage-deflate with any parameters, now and then with wrong ones."""
    offers = [_one_offer(random) for _ in range(random.choice((1, 1, 1, 2)))]
    return ", ".join(offers)


def _one_offer(random: Random) -> str:
    parameters = [name for name in _FLAGS if not random.randrange(4)]
    for name in _SIZES:
        if not random.randrange(4):
            bits = random.choice((8, 9, 10, 12, 14, 15))
            parameters.append(f'{name}="{bits}"' if not random.randrange(6) else f"{name}={bits}")
    if not random.randrange(3) and not any(_SIZES[1] in parameter for parameter in parameters):
        parameters.append(_SIZES[1])
    random.shuffle(parameters)
    if not random.randrange(8):
        wrong = random.choice([*_WRONG_PARAMETERS, *parameters])
        parameters.insert(random.randint(0, len(parameters)), wrong)
    glue = random.choice(("; ", ";", " ; "))
    return glue.join(["permessage-deflate", *parameters])


def odd_request(random: Random) -> tuple[Head, Wanted, str, str]:
    """Return a request, whether it has to be accepted, the rule, and its oddities, the worst first."""
    oddities = random.sample(ODDITIES, random.choice((1, 1, 2)))
    head = REQUEST
    for oddity in sorted(oddities, key=lambda one: -STRICTNESS[one.wanted]):  # the wrong one stays
        head = oddity.change(head)
    oddities.sort(key=lambda one: STRICTNESS[one.wanted])
    words = " and ".join(dict.fromkeys(oddity.words for oddity in oddities))
    return head, oddities[0].wanted, oddities[0].rule, words
