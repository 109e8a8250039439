"""Requests of X.1 about the rest of RFC 6455 4.2, and what a refusal has to say (RFC 9110)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.case import of_server
from harness.extra.expectations import Echoes
from harness.extra.handshake_expectations import Refuses
from harness.extra.heads import PROTOCOL, REQUEST, VERSION, Head

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.extra.seen import Seen

SENDER = "RFC 6455 11.3.5 binds the client, and both lines say the same"
CHOOSES = "a server chooses as it likes (RFC 6455 4.2.2), and reads a list of two lines as one (RFC 9110 5.3)"

_NO_BLANKS = "\r\n".join([REQUEST.start, *(f"{name}:{value}" for name, value in REQUEST.fields)])


def _chooses(*wanted: str) -> Callable[[Seen], str]:
    def judge(seen: Seen) -> str:
        values = seen.head.values(PROTOCOL) if seen.head else []
        seen.head_fault = PROTOCOL
        return "" if values == [*wanted] else f"the response has {PROTOCOL} {values}, not {[*wanted]}"

    return judge


FURTHER_REQUESTS = (
    of_server(
        "The version 13 twice, a line each",
        "R6455-11.3.5-02",
        Refuses(),
        unmet="NON-STRICT",
        why=SENDER,
        request=REQUEST.add(VERSION, "13"),
    ),
    of_server("No blanks behind the colons", "R9112-5-01", Echoes("Hello"), request=Head(_NO_BLANKS, ())),
    of_server(
        "POST: a 405 says which methods there are",
        "R9110-15.5.6-01",
        Refuses(field=("Allow", "get"), only_with=405),
        request=REQUEST.begin("POST / HTTP/1.1").put("Content-Length", "0"),
    ),
    of_server(
        "Version 12: a 426 with Upgrade says so in Connection",
        "R9110-7.8-01",
        Refuses(field=("Connection", "upgrade"), only_with=426),
        request=REQUEST.put(VERSION, "12"),
    ),
    *(
        of_server(
            f"The server, which knows “chat”, gets {what}",
            row,
            Echoes("Hello", also=_chooses(*chosen)),
            unmet="NON-STRICT" if why else "FAILED",
            why=why,
            mode="/subprotocol/chat",
            request=REQUEST.put(PROTOCOL, *lines),
        )
        for what, row, why, lines, chosen in (
            ("“Chat” and “CHAT”: it chooses neither", "R6455-4.2.2-09", "", ("Chat, CHAT",), ()),
            ("“soap” and “chat”, a line each", "R6455-11.3.4-01", CHOOSES, ("soap", "chat"), ("chat",)),
            ("“, soap,, chat,”", "R9110-5.6.1.2-01", CHOOSES, (", soap,, chat,",), ("chat",)),
            ("“chatter”, which only begins like it", "R6455-4.2.2-09", "", ("chatter",), ()),
        )
    ),
    of_server(
        "The server, which knows “chat”, gets no offer: it names none",
        "R6455-4.2.2-10",
        Echoes("Hello", also=_chooses()),
        mode="/subprotocol/chat",
    ),
)
