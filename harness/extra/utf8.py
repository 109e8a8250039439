"""X.15: text that is not UTF-8, cut in every place, in fragments and compressed ones (RFC 6455 8.1)."""

from __future__ import annotations

import random

from harness.extra.case import Case
from harness.extra.deflating import NAME, deflate
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame
from harness.extra.messages import fragments
from tooling.frames import CONTINUATION, PING, PONG, TEXT

TITLE = "UTF-8"

PROMPT = "RFC 6455 8.1 does not say when: an endpoint may wait for the end of the message"

INVALID = (
    ("a code point that stops short", b"\xce", b"abc"),
    ("the first surrogate", b"\xed\xa0\x80", b""),
    ("the last surrogate", b"\xed\xbf\xbf", b""),
    ("a slash in two bytes", b"\xc0\xaf", b""),
    ("a slash in three bytes", b"\xe0\x80\xaf", b""),
    ("a slash in four bytes", b"\xf0\x80\x80\xaf", b""),
    ("the code point U+110000", b"\xf4\x90\x80\x80", b""),
    ("a lone continuation byte", b"\x80", b"abc"),
)


HOPELESS = ("c0", "c1", "e0 80", "e0 9f", "ed a0", "ed bf", "f0 80", "f0 8f", "f4 90", "f5", "c3 28", "80")
"""Starts of what cannot become UTF-8 any more: overlong, surrogates, beyond U+10FFFF, a stray byte."""


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _plain(*parts: bytes) -> tuple[Frame, ...]:
    last = len(parts) - 1
    return tuple(
        Frame(CONTINUATION if index else TEXT, part, fin=index == last) for index, part in enumerate(parts)
    )


def _cut(what: str, data: bytes, rest: bytes) -> Case:
    parts = _parts(data, 1) + ([rest] if rest else [])
    return Case(
        f"In fragments of one byte: {what}", "R6455-8.1-01", Fails(1007), send=_plain(b"ok ", *parts, b" ok")
    )


def _compressed(what: str, data: bytes, rest: bytes) -> Case:
    return Case(
        f"In compressed fragments of one byte: {what}",
        "R6455-8.1-01",
        Fails(1007),
        deflate=NAME,
        send=(*fragments(*_parts(deflate(b"ok " + data + rest + b" ok")[0], 1)),),
    )


def _unfinished(start: str) -> Case:
    return Case(
        f"An unfinished text that ends in {start.upper()}: the connection is failed before its end",
        "R6455-8.1-01",
        Fails(1007),
        unmet="NON-STRICT",
        why=PROMPT,
        send=(Frame(TEXT, b"abc" + bytes.fromhex(start), fin=False),),
    )


# What decoders like to change: a byte order mark, NUL, ends of lines, what could be one character or two.
AS_IT_IS = "\ufeffa\0b\r\n\u2028e\u0301 \xe9 \ufb01 \ufffd\ufeff"

VARIED = "".join(random.Random(15).choices("\xe9\u20ac\u4e2d\u6587\U0001f600\U0010ffff", k=34_000))  # noqa: S311
"""Characters of two to four bytes."""

CASES = (
    *(_cut(*invalid) for invalid in INVALID),
    *(_compressed(*invalid) for invalid in INVALID),
    Case(
        "A fragment that ends within a code point, and an ASCII one",
        "R6455-8.1-01",
        Fails(1007),
        send=_plain(b"\xce", b"abc"),
    ),
    Case(
        "A fragment that ends within a code point, and an empty last one",
        "R6455-8.1-01",
        Fails(1007),
        send=_plain(b"abc\xe2\x82", b"", b""),
    ),
    Case(
        "A fragment that ends within a code point, the message with it, and the rest in the next message",
        "R6455-8.1-01",
        Fails(1007),
        send=(Frame(TEXT, b"abc\xc3"), Frame(TEXT, b"\xbc")),
    ),
    Case(
        "An unfinished text that is not UTF-8: the connection is failed before its end",
        "R6455-8.1-01",
        Fails(1007),
        unmet="NON-STRICT",
        why=PROMPT,
        send=(Frame(TEXT, b"abc\xff", fin=False),),
    ),
    Case(
        "An unfinished compressed text that is not UTF-8: the connection is failed before its end",
        "R6455-8.1-01",
        Fails(1007),
        unmet="NON-STRICT",
        why=PROMPT,
        deflate=NAME,
        send=(fragments(deflate(b"abc\xff" + bytes(100))[0] + b"\x00\x00\xff\xff", b"")[0],),
    ),
    Case(
        "Each code point at the edge of a length, in fragments of one byte",
        "R6455-5.6-01",
        Echoes("\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"),
        send=_plain(*_parts("\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode(), 1)),
    ),
    Case(
        "Bytes that are not UTF-8 in a binary message, in fragments",
        "R6455-5.6-01",
        Echoes(b"\xce\xff\xed\xa0\x80"),
        send=(Frame(2, b"\xce\xff", fin=False), Frame(CONTINUATION, b"\xed\xa0\x80")),
    ),
    *map(_unfinished, HOPELESS),
    Case(
        "A text that is a byte order mark, and one that begins and ends with it, with NUL and accents within",
        "R6455-5.6-01",
        Echoes("\ufeff", AS_IT_IS),
        send=(*_plain(b"\xef\xbb\xbf"), *_plain(AS_IT_IS.encode())),
    ),
    Case(
        "The same text in fragments of one byte, and compressed",
        "R6455-5.6-01",
        Echoes(AS_IT_IS, AS_IT_IS),
        deflate=NAME,
        send=(*_plain(*_parts(AS_IT_IS.encode(), 1)), *fragments(deflate(AS_IT_IS.encode())[0])),
    ),
    Case(
        "A ping and a pong that are not UTF-8, within a code point of a text",
        "R6455-5.4-08",
        Echoes("\N{EURO SIGN}", pongs=(b"\xac\xff",)),
        send=(
            Frame(TEXT, b"\xe2\x82", fin=False),
            Frame(PING, b"\xac\xff"),
            Frame(PONG, b"\xac"),
            Frame(CONTINUATION, b"\xac"),
        ),
    ),
    Case(
        "A compressed text of 100 KiB, whose code points are cut wherever it is inflated in pieces",
        "R6455-5.6-01",
        Echoes(VARIED),
        deflate=NAME,
        send=lambda _bits: (*fragments(deflate(VARIED.encode())[0]),),
    ),
)
