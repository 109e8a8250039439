"""X.14: many small frames, and peers that do not read: linear work, bounded memory (RFC 6455 10.4)."""

from __future__ import annotations

from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.deflating import NAME, repeated, stored
from harness.extra.expectations import Echoes
from harness.extra.flood_expectations import TIMES, Flooded, Linear
from harness.extra.frames import Frame, text
from harness.extra.messages import PLAIN, fragments
from harness.extra.steps import Await, Do, Flood, Step
from tooling.frames import BINARY, CONTINUATION, PING, PONG, RSV1, TEXT

TITLE = "Floods"

KEY = b"\x11\x22\x33\x44"

ALLOWED = "RFC 6455 10.4 has an endpoint limit what it takes, and names no number"

MANY = 100_000
"""Fragments of one message."""

PIECE = b"0123456789"
"""One of them. Together they are long enough that it takes seconds to copy them with each further one."""

FINAL = bytes.fromhex("f348cdc9c90700")
"""A block with BFINAL: Hello."""

BELOW = MAX_MESSAGE_SIZE * 9 // 10

UNREAD = 512
"""Messages of 64 KiB whose echoes nobody reads."""


def _frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> Frame:
    return Frame(opcode, payload, fin, mask=KEY)


def _in_fragments(number: int) -> tuple[Step, ...]:
    first, last = Frame(TEXT, PIECE, fin=False), Frame(CONTINUATION, PIECE)
    return first, Flood(_frame(CONTINUATION, PIECE, fin=False), number - 2), last


def _final_blocks(number: int) -> Case:
    return Case(
        f"A text of {number} blocks with BFINAL",
        "R7692-7.2.1-04",
        Flooded("Hello" * number),
        unmet="NON-STRICT",
        why="each of them ends the decompressor and costs a new one, and RFC 6455 10.4 has an endpoint limit "
        "what it takes",
        deflate=NAME,
        send=(*fragments(FINAL * number + b"\0"),),
        watch_memory=True,
    )


CASES = (
    Case(
        f"A text in {MANY} fragments of {len(PIECE)} bytes",
        "R6455-5.4-09",
        Flooded(PIECE.decode() * MANY),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=_in_fragments(MANY),
        watch_memory=True,
    ),
    Case(
        f"A text in {MANY + 1} fragments, all but two of them empty",
        "R6455-5.4-09",
        Flooded("Hello"),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=(
            text("Hel", fin=False),
            Flood(_frame(CONTINUATION, fin=False), MANY - 1),
            Frame(CONTINUATION, b"lo"),
        ),
        watch_memory=True,
    ),
    Case(
        "A compressed text with 20000 empty fragments within",
        "R6455-5.4-09",
        Flooded("Hello"),
        unmet="NON-STRICT",
        why=ALLOWED,
        deflate=NAME,
        send=(
            fragments(PLAIN[:3], b"")[0],
            Flood(_frame(CONTINUATION, fin=False), 20000),
            Frame(CONTINUATION, PLAIN[3:]),
        ),
        watch_memory=True,
    ),
    Case(
        "1000 pings within a message",
        "R6455-5.4-08",
        Echoes("Hello", pongs=(b"the last",)),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=(
            text("Hel", fin=False),
            Flood(_frame(PING, b"?"), 1000),
            Frame(PING, b"the last"),
            Frame(CONTINUATION, b"lo"),
        ),
        watch_memory=True,
    ),
    Case(
        "20000 pongs that nobody asked for",
        "R6455-5.5.3-03",
        Flooded("Hello"),
        send=(Flood(_frame(PONG, b"!"), 20000), text("Hello")),
        watch_memory=True,
    ),
    Case(
        "20000 pings of 125 bytes whose pongs nobody reads, then everything is read",
        "R6455-10.4-02",
        Flooded("Hello"),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=(
            Do.STOP_READING,
            Flood(_frame(PING, b"x" * 125), 20_000, unread=True),
            Do.READ_AGAIN,
            text("Hello"),
        ),
        watch_memory=True,
    ),
    Case(
        f"{UNREAD} messages of 64 KiB whose echoes nobody reads, then everything is read",
        "R6455-10.4-02",
        Flooded(*[bytes(2**16)] * UNREAD),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=(
            Do.STOP_READING,
            Flood(Frame(BINARY, bytes(2**16), mask=bytes(4)), UNREAD, unread=True),
            Do.READ_AGAIN,
        ),
        watch_memory=True,
    ),
    Case(
        "10000 empty messages",
        "R6455-5.4-09",
        Flooded(*[""] * 10000),
        send=(Flood(_frame(TEXT), 10000),),
        watch_memory=True,
    ),
    Case(
        "5000 compressed empty messages",
        "R7692-7.2.3.6-01",
        Flooded(*[""] * 5000),
        deflate=NAME,
        send=(Flood(Frame(TEXT, b"\0", rsv=RSV1, mask=KEY), 5000),),
        watch_memory=True,
    ),
    Case(
        "A message and a ping by turns, 100 times, each answered before the next",
        "R6455-5.5.2-02",
        Echoes(*["Hello"] * 100, pongs=(b"?",)),
        send=(text("Hello"), Await(), Frame(PING, b"?"), Await()) * 100,
    ),
    Case(
        "20 compressed messages at once, each of which inflates to 90 % of the limit",
        "R6455-10.4-02",
        Flooded(*[bytes(BELOW)] * 20),
        unmet="NON-STRICT",
        why=ALLOWED,
        deflate=NAME,
        send=lambda _bits: (Frame(BINARY, repeated(b"\0", BELOW) + b"\0", rsv=RSV1),) * 20,
        watch_memory=True,
    ),
    Case(
        "A text with 100000 empty blocks behind it",
        "R7692-7.2.1-02",
        Flooded("Hello"),
        unmet="NON-STRICT",
        why=ALLOWED,
        deflate=NAME,
        send=lambda _bits: (Frame(TEXT, stored(b"Hello") + stored(b"") * 100_000 + b"\0", rsv=RSV1),),
        watch_memory=True,
    ),
    Case(
        "Nothing but 1000 empty blocks, and another message",
        "R7692-7.2.1-02",
        Flooded("", "Hello"),
        deflate=NAME,
        send=(Frame(TEXT, stored(b"") * 1000 + b"\0", rsv=RSV1), *fragments(PLAIN)),
    ),
    *map(_final_blocks, (1024, 1025)),
    Case(
        "2000 messages, each of them a block with BFINAL",
        "R7692-7.2.1-04",
        Flooded(*["Hello"] * 2000),
        deflate=NAME,
        send=(Flood(Frame(TEXT, FINAL + b"\0", rsv=RSV1, mask=KEY), 2000),),
        watch_memory=True,
    ),
    Case(
        "1000 pings within a compressed message",
        "R6455-5.4-08",
        Echoes("Hello", pongs=(b"the last",)),
        unmet="NON-STRICT",
        why=ALLOWED,
        deflate=NAME,
        send=(
            fragments(PLAIN[:3], b"")[0],
            Flood(_frame(PING, b"?"), 1000),
            Frame(PING, b"the last"),
            Frame(CONTINUATION, PLAIN[3:]),
        ),
        watch_memory=True,
    ),
    Case(
        f"A text in {MANY // TIMES} fragments, then one in {MANY}",
        "R6455-10.4-02",
        Linear("Hello", *[PIECE.decode() * number for number in (MANY // TIMES, MANY)]),
        unmet="NON-STRICT",
        why=ALLOWED,
        send=(text("Hello"), Await(), *_in_fragments(MANY // TIMES), Await(), *_in_fragments(MANY)),
        watch_memory=True,
    ),
)
