"""The cases of X.9 at the edge of the limit: exactly it, a byte more, and two faults at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.extra.case import HELLO, Case
from harness.extra.deflating import NAME, deflate, repeated, stored
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame, text
from tooling.frames import BINARY, CONTINUATION, PING, RSV1, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEY = bytes(4)
"""A masking key of zeros, for long messages."""

WIDE = "\N{EURO SIGN}"
"""A character of three bytes."""

NOT_TEXT = stored(b"\xff")
"""A block with a byte that is not UTF-8."""

UNIT = 2**14
"""Bytes that a peer might inflate at a time: this library does."""

CUT_OFF = b"\0\5\0"
"""A block that breaks off in its length: what a receiver puts behind it is not the rest (RFC 7692 7.2.2)."""

UP_TO = (
    "RFC 6455 10.4 leaves the limit to the endpoint; that one of exactly this size is taken is the contract's"
)


def parts(opcode: int, *parts: bytes, rsv: int = 0) -> tuple[Frame, ...]:
    """Return a message in fragments, or in one frame; the masking keys are zeros."""
    last = len(parts) - 1
    return tuple(
        Frame(CONTINUATION if index else opcode, part, index == last, 0 if index else rsv, KEY)
        for index, part in enumerate(parts)
    )


def zeros(size: int) -> Frame:
    """Return a binary message of zeros, whose masking key is zeros, too."""
    return Frame(BINARY, bytes(size), mask=KEY)


def _x(size: int) -> bytes:
    return repeated(b"x", size)


def _padded(data: bytes) -> bytes:
    """Return blocks with a further one, that has them end with a unit."""
    return data + stored(b"x" * (UNIT - len(data) - 5))


def _share(limit: int) -> int:
    """Return the size of a message of which one is within the limit, and two together are not."""
    return limit * 6 // 10


def _taken(
    title: str, *messages: str | bytes, send: Callable[[], Sequence[Frame]], deflate: str = ""
) -> Case:
    return Case(
        title,
        "R6455-10.4-02",
        Echoes(*messages),
        unmet="NON-STRICT",
        why=UP_TO,
        deflate=deflate,
        send=lambda _bits: (*send(),),
    )


def _refused(
    title: str, *codes: int, send: Callable[[], Sequence[Frame]], deflate: str = "", chop: int = 0
) -> Case:
    return Case(
        title,
        "R6455-10.4-01",
        Fails(*codes),
        deflate=deflate,
        chop=chop,
        send=lambda _bits: (*send(),),
    )


def edge_cases(limit: int) -> tuple[Case, ...]:
    """Return the cases for a peer with this limit, in bytes; long messages are made when they are sent."""
    return (*_taken_exactly(limit), *_barely_refused(limit), *_two_faults(limit))


def _taken_exactly(limit: int) -> tuple[Case, ...]:
    """Return cases of exactly the limit."""
    share, exact = _share(limit), WIDE * (limit // 3) + "x" * (limit % 3)
    return (
        _taken("A message as long as the limit", bytes(limit), send=lambda: [zeros(limit)]),
        _taken(
            "A text of three-byte characters as long as the limit, in two fragments",
            exact,
            send=lambda: parts(TEXT, exact.encode()[:share], exact.encode()[share:]),
        ),
        _taken(
            "Two messages of 60 % of the limit, each in two fragments, and a short one",
            bytes(share),
            bytes(share),
            "Hello",
            send=lambda: [*parts(BINARY, bytes(100), bytes(share - 100)) * 2, HELLO],
        ),
        _taken(
            "A compressed message that inflates to the limit",
            bytes(limit),
            send=lambda: [Frame(BINARY, repeated(b"\0", limit) + b"\0", rsv=RSV1)],
            deflate=NAME,
        ),
        _taken(
            "Two compressed texts that inflate to 60 % of the limit each, and a short one",
            "x" * share,
            "x" * share,
            "Hello",
            send=lambda: [*parts(TEXT, _x(share) + b"\0", rsv=RSV1) * 2, HELLO],
            deflate=NAME,
        ),
        _taken(
            "A message as long as the limit in a compressed frame that is longer",
            bytes(limit),
            send=lambda: [
                Frame(
                    BINARY,
                    stored(bytes(2**14)) * (limit // 2**14) + stored(bytes(limit % 2**14)) + b"\0",
                    rsv=RSV1,
                    mask=KEY,
                )
            ],
            deflate=NAME,
        ),
    )


def _barely_refused(limit: int) -> tuple[Case, ...]:
    """Return cases of a little more than the limit."""
    share, over = _share(limit), WIDE * (limit // 3 + 1)
    return (
        _refused("A message of a byte more than the limit", 1009, send=lambda: [zeros(limit + 1)]),
        _refused(
            "A message as long as the limit, and one byte in a last fragment",
            1009,
            send=lambda: parts(BINARY, bytes(limit), b"x"),
        ),
        _refused(
            "A message of two fragments of 60 % of the limit",
            1009,
            send=lambda: parts(BINARY, bytes(share), bytes(share)),
        ),
        _refused(
            "A text longer than the limit in bytes, not in characters",
            1009,
            send=lambda: parts(TEXT, over.encode()),
        ),
        _refused(
            "A text longer than the limit in bytes, not in characters, in two fragments",
            1009,
            send=lambda: parts(TEXT, over.encode()[:share], over.encode()[share:]),
        ),
        _refused(
            "A compressed message that inflates to a byte more than the limit",
            1009,
            send=lambda: [Frame(BINARY, repeated(b"\0", limit) + stored(b"x") + b"\0", rsv=RSV1)],
            deflate=NAME,
        ),
    )


def _two_faults(limit: int) -> tuple[Case, ...]:
    """Return cases with two faults; the baseline has the code of that which comes first."""
    return (
        _refused(
            "A compressed text over the limit that is not UTF-8 before it",
            1007,
            1009,
            send=lambda: parts(TEXT, _x(100), _x(limit - 1100) + NOT_TEXT + _x(5000) + b"\0", rsv=RSV1),
            deflate=NAME,
        ),
        _refused(
            "A compressed text over the limit whose first byte behind it is not UTF-8",
            1009,
            1007,
            send=lambda: parts(TEXT, _x(100), _x(limit - 100) + NOT_TEXT + _x(5000) + b"\0", rsv=RSV1),
            deflate=NAME,
        ),
        _refused(
            "A text over the limit that is not UTF-8 before it, in two fragments",
            1007,
            1009,
            send=lambda: parts(TEXT, b"x" * 100, b"x" * (limit - 1100) + b"\xff" + b"x" * 5000),
        ),
        _refused(
            "A compressed message over the limit, and behind that not DEFLATE data",
            *(1009, 1007, 1002),
            send=lambda: parts(
                BINARY, _padded(stored(b"x" * 8000) + _x(limit - 8000)) + b"\xff" * 8, rsv=RSV1
            ),
            deflate=NAME,
        ),
        _refused(
            "A compressed message over the limit that breaks off within a block",
            *(1007, 1009, 1002),
            send=lambda: parts(BINARY, _x(limit - 100), _x(200) + CUT_OFF, rsv=RSV1),
            deflate=NAME,
        ),
        _refused(
            "The same in two pieces, the first of which goes over the limit",
            *(1007, 1009, 1002),
            send=lambda: parts(BINARY, _x(limit - 100), stored(b"x" * 3000) + CUT_OFF, rsv=RSV1),
            deflate=NAME,
            chop=1000,
        ),
        _refused(
            "A compressed message in two pieces, the second of which goes over the limit and breaks off",
            *(1009, 1007, 1002),
            send=lambda: parts(
                BINARY, _x(100), _padded(_x(_share(limit))) + _x(_share(limit)) + CUT_OFF, rsv=RSV1
            ),
            deflate=NAME,
            chop=UNIT + 200,
        ),
    )


SMALL = 100
"""The limit of cases in which a short message goes over it."""

FULL = "x" * SMALL

of_small = partial(Case, mode=f"/limit?size={SMALL}")

SHORT = (
    of_small(
        f"Short messages of up to {SMALL} bytes, which is the limit, one of them in fragments",
        "R6455-10.4-02",
        Echoes(FULL, FULL.encode(), FULL, "Hello", ""),
        unmet="NON-STRICT",
        why=UP_TO,
        send=(
            text(FULL),
            Frame(BINARY, FULL.encode()),
            *parts(TEXT, FULL[1:].encode(), b"x"),
            HELLO,
            text(""),
        ),
    ),
    of_small(
        f"A message of {SMALL} bytes, and one of {SMALL + 1}",
        "R6455-10.4-01",
        Fails(1009, before=(FULL,)),
        send=(text(FULL), text(FULL + "x")),
    ),
    of_small(
        f"A text of {SMALL + 1} bytes and fewer characters",
        "R6455-10.4-01",
        Fails(1009),
        send=(text(WIDE * 33 + "xx"),),
    ),
    of_small(
        f"A message of {SMALL} bytes and one more in a last fragment, which come with a short message",
        "R6455-10.4-01",
        Fails(1009, before=("Hello",)),
        send=(HELLO, *parts(TEXT, FULL.encode(), b"x")),
    ),
    of_small(
        f"A message of {SMALL + 1} bytes in fragments, some of which are empty",
        "R6455-10.4-01",
        Fails(1009),
        send=parts(BINARY, bytes(SMALL // 2), b"", b"", bytes(SMALL // 2), b"", b"x"),
    ),
    of_small(
        f"A compressed message that inflates to {SMALL} bytes, and one to a byte more",
        "R6455-10.4-01",
        Fails(1009, before=(FULL,)),
        deflate=NAME,
        send=tuple(Frame(TEXT, data, rsv=RSV1) for data in deflate(FULL.encode(), FULL.encode() + b"x")),
    ),
    of_small(
        f"A ping of 125 bytes with a limit of {SMALL}, which is for messages",
        "R6455-5.5.2-02",
        Echoes("Hello", pongs=(b"?" * 125,)),
        send=(Frame(PING, b"?" * 125), HELLO),
    ),
    of_small(
        f"A text of {SMALL} bytes with pings between its fragments, whose bytes do not count",
        "R6455-5.4-08",
        Echoes(FULL, pongs=(b"?" * 60,)),
        unmet="NON-STRICT",
        why=UP_TO,
        send=(
            text(FULL[:60], fin=False),
            Frame(PING, b"?" * 60),
            Frame(PING, b"?" * 60),
            Frame(CONTINUATION, FULL[60:].encode()),
        ),
    ),
)
