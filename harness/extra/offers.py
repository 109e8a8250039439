"""X.5: offers of permessage-deflate, good and bad, as a server gets them (RFC 7692 5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.case import of_server
from harness.extra.deflating import NAME, deflate
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from harness.extra.handshake_expectations import Declines, Refuses
from harness.extra.heads import REQUEST
from tooling.frames import RSV1, TEXT

if TYPE_CHECKING:
    from harness.extra.seen import Seen

TITLE = "Compression offers"

NO_CONTEXT = "server_no_context_takeover"
HELLO_BACK = Echoes("Hello")
DIGITS = "RFC 6455 9.1 permits quotes, but RFC 7692 7.1.2 speaks of digits alone"
COMPRESSED = (Frame(TEXT, deflate(b"Hello")[0], rsv=RSV1),)
PREFERENCE = "a server may choose, and RFC 6455 9.1 only recommends the client's order"

_DECLINED = (
    ("an unknown parameter", "R7692-7-01", "x-unknown"),
    ("an unknown parameter with a value", "R7692-7-01", "x-unknown=1"),
    ("a parameter that only begins like a known one", "R7692-7-01", "server_no_context_takeover_at_all"),
    ("server_no_context_takeover twice", "R7692-7-03", f"{NO_CONTEXT}; {NO_CONTEXT}"),
    ("server_max_window_bits twice", "R7692-7-03", "server_max_window_bits=10; server_max_window_bits=10"),
    ("client_max_window_bits twice", "R7692-7-03", "client_max_window_bits; client_max_window_bits=10"),
    ("a value for server_no_context_takeover", "R7692-7-02", "server_no_context_takeover=1"),
    ("a value for client_no_context_takeover", "R7692-7-02", "client_no_context_takeover=true"),
    ("server_max_window_bits without a value", "R7692-7.1.2.1-02", "server_max_window_bits"),
    *(
        (f"“server_max_window_bits={value}”", "R7692-7.1.2.1-02", f"server_max_window_bits={value}")
        for value in ("7", "16", "08", "+10", "1_0", "abc", "1000000000000")
    ),
    *(
        (f"“client_max_window_bits={value}”", "R7692-7.1.2.2-02", f"client_max_window_bits={value}")
        for value in ("7", "16", "010", "0xA", "abc")
    ),
)  # fmt: skip


def _not_the_first(seen: Seen) -> str:
    first = seen.agreed and seen.agreed.server_no_context_takeover
    return "" if first else "the second offer was accepted, not the first"


CASES = (
    of_server("A plain offer", "R7692-5-06", HELLO_BACK, deflate=NAME, send=COMPRESSED),
    of_server(
        "An offer that knows all four parameters",
        "R7692-7.1.1.1-02",
        Echoes("Hello", refused="NON-STRICT"),
        deflate=f"{NAME}; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=12; client_max_window_bits=12",
        send=COMPRESSED,
    ),
    of_server(
        "A window size in quotes",
        "R6455-4.3-01",
        HELLO_BACK,
        unmet="NON-STRICT",
        why=DIGITS,
        deflate=f'{NAME}; server_max_window_bits="10"',
        send=COMPRESSED,
    ),
    of_server(
        "An offer on the second of two lines",
        "R6455-9.1-02",
        HELLO_BACK,
        request=REQUEST.put("Sec-WebSocket-Extensions", "x-unknown; a=1"),
        deflate=NAME,
        send=COMPRESSED,
    ),
    of_server(
        "A bad offer before a good one: the good one is accepted",
        "R7692-7-01",
        Echoes("Hello", refused="NON-STRICT"),
        deflate=f"{NAME}; x-unknown, {NAME}; server_no_context_takeover",
        fits=f"{NAME}; server_no_context_takeover",
        send=COMPRESSED,
    ),
    of_server(
        "A good offer before a bad one: the good one is accepted",
        "R7692-7-01",
        Echoes("Hello", refused="NON-STRICT"),
        deflate=f"{NAME}; server_no_context_takeover, {NAME}; server_max_window_bits=99",
        fits=f"{NAME}; server_no_context_takeover",
        send=COMPRESSED,
    ),
    of_server(
        "Two good offers: the first one is accepted",
        "R7692-5-03",
        Echoes("Hello", also=_not_the_first),
        unmet="NON-STRICT",
        why=PREFERENCE,
        deflate=f"{NAME}; server_no_context_takeover, {NAME}",
        send=COMPRESSED,
    ),
    of_server("An unknown extension", "R6455-9-03", Declines(), deflate="x-unknown; a=1"),
    *(
        of_server(f"An offer with {what}", row, Declines(), deflate=f"{NAME}; {parameters}")
        for what, row, parameters in _DECLINED
    ),
    of_server(
        "An offer inside the quoted value of another extension's parameter",
        "R6455-4.3-01",
        Declines(may_refuse=True),
        deflate=f'x-unknown; a=", {NAME}; b="',
    ),
    *(
        of_server(f"Against the grammar: “{offer}”", "R6455-9.1-01", Refuses(), deflate=offer)
        for offer in (f"{NAME};", f"{NAME}; =1", f"{NAME}; a b", f'{NAME}; server_max_window_bits="10')
    ),
    of_server(
        "Empty elements around the offer",
        "R9110-5.6.1.2-01",
        HELLO_BACK,
        deflate=f", {NAME},,",
        send=COMPRESSED,
    ),
    of_server(
        "Blanks and tabs around the parameters",
        "R6455-4.3-04",
        HELLO_BACK,
        deflate=f"{NAME}\t;  {NO_CONTEXT} ;\tclient_max_window_bits",
        send=COMPRESSED,
    ),
    of_server(
        "No blanks between the parameters",
        "R6455-4.3-04",
        HELLO_BACK,
        deflate=f"{NAME};{NO_CONTEXT};client_max_window_bits",
        send=COMPRESSED,
    ),
    of_server(
        "Fifty unknown extensions before a plain offer",
        "R6455-9-02",
        Echoes("Hello", refused="NON-STRICT"),
        deflate=", ".join([*(f"x-unknown-{number}" for number in range(50)), NAME]),
        send=COMPRESSED,
    ),
    of_server(
        "A quoted parameter that is no token",
        "R6455-4.3-01",
        Refuses(),
        deflate='x-unknown; a="b c"',
    ),
    of_server(
        "Only commas",
        "R6455-9.1-01",
        Refuses(),
        deflate=", ,",
    ),
    of_server(
        "The same offer twice: one answer",
        "R7692-5-06",
        Echoes("Hello", refused="NON-STRICT"),
        deflate=f"{NAME}, {NAME}",
        fits=NAME,
        send=COMPRESSED,
    ),
)
