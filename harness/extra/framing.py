"""X.3: masks, lengths and fragments (RFC 6455 5), sent either way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.case import Case, of_client, of_server
from harness.extra.expectations import Echoes, Fails
from harness.extra.frames import Frame, text
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT

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


CASES = (
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
        Echoes("\N{GRINNING FACE}", pongs=(b"1", b"3")),
        send=(
            Frame(TEXT, b"\xf0", fin=False),
            Frame(PING, b"1"),
            Frame(CONTINUATION, b"\x9f\x98", fin=False),
            Frame(PING, b"3"),
            Frame(CONTINUATION, b"\x80"),
        ),
    ),
)
