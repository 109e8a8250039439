"""X.13: messages and frames, cut in every place."""

from __future__ import annotations

from harness.extra.case import Case
from harness.extra.deflating import NAME
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame, text
from harness.extra.messages import AGAIN, PLAIN, fragments, whole
from tooling.frames import BINARY, CONTINUATION, PING

TITLE = "Cut in every place"

CASES = (
    Case(
        "A text, a ping and a binary message, cut in every place",
        "R6455-6.2-01",
        Echoes("Hello", b"World", pongs=(b"?",)),
        every_cut=True,
        send=(text("Hello"), Frame(PING, b"?"), Frame(BINARY, b"World")),
    ),
    Case(
        "A text in three fragments and a ping, cut in every place",
        "R6455-6.2-01",
        Echoes("gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{EURO SIGN}n", pongs=(b"?",)),
        every_cut=True,
        send=(
            Frame(1, b"gr\xc3", fin=False),
            Frame(CONTINUATION, b"\xbc\xe2\x82", fin=False),
            Frame(PING, b"?"),
            Frame(CONTINUATION, b"\xacn"),
        ),
    ),
    Case(
        "A length of 16 bits, cut in every place",
        "R6455-6.2-01",
        Echoes("x" * 126),
        every_cut=True,
        send=(text("x" * 126),),
    ),
    Case(
        "Three compressed messages, cut in every place",
        "R6455-6.2-01",
        Echoes("Hello", "Hello", pongs=(b"?",)),
        deflate=NAME,
        every_cut=True,
        send=(whole(PLAIN), Frame(PING, b"?"), whole(AGAIN)),
    ),
    Case(
        "A compressed message in three fragments, cut in every place",
        "R6455-6.2-01",
        Echoes("Hello", pongs=(b"?",)),
        deflate=NAME,
        every_cut=True,
        send=(
            *fragments(PLAIN[:2], PLAIN[2:4], PLAIN[4:])[:2],
            Frame(PING, b"?"),
            Frame(CONTINUATION, PLAIN[4:]),
        ),
    ),
)
