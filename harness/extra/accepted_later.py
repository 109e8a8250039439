"""Requests of X.1 that a server accepts later, as ASGI servers do: what comes meanwhile waits."""

from __future__ import annotations

from functools import partial

from harness.extra.case import of_server
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame, close, text
from harness.extra.handshake_expectations import (
    AnswersOrDrops,
    EndsToo,
    FailsOrDrops,
    KeepsLittle,
    ServesOthers,
)
from harness.extra.steps import Do, Pause
from tooling.frames import BINARY, CONTINUATION, PING

AFTER = 0.1
"""Seconds after which the server accepts the request."""

EARLY = "a client has to wait for the response before it sends more (RFC 6455 4.1)"
NO_TIME = "no RFC names the time in which a connection has to end that its peer ended"
ITS_CHOICE = (
    "RFC 6455 10.4 names no number, and is about frames; how much a server keeps unread is its choice"
)

FLOOD = Frame(BINARY, bytes(2**16), mask=b"abcd").encode()

_later = partial(of_server, mode=f"/accept?after={AFTER}")
_early = partial(_later, unmet="INFORMATIONAL", why=EARLY, at_once=True)

ACCEPTED_LATER = (
    _later(f"The server accepts the request after {AFTER} s", "R6455-4.2.2-18", Echoes("Hello")),
    _early(
        "The server accepts later: a message and a ping in the same segment as the request",
        "R6455-4.2.2-18",
        Echoes("Hello", pongs=(b"?",)),
        send=(text("Hello"), Frame(PING, b"?")),
    ),
    _early(
        "The server accepts later: the request, a message and a ping a byte at a time",
        "R6455-4.2.2-18",
        Echoes("Hello", pongs=(b"?",)),
        byte_by_byte=True,
        send=(text("Hello"), Frame(PING, b"?")),
    ),
    _early(
        "The server accepts later: a message in fragments with a ping within, and another one",
        "R6455-4.2.2-18",
        Echoes("Hello", "again", pongs=(b"?",)),
        send=(text("Hel", fin=False), Frame(PING, b"?"), Frame(CONTINUATION, b"lo"), text("again")),
    ),
    _early(
        "The server accepts later: a message of 100,000 bytes behind the request",
        "R6455-4.2.2-18",
        Echoes(b"x" * 100_000),
        send=(Frame(BINARY, b"x" * 100_000),),
    ),
    _early(
        "The server accepts later: an unmasked frame behind the request",
        "R6455-5.1-02",
        FailsOrDrops(1002),
        send=(text("Hello", wrong_mask=True),),
    ),
    _early(
        "The server accepts later: a Close behind the request",
        "R6455-5.5.1-07",
        AnswersOrDrops(1000),
        send=(close(1000),),
    ),
    _early(
        "The server accepts later: a message and a Close behind the request",
        "R6455-5.5.1-07",
        AnswersOrDrops(1000, messages=("Hello",)),
        send=(text("Hello"), close(1000)),
    ),
    _later(
        "The server accepts later: the client ends its direction behind the request; the next one is served",
        "R6455-7.1.5-03",
        EndsToo(),
        unmet="NON-STRICT",
        why=NO_TIME,
        eof=True,
        send=(Do.AWAIT_END, Do.ANOTHER, text("Hello")),
    ),
    _early(
        "The server accepts later: a message and a ping behind the request, and the client's end of TCP",
        "R6455-7.1.5-03",
        EndsToo("Hello", pongs=(b"?",)),
        eof=True,
        send=(text("Hello"), Frame(PING, b"?")),
    ),
    _early(
        "The server accepts later: a message and a Close behind the request, and the client's end of TCP",
        "R6455-7.1.5-03",
        EndsToo("Hello", code=1000),
        eof=True,
        send=(text("Hello"), close(1000)),
    ),
    _early(
        "The server accepts later: a part of a frame behind the request, and the client's end of TCP",
        "R6455-7.1.5-03",
        EndsToo(),
        eof=True,
        body=text("Hello").keyed(by_client=True).encode()[:-2],
        send=(),
    ),
    _later(
        "The server accepts later: the client resets the connection before; the next one is served",
        "R6455-7.1.5-03",
        ServesOthers(),
        reset=True,
        send=(Pause(2 * AFTER), Do.ANOTHER, text("Hello")),
    ),
    _later(
        "The server accepts later: frames without end behind the request",
        "R6455-10.4-01",
        KeepsLittle(),
        unmet="NON-STRICT",
        why=ITS_CHOICE,
        mode="/accept?after=2",
        flood=FLOOD,
        watch_memory=True,
    ),
)
