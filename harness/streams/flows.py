"""H.8: flow control, several streams and the end of connections, as a server has them (RFC 9113 6.8, 6.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.frames import Frame
from harness.streams import checks
from harness.streams.case import Case
from harness.streams.codes import (
    INITIAL_WINDOW_SIZE,
)
from harness.streams.expectations import Bounded, Errors, Opens, Quiet
from harness.streams.fields import put
from harness.streams.player import ENOUGH
from harness.streams.steps import (
    ECHO,
    OPEN,
    Ask,
    Await,
    AwaitBytes,
    Credit,
    Do,
    GoAway,
    Octets,
    Pause,
    Send,
    Settings,
)
from harness.streams.tunnels import FLOW, LONG
from tooling.frames import BINARY

if TYPE_CHECKING:
    from harness.streams.requests import Group

LONGER = Frame(BINARY, bytes(range(256)) * 1172)
"""300 KB."""

UNREAD = (Frame(BINARY, bytes(2**16)),) * (ENOUGH // 2**16)
"""8 MiB."""

NO_END = "no RFC names a number; 8 MiB is the harness's"

GET = ((b":method", b"GET"), (b":scheme", b"{scheme}"), (b":path", b"/"), (b":authority", b"{authority}"))

FLOWS: Group = (
    Case(
        "A window of 5000 bytes",
        *FLOW,
        Opens("the echo waits for room", checks.stopped_at(5000)),
        (*OPEN, Send((LONG,)), AwaitBytes(5000), Credit(100_000), Await()),
        of="glue",
        hold=True,
        window=5000,
    ),
    Case(
        "No window until it is raised",
        *FLOW,
        Opens("the echo waits for room", checks.stopped_at(0)),
        (
            *OPEN,
            Send((LONG,)),
            AwaitBytes(0),
            Settings(((INITIAL_WINDOW_SIZE, 65535),)),
            Credit(100_000),
            Await(),
        ),
        of="glue",
        hold=True,
        window=0,
    ),
    Case(
        "A window below zero",
        "R9113-6.9-01",
        "",
        Opens("the echo waits for room", checks.stopped_at(20000, 20000)),
        (
            *OPEN,
            Send((LONG,)),
            AwaitBytes(20000),
            Settings(((INITIAL_WINDOW_SIZE, 1000),)),
            Pause(0.2),
            Credit(15000),
            AwaitBytes(20000),
            Credit(100_000),
            Await(),
        ),
        of="glue",
        hold=True,
        window=20000,
    ),
    Case("300 KB each way", *FLOW, Opens(), (*OPEN, Send((LONGER,)), Await()), of="glue"),
    Case(
        "An echo that nobody reads, and another stream",
        *FLOW,
        Bounded(ENOUGH),
        (
            *OPEN,
            Send(UNREAD, until_stuck=True),
            Ask(),
            Credit(65535),
            Do.AWAIT_ANSWER,
            Credit(65535),
            *ECHO,
            Do.FIRST,
        ),
        of="glue",
        hold=True,
        window=0,
        closes=False,
        unmet="NON-STRICT",
        why=NO_END,
    ),
    Case(
        "DATA on refused streams is credited",
        *FLOW,
        Opens(),
        (
            *OPEN,
            *(
                (
                    Ask(put(b"sec-websocket-version", b"8")),
                    Octets(bytes(16000)),
                    Octets(bytes(14000)),
                    Do.AWAIT_ANSWER,
                )
                * 4
            ),
            Do.FIRST,
            Send((LONG,)),
            Await(),
        ),
        of="glue",
    ),
    Case(
        "Ten WebSockets and a GET at once",
        "R9113-5.4.2-01",
        "R9220-3-01",
        Opens(),
        (*((Ask(),) * 10), Ask(GET, end=True), Do.AWAIT_ANSWER, Do.FIRST, Do.AWAIT_ANSWER, *ECHO),
        of="glue",
    ),
    Case(
        "GOAWAY of the client: the open stream goes on",
        "R9113-6.8-01",
        "R9114-5.2-01",
        Opens(),
        (*OPEN, GoAway(), *ECHO),
        of="library",
        served="connection",
    ),
    Case(
        "The connection breaks off: the next one is served",
        "R9113-5.4.2-01",
        "R9220-3-04",
        Quiet(cut=True),
        (*OPEN, *ECHO, Do.CUT),
        of="glue",
        closes=False,
        served="connection",
    ),
    Case(
        "A datagram for the stream",
        "",
        "R9297-2-01",
        Errors(
            "H3_DATAGRAM_ERROR",
            what="A datagram for a WebSocket, which has no use for any,",
            takes_nothing=False,
        ),
        (*OPEN, *ECHO, Do.DATAGRAM, Do.AWAIT_END),
        of="library",
        closes=False,
    ),
)
