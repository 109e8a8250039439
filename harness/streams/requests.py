"""H.1 to H.5: the setting, and requests to a server, good and bad (RFC 8441 3 to 5, RFC 9220 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.extra.frames import close
from harness.streams import checks
from harness.streams.case import Case
from harness.streams.codes import ENABLE_CONNECT_PROTOCOL
from harness.streams.expectations import OF_MALFORMED, Ends, Errors, Opens, Refuses
from harness.streams.fields import REQUEST, Fields, adding, before, put, without
from harness.streams.steps import ECHO, OPEN, SEND_HELLO, Ask, Do, Send, Steps

Group = tuple[Case | tuple[Case, ...], ...]
"""The cases of a group; those of a tuple share a number, and have one of their own below it."""

MALFORMED = Errors(*OF_MALFORMED, what="A malformed request", refusals=(4,))
NOT_200 = Errors(what="A request for no WebSocket", refusals=(3, 4, 5))
UNKNOWN = Errors(*OF_MALFORMED, what="A malformed request", refusals=(4, 501))
BAD = Refuses("4xx", (4,), (5,))
MUST = ("R9113-8.1.1-01", "R9114-4.1.2-01")


def asks(fields: Fields, *more: object, **ask: object) -> Steps:
    """Return the steps of a case that is about its request: an echo follows, if it was accepted."""
    return (Ask(fields, **ask), Do.AWAIT_ANSWER, *more, *ECHO)  # type: ignore[arg-type]  # the fields of Ask


def refused(fields: Fields) -> Steps:
    """Return the steps of a case whose request has to be refused."""
    return (Ask(fields), Do.AWAIT_ANSWER)


def malformed(
    title: str,
    fields: Fields,
    h2: str = MUST[0],
    h3: str = MUST[1],
    *,
    expect: Errors = MALFORMED,
    **more: Any,
) -> Case:
    """Return a case with a malformed request; `more` is about the case."""
    return Case(title, h2, h3, expect, refused(fields), closes=False, **more)


def variants(
    title: str, *parts: tuple[str, Fields], h2: str = MUST[0], h3: str = MUST[1]
) -> tuple[Case, ...]:
    """Return the cases that share a number."""
    return tuple(malformed(f"{title}: {what}", fields, h2, h3) for what, fields in parts)


EXAMPLE = adding(
    (b"sec-websocket-protocol", b"chat, superchat"),
    (b"sec-websocket-extensions", b"permessage-deflate"),
    (b"origin", b"http://www.example.com"),
)
"""The request of RFC 8441 5.1."""

PLAIN_CONNECT: Fields = ((b":method", b"CONNECT"), (b":authority", b"{authority}"))

SETTING: Group = (
    Case(
        "The first SETTINGS allow extended CONNECT",
        "R8441-3-01",
        "R9220-3-01",
        Opens("the first SETTINGS say so", checks.advertised),
        (*OPEN, *ECHO),
        of="glue",
    ),
    (
        Case(
            "The client says ENABLE_CONNECT_PROTOCOL = 0",
            "R8441-3-02",
            "R9220-3-01",
            Opens(),
            (*OPEN, *ECHO),
            settings=((ENABLE_CONNECT_PROTOCOL, 0),),
            of="library",
        ),
        Case(
            "The client does not say ENABLE_CONNECT_PROTOCOL",
            "R8441-3-02",
            "R9220-3-01",
            Opens(),
            (*OPEN, *ECHO),
            of="library",
        ),
    ),
    Case(
        "The client says ENABLE_CONNECT_PROTOCOL = 2",
        "R8441-3-01",
        "R9220-3-01",
        Errors(
            "PROTOCOL_ERROR",
            "H3_SETTINGS_ERROR",
            what="A value that the setting does not have",
            whole=True,
            takes_nothing=False,
        ),
        (*OPEN,),
        settings=((ENABLE_CONNECT_PROTOCOL, 2),),
        of="library",
        closes=False,
        unmet="NON-STRICT",
        why="the client's value has no effect on a server (RFC 8441 3), which may not even look at it",
        served="connection",
    ),
    Case(
        "The setting does not go back to 0 while WebSockets come and go",
        "R8441-3-03",
        "",
        Opens(),
        ((*OPEN, *ECHO, Send((close(1000),)), Do.AWAIT_END, Do.END) * 3)[:-1],
        of="glue",
        closes=False,
    ),
)

ROUTING: Group = (
    Case(
        "The request of RFC 8441 5.1",
        "R8441-5-08",
        "R9220-3-01",
        Opens("a subprotocol, if one is chosen, is of the offered", checks.chosen),
        asks(EXAMPLE),
    ),
    Case("A request without Sec-WebSocket-Key", "R8441-5-06", "R9220-3-01", Opens(), asks(REQUEST)),
    Case(
        "A request with Sec-WebSocket-Key",
        "R8441-5-06",
        "R9220-3-01",
        Opens("no Sec-WebSocket-Accept is needed", checks.no_accept, "INFORMATIONAL"),
        asks(adding((b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="))),
    ),
    Case(
        "The fields of the response",
        "R9110-9.3.6-01",
        "R9110-9.3.6-01",
        Opens(
            "no field of HTTP/1.1, no content-length, the status 200",
            lambda played: checks.clean(played) or checks.is_200(played),
        ),
        asks(REQUEST),
    ),
    Case(
        "':protocol' in another case: WebSocket",
        "R9110-7.8-07",
        "R9110-7.8-07",
        Opens(),
        asks(put(b":protocol", b"WebSocket")),
        unmet="NON-STRICT",
        why="RFC 9110 7.8 says SHOULD",
    ),
    Case(
        "':protocol' that the server does not know",
        "R9220-3-02",
        "R9220-3-02",
        Refuses("501", (501,), (4, 5)),
        refused(put(b":protocol", b"foo")),
        closes=False,
    ),
    malformed("An empty ':protocol'", put(b":protocol", b""), expect=UNKNOWN),
    Case(
        "A list as ':protocol'",
        "R8441-4-01",
        "R9220-3-02",
        NOT_200,
        refused(put(b":protocol", b"websocket, foo")),
        closes=False,
        unmet="NON-STRICT",
        why="no rule speaks of lists, and RFC 9220 3 says SHOULD of unknown names",
    ),
    malformed("':protocol' twice", (*REQUEST[:2], REQUEST[1], *REQUEST[2:]), "R9113-8.3-03", "R9114-4.3-01"),
    malformed(
        "':protocol' behind a field",
        adding(REQUEST[1], to=without(b":protocol")),
        "R9113-8.3-02",
        "R9114-4.3-01",
    ),
    Case(
        "':protocol' with GET",
        "R8441-4-01",
        "R9114-4.3-01",
        MALFORMED,
        (Ask(put(b":method", b"GET"), end=True), Do.AWAIT_ANSWER),
        closes=False,
    ),
    Case(
        "A CONNECT without ':protocol'",
        "R8441-4-03",
        "R9114-4.4-01",
        NOT_200,
        refused(PLAIN_CONNECT),
        closes=False,
        served="connection",
        of="glue",
    ),
    variants(
        "A CONNECT without ':protocol', but with",
        ("':scheme' and ':path'", without(b":protocol")),
        ("':path'", without(b":protocol", b":scheme")),
        h2="R9113-8.5-01",
        h3="R9114-4.4-01",
    ),
)

PSEUDO: Group = (
    malformed("No ':scheme'", without(b":scheme"), "R8441-4-02", "R9114-4.3.1-01"),
    malformed("No ':path'", without(b":path"), "R8441-4-02", "R9114-4.3.1-01"),
    malformed(
        "No ':authority'",
        without(b":authority"),
        "R8441-5-05",
        "R9114-4.3.1-01",
        unmet="NON-STRICT",
        lenient_over=("h2",),
        why="RFC 9114 4.3.1 demands it, where RFC 9113 leaves it open",
    ),
    variants(
        "Empty",
        *(
            (f"'{name.decode()}'", put(name, b""))
            for name in (b":scheme", b":path", b":authority", b":method")
        ),
        h2="R9113-8.3.1-05",
        h3="R9114-4.3.1-01",
    ),
    variants(
        "A ':path' that is none",
        ("without a slash", put(b":path", b"chat")),
        ("'*'", put(b":path", b"*")),
        ("with a fragment", put(b":path", b"/#fragment")),
        h2="R9113-8.3.1-04",
        h3="R9114-4.3.1-01",
    ),
    malformed(
        "A pseudo-header that nobody knows", before((b":unknown", b"1")), "R9113-8.3-01", "R9114-4.3-01"
    ),
    malformed("':status' in a request", before((b":status", b"200")), "R9113-8.3-01", "R9114-4.3-01"),
    Case(
        "':scheme' wss",
        "R8441-5-03",
        "R9220-3-01",
        NOT_200,
        refused(put(b":scheme", b"wss")),
        closes=False,
        unmet="NON-STRICT",
        why="RFC 8441 5 binds the client",
    ),
    Case(
        "A Host that is ':authority'",
        "R9113-8.3.1-03",
        "R9114-4.3.1-01",
        Opens(),
        asks(adding((b"host", b"{authority}"))),
    ),
    replace(
        malformed(
            "A Host that is not ':authority'",
            adding((b"host", b"elsewhere.example")),
            "R9113-8.3.1-03",
            "R9114-4.3.1-01",
        ),
        unmet="NON-STRICT",
        lenient_over=("h2",),
        why="RFC 9113 8.3.1 says SHOULD",
    ),
    malformed(
        "An ':authority' with user info",
        put(b":authority", b"user:pass@{authority}"),
        "R9113-8.3.1-01",
        "R9114-4.3.1-01",
    ),
)

_OF_HTTP1 = ("R9113-8.2.2-02", "R9114-4.2-02")
_VALUE = {"h2": "R9113-8.2.1-03", "h3": "R9114-4.2-01"}

FIELDS: Group = (
    malformed("A field connection", adding((b"connection", b"upgrade")), *_OF_HTTP1),
    malformed("A field upgrade", adding((b"upgrade", b"websocket")), *_OF_HTTP1),
    malformed("A field transfer-encoding", adding((b"transfer-encoding", b"chunked")), *_OF_HTTP1),
    malformed("te: gzip", adding((b"te", b"gzip")), h2="R9113-8.2.2-03", h3="R9114-4.2-02"),
    malformed("A name in upper case", adding((b"X-Upper", b"1")), h2="R9113-8.2.1-01", h3="R9114-4.2-01"),
    variants(
        "A value with",
        *(
            (f"a {name}", adding((b"x-odd", b"a%sb" % octet)))
            for name, octet in (("CR", b"\r"), ("LF", b"\n"), ("NUL", b"\0"))
        ),
        **_VALUE,
    ),
    variants(
        "White space",
        ("before a value", adding((b"x-odd", b" a"))),
        ("behind a value", adding((b"x-odd", b"a\t"))),
        h2="R9113-8.2.1-04",
        h3="R9114-4.2-01",
    ),
    Case("te: trailers", "R9113-8.2.2-03", "R9114-4.2-02", Opens(), asks(adding((b"te", b"trailers")))),
    Case(
        "A header section in four pieces",
        "R8441-5-08",
        "R9220-3-01",
        Opens(),
        asks(adding((b"x-long", b"0123456789" * 40)), pieces=4),
        of="library",
    ),
    Case(
        "300 fields: accepted, or refused",
        "R9110-5.4-01",
        "R9114-4.2.2-01",
        Errors(what="A section that is too long, where the peer finds it so,", refusals=(4,), may_open=True),
        (Ask(adding(*((b"x-field-%d" % number, b"value") for number in range(300)))), Do.AWAIT_ANSWER),
        closes=False,
    ),
    Case(
        "Cookies in three lines",
        "R9113-8.2.3-01",
        "R9114-4.2.1-01",
        Opens(),
        asks(adding(*((b"cookie", b"c%d=1" % number) for number in range(3)))),
    ),
)

_VERSION = b"sec-websocket-version"
_EXTENSIONS = b"sec-websocket-extensions"

HANDSHAKE: Group = (
    Case("No version", "R8441-5-07", "R9220-3-01", BAD, refused(without(_VERSION)), closes=False),
    Case(
        "Version 8",
        "R6455-4.2.2-07",
        "R6455-4.2.2-07",
        Refuses("4xx that names 13", (4,), (), checks.names_13),
        refused(put(_VERSION, b"8")),
        closes=False,
    ),
    Case(
        "The version twice", "R8441-5-07", "R9220-3-01", BAD, refused(adding((_VERSION, b"13"))), closes=False
    ),
    Case(
        "Subprotocols on two lines",
        "R8441-5-07",
        "R9220-3-01",
        Opens("a subprotocol, if one is chosen, is of the offered", checks.chosen),
        asks(adding((b"sec-websocket-protocol", b"chat"), (b"sec-websocket-protocol", b"superchat"))),
    ),
    Case(
        "Extensions against the grammar",
        "R6455-9.1-01",
        "R6455-9.1-01",
        BAD,
        refused(adding((_EXTENSIONS, b"permessage-deflate; =1"))),
        closes=False,
    ),
    (  # X.5 has all offers; it is played over streams, too
        Case(
            "An offer of permessage-deflate",
            "R7692-5-06",
            "R7692-5-06",
            Opens("what is answered fits the offer"),
            asks(adding((_EXTENSIONS, b"permessage-deflate; client_max_window_bits"))),
        ),
        *(
            Case(
                f"An offer to decline: {offer}",
                row,
                row,
                Opens("without an extension", checks.no_extension),
                asks(adding((_EXTENSIONS, offer.encode()))),
            )
            for offer, row in (
                ("x-unknown; a=1", "R6455-9-03"),
                ("permessage-deflate; x-unknown", "R7692-7-01"),
                ("permessage-deflate; server_max_window_bits=7", "R7692-7.1.2.1-02"),
            )
        ),
    ),
    Case(
        "content-length: 0",
        "R9110-9.3.6-03",
        "R9110-9.3.6-03",
        Opens("the status is 200", checks.is_200),
        refused(adding((b"content-length", b"0"))),
        closes=False,
    ),
    malformed("content-length: 5", adding((b"content-length", b"5")), "R9110-9.3.6-03", "R9110-9.3.6-03"),
    Case(
        "A CONNECT with the end of its stream",
        "R9113-8.5-04",
        "R9220-3-04",
        Ends(", or refuses"),
        (Ask(end=True), Do.AWAIT_LATE_END),
        of="glue",
        closes=False,
    ),
    Case(
        "A refused stream ends, and a frame behind that breaks nothing",
        "R9113-8.1.1-02",
        "R9114-4.1.2-02",
        Refuses("4xx, and the stream ends", (4,), (), checks.ended),
        (Ask(put(_VERSION, b"8")), Do.AWAIT_ANSWER, Do.AWAIT_END, SEND_HELLO),
        of="glue",
        closes=False,
    ),
)
