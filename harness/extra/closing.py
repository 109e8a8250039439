"""X.4: close codes that Autobahn does not test, and a Close in odd places (RFC 6455 5.5.1, 7.4)."""

from __future__ import annotations

from harness.extra.case import Case
from harness.extra.deflating import NAME
from harness.extra.expectations import Answers, Echoes, Fails
from harness.extra.frames import Frame, close, text
from tooling.frames import CLOSE, CONTINUATION, PING, RSV1, TEXT

TITLE = "Close codes"

REGISTERED_LATER = "the code was registered after RFC 6455, which lets an endpoint not know it"

TYPICAL = "RFC 6455 5.5.1 only says that the answer typically has the same code"

CASES = (
    *(
        Case(
            f"A Close of the code {code}",
            "R6455-7.4.2-02",
            Answers(code, may_fail=True),
            unmet="NON-STRICT",
            why=REGISTERED_LATER,
            send=(close(code),),
        )
        for code in (1012, 1013, 1014)
    ),
    Case(
        "A Close of the code 1014 with a reason of 123 bytes",
        "R6455-7.4.2-02",
        Answers(1014, may_fail=True),
        unmet="NON-STRICT",
        why=REGISTERED_LATER,
        send=(close(1014, "\N{EURO SIGN}".encode() * 41),),
    ),
    Case("A Close of the code 1015", "R6455-7.4.1-08", Fails(1002), send=(close(1015),)),
    Case(
        "A Close of the code 1015 with a reason", "R6455-7.4.1-08", Fails(1002), send=(close(1015, b"TLS"),)
    ),
    Case(
        "A Close between the fragments of a text",
        "R6455-5.5.1-07",
        Answers(1000),
        unmet="NON-STRICT",
        why=TYPICAL,
        send=(text("Hel", fin=False), close(1000)),
    ),
    Case(
        "A Close between the fragments of a compressed text",
        "R6455-5.5.1-07",
        Answers(1000),
        unmet="NON-STRICT",
        why=TYPICAL,
        deflate=NAME,
        send=(Frame(TEXT, b"\xf2\x48\xcd", fin=False, rsv=RSV1), close(1000)),
    ),
    Case(
        "A Close with RSV1 where permessage-deflate is in use",
        "R7692-6.1-04",
        Fails(1002),
        deflate=NAME,
        send=(Frame(CLOSE, b"\x03\xe8", rsv=RSV1),),
    ),
    Case(
        "A message, a ping and a Close in one segment",
        "R6455-5.5.1-07",
        Answers(1001),
        unmet="NON-STRICT",
        why=TYPICAL,
        send=(text("Hello"), Frame(PING, b"?"), close(1001)),
    ),
    Case(
        "Messages of both types, empty ones too, before the closing handshake",
        "R6455-6.2-03",
        Echoes("", b"", "a", b"\x00"),
        send=(text(""), Frame(0x2), text("a"), Frame(0x2, b"\x00", fin=False), Frame(CONTINUATION)),
    ),
)
