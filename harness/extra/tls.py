"""X.18: connections over TLS, as `wss` means them (RFC 6455 4.1, 10.6), up to their end by close_notify."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.extra.case import Case
from harness.extra.certificates import EARLY, EXPIRED, HOST, OTHER_NAME, STRANGE
from harness.extra.ends import NO_TIME
from harness.extra.expectations import Echoes, Ends, Fails
from harness.extra.frames import Frame, text
from harness.extra.handshake_expectations import Refuses, RefusesCertificate
from harness.extra.opening_response import noted_request_fault
from harness.extra.steps import Await, Do, Part
from tooling.frames import BINARY, PING, TEXT

if TYPE_CHECKING:
    from harness.extra.seen import Seen

TITLE = "TLS"


def _name_fault(seen: Seen) -> str:
    name = seen.tls.server_name if seen.tls else ""
    return "" if name == HOST else f"the host name in its SNI is {name!r}, not {HOST!r}"


def _end_fault(seen: Seen) -> str:
    return "" if seen.tls and seen.tls.notified else "it ended TCP without a close_notify before"


over_tls = partial(Case, mode="/tls", client_requirement="R6455-4.1-16")
by_server = partial(Case, mode="/tls", roles=("server",))
by_client = partial(Case, mode="/tls", roles=("client",))

TUNNELLED = "R6455-4.2.2-02"


def _cut(how: str, step: Do) -> Case:
    return over_tls(
        f"Over TLS, {how} within a message; the next connection is served",
        "R6455-7.1.5-03",
        Ends("Hello"),
        client_requirement="R6455-7.2.1-02",
        unmet="NON-STRICT",
        why=NO_TIME,
        send=(text("Hello"), Await(), Part(text("Hello"), -1), step, Do.AWAIT_END, Do.ANOTHER, text("Hello")),
    )


CASES = (
    over_tls("A text over TLS", "R6455-10.6-01", Echoes("Hello")),
    over_tls("The head over TLS, a byte in each record", TUNNELLED, Echoes("Hello"), byte_by_byte=True),
    over_tls("A text over TLS, a byte in each record", TUNNELLED, Echoes("Hello"), chop=1),
    over_tls(
        "A message of 70000 bytes over TLS, in records of 1000 bytes",
        TUNNELLED,
        Echoes(bytes(70000)),
        chop=1000,
        send=(Frame(BINARY, bytes(70000)),),
    ),
    over_tls(
        "A message of a million bytes over TLS",
        TUNNELLED,
        Echoes(bytes(10**6)),
        send=(Frame(BINARY, bytes(10**6)),),
    ),
    over_tls(
        "Two texts and a ping in one record of TLS",
        TUNNELLED,
        Echoes("Hello", "World", pongs=(b"?",)),
        send=(text("Hello"), Frame(PING, b"?"), text("World")),
    ),
    over_tls(
        "A frame over TLS, unmasked from the client or masked from the server",
        "R6455-5.1-02",
        Fails(1002),
        client_requirement="R6455-5.1-05",
        send=(Frame(TEXT, b"Hello", wrong_mask=True),),
    ),
    by_server(
        "HTTP, and not over TLS, to the server's port for TLS",
        TUNNELLED,
        Refuses(may_drop=True, ends=True),
        without_tls=True,
    ),
    over_tls(
        "The closing handshake over TLS, which ends with a close_notify",
        "R6455-7.1.1-01",
        Echoes("Hello", also=_end_fault),
        client_requirement="R6455-7.1.1-01",
        unmet="NON-STRICT",
        why="RFC 6455 7.1.1 says SHOULD of the clean end of TLS",
    ),
    _cut("close_notify comes", Do.END),
    _cut("TCP ends without a close_notify", Do.CUT_OFF),
    by_client(
        "The handshake of TLS has the host name in its SNI", "R6455-4.1-17", Echoes("Hello", also=_name_fault)
    ),
    by_client("The request over TLS", "R6455-4.1-18", Echoes("Hello", also=noted_request_fault)),
    by_client("The response and a frame in one record of TLS", "R6455-4.1-50", Echoes("Hello"), at_once=True),
    *(
        by_client(f"A certificate {what}, over TLS", "R6455-4.1-15", RefusesCertificate(), certificate=what)
        for what in (OTHER_NAME, STRANGE, EXPIRED, EARLY)
    ),
)
