"""X.12: several connections at once to one server: nothing passes from one to the other."""

from __future__ import annotations

from harness.extra import own_extension
from harness.extra.case import of_server
from harness.extra.deflating import NAME
from harness.extra.expectations import Echoes, Ends, Fails
from harness.extra.flipping import flip
from harness.extra.frames import Frame, text
from harness.extra.messages import AGAIN, PLAIN, whole
from harness.extra.steps import Await, Do, Part, Rest
from tooling.frames import CONTINUATION, PING, RSV1, RSV2, TEXT

TITLE = "Several connections"

_HELLOS = ("Hello", "Hello", "Hello")
_FIRST_HALF = Frame(TEXT, PLAIN[:3], fin=False, rsv=RSV1)
_FLIPPED = Frame(TEXT, flip(b"Hello"), rsv=RSV2, mask=b"\x01\x02\x03\x04")

CASES = (
    of_server(
        "Messages by turns on two connections",
        "R6455-6.2-03",
        Echoes("Hello", "first"),
        another=Echoes("Hello", "second"),
        send=(
            text("Hello"),
            Await(),
            Do.ANOTHER,
            text("Hello"),
            Await(),
            text("second"),
            Await(),
            Do.FIRST,
            text("first"),
        ),
    ),
    of_server(
        "Fragments of two messages by turns on two connections",
        "R6455-5.4-07",
        Echoes("Hello"),
        another=Echoes("World"),
        send=(
            text("Hel", fin=False),
            Do.ANOTHER,
            text("Wor", fin=False),
            Do.FIRST,
            Frame(CONTINUATION, b"lo"),
            Await(),
            Do.LAST,
            Frame(CONTINUATION, b"ld"),
        ),
    ),
    of_server(
        "A compressed message, and a reference to it, on each of two connections by turns",
        "R7692-7.2.2-05",
        Echoes(*_HELLOS),
        another=Echoes("Hello"),
        deflate=NAME,
        send=(
            whole(PLAIN),
            Await(),
            whole(AGAIN),
            Await(),
            Do.ANOTHER,
            whole(PLAIN),
            Await(),
            Do.FIRST,
            whole(AGAIN),
        ),
    ),
    of_server(
        "A reference to a message of the other connection",
        "R6455-10.7-01",
        Echoes("Hello"),
        another=Fails(1007, 1002),
        deflate=NAME,
        send=(whole(PLAIN), Await(), Do.ANOTHER, whole(AGAIN)),
    ),
    of_server(
        "Compressed answers by turns, on connections of different windows and contexts",
        "R7692-7.2.1-11",
        Echoes(*["Hello, Hello, Hello"] * 2),
        another=Echoes(*["Hello, Hello, Hello"] * 2),
        deflate=NAME,
        send=(
            text("Hello, Hello, Hello"),
            Await(),
            Do.ANOTHER,
            text("Hello, Hello, Hello"),
            Await(),
            text("Hello, Hello, Hello"),
            Await(),
            Do.FIRST,
            text("Hello, Hello, Hello"),
        ),
    ),
    of_server(
        "A connection is failed while another one is in the middle of a message",
        "R6455-7.1.7-03",
        Fails(1002),
        another=Echoes("Hello"),
        send=(Frame(3), Do.AWAIT_CLOSE, Do.ANOTHER, text("Hello")),
    ),
    of_server(
        "A connection is reset while another one is served",
        "R6455-7.1.5-03",
        Ends("Hello"),
        another=Echoes("Hello", "Hello", pongs=(b"?",)),
        send=(text("Hello"), Await(), Do.RESET, Do.ANOTHER, text("Hello"), Frame(PING, b"?"), text("Hello")),
    ),
    of_server(
        "A compressed message is cut off; on the next connection its rest is none",
        "R7692-6.2-01",
        Ends(),
        another=Echoes("Hello"),
        deflate=NAME,
        send=(
            Frame(TEXT, PLAIN[:3], fin=False, rsv=RSV1),
            Do.END,
            Do.AWAIT_END,
            Do.ANOTHER,
            whole(PLAIN),
        ),
    ),
    of_server(
        "Compressed texts in fragments by turns on two connections",
        "R7692-7.2.2-05",
        Echoes("Hello"),
        another=Echoes("Hello"),
        deflate=NAME,
        send=(
            _FIRST_HALF,
            Do.ANOTHER,
            _FIRST_HALF,
            Do.FIRST,
            Frame(CONTINUATION, PLAIN[3:]),
            Await(),
            Do.LAST,
            Frame(CONTINUATION, PLAIN[3:]),
        ),
    ),
    of_server(
        "An extension of one's own on two connections, one within a frame, the other in a ping",
        "R6455-9.2-01",
        Echoes("Hello"),
        another=Echoes("Hello", pongs=(b"?",)),
        mode=own_extension.MODE,
        deflate=own_extension.ALONE,
        send=(
            Part(_FLIPPED, 8),
            Do.ANOTHER,
            _FLIPPED,
            Frame(PING, b"?"),
            Await(2),
            Do.FIRST,
            Rest(_FLIPPED, 8),
        ),
    ),
)
