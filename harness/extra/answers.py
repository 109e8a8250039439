"""X.6: answers to an offer of permessage-deflate, good and bad, as a client gets them (RFC 7692 5, 7)."""

from __future__ import annotations

from harness.extra.case import of_client
from harness.extra.deflating import NAME, deflate
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from harness.extra.handshake_expectations import FailsHandshake
from harness.extra.heads import RESPONSE
from tooling.frames import RSV1, TEXT

TITLE = "Compression answers"

NO_CONTEXT = "server_no_context_takeover"
HELLO_BACK = Echoes("Hello")
DIGITS = "RFC 6455 9.1 permits quotes, but RFC 7692 7.1.2 speaks of digits alone"
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
)
