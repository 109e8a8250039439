"""X.17: an extension of the harness's own, alone and together with permessage-deflate (RFC 6455 9)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.extra import deflating, flipping
from harness.extra.case import Case
from harness.extra.deflating import deflate
from harness.extra.expectations import Echoes, Fails
from harness.extra.flipping import flip
from harness.extra.frames import Frame, text
from harness.extra.messages import between, fragments
from tooling.frames import BINARY, CONTINUATION, PING, RSV1, RSV2, RSV3, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "An extension of one's own"

MODE = "/flipped"

ALONE = flipping.NAME
DEFLATED_FIRST = f"{deflating.NAME}, {flipping.NAME}"
"""What is sent is compressed, then flipped: the extensions work in the order of the answer (RFC 6455 9.1)."""
FLIPPED_FIRST = f"{flipping.NAME}, {deflating.NAME}"

of_extension = partial(Case, mode=MODE)

LONG = "Hello, " * 40
"""A text that every peer compresses."""


def flipped(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return data frames as the extension leaves them."""
    return tuple(Frame(frame.opcode, flip(frame.payload), frame.fin, frame.rsv | RSV2) for frame in frames)


def _deflated(order: str, *messages: str) -> list[bytes]:
    """Return compressed messages, which were flipped before where that is the order."""
    payloads = (message.encode() for message in messages)
    return deflate(*(payloads if order == DEFLATED_FIRST else map(flip, payloads)), bits=9)


def _stacked(order: str, frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return the frames of compressed messages as both extensions leave them."""
    if order == DEFLATED_FIRST:
        return flipped(frames)
    return tuple(replace(frame, rsv=frame.rsv | RSV2) for frame in frames)


def _packed(order: str, *messages: str) -> tuple[Frame, ...]:
    return _stacked(order, [Frame(TEXT, payload, rsv=RSV1) for payload in _deflated(order, *messages)])


def _of_both(order: str) -> tuple[Case, ...]:
    first = "compressed, then flipped" if order == DEFLATED_FIRST else "flipped, then compressed"
    of_order = partial(of_extension, deflate=order)
    (payload,) = _deflated(order, LONG)
    pieces = _stacked(order, fragments(payload[:3], payload[3:9], payload[9:]))
    return (
        of_order(f"A text, {first}", "R6455-9.1-07", Echoes(LONG), send=_packed(order, LONG)),
        of_order(
            f"Three texts, {first}, each with those before it in the window",
            "R6455-9.1-07",
            Echoes(LONG, LONG, "Hello"),
            send=_packed(order, LONG, LONG, "Hello"),
        ),
        of_order(
            f"A text in three fragments, {first}, and pings between them",
            "R6455-9.1-07",
            Echoes(LONG, pongs=(b"?",)),
            send=between(pieces, Frame(PING, b"?")),
        ),
        of_order(
            f"Texts and binary messages, some not compressed, the others {first}",
            "R6455-9.1-07",
            Echoes("Hello", LONG, b"World", LONG),
            send=(
                *flipped([text("Hello")]),
                *_packed(order, LONG),
                *flipped([Frame(BINARY, b"World")]),
                *_packed(order, LONG),
            ),
        ),
        of_order(
            f"A text that is not UTF-8, {first}",
            "R6455-8.1-01",
            Fails(1007),
            send=flipped([Frame(TEXT, b"\xff")]),
        ),
        of_order(
            f"Bytes that do not inflate, {first}",
            "R7692-6.2-01",
            Fails(1007, 1002),
            send=_stacked(order, [Frame(TEXT, b"\xff" * 9, rsv=RSV1)]),
        ),
    )


CASES = (
    of_extension(
        "A flipped text", "R6455-9.2-01", Echoes("Hello"), deflate=ALONE, send=flipped([text("Hello")])
    ),
    of_extension(
        "An empty text, a binary message, and ones of 125, 126 and 65536 bytes",
        "R6455-9.2-01",
        Echoes("", b"\0\xff", "x" * 125, "x" * 126, "x" * 65536),
        deflate=ALONE,
        send=flipped(
            [text(""), Frame(BINARY, b"\0\xff"), text("x" * 125), text("x" * 126), text("x" * 65536)]
        ),
    ),
    of_extension(
        "A text in fragments that end within a code point, and pings between them",
        "R6455-9.2-01",
        Echoes("gr\N{EURO SIGN}n", pongs=(b"?",)),
        deflate=ALONE,
        send=between(
            flipped(
                [
                    Frame(TEXT, b"gr\xe2", fin=False),
                    Frame(CONTINUATION, b"\x82", fin=False),
                    Frame(CONTINUATION, b"\xacn"),
                ]
            ),
            Frame(PING, b"?"),
        ),
    ),
    of_extension(
        "A text and a ping, a byte at a time",
        "R6455-9.2-01",
        Echoes("Hello", pongs=(b"?",)),
        deflate=ALONE,
        chop=1,
        send=(*flipped([text("Hello")]), Frame(PING, b"?")),
    ),
    of_extension(
        "A text with RSV2 and RSV3, of which nothing uses the second",
        "R6455-5.2-03",
        Fails(1002),
        deflate=ALONE,
        send=(Frame(TEXT, flip(b"Hello"), rsv=RSV2 | RSV3),),
    ),
    of_extension(
        "A text with RSV1 and RSV2, where permessage-deflate was not agreed on",
        "R6455-5.2-03",
        Fails(1002),
        deflate=ALONE,
        send=(Frame(TEXT, flip(b"Hello"), rsv=RSV1 | RSV2),),
    ),
    of_extension(
        "A ping with RSV2, which has a meaning in data frames alone",
        "R6455-5.2-03",
        Fails(1002),
        deflate=ALONE,
        send=(Frame(PING, b"?", rsv=RSV2),),
    ),
    of_extension(
        "A text with RSV2, where the extension was offered and not agreed on",
        "R6455-9.1-05",
        Fails(1002),
        send=(Frame(TEXT, flip(b"Hello"), rsv=RSV2),),
        roles=("client",),
    ),
    of_extension(
        "A text without RSV2, which the extension sets in each data frame",
        "R6455-9.2-01",
        Fails(1002),
        deflate=ALONE,
        send=(text("Hello"),),
    ),
    *_of_both(DEFLATED_FIRST),
    *_of_both(FLIPPED_FIRST),
    of_extension(
        "permessage-deflate alone, where the peer knows both",
        "R6455-5.2-02",
        Echoes(LONG),
        deflate=deflating.NAME,
        send=(Frame(TEXT, deflate(LONG.encode())[0], rsv=RSV1),),
    ),
)
