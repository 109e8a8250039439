"""X.6: answers to an offer of permessage-deflate, good and bad, as a client gets them (RFC 7692 5, 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.extra.case import of_client
from harness.extra.deflating import NAME, deflate, parse_extensions
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from harness.extra.handshake_expectations import FailsHandshake
from harness.extra.heads import EXTENSIONS, RESPONSE
from tooling.frames import RSV1, TEXT

if TYPE_CHECKING:
    from harness.extra.seen import Seen

TITLE = "Compression answers"

NO_CONTEXT = "server_no_context_takeover"
HELLO_BACK = Echoes("Hello")
DIGITS = "RFC 6455 9.1 permits quotes, but RFC 7692 7.1.2 speaks of digits alone"
_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = rf"[ \t]*;[ \t]*{_NAME}([ \t]*=[ \t]*({_NAME}|\"{_NAME}\"))?"
_OFFER = f"{_NAME}({_PARAMETER})*"
_OFFERS = re.compile(rf"{_OFFER}([ \t]*,[ \t]*{_OFFER})*")

_BITS = [str(bits) for bits in range(8, 16)]
_VALUES: dict[str, list[str | None]] = {
    "server_no_context_takeover": [None],
    "client_no_context_takeover": [None],
    "server_max_window_bits": [*_BITS],
    "client_max_window_bits": [None, *_BITS],
}

COMPRESSED = (Frame(TEXT, deflate(b"Hello", bits=9)[0], rsv=RSV1),)

_FAILED = (
    ("an unknown parameter", "R7692-7-05", "x-unknown"),
    ("a parameter that only begins like a known one", "R7692-7-05", "server_no_context_takeover_at_all"),
    ("server_no_context_takeover twice", "R7692-7-07", f"{NO_CONTEXT}; {NO_CONTEXT}"),
    ("server_max_window_bits twice", "R7692-7-07", "server_max_window_bits=10; server_max_window_bits=10"),
    ("a value for server_no_context_takeover", "R7692-7-06", "server_no_context_takeover=1"),
    ("a value for client_no_context_takeover", "R7692-7-06", "client_no_context_takeover=true"),
    ("server_max_window_bits without a value", "R7692-7.1.2.1-04", "server_max_window_bits"),
    ("client_max_window_bits without a value", "R7692-7.1.2.2-04", "client_max_window_bits"),
    *(
        (f"“server_max_window_bits={value}”", "R7692-7.1.2.1-04", f"server_max_window_bits={value}")
        for value in ("7", "16", "08", "+10", "abc")
    ),
    *(
        (f"“client_max_window_bits={value}”", "R7692-7.1.2.2-04", f"client_max_window_bits={value}")
        for value in ("7", "16", "010", "abc")
    ),
)  # fmt: skip


def offer_fault(seen: Seen) -> str:
    """Name what RFC 6455 9.1 or RFC 7692 7.1 forbids in the client's offers; no offer is no fault."""
    for line in seen.head.values(EXTENSIONS) if seen.head else []:
        if not _OFFERS.fullmatch(line):
            return f"the offer {line!r} is against the grammar of RFC 6455 9.1"
    for name, parameters in parse_extensions(seen.head.values(EXTENSIONS) if seen.head else []):
        if name == NAME and len(dict(parameters)) < len(parameters):
            return f"an offer has a parameter twice: {parameters}"
        for key, value in parameters if name == NAME else ():
            if value not in _VALUES.get(key, ()):
                return f"an offer has {key!r} with the value {value!r}"
    return ""


CASES = (
    of_client("A plain answer", "R7692-5-13", HELLO_BACK, deflate=NAME, send=COMPRESSED),
    of_client(
        "server_no_context_takeover, which the server may add",
        "R7692-5-13",
        HELLO_BACK,
        deflate=f"{NAME}; server_no_context_takeover",
        send=COMPRESSED,
    ),
    of_client(
        "client_no_context_takeover, which every client supports",
        "R7692-7.1.1.2-03",
        HELLO_BACK,
        deflate=f"{NAME}; client_no_context_takeover",
        send=COMPRESSED,
    ),
    of_client(
        "A window size in quotes",
        "R6455-4.3-01",
        HELLO_BACK,
        unmet="NON-STRICT",
        why=DIGITS,
        deflate=f'{NAME}; server_max_window_bits="10"',
        send=COMPRESSED,
    ),
    of_client("No extension, although it was offered", "R7692-5-11", HELLO_BACK),
    *(
        of_client(f"An answer with {what}", row, FailsHandshake(), deflate=f"{NAME}; {parameters}")
        for what, row, parameters in _FAILED
    ),
    of_client("permessage-deflate twice", "R7692-5-09", FailsHandshake(), deflate=f"{NAME}, {NAME}"),
    of_client(
        "permessage-deflate, and an extension that was not offered",
        "R6455-4.1-46",
        FailsHandshake(),
        deflate=f"{NAME}, x-nobody-asked",
    ),
    of_client(
        "Two lines of Sec-WebSocket-Extensions, the first one empty",
        "R6455-11.3.2-02",
        FailsHandshake(),
        unmet="NON-STRICT",
        why="RFC 6455 11.3.2 binds the server, and an empty element changes nothing (RFC 9110 5.6.1.2)",
        response=RESPONSE.put("Sec-WebSocket-Extensions", ""),
        deflate=NAME,
    ),
    *(
        of_client(f"Against the grammar: “{answer}”", "R6455-9.1-01", FailsHandshake(), deflate=answer)
        for answer in (f"{NAME};", f"{NAME}; =1", f"{NAME}; a b")
    ),
    of_client(
        "permessage-deflate twice, a line each",
        "R7692-5-09",
        FailsHandshake(),
        response=RESPONSE.put("Sec-WebSocket-Extensions", NAME),
        deflate=NAME,
    ),
    of_client(
        "An empty Sec-WebSocket-Extensions",
        "R6455-9.1-01",
        FailsHandshake(),
        response=RESPONSE.put("Sec-WebSocket-Extensions", ""),
    ),
    of_client(
        "Empty elements around the answer",
        "R9110-5.6.1.2-01",
        HELLO_BACK,
        deflate=f", {NAME},,",
        send=COMPRESSED,
    ),
    of_client(
        "Blanks and tabs around the parameters",
        "R6455-4.3-04",
        HELLO_BACK,
        deflate=f"{NAME}\t;  {NO_CONTEXT} ;\tclient_no_context_takeover",
        send=COMPRESSED,
    ),
    of_client(
        "server_max_window_bits, which the server may add",
        "R7692-7.1.2.1-04",
        HELLO_BACK,
        deflate=f"{NAME}; server_max_window_bits=12",
        send=COMPRESSED,
    ),
    of_client(
        "An answer that leaves out the server_no_context_takeover that was offered",
        "R7692-7.1.1.1-05",
        FailsHandshake(),
        mode="/deflate?server_no_context_takeover",
        deflate=NAME,
    ),
    of_client(
        "An answer with a larger window than was offered",
        "R7692-7.1.2.1-06",
        FailsHandshake(),
        mode="/deflate?server_max_window_bits=10",
        deflate=f"{NAME}; server_max_window_bits=11",
    ),
    of_client(
        "The client's offers keep to the grammar, and each parameter has a value that it may have",
        "R7692-5-01",
        Echoes("Hello", also=offer_fault),
    ),
)
