"""X.11: connections that are cut off, in any place; the peer ends them too, and serves the next one."""

from __future__ import annotations

from harness.extra.case import Case
from harness.extra.closing import TYPICAL, UNANSWERED
from harness.extra.deflating import NAME
from harness.extra.expectations import Answers, Ends
from harness.extra.frames import Frame, close, text
from harness.extra.messages import PLAIN, fragments, whole
from harness.extra.steps import Await, Do, Part, Step
from tooling.frames import BINARY, PING

TITLE = "Ends of TCP"

NO_TIME = "no RFC names the time in which a connection has to end that its peer ended"

LONG = Frame(BINARY, bytes(70000))
"""A frame with a header of 10 bytes, or 14 with its masking key."""

PLACES: tuple[tuple[str, tuple[Step, ...], str], ...] = (
    ("behind the handshake", (), ""),
    ("behind a message", (text("Hello"), Await()), ""),
    ("behind the first byte of a frame", (Part(text("Hello"), 1),), ""),
    ("within a length of 64 bits", (Part(LONG, 6),), ""),
    ("within a masking key or the first bytes of a payload", (Part(text("Hello"), 4),), ""),
    ("within a payload", (Part(text("Hello"), -1),), ""),
    ("within a payload of 70000 bytes", (Part(LONG, 60000),), ""),
    ("within a ping", (Part(Frame(PING, b"Hello"), -2),), ""),
    ("within a Close", (Part(close(1000, b"bye"), -1),), ""),
    ("between two fragments", (text("Hel", fin=False),), ""),
    ("between two compressed fragments", (fragments(PLAIN[:3], PLAIN[3:])[0],), NAME),
    ("within a compressed message", (Part(whole(PLAIN), -1),), NAME),
)


def _messages(steps: tuple[Step, ...]) -> tuple[str, ...]:
    return ("Hello",) if Await() in steps else ()


def _cut(place: str, steps: tuple[Step, ...], deflate: str, end: Do) -> Case:
    how = "ends" if end is Do.END else "is reset"
    awaited = (Do.AWAIT_END,) if end is Do.END else ()
    return Case(
        f"The connection {how} {place}; the next one is served",
        "R6455-7.1.5-03",
        Ends(*_messages(steps)),
        client_requirement="" if end is Do.RESET else "R6455-7.2.1-02",
        roles=("server",) if end is Do.RESET else ("server", "client"),  # of a client nothing would be seen
        unmet="NON-STRICT",
        why=NO_TIME,
        deflate=deflate,
        send=(*steps, end, *awaited, Do.ANOTHER, text("Hello")),
    )


CASES = (
    *(_cut(*place, Do.END) for place in PLACES),
    *(_cut(*place, Do.RESET) for place in PLACES[1:] if "within a C" not in place[0]),
    Case(
        "A Close, and the end of TCP with it",
        "R6455-5.5.1-07",
        Answers(1000),
        unmet="NON-STRICT",
        why=TYPICAL,
        send=(close(1000), Do.END),
    ),
    Case(
        "A message, a Close, and the end of TCP with them",
        "R6455-5.5.1-07",
        Answers(1000, messages=("Hello",)),
        unmet="NON-STRICT",
        why=UNANSWERED,
        send=(text("Hello"), close(1000), Do.END),
    ),
)
