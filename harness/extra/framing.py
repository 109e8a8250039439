"""X.3: masks, lengths and fragments (RFC 6455 5), sent either way."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

from harness.extra.case import Case, of_client, of_server
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame, text
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV2, TEXT

if TYPE_CHECKING:
    from harness.extra.seen import Seen
    from tooling.frames import LengthForm

TITLE = "Masks and lengths"

SENDER_RULE = "the rule is the sender's, and only RFC 6455 10.7 asks the receiver to validate what it gets"

_WRONGLY_MASKED = (
    ("A text", (text("Hello", wrong_mask=True),)),
    ("An empty binary message", (Frame(BINARY, wrong_mask=True),)),
    ("A message of 200 bytes", (Frame(BINARY, bytes(200), wrong_mask=True),)),
    ("A ping", (Frame(PING, b"?", wrong_mask=True),)),
    ("A Close", (Frame(CLOSE, b"\x03\xe8", wrong_mask=True),)),
    ("The second fragment of a text", (text("Hel", fin=False), Frame(CONTINUATION, b"lo", wrong_mask=True))),
)


LONG_FORMS: tuple[tuple[int, LengthForm], ...] = ((5, 16), (5, 64), (200, 64))
"""Payload lengths, and more bits than they need."""


def _key_used_again(seen: Seen) -> str:
    keys = [frame.mask for frame in seen.frames]
    return "" if len(keys) == len(set(keys)) else f"{len(set(keys))} masking keys for {len(keys)} frames"


def _poor_keys(seen: Seen) -> str:
    keys = [frame.mask for frame in seen.frames if frame.mask]
    poor = [place for place in range(4) if len({key[place] for key in keys}) < len(keys) // 4]
    return f"byte {poor[0]} of its masking keys has few values" if poor else ""


@cache
def _random(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311  # any bytes


def _too_long(what: str, *send: Frame) -> Case:
    return Case(what, "R6455-5.2-06", Fails(1002), send=send, unmet="NON-STRICT", why=SENDER_RULE)


def _in_two(opcode: int, payload: bytes) -> tuple[Frame, Frame]:
    return Frame(opcode, payload[:3], fin=False), Frame(CONTINUATION, payload[3:])


def _answered_pong(seen: Seen) -> str:
    return "the pong was answered by a pong" if seen.counts["pong"] else ""


def _echoed(length: int) -> Case:
    """Return a message whose length the peer has to write in the shortest form, too: `Seen` judges that."""
    return Case(
        f"A message of {length} bytes comes back with its length in the shortest form",
        "R6455-5.2-06",
        Echoes(_random(length)),
        send=(Frame(BINARY, _random(length)),),
    )


def _within(what: str, requirement: str, frame: Frame) -> Case:
    """Return a case of a frame that must not come within a message."""
    return Case(
        f"{what} between two fragments of a text",
        requirement,
        Fails(1002),
        send=(text("Hel", fin=False), frame, Frame(CONTINUATION, b"lo")),
    )


def _long(size: int, chop: int = 0) -> Case:
    pieces = f", in pieces of {chop} bytes" if chop else ""
    return Case(
        f"A message of {size} bytes{pieces}",
        "R6455-5.3-05",
        Echoes(_random(size)),
        client_requirement="R6455-5.2-08",
        chop=chop,
        send=lambda _bits: (Frame(BINARY, _random(size)),),
    )


def _ping(what: str, payload: bytes) -> Case:
    return Case(
        f"A ping {what} comes back as it is",
        "R6455-5.5.3-01",
        Echoes(pongs=(payload,)),
        send=(Frame(PING, payload),),
    )


BOUNDARIES: tuple[tuple[int, LengthForm], ...] = (
    (0, 16),
    (0, 64),
    (125, 16),
    (125, 64),
    (126, 64),
    (65535, 64),
)
"""Lengths at the edge of a form, and more bits than they need."""

LATER = (
    *(
        _too_long(
            f"A binary message with a length of {length} in {bits} bits",
            Frame(BINARY, bytes(length), length_form=bits),
        )
        for length, bits in BOUNDARIES
    ),
    _too_long(
        "A first fragment with a length of 125 in 16 bits",
        Frame(BINARY, bytes(125), fin=False, length_form=16),
        Frame(CONTINUATION),
    ),
    _too_long(
        "A last fragment with a length of 65535 in 64 bits",
        Frame(BINARY, b"x", fin=False),
        Frame(CONTINUATION, bytes(65535), length_form=64),
    ),
    _too_long("A ping with a length of 125 in 64 bits", Frame(PING, bytes(125), length_form=64)),
    _too_long("A Close with a length of 2 in 16 bits", Frame(CLOSE, b"\x03\xe8", length_form=16)),
    *map(_echoed, (125, 126, 127, 65535, 65536)),
    Case(
        "A message in fragments of 125, 126, 65535 and 65536 bytes",
        "R6455-5.2-08",
        Echoes(_random(131322)),
        send=lambda _bits: tuple(
            Frame(CONTINUATION if start else BINARY, _random(131322)[start:end], fin=end == 131322)
            for start, end in ((0, 125), (125, 251), (251, 65786), (65786, 131322))
        ),
    ),
    *map(_long, (65539, 2**18 + 1, 2**19 + 3, 2**20 - 1)),
    _long(2**16 + 5, 1021),
    _long(200001, 4099),
    _ping("of five zeros", bytes(5)),
    _ping("that ends in zeros", b"Hello" + bytes(3)),
    _ping("that begins with a zero", b"\0Hello"),
    _ping("of all bytes from 0x83 to 0xff", bytes(range(0x83, 0x100))),
    Case("A text of zeros", "R6455-5.6-01", Echoes("\0" * 5, "\0"), send=(text("\0" * 5), text("\0"))),
    Case(
        "A binary message that ends in zeros, in fragments that do",
        "R6455-5.4-02",
        Echoes(b"a\0\0b\0\0"),
        send=(Frame(BINARY, b"a\0\0", fin=False), Frame(CONTINUATION, b"b\0\0")),
    ),
    Case("A pong of 126 bytes", "R6455-5.5-01", Fails(1002), send=(Frame(PONG, bytes(126)),)),
    Case(
        "A ping that declares 2**62 bytes",
        "R6455-5.5-01",
        Fails(1002, 1009),
        send=(Frame(PING, b"x", length_form=64, declared=2**62),),
    ),
    Case("A pong without FIN", "R6455-5.5-02", Fails(1002), send=(Frame(PONG, fin=False),)),
    Case("A Close without FIN", "R6455-5.5-02", Fails(1002), send=(Frame(CLOSE, b"\x03\xe8", fin=False),)),
    _within("Opcode 3", "R6455-5.2-04", Frame(3, b"x")),
    _within("Opcode 7 without FIN", "R6455-5.2-04", Frame(7, b"x", fin=False)),
    _within("Opcode 11", "R6455-5.2-04", Frame(11)),
    _within("Opcode 15", "R6455-5.2-04", Frame(15, b"x")),
    _within("A text without FIN", "R6455-5.4-07", text("x", fin=False)),
    _within("An empty text without FIN", "R6455-5.4-07", text("", fin=False)),
    _within("A binary message without FIN", "R6455-5.4-07", Frame(BINARY, b"x", fin=False)),
    _within("An empty binary message", "R6455-5.4-07", Frame(BINARY)),
    Case(
        "Reserved bit 2 on an empty continuation",
        "R6455-5.2-03",
        Fails(1002),
        send=(text("Hello", fin=False), Frame(CONTINUATION, rsv=RSV2)),
    ),
    of_client(
        "A fresh masking key for each of 40 empty messages, pongs and a Close",
        "R6455-5.3-02",
        Echoes(*[""] * 20, pongs=(b"",), also=_key_used_again),
        send=(text(""), Frame(PING)) * 20,
    ),
    of_client(
        "Masking keys of random bytes in each of their places",
        "R6455-5.3-03",
        Echoes(*["Hello"] * 64, also=_poor_keys),
        send=(text("Hello"),) * 64,
    ),
    Case(
        "Messages of both types by turns, in fragments and in one frame",
        "R6455-5.4-10",
        Echoes("Hello", b"World", "Hello", b"World", "Hello"),
        send=(
            *_in_two(TEXT, b"Hello"),
            Frame(BINARY, b"World"),
            text("Hello"),
            *_in_two(BINARY, b"World"),
            *_in_two(TEXT, b"Hello"),
        ),
    ),
    *(
        Case(
            f"A continuation behind a text that came in {parts}",
            "R6455-5.4-01",
            Fails(1002, before=("Hello",)),
            send=(*send, Frame(CONTINUATION, b"!")),
        )
        for parts, send in (("one frame", (text("Hello"),)), ("fragments", _in_two(TEXT, b"Hello")))
    ),
    Case(
        "A pong that nobody asked for, which asks for no answer",
        "R6455-5.5.3-03",
        Echoes("Hello", also=_answered_pong),
        unmet="NON-STRICT",
        why="RFC 6455 5.5.3 only says that no answer is expected",
        send=(Frame(PONG, b"!"), text("Hello")),
    ),
)

FIRST = (
    *(
        Case(
            f"{what}, unmasked from the client or masked from the server",
            "R6455-5.1-02",
            Fails(1002),
            client_requirement="R6455-5.1-05",
            send=send,
        )
        for what, send in _WRONGLY_MASKED
    ),
    of_server(
        "A masking key of zeros", "R6455-5.3-05", Echoes("Hello"), send=(text("Hello", mask=bytes(4)),)
    ),
    of_client(
        "A fresh masking key for each of 32 frames",
        "R6455-5.3-02",
        Echoes(*["Hello"] * 32, also=_key_used_again),
        send=(text("Hello"),) * 32,
    ),
    *(
        Case(
            f"A length of {length} in {bits} bits",
            "R6455-5.2-06",
            Fails(1002),
            send=(Frame(TEXT, b"x" * length, length_form=bits),),
            unmet="NON-STRICT",
            why=SENDER_RULE,
        )
        for length, bits in LONG_FORMS
    ),
    Case(
        "A ping with a length of 5 in 16 bits",
        "R6455-5.2-06",
        Fails(1002),
        send=(Frame(PING, b"Hello", length_form=16),),
        unmet="NON-STRICT",
        why=SENDER_RULE,
    ),
    Case(
        "A length of 64 bits with the first bit set",
        "R6455-5.2-05",
        Fails(1002, 1009),
        send=(Frame(BINARY, b"x", length_form=64, declared=2**63 + 1),),
        unmet="NON-STRICT",
        why=SENDER_RULE,
    ),
    Case(
        "1000 empty fragments around a text",
        "R6455-5.4-09",
        Echoes("Hello"),
        unmet="NON-STRICT",
        why="RFC 6455 10.4 has an endpoint limit what it takes, which may be the number of fragments",
        send=(
            Frame(TEXT, fin=False),
            *[Frame(CONTINUATION, fin=False)] * 499,
            Frame(CONTINUATION, b"Hello", fin=False),
            *[Frame(CONTINUATION, fin=False)] * 499,
            Frame(CONTINUATION),
        ),
    ),
    Case(
        "A ping between the bytes of a code point in fragments",
        "R6455-5.4-08",
        Echoes("\N{GRINNING FACE}", pongs=(b"3",)),
        send=(
            Frame(TEXT, b"\xf0", fin=False),
            Frame(PING, b"1"),
            Frame(CONTINUATION, b"\x9f\x98", fin=False),
            Frame(PING, b"3"),
            Frame(CONTINUATION, b"\x80"),
        ),
    ),
)

CASES = (*FIRST, *LATER)
