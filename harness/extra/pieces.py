"""X.13: the cases of messages and frames again, in pieces: a byte at a time, or cut in every place.

A case that is added to X.3, X.4 or X.7 shifts the numbers here: their baselines are written anew.
"""

from __future__ import annotations

from dataclasses import replace

from harness.extra import closing, framing, messages
from harness.extra.case import Case
from harness.extra.deflating import NAME
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame, text
from harness.extra.messages import AGAIN, PLAIN, fragments, whole
from tooling.frames import BINARY, CONTINUATION, PING

TITLE = "In pieces"

SHORT = 100
"""Bytes of payload in a case that is played a byte at a time."""


def _is_short(case: Case) -> bool:
    if callable(case.send) or case.listen:
        return False
    return all(isinstance(step, Frame) for step in case.send) and 0 < _size(case) <= SHORT


def _size(case: Case) -> int:
    steps = case.send if not callable(case.send) else ()
    return sum(len(step.payload) + 6 for step in steps if isinstance(step, Frame))


def _chopped(case: Case) -> Case:
    title = f"{case.title[:1].lower()}{case.title[1:]}" if case.title[1:2] == " " else case.title
    return replace(case, title=f"A byte at a time: {title}", chop=1)


CUT = (
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

CASES = (
    *CUT,
    *(_chopped(case) for case in (*framing.CASES, *closing.CASES, *messages.CASES) if _is_short(case)),
)
