"""X.1: requests, good and bad, as a server gets them (RFC 6455 4.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.accepted_later import ACCEPTED_LATER, EARLY
from harness.extra.case import of_server
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame, text
from harness.extra.further_requests import FURTHER_REQUESTS
from harness.extra.handshake_expectations import Refuses
from harness.extra.heads import KEY, REQUEST, VERSION
from harness.extra.odd_requests import ODD_REQUESTS
from harness.extra.passed_on import PASSED_ON
from tooling.frames import PING

if TYPE_CHECKING:
    from harness.extra.seen import Seen

TITLE = "Opening request"

HELLO_BACK = Echoes("Hello")
SMUGGLED = text("smuggled").keyed(by_client=True).encode()
CHOICE = "a server may ignore an Upgrade field (RFC 9110 7.8)"

NOT_DECODED = "RFC 6455 4.2.2 says of the key: it is not necessary for the server to base64-decode it"
SENDER = "RFC 6455 11.3.1 binds the client; the server need not decode what it gets (4.2.2)"


def _subprotocol_fault(seen: Seen) -> str:
    chosen = seen.head.values("Sec-WebSocket-Protocol") if seen.head else []
    return (
        f"the response has Sec-WebSocket-Protocol {chosen}" if chosen not in ([], ["x-nobody-knows"]) else ""
    )


ACCEPTED = (
    of_server("A request that nothing is wrong with", "R6455-4.2.2-01", HELLO_BACK),
    of_server(
        "Names of fields in lower case, “upgrade: WebSocket”, “connection: upgrade”",
        "R6455-4.1-49",
        HELLO_BACK,
        request=REQUEST.put("Upgrade", "WebSocket").put("Connection", "upgrade").spell("lower"),
    ),
    of_server("The request a byte at a time", "R6455-4.2.2-01", HELLO_BACK, byte_by_byte=True),
    of_server(
        "“Connection: keep-alive, Upgrade”",
        "R6455-4.2.1-06",
        HELLO_BACK,
        request=REQUEST.put("Connection", "keep-alive, Upgrade"),
    ),
    of_server(
        "Connection over two lines, Upgrade on the first",
        "R6455-4.2.1-06",
        HELLO_BACK,
        request=REQUEST.put("Connection", "Upgrade", "keep-alive"),
    ),
    of_server(
        "Connection over two lines, Upgrade on the second",
        "R6455-4.2.1-06",
        HELLO_BACK,
        request=REQUEST.put("Connection", "keep-alive", "Upgrade"),
    ),
    of_server(
        "“Upgrade: h2c, websocket”",
        "R6455-4.2.1-05",
        HELLO_BACK,
        unmet="NON-STRICT",
        why=CHOICE,
        request=REQUEST.put("Upgrade", "h2c, websocket"),
    ),
    of_server(
        "A key between blanks and tabs",
        "R6455-4.2.1-07",
        HELLO_BACK,
        request=REQUEST.put("Sec-WebSocket-Key", " \t{key}\t "),
    ),
    of_server(
        "The target in absolute form",
        "R6455-4.2.1-03",
        HELLO_BACK,
        request=REQUEST.begin("GET http://{host}/ HTTP/1.1"),
    ),
    of_server(
        "A subprotocol that the server does not know: it accepts without, or refuses",
        "R6455-4.2.2-10",
        Echoes("Hello", may_refuse=True, also=_subprotocol_fault),
        request=REQUEST.put("Sec-WebSocket-Protocol", "x-nobody-knows"),
    ),
    of_server(
        "Fields that the server does not know",
        "R6455-4.2.1-11",
        HELLO_BACK,
        request=REQUEST.add("X-Unknown", "1").add("Cookie", "a=b; c=d").add("Origin", "http://{host}"),
    ),
    of_server(
        "A message in the same segment as the request",
        "R6455-4.2.2-18",
        Echoes("Hello", may_refuse=True),
        unmet="INFORMATIONAL",
        why=EARLY,
        at_once=True,
    ),
    of_server(
        "A message and a ping in the same segment as the request",
        "R6455-4.2.2-18",
        Echoes("Hello", pongs=(b"?",), may_refuse=True),
        unmet="INFORMATIONAL",
        why=EARLY,
        at_once=True,
        send=(text("Hello"), Frame(PING, b"?")),
    ),
    of_server(
        "A body in the request that looks like a frame: it is refused, or read as a body",
        "R9112-6-01",
        Echoes("Hello", may_refuse=True),
        request=REQUEST.put("Content-Length", str(len(SMUGGLED))),
        body=SMUGGLED,
    ),
)

put, add, drop, begin = REQUEST.put, REQUEST.add, REQUEST.drop, REQUEST.begin

_BAD_KEYS = (
    ("A key that is not base64", put(KEY, "not base64 at all!!!!!==")),
    ("A key of one character", put(KEY, "x")),
    ("A key of 15 bytes", put(KEY, "MTIzNDU2Nzg5MDEyMzQ1")),
    ("A key of 17 bytes", put(KEY, "MTIzNDU2Nzg5MDEyMzQ1Njc=")),
    ("A key in base64url", put(KEY, "_-_-IHNhbXBsZSBub25jZQ==")),
    ("An empty key", put(KEY, "")),
)

_REFUSED = (
    ("HTTP/1.0", "R9110-7.8-02", begin("GET / HTTP/1.0")),
    ("POST", "R6455-4.2.1-02", begin("POST / HTTP/1.1").put("Content-Length", "0")),
    ("No Host", "R9112-3.2-01", drop("Host")),
    ("Two Hosts", "R9112-3.2-01", add("Host", "example.com")),
    ("No Upgrade", "R6455-4.2.1-05", drop("Upgrade")),
    ("“Upgrade: websockets”", "R6455-4.2.1-05", put("Upgrade", "websockets")),
    ("“Upgrade: websocket” and a file separator (0x1C)", "R6455-4.2.1-05", put("Upgrade", "websocket\x1c")),
    ("No Connection", "R6455-4.2.1-06", drop("Connection")),
    ("“Connection: not-upgrade”", "R6455-4.2.1-06", put("Connection", "not-upgrade")),
    ("“Connection: Upgrade” and a file separator (0x1C)", "R6455-4.2.1-06", put("Connection", "Upgrade\x1c")),
    ("No version", "R6455-4.2.1-08", drop(VERSION)),
    ("An empty version", "R6455-4.2.1-08", put(VERSION, "")),
    ("Versions 8 and 13, a line each", "R6455-4.2.1-08", put(VERSION, "8", "13")),
    ("A blank between the name of a field and its colon", "R9112-5.1-01", add("X-Extra ", "1")),
)  # fmt: skip

_TWO_KEYS = (("Two keys", add(KEY, "dGhlIHNhbXBsZSBub25jZQ==")), ("The same key twice", add(KEY, "{key}")))

REFUSED = (
    *(
        of_server(title, "R6455-4.2.1-07", Refuses(), unmet="NON-STRICT", why=NOT_DECODED, request=request)
        for title, request in _BAD_KEYS
    ),
    of_server("No key", "R6455-4.2.1-07", Refuses(), request=drop(KEY)),
    *(
        of_server(title, "R6455-11.3.1-01", Refuses(), unmet="NON-STRICT", why=SENDER, request=request)
        for title, request in _TWO_KEYS
    ),
    *(of_server(title, row, Refuses(), request=request) for title, row, request in _REFUSED),
    of_server(
        "Version 12: the response says which is supported",
        "R6455-4.2.2-07",
        Refuses(field=("Sec-WebSocket-Version", "13")),
        request=REQUEST.put("Sec-WebSocket-Version", "12"),
    ),
    of_server(
        "Version 12: a 426 says what to upgrade to",
        "R9110-15.5.22-01",
        Refuses(field=("Upgrade", "websocket"), only_with=426),
        request=REQUEST.put("Sec-WebSocket-Version", "12"),
    ),
)

CASES = (*ACCEPTED, *REFUSED, *ODD_REQUESTS, *ACCEPTED_LATER, *PASSED_ON, *FURTHER_REQUESTS)
