"""H.6 and H.7: the tunnel behind a server's handshake, and its end (RFC 8441 5, RFC 9220 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.frames import Frame, close, text
from harness.streams import checks
from harness.streams.case import Case
from harness.streams.codes import (
    H3_FRAMES,
    H3_GOAWAY,
    H3_SETTINGS,
    PRIORITY,
    PUSH_PROMISE,
)
from harness.streams.expectations import OF_FRAME, Ends, Errors, Fails, Opens, Quiet
from harness.streams.steps import (
    CLOSE,
    ECHO,
    HELLO,
    OPEN,
    SEND_HELLO,
    Answer,
    Ask,
    Await,
    AwaitBytes,
    Credit,
    Do,
    Octets,
    Part,
    Pause,
    Raw,
    Reset,
    Send,
)
from tooling.frames import BINARY

if TYPE_CHECKING:
    from harness.streams.requests import Group

TUNNEL = ("R8441-5-09", "R9220-3-01")
ENDING = ("R8441-5-10", "R9220-3-04")
FLOW = ("R9113-6.9-01", "R9000-4.1-01")
UNMASKED = text("Hello", wrong_mask=True)
RESERVED = Frame(0x3, b"Hello")
SECOND = (*OPEN, *ECHO, Do.FIRST)
"""Opens another stream beside the first one, and goes on with that."""

HUNDRED = tuple(text(f"message {number}") for number in range(100))
LONG = Frame(BINARY, bytes(range(256)) * 160)
"""40 KiB."""

BROKEN = Errors(*OF_FRAME, what="Any frame but DATA in the tunnel", takes_nothing=False)

TUNNELS: Group = (
    Case("An echo", *TUNNEL, Opens(), (*OPEN, *ECHO)),
    Case(
        "A frame before the response",
        *TUNNEL,
        Opens(),
        (Ask(), SEND_HELLO, Do.AWAIT_ANSWER, Await()),
        unmet="INFORMATIONAL",
        why="a client has to wait for the response (RFC 6455 4.1)",
    ),
    Case("A byte in each DATA frame", *TUNNEL, Opens(), (*OPEN, Send((HELLO,), size=1), Await())),
    Case(
        "DATA with padding",
        "R9113-6.1-01",
        "",
        Opens(),
        (*OPEN, Send((HELLO,), pad=100), Send((HELLO,), pad=0), Await(2)),
        of="library",
    ),
    Case(
        "Empty DATA frames",
        *TUNNEL,
        Opens(),
        (*OPEN, Octets(), Part(HELLO, 0, 3), Octets(), Part(HELLO, 3), Octets(), Await()),
        of="glue",
    ),
    Case("A hundred messages in one DATA frame", *TUNNEL, Opens(), (*OPEN, Send(HUNDRED), Await(100))),
    Case(
        "A frame over two DATA frames, another stream between them",
        *TUNNEL,
        Opens(),
        (
            *OPEN,
            *OPEN,
            Do.FIRST,
            Part(HELLO, 0, 4),
            Do.LAST,
            SEND_HELLO,
            Do.FIRST,
            Part(HELLO, 4),
            Await(),
            Do.LAST,
            Await(),
            Do.FIRST,
        ),
        of="glue",
    ),
    Case(
        "A frame of an unknown type in the tunnel",
        "R9113-5.5-01",
        "R9114-9-01",
        Opens(),
        (*OPEN, Raw(0xBB, 0x21 + 0x1F * 7, b"ignored"), *ECHO),
        of="library",
    ),
    Case(
        "PRIORITY in the tunnel",
        "R9113-8.5-03",
        "",
        Opens(),
        (*OPEN, Raw(PRIORITY, 0, bytes([0, 0, 0, 0, 15])), *ECHO),
        of="library",
    ),
    Case(
        "HEADERS in the tunnel",
        "R9113-8.5-03",
        "R9114-4.4-02",
        BROKEN,
        (*OPEN, *ECHO, Answer(((b"x-more", b"1"),)), Do.AWAIT_END),
        closes=False,
    ),
    Case(
        "Trailers in the tunnel",
        "R9113-8.5-03",
        "R9114-4.4-02",
        BROKEN,
        (*OPEN, *ECHO, Answer(((b"x-more", b"1"),), end=True), Do.AWAIT_END),
        closes=False,
    ),
    tuple(
        Case(
            f"{H3_FRAMES[kind]} in the tunnel",
            "",
            "R9114-4.4-02",
            Errors(
                "H3_FRAME_UNEXPECTED",
                what="Such a frame on a request stream",
                whole=True,
                takes_nothing=False,
            ),
            (*OPEN, *ECHO, Raw(0, kind, b"\0" if kind != H3_SETTINGS else b""), Do.AWAIT_END),
            closes=False,
            of="library",
            served="connection",
        )
        for kind in (H3_SETTINGS, H3_GOAWAY, PUSH_PROMISE)
    ),
    Case(
        "A frame without a mask",
        "R6455-5.1-02",
        "R6455-5.1-02",
        Fails(1002),
        (
            *OPEN,
            *SECOND,
            Send((UNMASKED,)),
            Do.AWAIT_CLOSE,
            CLOSE,
            Do.AWAIT_END,
            Do.LAST,
            *ECHO[:1],
            Await(2),
            Do.FIRST,
        ),
        closes=False,
        of="glue",
    ),
    Case(
        "An opcode that is reserved",
        "R6455-5.2-04",
        "R6455-5.2-04",
        Fails(1002),
        (
            *OPEN,
            *SECOND,
            Send((RESERVED,)),
            Do.AWAIT_CLOSE,
            CLOSE,
            Do.AWAIT_END,
            Do.LAST,
            *ECHO[:1],
            Await(2),
            Do.FIRST,
        ),
        closes=False,
        of="glue",
    ),
)


ENDINGS: Group = (
    Case(
        "A Close: a Close, then the end of the stream",
        "R6455-7.1.1-03",
        "R6455-7.1.1-03",
        Opens(),
        (*OPEN, *ECHO),
        of="glue",
    ),
    Case(
        "A Close and the end of the stream in one frame",
        *ENDING,
        Ends(close=True),
        (*OPEN, *ECHO, Send((close(1000),), end=True), Do.AWAIT_END),
        of="glue",
        closes=False,
    ),
    Case(
        "The end of the stream without a Close",
        "R9113-8.5-04",
        "R9220-3-04",
        Ends(),
        (*OPEN, *ECHO, Do.END, Do.AWAIT_END),
        of="glue",
        closes=False,
    ),
    Case(
        "A message with the end of the stream",
        "R9113-8.5-04",
        "R9220-3-04",
        Ends("; the message may come back"),
        (*OPEN, Send((HELLO,), end=True), Do.AWAIT_END),
        of="glue",
        closes=False,
    ),
    Case(
        "A reset: the next stream is served",
        *ENDING,
        Quiet(),
        (*OPEN, *ECHO, Reset(), Pause(0.2)),
        of="glue",
        closes=False,
    ),
    Case(
        "STOP_SENDING alone: a reset answers it",
        "",
        "R9000-3.5-01",
        Ends(),
        (*OPEN, *ECHO, Reset(stop_only=True), Do.AWAIT_END),
        of="library",
        closes=False,
    ),
    Case(
        "DATA behind the end of the stream",
        "R9113-5.1-01",
        "",
        Errors("STREAM_CLOSED", what="DATA behind END_STREAM", takes_nothing=False),
        (*OPEN, *ECHO, Do.END, Octets(b"more"), Do.AWAIT_END, Pause(0.2)),
        of="library",
        closes=False,
    ),
    Case(
        "A Close of the server that has no room: it waits, and the end follows it",
        "R6455-7.1.1-03",
        "R9000-4.1-01",
        Ends(" behind its Close", close=True, also=checks.close_first),
        (*OPEN, Send((RESERVED,)), AwaitBytes(0), Credit(1000), Do.AWAIT_CLOSE, CLOSE, Do.AWAIT_END),
        of="glue",
        closes=False,
        hold=True,
        window=0,
    ),
    (
        Case(
            "A client that never answers the Close",
            *ENDING,
            Ends(" in bounded time"),
            (*OPEN, Send((RESERVED,)), Do.AWAIT_LATE_END),
            of="glue",
            closes=False,
            unmet="NON-STRICT",
            why="no RFC bounds the time",
        ),
        Case(
            "A client that never ends its side",
            *ENDING,
            Ends(
                " and then resets it",
                also=lambda played: (
                    "" if checks.is_reset(played) else "the stream still counts, since this side is open"
                ),
            ),
            (*OPEN, *ECHO, CLOSE, Do.AWAIT_END, Do.AWAIT_RESET),
            of="glue",
            closes=False,
            unmet="NON-STRICT",
            why="no RFC demands it, but MAX_CONCURRENT_STREAMS runs out",
        ),
    ),
    Case(
        "Sixty WebSockets in turn on one connection",
        "R9113-5.1-02",
        "R9220-3-04",
        Opens("no stream is left open", checks.sixty),
        ((*OPEN, *ECHO, CLOSE, Do.AWAIT_END, Do.END) * 60)[:-1],
        of="glue",
        closes=False,
    ),
)
