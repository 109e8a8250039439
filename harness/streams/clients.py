"""H.9 to H.11: the requests of a client, good and bad responses to them, and the end of its WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.frames import close, text
from harness.streams import checks
from harness.streams.case import Case, of_client
from harness.streams.codes import ENABLE_CONNECT_PROTOCOL, INITIAL_WINDOW_SIZE, PUSH_PROMISE
from harness.streams.expectations import OF_FRAME, OF_MALFORMED, DoesNotAsk, Ends, Errors, Opens, Quiet
from harness.streams.fields import RESPONSE, Fields, adding
from harness.streams.steps import (
    CLOSE,
    ECHO,
    HELLO,
    SEND_HELLO,
    Answer,
    Await,
    AwaitBytes,
    Credit,
    Do,
    GoAway,
    Octets,
    Pause,
    Raw,
    Reset,
    Send,
    Settings,
    Steps,
)
from harness.streams.tunnels import ENDING, FLOW, LONG, TUNNEL

if TYPE_CHECKING:
    from harness.streams.requests import Group

ACCEPTED = (Answer(), *ECHO)
MALFORMED = Errors(*OF_MALFORMED, what="A malformed response")
REJECTED = Errors(what="A handshake that failed")
MUST = ("R9113-8.1.1-03", "R9114-4.1.2-02")
FRAMES = tuple(text(f"message {number}") for number in range(10))


def responses(
    title: str, *parts: tuple[str, Steps], h2: str = MUST[0], h3: str = MUST[1]
) -> tuple[Case, ...]:
    """Return the cases of malformed responses that share a number."""
    return tuple(malformed(f"{title}: {what}", steps, h2, h3) for what, steps in parts)


def malformed(title: str, steps: Steps, h2: str = MUST[0], h3: str = MUST[1]) -> Case:
    """Return a case with a malformed response; an echo would show that the client took it."""
    return of_client(title, h2, h3, MALFORMED, (*steps, SEND_HELLO, Do.AWAIT_END), closes=False)


def fails(title: str, fields: Fields, h2: str, h3: str) -> Case:
    """Return a case with a response that breaks a rule of WebSocket."""
    return of_client(title, h2, h3, REJECTED, (Answer(fields), SEND_HELLO, Do.AWAIT_END), closes=False)


REQUESTS: Group = (
    of_client(
        "Order, case and set of the fields of the request",
        "R8441-5-02",
        "R9220-3-01",
        Opens("the request is well-formed", checks.well_formed),
        ACCEPTED,
    ),
    of_client(
        "No field of HTTP/1.1, no other Host",
        "R8441-5-04",
        "R9220-3-01",
        Opens("the request has none of them", checks.no_http1),
        ACCEPTED,
    ),
    of_client(
        "':scheme' fits the URL",
        "R8441-5-03",
        "R9220-3-01",
        Opens("https for wss, http for ws", checks.scheme),
        ACCEPTED,
    ),
    of_client(
        "The server does not allow extended CONNECT",
        "R8441-3-02",
        "R9220-3-01",
        DoesNotAsk(),
        (Pause(1.0),),
        advertises=False,
        apart=True,
        of="glue",
    ),
    of_client(
        "The server allows extended CONNECT in its second SETTINGS",
        "R8441-3-02",
        "",
        DoesNotAsk(),
        (Pause(0.5),),
        advertises=False,
        apart=True,
        of="glue",
        settings=((ENABLE_CONNECT_PROTOCOL, 0),),
    ),
    of_client(
        "Frames are masked with fresh keys",
        "R6455-5.3-02",
        "R6455-5.3-02",
        Opens("no key comes twice", checks.fresh_keys),
        (Answer(), Send(FRAMES), Await(10)),
    ),
    of_client(
        "The client ends its side neither with its request nor with its first Close",
        "R8441-5-10",
        "R9114-4.4-03",
        Opens("both are without the end", checks.no_end),
        (Answer(), Do.AWAIT_CLOSE),
        unmet="NON-STRICT",
        why="RFC 9114 4.4 says SHOULD NOT",
        of="glue",
        mode="/close?code=1000",
    ),
)

EARLY = Answer(((b":status", b"103"), (b"link", b"</style.css>")))
NO_ACCEPT = b"sec-websocket-accept"

RESPONSES: Group = (
    of_client("200", "R8441-5-08", "R9220-3-01", Opens(), ACCEPTED),
    tuple(
        of_client(
            f"{status} accepts",
            "R9113-8.5-02",
            "R9220-3-01",
            Opens(),
            (Answer(((b":status", b"%d" % status),)), *ECHO),
            unmet="NON-STRICT",
            why="browsers take 200 alone",
        )
        for status in (201, 204)
    ),
    of_client(
        "101",
        "R9113-8.6-01",
        "R9114-4.5-01",
        Errors(*OF_MALFORMED, "CANCEL", "H3_REQUEST_CANCELLED", what="A response that has no place here"),
        (Answer(((b":status", b"101"),)), Do.AWAIT_END),  # without data, which no client takes that waits on
        closes=False,
    ),
    of_client("103, then 200", "R9113-8.1-01", "R9113-8.1-01", Opens(), (EARLY, *ACCEPTED), of="glue"),
    of_client(
        "Seventeen times 103, then 200",
        "R9113-8.1-01",
        "R9113-8.1-01",
        Opens(),
        (*([EARLY] * 17), *ACCEPTED),
        of="glue",
        unmet="NON-STRICT",
        why="any number may come, though a client may bound what it takes",
    ),
    malformed(
        "103 with the end of the stream", (Answer(EARLY.fields, end=True),), "R9113-8.1-02", "R9114-4.1-01"
    ),
    of_client("No Sec-WebSocket-Accept", "R8441-5-06", "R9220-3-01", Opens(), (Answer(accept=False), *ECHO)),
    of_client(
        "A wrong Sec-WebSocket-Accept",
        "R8441-5-06",
        "R9220-3-01",
        Opens(),
        (Answer(adding((NO_ACCEPT, b"bm90IHRoZSByaWdodCBvbmU="), to=RESPONSE)), *ECHO),
    ),
    of_client(
        "content-length: 0 in the 200",
        "R9110-9.3.6-02",
        "R9110-9.3.6-02",
        Opens(),
        (Answer(adding((b"content-length", b"0"), to=RESPONSE)), *ECHO),
        of="library",
    ),
    malformed(
        "A field connection in the response",
        (Answer(adding((b"connection", b"upgrade"), to=RESPONSE)),),
        "R9113-8.2.2-02",
        "R9114-4.2-02",
    ),
    responses(
        "':status'",
        ("is missing", (Answer(((b"server", b"x"),)),)),
        *((f"is “{status.decode()}”", (Answer(((b":status", status),)),)) for status in (b"abc", b"2000")),
        ("comes twice", (Answer((*RESPONSE, *RESPONSE)),)),
        h2="R9113-8.3.2-01",
        h3="R9114-4.3.2-01",
    ),
    tuple(  # X.6 has all answers; it is played over streams, too
        fails(
            f"An answer that nobody offered: {answer}",
            adding((b"sec-websocket-extensions", answer.encode()), to=RESPONSE),
            row,
            row,
        )
        for answer, row in (
            ("x-unknown", "R6455-4.1-46"),
            ("permessage-deflate; x-unknown", "R7692-7-05"),
            ("permessage-deflate; server_max_window_bits=16", "R7692-7.1.2.1-04"),
        )
    ),
    fails(
        "A subprotocol that was not offered",
        adding((b"sec-websocket-protocol", b"unknown"), to=RESPONSE),
        "R6455-4.1-47",
        "R6455-4.1-47",
    ),
    tuple(
        of_client(
            f"A refusal with {status} and {'a' if body else 'no'} body: the connection is kept",
            "R9113-8.5-02",
            "R9114-4.1-01",
            Ends(" of a refused request"),
            (
                Answer(((b":status", b"%d" % status),), end=not body),
                *((Octets(b"Forbidden", end=True),) if body else ()),
                Do.AWAIT_END,
            ),
            closes=False,
            of="glue",
            kept=True,
        )
        for status, body in ((403, True), (302, False), (401, False), (503, True))
    ),
    of_client(
        "200 with the end of the stream",
        "R9113-8.5-04",
        "R9220-3-04",
        Ends(),
        (Answer(end=True), Do.AWAIT_END),
        of="glue",
        closes=False,
    ),
    of_client(
        "The stream is refused by a reset",
        "R9113-5.4.2-01",
        "R9220-3-04",
        Quiet(),
        (Reset("REFUSED_STREAM", "H3_REQUEST_REJECTED"), Pause(0.1)),
        of="glue",
        closes=False,
        kept=True,
    ),
    of_client(
        "The end of the stream before a response",
        "R9113-8.1-02",
        "R9114-4.1-01",
        Errors(what="A stream without a response"),
        (Octets(end=True), Do.AWAIT_END),
        of="glue",
        closes=False,
    ),
    of_client(
        "DATA before the response",
        "R9113-8.1-02",
        "R9114-4.1-01",
        Errors(*OF_MALFORMED, what="DATA before HEADERS"),
        (Octets(b"early"), Answer(), SEND_HELLO, Do.AWAIT_END),
        of="library",
        closes=False,
    ),
    of_client(
        "Frames in one packet with the 200", *TUNNEL, Opens(), (Answer(), Send((HELLO, HELLO)), Await(2))
    ),
)


BROKEN = Errors(*OF_FRAME, what="Such a frame in the tunnel", takes_nothing=False)
PROMISE, PROMISE_OF_H3 = b"\0\0\0\2\x82\x87\x84\x01\x01a", b"\0\0\0\xd1\xd7\xc1\x50\x01a"
"""Promises GET https /, of the authority a, by HPACK's and QPACK's static tables (RFC 7541 A, RFC 9204 A)."""

ENDINGS: Group = (
    of_client(
        "A Close and the end of the stream: both come back",
        *ENDING,
        Ends(close=True, also=checks.got_close),
        (Answer(), *ECHO, Send((close(1000),), end=True), Do.AWAIT_END),
        of="glue",
        closes=False,
        kept=True,
    ),
    of_client(
        "The end of the stream without a Close",
        "R9113-8.5-04",
        "R9220-3-04",
        Ends(),
        (Answer(), *ECHO, Do.END, Do.AWAIT_END),
        of="glue",
        closes=False,
        kept=True,
    ),
    of_client(
        "A reset",
        *ENDING,
        Quiet(),
        (Answer(), *ECHO, Reset(), Pause(0.2)),
        of="glue",
        closes=False,
        kept=True,
    ),
    of_client(
        "A Close, the end of the stream and a reset without error at once",
        "R9113-8.1-01",
        "R9220-3-04",
        Quiet(),
        (Answer(), *ECHO, Send((close(1000),), end=True), Reset("NO_ERROR", "H3_NO_ERROR"), Pause(0.2)),
        of="glue",
        closes=False,
        kept=True,
    ),
    of_client(
        "A Close, and the server never ends the stream",
        *ENDING,
        Ends(" in bounded time", close=True),
        (Answer(), *ECHO, CLOSE, Do.AWAIT_LATE_END),
        of="glue",
        closes=False,
        unmet="NON-STRICT",
        why="no RFC bounds the time",
    ),
    of_client(
        "GOAWAY above the stream: it goes on, and no new one comes",
        "R9113-6.8-01",
        "R9114-5.2-01",
        Opens("no new stream comes", checks.no_new_stream),
        (Answer(), *ECHO, GoAway(), SEND_HELLO, Await(2)),
        of="library",
    ),
    of_client(
        "GOAWAY below the stream: it has failed, and no new one comes",
        "R9113-6.8-01",
        "R9114-5.2-01",
        Quiet(cut=True, also=checks.no_new_stream),
        (GoAway(below=True), Pause(0.3), Do.CUT),
        of="library",
        closes=False,
    ),
    of_client(
        "A window of 5000 bytes",
        *FLOW,
        Opens("the echo waits for room"),
        (
            Settings(((INITIAL_WINDOW_SIZE, 5000),)),
            Answer(),
            Send((LONG,)),
            AwaitBytes(5000),
            Credit(100_000),
            Await(),
            Settings(((INITIAL_WINDOW_SIZE, 65535),)),
        ),
        of="glue",
        hold=True,
    ),
    of_client(
        "Trailers in the tunnel",
        "R9113-8.5-03",
        "R9114-4.4-02",
        BROKEN,
        (Answer(), *ECHO, Answer(((b"x-more", b"1"),), end=True), Do.AWAIT_END),
        closes=False,
    ),
    of_client(
        "PUSH_PROMISE in the tunnel",
        "R9113-8.5-03",
        "R9114-4.4-02",
        Errors(
            "PROTOCOL_ERROR",
            "H3_FRAME_UNEXPECTED",
            "H3_ID_ERROR",
            what="Such a frame in the tunnel",
            takes_nothing=False,
        ),
        (
            Answer(),
            *ECHO,
            Raw(PUSH_PROMISE, PUSH_PROMISE, PROMISE, flags=4, h3_payload=PROMISE_OF_H3),
            Do.AWAIT_END,
        ),
        closes=False,
        of="library",
    ),
)
