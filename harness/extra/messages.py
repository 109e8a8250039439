"""X.7: compressed messages, in every form that RFC 7692 7.2 permits and some that it does not."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from harness.extra.case import Case
from harness.extra.deflating import NAME, TAIL, deflate
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame, text
from harness.extra.steps import Await
from tooling.frames import BINARY, CONTINUATION, PING, PONG, RSV1, RSV2, RSV3, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "Compressed messages"

# The payloads of RFC 7692 7.2.3, each of them "Hello".
PLAIN = bytes.fromhex("f248cdc9c90700")
AGAIN = bytes.fromhex("f200110000")
"""Refers back to an earlier "Hello"."""
STORED = bytes.fromhex("000500faff48656c6c6f00")
FINAL = bytes.fromhex("f348cdc9c9070000")
"""A block with BFINAL."""
TWO_BLOCKS = bytes.fromhex("f248050000 00ffffcac9c90700")

STORED_FINAL = bytes.fromhex("010500faff48656c6c6f00")
"""A stored block with BFINAL."""

of_deflate = partial(Case, deflate=NAME)


def whole(payload: bytes) -> Frame:
    """Return a compressed text in one frame."""
    return Frame(TEXT, payload, rsv=RSV1)


def fragments(*parts: bytes) -> list[Frame]:
    """Return a compressed text in fragments: RSV1 is set on the first alone."""
    last = len(parts) - 1
    return [
        Frame(CONTINUATION if index else TEXT, part, fin=index == last, rsv=0 if index else RSV1)
        for index, part in enumerate(parts)
    ]


def between(frames: Sequence[Frame], *control: Frame) -> tuple[Frame, ...]:
    """Put control frames between the fragments of a message."""
    return (frames[0], *(frame for fragment in frames[1:] for frame in (*control, fragment)))


PLAIN_FRAGMENTS = (text("Hel", fin=False), Frame(CONTINUATION, b"lo"))
BYTES = [PLAIN[index : index + 1] for index in range(len(PLAIN))]
SPLIT = "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e " * 20
FIRST, SECOND = deflate(SPLIT.encode(), b"and " + SPLIT.encode(), bits=9)

LONG = random.Random(7).randbytes(2**15).hex() * 5  # noqa: S311  # text that compresses a little


def long_fragments() -> list[Frame]:
    """Return a compressed text of 320 KiB in fragments of 1000 bytes."""
    payload = deflate(LONG.encode())[0]
    return fragments(*(payload[start : start + 1000] for start in range(0, len(payload), 1000)))


TAKEN = (
    of_deflate("A message in one frame", "R7692-7.2.3.1-01", Echoes("Hello"), send=(whole(PLAIN),)),
    of_deflate(
        "A message in two fragments",
        "R7692-7.2.3.1-01",
        Echoes("Hello"),
        send=(*fragments(PLAIN[:3], PLAIN[3:]),),
    ),
    of_deflate(
        "A message in fragments of one byte", "R7692-6.2-01", Echoes("Hello"), send=(*fragments(*BYTES),)
    ),
    of_deflate(
        "A message in fragments, every second one empty",
        "R7692-6.2-01",
        Echoes("Hello"),
        send=(*fragments(*(part for byte in BYTES for part in (b"", byte)), b""),),
    ),
    of_deflate(
        "A ping between the fragments of a message",
        "R6455-5.4-08",
        Echoes("Hello", pongs=(b"?",)),
        send=between(fragments(PLAIN[:3], PLAIN[3:]), Frame(PING, b"?")),
    ),
    of_deflate(
        "A ping and a pong between all bytes of a message, and another message",
        "R6455-5.4-08",
        Echoes("Hello", "Hello", pongs=(b"?",)),
        send=(*between(fragments(*BYTES), Frame(PING, b"?"), Frame(PONG, b"!")), whole(PLAIN)),
    ),
    of_deflate("A block with BFINAL", "R7692-7.2.3.4-01", Echoes("Hello"), send=(whole(FINAL),)),
    of_deflate(
        "A block with BFINAL, and the message after it",
        "R7692-7.2.1-04",
        Echoes("Hello", "Hello"),
        send=(whole(FINAL), whole(PLAIN)),
    ),
    of_deflate(
        "Three messages that end in a block with BFINAL",
        "R7692-7.2.1-04",
        Echoes("Hello", "Hello", "Hello"),
        send=(whole(FINAL), whole(STORED_FINAL), whole(FINAL)),
    ),
    of_deflate(
        "A block with BFINAL and one more in one message",
        "R7692-7.2.1-02",
        Echoes("HelloHello", "Hello"),
        send=(whole(FINAL[:-1] + PLAIN), whole(PLAIN)),
    ),
    of_deflate("A stored block", "R7692-7.2.3.3-01", Echoes("Hello"), send=(whole(STORED),)),
    of_deflate("Two blocks", "R7692-7.2.3.5-01", Echoes("Hello"), send=(whole(TWO_BLOCKS),)),
    of_deflate(
        "An empty message, three times", "R7692-7.2.3.6-01", Echoes("", "", ""), send=(whole(b"\x00"),) * 3
    ),
    of_deflate(
        "An empty message as an empty block of fixed codes",
        "R7692-7.2.1-03",
        Echoes("", "Hello"),
        send=(whole(b"\x02\x00"), whole(PLAIN)),
    ),
    of_deflate(
        "A message that refers back to the one before",
        "R7692-7.2.3.2-01",
        Echoes("Hello", "Hello"),
        send=(whole(PLAIN), whole(AGAIN)),
    ),
    of_deflate(
        "A message that refers back over an uncompressed one",
        "R7692-6.2-02",
        Echoes("Hello", "between", "Hello"),
        send=(whole(PLAIN), text("between"), whole(AGAIN)),
    ),
    of_deflate(
        "Uncompressed messages, where compressed ones may come",
        "R7692-6-02",
        Echoes("Hello", "Hello"),
        send=(text("Hello"), text("Hel", fin=False), Frame(CONTINUATION, b"lo")),
    ),
    of_deflate(
        "Code points that are split between fragments, in two messages",
        "R7692-6.1-05",
        Echoes(SPLIT, f"and {SPLIT}"),
        send=(*fragments(FIRST[:7], FIRST[7:8], FIRST[8:]), *fragments(SECOND[:3], SECOND[3:])),
    ),
    Case(
        "The peer does without context takeover: three equal messages",
        "R7692-7.2.1-10",
        Echoes(*["Hello, Hello, Hello"] * 3),
        client_requirement="R7692-7.2.1-08",
        deflate=f"{NAME}; {{testee}}_no_context_takeover",
        send=(text("Hello, Hello, Hello"),) * 3,
    ),
)

FAILED = (
    of_deflate(
        "RSV1 on the second fragment",
        "R7692-6.1-04",
        Fails(1002),
        send=(Frame(TEXT, PLAIN[:3], fin=False, rsv=RSV1), Frame(CONTINUATION, PLAIN[3:], rsv=RSV1)),
    ),
    of_deflate(
        "RSV1 on the second fragment alone",
        "R7692-6.1-04",
        Fails(1002),
        send=(text("Hel", fin=False), Frame(CONTINUATION, b"lo", rsv=RSV1)),
    ),
    of_deflate("RSV1 on a ping", "R7692-6.1-04", Fails(1002), send=(Frame(PING, b"?", rsv=RSV1),)),
    of_deflate(
        "RSV1 on a pong between fragments",
        "R7692-6.1-04",
        Fails(1002),
        send=between(fragments(PLAIN[:3], PLAIN[3:]), Frame(PONG, rsv=RSV1)),
    ),
    of_deflate("RSV2 with RSV1", "R6455-5.2-03", Fails(1002), send=(Frame(TEXT, PLAIN, rsv=RSV1 | RSV2),)),
    of_deflate("What is not DEFLATE data", "R6455-10.7-01", Fails(1007, 1002), send=(whole(b"\xff" * 16),)),
    of_deflate(
        "A reference to before the first byte",
        "R6455-10.7-01",
        Fails(1007, 1002),
        send=(whole(AGAIN), whole(PLAIN)),
    ),
    of_deflate(
        "Text that is not UTF-8 when it is inflated",
        "R6455-8.1-01",
        Fails(1007),
        send=(whole(deflate(b"Hello \xff\xfe")[0]),),
    ),
    of_deflate(
        "Text that ends within a code point when it is inflated",
        "R6455-8.1-01",
        Fails(1007),
        send=(whole(deflate(b"Hello \xc3")[0]),),
    ),
)


def _bad(what: str, *parts: bytes) -> Case:
    return of_deflate(
        f"A message in fragments, not DEFLATE data {what}",
        "R6455-10.7-01",
        Fails(1007, 1002),
        send=(*fragments(*parts),),
    )


def _bits(what: str, *send: Frame) -> Case:
    return of_deflate(f"{what}, where RSV1 alone has a meaning", "R6455-5.2-03", Fails(1002), send=send)


STREAM = deflate(bytes(range(256)) * 8)[0]
EMPTY_STORED = bytes.fromhex("000000ffff")
"""A stored block of no bytes."""

LATER = (
    _bad("in the first", b"\xff" * 8, PLAIN),
    _bad("in the second", STREAM[:20], b"\xff" * 40, STREAM[20:]),
    _bad("in the last", STREAM[:20], STREAM[20:40], b"\xff" * 40),
    _bits("RSV2 on a text", Frame(TEXT, b"Hello", rsv=RSV2)),
    _bits("RSV3 on a text", Frame(TEXT, b"Hello", rsv=RSV3)),
    _bits("RSV2 and RSV3 on an empty text", Frame(TEXT, rsv=RSV2 | RSV3)),
    _bits("RSV3 on a compressed text", Frame(TEXT, PLAIN, rsv=RSV1 | RSV3)),
    _bits("RSV2 on a ping", Frame(PING, b"?", rsv=RSV2)),
    _bits("RSV3 on a pong", Frame(PONG, rsv=RSV3)),
    _bits(
        "RSV2 on the last fragment of a compressed text",
        Frame(TEXT, PLAIN[:3], fin=False, rsv=RSV1),
        Frame(CONTINUATION, PLAIN[3:], rsv=RSV2),
    ),
    of_deflate(
        "A text that is not compressed, and RSV1 on its empty second fragment",
        "R7692-6.1-04",
        Fails(1002),
        send=(text("Hello", fin=False), Frame(CONTINUATION, rsv=RSV1)),
    ),
    of_deflate(
        "An empty text that is not compressed, and RSV1 on the second fragment",
        "R7692-6.1-04",
        Fails(1002),
        send=(text("", fin=False), Frame(CONTINUATION, PLAIN, rsv=RSV1)),
    ),
    of_deflate(
        "A second compressed text within a compressed text, both unfinished",
        "R6455-5.4-07",
        Fails(1002),
        send=(fragments(PLAIN, b"")[0], fragments(PLAIN, b"")[0], Frame(CONTINUATION)),
    ),
    of_deflate("Opcode 3 with RSV1", "R6455-5.2-04", Fails(1002), send=(Frame(3, PLAIN, rsv=RSV1),)),
    of_deflate(
        "The tail 00 00 ff ff left on",
        "R7692-7.2.2-01",
        Echoes("Hello"),
        send=(whole(PLAIN + TAIL),),
        unmet="NON-STRICT",
        why="the sender has to leave the tail out (RFC 7692 7.2.1), and half a block follows the message",
    ),
    of_deflate(
        "A compressed message in a frame without payload",
        "R7692-7.2.2-01",
        Echoes("", "Hello"),
        send=(whole(b""), whole(PLAIN)),
        unmet="NON-STRICT",
        why="RFC 7692 7.2.1 has each message end in a block, which RFC 1951 wants to be there",
    ),
    of_deflate(
        "A compressed binary message, and a compressed text that refers to it",
        "R7692-7.2.3.2-01",
        Echoes(b"Hello", "Hello"),
        send=(Frame(BINARY, PLAIN, rsv=RSV1), whole(AGAIN)),
    ),
    of_deflate(
        "100 empty stored blocks around a message",
        "R7692-7.2.1-02",
        Echoes("Hello"),
        send=(whole(EMPTY_STORED * 50 + PLAIN + TAIL + EMPTY_STORED * 50 + b"\0"),),
    ),
    of_deflate(
        "A message in fragments, the context of which the next message uses",
        "R7692-7.2.3.2-01",
        Echoes("Hello", "Hello", "Hello"),
        send=(*fragments(PLAIN[:2], PLAIN[2:]), *fragments(AGAIN[:1], AGAIN[1:]), whole(AGAIN)),
    ),
    of_deflate(
        "20 compressed messages, which come back compressed in one context",
        "R7692-7.2.1-01",
        Echoes(*[f"message {number}, again and again" for number in range(20)]),
        send=tuple(
            whole(payload)
            for payload in deflate(*[f"message {number}, again and again".encode() for number in range(20)])
        ),
    ),
    of_deflate(
        "A compressed message of 300 KiB in fragments of 1000 bytes",
        "R7692-6.2-01",
        Echoes(LONG),
        send=lambda _bits: (*long_fragments(),),
    ),
    Case(
        "A reference to the message before, where there is to be no context",
        "R7692-7.2.2-04",
        Fails(1007, 1002, before=("Hello",)),
        client_requirement="R7692-7.2.2-02",
        deflate=f"{NAME}; {{harness}}_no_context_takeover",
        send=(whole(PLAIN), Await(), whole(AGAIN)),
        unmet="NON-STRICT",
        why="the rule is the sender's, and RFC 7692 7.2.2 lets the receiver keep its window",
        optional=True,
    ),
    of_deflate(
        "A block with BFINAL and no block behind it, and another message",
        "R7692-7.2.3.4-01",
        Echoes("Hello", "Hello"),
        send=(whole(FINAL[:-1]), whole(PLAIN)),
        unmet="NON-STRICT",
        why="the example of RFC 7692 7.2.3.4 has the sender put an empty block behind it",
    ),
    of_deflate(
        "Compressed and plain messages by turns, in fragments and in one frame",
        "R7692-6.2-02",
        Echoes("Hello", "Hello", b"World", "Hello", "Hello"),
        send=(
            *fragments(PLAIN[:3], PLAIN[3:]),
            *PLAIN_FRAGMENTS,
            Frame(BINARY, b"World"),
            whole(AGAIN),
            *PLAIN_FRAGMENTS,
        ),
    ),
    *(
        of_deflate(
            f"A continuation behind a compressed text that came in {parts}",
            "R6455-5.4-01",
            Fails(1002, before=("Hello",)),
            send=(*send, Frame(CONTINUATION, b"!")),
        )
        for parts, send in (("one frame", [whole(PLAIN)]), ("fragments", fragments(PLAIN[:3], PLAIN[3:])))
    ),
)

CASES = (*TAKEN, *FAILED, *LATER)
