"""X.2: the request that a client sends, and responses to it, good and bad (RFC 6455 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.case import of_client
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame, text
from harness.extra.handshake_expectations import FailsHandshake
from harness.extra.heads import ACCEPT, EXTENSIONS, PROTOCOL, RESPONSE, key_fault, request_fault
from harness.extra.odd_responses import ODD_RESPONSES
from harness.extra.passed_on import SENT
from tooling.frames import PING

if TYPE_CHECKING:
    from harness.extra.heads import HeadFault
    from harness.extra.seen import Seen

TITLE = "Opening response"

HELLO_BACK = Echoes("Hello")
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WRONG = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="


def noted_request_fault(seen: Seen) -> str:
    """Judge a client's request, and note which field is at fault."""
    return _noted(seen, request_fault(seen.head, seen.authority) if seen.head else None)


def _key_fault(seen: Seen) -> str:
    return _noted(seen, key_fault(seen.head, seen.known_keys) if seen.head else None)


def _noted(seen: Seen, fault: HeadFault | None) -> str:
    seen.head_fault = fault.field if fault else ""
    return fault.text if fault else ""


TAKEN = (
    of_client(
        "A request and a response that nothing is wrong with",
        "R6455-4.1-18",
        Echoes("Hello", also=noted_request_fault),
    ),
    of_client(
        "The key is another one than in the connections before",
        "R6455-4.1-30",
        Echoes("Hello", also=_key_fault),
    ),
    of_client(
        "Names of fields in lower case, “upgrade: WebSocket”, “connection: upgrade”",
        "R6455-4.1-49",
        HELLO_BACK,
        response=RESPONSE.put("Upgrade", "WebSocket").put("Connection", "upgrade").spell("lower"),
    ),
    of_client("Names of fields in capitals", "R6455-4.1-49", HELLO_BACK, response=RESPONSE.spell("upper")),
    of_client("The response a byte at a time", "R6455-4.1-41", HELLO_BACK, byte_by_byte=True),
    of_client(
        "Connection over two lines, Upgrade on the first",
        "R6455-4.1-44",
        HELLO_BACK,
        response=RESPONSE.put("Connection", "Upgrade", "keep-alive"),
    ),
    of_client(
        "Connection over two lines, Upgrade on the second",
        "R6455-4.1-44",
        HELLO_BACK,
        response=RESPONSE.put("Connection", "keep-alive", "Upgrade"),
    ),
    of_client(
        "The accept token between blanks and tabs",
        "R6455-4.1-45",
        HELLO_BACK,
        response=RESPONSE.put("Sec-WebSocket-Accept", " \t{accept}\t "),
    ),
    of_client(
        "Another reason phrase, and fields that the client does not know",
        "R6455-4.1-41",
        HELLO_BACK,
        response=RESPONSE.begin("HTTP/1.1 101 Now It Is WebSocket")
        .put("Set-Cookie", "a=b", "c=d")
        .put("X-Unknown", "1"),
    ),
    of_client("103 before 101", "R9110-15.2-01", HELLO_BACK, interim=EARLY_HINTS),
    of_client("103 twice before 101", "R9110-15.2-01", HELLO_BACK, interim=EARLY_HINTS * 2),
    of_client("100 before 101", "R9110-15.2-01", HELLO_BACK, interim=CONTINUE),
    of_client("A message in the same segment as the response", "R6455-4.1-50", HELLO_BACK, at_once=True),
    of_client(
        "103, 101, a message and a ping in the same segment",
        "R6455-4.1-50",
        Echoes("Hello", pongs=(b"?",)),
        interim=EARLY_HINTS,
        at_once=True,
        send=(text("Hello"), Frame(PING, b"?")),
    ),
)

put, drop, begin = RESPONSE.put, RESPONSE.drop, RESPONSE.begin

_FAILED = (
    ("A wrong accept token", "R6455-4.1-45", put(ACCEPT, WRONG)),
    ("The accept token with a character more", "R6455-4.1-45", put(ACCEPT, "{accept}=")),
    ("The client's key in place of the accept token", "R6455-4.1-45", put(ACCEPT, "{key}")),
    ("An empty accept token", "R6455-4.1-45", put(ACCEPT, "")),
    ("No accept token", "R6455-4.1-45", drop(ACCEPT)),
    ("Two accept tokens, the first one wrong", "R6455-4.1-45", put(ACCEPT, WRONG, "{accept}")),
    ("Two accept tokens, the second one wrong", "R6455-4.1-45", put(ACCEPT, "{accept}", WRONG)),
    ("No Upgrade", "R6455-4.1-43", drop("Upgrade")),
    ("“Upgrade: h2c”", "R6455-4.1-43", put("Upgrade", "h2c")),
    ("“Upgrade: websocket” and a file separator (0x1C)", "R6455-4.1-43", put("Upgrade", "websocket\x1c")),
    ("No Connection", "R6455-4.1-44", drop("Connection")),
    ("“Connection: close”", "R6455-4.1-44", put("Connection", "close")),
    ("“Connection: not-upgrade”", "R6455-4.1-44", put("Connection", "not-upgrade")),
    ("A subprotocol that was not offered", "R6455-4.1-47", put(PROTOCOL, "x-nobody-asked")),
    ("An extension that was not offered", "R6455-4.1-46", put(EXTENSIONS, "x-nobody-asked")),
    ("A response that is not HTTP", "R6455-4.1-48", begin("WEBSOCKET OK")),
)  # fmt: skip

FAILED = (
    *(of_client(title, row, FailsHandshake(), response=response) for title, row, response in _FAILED),
    *(
        of_client(
            f"{status} with all fields of a 101",
            "R6455-4.1-42",
            FailsHandshake(as_http=True),
            response=RESPONSE.begin(f"HTTP/1.1 {status}"),
        )
        for status in ("200 OK", "401 Unauthorized")
    ),
)

CASES = (*TAKEN, *FAILED, *ODD_RESPONSES, *SENT)
