"""X.4: close codes that Autobahn does not test, and a Close in odd places (RFC 6455 5.5.1, 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.case import Case, of_client, of_server
from harness.extra.deflating import NAME
from harness.extra.expectations import Answers, Echoes, Fails
from harness.extra.frames import Frame, close, text
from harness.extra.steps import Part
from tooling.frames import CLOSE, CONTINUATION, PING, RSV1, TEXT

if TYPE_CHECKING:
    from harness.extra.seen import Seen

TITLE = "Close codes"

REGISTERED_LATER = "the code was registered after RFC 6455, which lets an endpoint not know it"

UNANSWERED = "no RFC demands that what came before a Close is answered before it"

TYPICAL = "RFC 6455 5.5.1 only says that the answer typically has the same code"


def _left_first(seen: Seen) -> str:
    return "the client ended the TCP connection before the server did" if seen.left_first else ""


def _was_reset(seen: Seen) -> str:
    return "the server ended the TCP connection by RST" if seen.reset else ""


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
    Case(
        "A Close with half a code point at the end of its reason",
        "R6455-5.5.1-03",
        Fails(1007, 1002),
        send=(close(1000, b"caf\xc3"),),
    ),
    Case(
        "A Close with a surrogate in its reason",
        "R6455-5.5.1-03",
        Fails(1007, 1002),
        send=(close(1000, b"\xed\xa0\x80"),),
    ),
    Case(
        "A Close with a reason of 124 bytes",
        "R6455-5.5-01",
        Fails(1002),
        send=(close(1000, b"x" * 124),),
    ),
    *(
        Case(
            f"A Close of the code {code}, where permessage-deflate is in use",
            "R6455-7.4.2-01",
            Fails(1002),
            deflate=NAME,
            send=(close(code),),
        )
        for code in (0, 999, 5000, 65535)
    ),
    Case(
        "A Close of one byte, where permessage-deflate is in use",
        "R6455-5.5.1-02",
        Fails(1002),
        deflate=NAME,
        send=(Frame(CLOSE, b"\x03"),),
    ),
    *(
        Case(
            f"A Close, and behind it {what}",
            "R6455-7.1.1-01",
            Answers(1000, messages=()),
            unmet="NON-STRICT",
            why=TYPICAL,
            send=(close(1000), *behind),
        )
        for what, behind in (
            ("a text", (text("Hello"),)),
            ("a ping", (Frame(PING, b"?"),)),
            ("another Close", (close(1001),)),
            ("an opcode that there is not", (Frame(3),)),
            ("the bytes of no frame", (Part(Frame(TEXT, bytes(200)), 3),)),
        )
    ),
    Case(
        "A text, a Close and a text: the first alone comes back",
        "R6455-6.1-02",
        Answers(1000, messages=("Hello",)),
        unmet="NON-STRICT",
        why=UNANSWERED,
        send=(text("Hello"), close(1000), text("World")),
    ),
    Case(
        "A Close within a text, and the rest of the text behind it",
        "R6455-6.1-02",
        Answers(1000, messages=()),
        unmet="NON-STRICT",
        why=TYPICAL,
        send=(text("Hel", fin=False), close(1000), Frame(CONTINUATION, b"lo")),
    ),
    Case(
        "What fails the connection, and behind it a text",
        "R6455-7.1.7-07",
        Fails(1002),
        send=(Frame(3), text("Hello")),
    ),
    Case(
        "What fails the connection, and behind it a Close",
        "R6455-7.1.7-07",
        Fails(1002),
        send=(Frame(3), close(1000)),
    ),
    of_client(
        "The client leaves the end of TCP to the server",
        "R6455-7.1.1-06",
        Echoes("Hello", also=_left_first),
        unmet="NON-STRICT",
        why="the sentence says SHOULD",
        listen=0.15,
    ),
    of_client(
        "The client leaves the end of TCP to the server, also after the server's Close",
        "R6455-5.5.1-14",
        Answers(1001, also=_left_first),
        unmet="NON-STRICT",
        why="the sentence says SHOULD",
        listen=0.15,
        send=(close(1001),),
    ),
    of_server(
        "The server ends TCP by FIN after the closing handshake",
        "R6455-7.1.1-01",
        Answers(1000, also=_was_reset),
        unmet="NON-STRICT",
        why="the sentence says SHOULD",
        send=(close(1000),),
    ),
    of_server(
        "The server ends TCP at once after the closing handshake",
        "R6455-7.1.1-05",
        Answers(1000),
        unmet="NON-STRICT",
        why="the sentence says SHOULD",
        send=(text("Hello"), close(1000)),
    ),
)
