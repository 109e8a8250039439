"""X.10: what an endpoint begins by itself, as its mode tells it: fragments, Close, ping, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.extra.case import Case, of_client, of_server
from harness.extra.deflating import NAME, parse_extensions
from harness.extra.expectations import Answers, Begins, Echoes
from harness.extra.frames import Frame, close, text
from harness.extra.heads import EXTENSIONS, PROTOCOL, REQUEST, RESPONSE
from harness.extra.steps import Await, Do
from harness.extra.windows import repeating
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.extra.seen import Seen

TITLE = "What the peer begins"

ALPHABET = bytes(range(65, 65 + 26))

CLOSES_AFTER = 0.5
"""Seconds that the peer is told to wait for an answer to its Close."""


def _fragments(size: int, *, compressed: bool = False) -> Callable[[Seen], str]:
    """Judge that a message came in fragments of a size; `Seen` judges their opcodes and reserved bits."""

    def judge(seen: Seen) -> str:
        data = [frame for frame in seen.frames if frame.opcode < CLOSE]
        if not data[-1].payload:  # the end may come in a fragment of its own
            del data[-1]
        if len(data) < 2:
            return f"the message came in {len(data)} frames, not in fragments"
        if data[0].opcode == CONTINUATION or any(frame.opcode != CONTINUATION for frame in data[1:]):
            return f"the opcodes of the fragments are {[frame.opcode for frame in data][:5]}"
        if compressed != (data[0].rsv == RSV1):
            return f"RSV1 of the first fragment is {data[0].rsv >> 2}"
        wrong = [len(frame.payload) for frame in data[:-1] if len(frame.payload) != size]
        return f"a fragment has {wrong[0]} bytes, not {size}" if wrong and not compressed else ""

    return judge


def _of_fragments(size: int, length: int, opcode: int, deflate: str = "") -> Case:
    payload = (ALPHABET * (length // len(ALPHABET) + 1))[:length]
    kind = "text" if opcode == TEXT else "binary message"
    return Case(
        f"The peer sends a {'compressed ' if deflate else ''}{kind} of {length} bytes in fragments of {size}",
        "R7692-6.1-01" if deflate else "R6455-5.4-02",
        Echoes(
            payload.decode() if opcode == TEXT else payload, also=_fragments(size, compressed=bool(deflate))
        ),
        mode=f"/fragments?size={size}",
        deflate=deflate,
        send=(Frame(opcode, payload),),
    )


def _of_close(code: int, reason: str, what: str) -> Case:
    return Case(
        f"The peer closes with {what}",
        "R6455-7.1.2-01",
        Begins(code, reason),
        mode=f"/close?code={code}&reason={quote(reason)}",
        begins_close=True,
        send=(Do.AWAIT_CLOSE,),
    )


def _pinged(payload: bytes, times: int = 1) -> Callable[[Seen], str]:
    def judge(seen: Seen) -> str:
        pings = [event[1] for event in seen.events if event[0] == "ping"]
        return "" if pings == [payload] * times else f"its pings are {pings}, not {times} with {payload!r}"

    return judge


def _of_ping(payload: str, what: str) -> Case:
    return Case(
        f"The peer sends a ping {what}, and goes on when the pong has come",
        "R6455-5.5.2-01",
        Echoes("Hello", also=_pinged(payload.encode())),
        mode=f"/ping?payload={quote(payload)}",
        send=(Frame(PONG, payload.encode()), text("Hello")),
    )


def _has(name: str, value: str) -> Callable[[Seen], str]:
    def judge(seen: Seen) -> str:
        values = seen.head.tokens(name) if seen.head else []
        return "" if value in values else f"its {name} is {values}, without {value!r}"

    return judge


def _with_parameters(**wanted: str | None) -> Callable[[Seen], str]:
    def judge(seen: Seen) -> str:
        elements = parse_extensions(seen.head.values(EXTENSIONS) if seen.head else [])
        found = [parameters for name, parameters in elements if name == NAME]
        if any(set(wanted.items()) <= set(parameters) for parameters in found):
            return ""
        return f"its permessage-deflate has the parameters {found}, not {wanted}"

    return judge


FRAGMENTS = (
    *(
        _of_fragments(size, length, opcode)
        for size, length in ((1, 5), (125, 300), (126, 300), (65535, 65537), (65536, 131073))
        for opcode in (TEXT, BINARY)
    ),
    *(
        _of_fragments(size, length, TEXT, NAME)
        for size, length in ((1, 5), (125, 300), (126, 300), (65536, 131073))
    ),
    Case(
        "The peer sends three compressed messages in fragments of 3 bytes",
        "R7692-7.2.1-06",
        Echoes("Hello Hello", "Hello Hello", "Hello again"),
        mode="/fragments?size=3",
        deflate=NAME,
        send=(text("Hello Hello"), text("Hello Hello"), text("Hello again")),
    ),
    Case(
        "The peer sends three messages in fragments of 3 bytes, compressed each by itself",
        "R7692-7.2.1-10",
        Echoes("Hello Hello", "Hello Hello", "Hello again"),
        client_requirement="R7692-7.2.1-08",
        mode="/fragments?size=3",
        deflate=f"{NAME}; {{testee}}_no_context_takeover",
        send=(text("Hello Hello"), text("Hello Hello"), text("Hello again")),
    ),
    Case(
        "A ping while the peer sends in fragments",
        "R6455-5.4-04",
        Echoes("Hello", "Hello", pongs=(b"?",)),
        mode="/fragments?size=1",
        send=(text("Hello"), Frame(PING, b"?"), text("Hello")),
    ),
)

CLOSES = (
    _of_close(1000, "", "1000 and no reason"),
    _of_close(1001, "bye", "1001 and a reason"),
    _of_close(4999, "x" * 123, "4999 and a reason of 123 bytes"),
    _of_close(3000, "\N{EURO SIGN}" * 41, "3000 and a reason of 41 characters in 123 bytes"),
    _of_close(4000, "\N{GRINNING FACE}" * 30, "4000 and a reason of 30 characters in 120 bytes"),
    Case(
        "The peer closes, and answers a ping before the Close comes",
        "R6455-5.5.2-02",
        Begins(1000, "", pongs=(b"?",)),
        mode="/close?code=1000",
        begins_close=True,
        send=(Do.AWAIT_CLOSE, Frame(PING, b"?"), Await()),
    ),
    Case(
        "The peer closes, and messages come before the Close does",
        "R6455-5.5.1-06",
        Begins(1000, ""),
        mode="/close?code=1000",
        begins_close=True,
        send=(Do.AWAIT_CLOSE, text("Hello"), Frame(TEXT, b"Hel", fin=False), Frame(CONTINUATION, b"lo")),
    ),
    Case(
        "Both sides close at once",
        "R6455-5.5.1-16",
        Begins(1001, "bye", or_answers=4000),
        mode="/close?code=1001&reason=bye",
        begins_close=True,
        send=(close(4000),),
    ),
    Case(
        "The peer closes, and the harness sends two Closes",
        "R6455-5.5.1-12",
        Begins(1000, ""),
        mode="/close?code=1000",
        begins_close=True,
        send=(Do.AWAIT_CLOSE, close(1000), close(1000)),
    ),
    Case(
        "The peer closes, and the harness ends the connection instead of an answer",
        "R6455-7.1.4-01",
        Begins(1000, ""),
        unmet="NON-STRICT",
        why="no RFC names the time in which a connection has to end that its peer ended",
        mode="/close?code=1000",
        begins_close=True,
        answers_close=False,
        send=(Do.AWAIT_CLOSE, Do.END, Do.AWAIT_END),
    ),
    Case(
        f"The peer closes, waits {CLOSES_AFTER} s for the answer, and ends the connection",
        "R6455-7.1.1-02",
        Begins(1000, ""),
        client_requirement="R6455-7.1.1-04",
        unmet="NON-STRICT",
        why="an endpoint may wait as long as it likes",
        mode=f"/close?code=1000&timeout={CLOSES_AFTER}",
        begins_close=True,
        answers_close=False,
        send=(Do.AWAIT_CLOSE, Do.AWAIT_END),
    ),
)

PINGS = (
    _of_ping("", "without a payload"),
    _of_ping("still there?", "with a payload"),
    _of_ping("x" * 125, "of 125 bytes"),
    Case(
        "The peer sends a ping, and gets no pong",
        "R6455-5.5.2-04",
        Echoes("Hello", also=_pinged(b"?")),
        mode="/ping?payload=%3F",
        send=(text("Hello"),),
    ),
    Case(
        "The peer sends a ping, and gets pongs that it did not ask for",
        "R6455-5.5.3-03",
        Echoes("Hello", also=_pinged(b"?")),
        mode="/ping?payload=%3F",
        send=(Frame(PONG), Frame(PONG, b"another"), Frame(PONG, b"?"), Frame(PONG, b"?"), text("Hello")),
    ),
)

SUBPROTOCOLS = (
    of_server(
        "The server chooses the second of three subprotocols",
        "R6455-4.2.2-09",
        Echoes("Hello", also=_has(PROTOCOL, "chat")),
        mode="/subprotocol/chat",
        request=REQUEST.add(PROTOCOL, "soap, chat, mqtt"),
    ),
    of_server(
        "The server chooses no subprotocol that was not offered",
        "R6455-4.2.2-10",
        Echoes("Hello", also=lambda seen: _chosen(seen, [])),
        mode="/subprotocol/chat",
        request=REQUEST.add(PROTOCOL, "soap, mqtt"),
    ),
    of_client(
        "The client offers a subprotocol, and goes on when it is chosen",
        "R6455-4.1-35",
        Echoes("Hello", also=_has(PROTOCOL, "chat")),
        mode="/subprotocol/chat",
        response=RESPONSE.add(PROTOCOL, "chat"),
    ),
    of_client(
        "The client offers a subprotocol, and goes on when none is chosen",
        "R6455-4.1-35",
        Echoes("Hello", also=_has(PROTOCOL, "chat")),
        unmet="NON-STRICT",
        why="no RFC forbids a client to end a connection that lacks the subprotocol it asked for",
        mode="/subprotocol/chat",
    ),
)


def _chosen(seen: Seen, wanted: list[str]) -> str:
    values = seen.head.values(PROTOCOL) if seen.head else []
    return "" if values == wanted else f"its {PROTOCOL} is {values}"


def _of_settings(parameters: str, deflate: str, requirement: str, **wanted: str | None) -> Case:
    """Have a server answer with these parameters, unasked or asked, and keep to them."""
    return of_server(
        f"The server accepts with {' and '.join(parameters.split('&'))}",
        requirement,
        Echoes(*[repeating(9)] * 2, also=_with_parameters(**wanted)),
        mode=f"/deflate?{parameters}",
        deflate=deflate,
        send=(Frame(BINARY, repeating(9)),) * 2,
    )


def _of_offer(parameters: str, answer: str, requirement: str, **wanted: str | None) -> Case:
    return of_client(
        f"The client offers {' and '.join(parameters.split('&'))}, and the answer is {answer or 'bare'}",
        requirement,
        Echoes(*[repeating(9)] * 2, also=_with_parameters(**wanted)),
        mode=f"/deflate?{parameters}",
        deflate=f"{NAME}; {answer}" if answer else NAME,
        send=(Frame(BINARY, repeating(9)),) * 2,
    )


SETTINGS = (
    _of_settings("server_no_context_takeover", NAME, "R7692-7.1.1.1-04", server_no_context_takeover=None),
    _of_settings("client_no_context_takeover", NAME, "R7692-7.1.1.2-02", client_no_context_takeover=None),
    _of_settings("server_max_window_bits=9", NAME, "R7692-7.1.2.1-05", server_max_window_bits="9"),
    _of_settings(
        "client_max_window_bits=9",
        f"{NAME}; client_max_window_bits",
        "R7692-7.1.2.2-03",
        client_max_window_bits="9",
    ),
    _of_settings(
        "server_max_window_bits=10",
        f"{NAME}; server_max_window_bits=12",
        "R7692-7.1.2.1-03",
        server_max_window_bits="10",
    ),
    of_server(
        "The server with client_max_window_bits=9 does not name it to a client that did not",
        "R7692-7.1.2.2-05",
        Echoes("Hello", refused="NON-STRICT"),
        mode="/deflate?client_max_window_bits=9",
        deflate=NAME,
    ),
    _of_offer(
        "server_no_context_takeover",
        "server_no_context_takeover",
        "R7692-7.1.1.1-01",
        server_no_context_takeover=None,
    ),
    _of_offer("client_no_context_takeover", "", "R7692-7.1.1.2-01", client_no_context_takeover=None),
    _of_offer(
        "server_max_window_bits=9", "server_max_window_bits=9", "R7692-7.1.2.1-01", server_max_window_bits="9"
    ),
    _of_offer(
        "client_max_window_bits=12",
        "client_max_window_bits=9",
        "R7692-7.1.2.2-01",
        client_max_window_bits="12",
    ),
    _of_offer("client_max_window_bits=9", "", "R7692-7.1.2.2-01", client_max_window_bits="9"),
)

LONG_REASON = Case(
    "The peer closes with a reason of 124 bytes: it is cut before a character, or not sent",
    "R6455-5.5.1-03",
    Begins(4000, "x" + "\N{EURO SIGN}" * 40, may_refuse=True),
    unmet="NON-STRICT",
    why="no RFC says what an endpoint does with a reason that is too long",
    mode=f"/close?code=4000&reason={quote('x' + chr(0x20AC) * 41)}",
    begins_close=True,
    send=(Do.AWAIT_CLOSE,),
)

WITHIN = (
    Case(
        "The peer sends a ping within its message in fragments",
        "R6455-5.4-04",
        Echoes("Hello", "Hello", also=_pinged(b"?", 2)),
        mode="/ping-within?size=2&payload=%3F",
        send=(text("Hello"), Frame(PONG, b"?"), text("Hello"), Frame(PONG, b"?")),
    ),
    Case(
        "The peer sends a ping within its compressed message in fragments",
        "R7692-6.1-03",
        Echoes(*["Hello, Hello, Hello"] * 2, also=_pinged(b"?", 2)),
        mode="/ping-within?size=7&payload=%3F",
        deflate=NAME,
        send=(text("Hello, Hello, Hello"), Frame(PONG, b"?")) * 2,
    ),
    *(
        Case(
            f"The Close comes while the peer is within a {kind} in fragments, which it may finish",
            "R6455-5.5.1-07",
            Answers(1000, messages=("Hello",)),
            unmet="NON-STRICT",
            why="RFC 6455 5.5.1 lets an endpoint finish its message before it answers",
            mode="/ping-within?size=2&payload=%3F",
            deflate=extension,
            send=(text("Hello"), close(1000)),
        )
        for kind, extension in (("text", ""), ("compressed text", NAME))
    ),
    Case(
        "The peer is to send a ping of 126 bytes, which no control frame has",
        "R6455-5.5-01",
        Echoes("Hello"),
        unmet="NON-STRICT",
        why="it did not send it, and no RFC says whether the connection outlives that",
        mode=f"/ping?payload={'x' * 126}",
        send=(text("Hello"),),
    ),
)

CASES = (*FRAGMENTS, *CLOSES, *PINGS, *SUBPROTOCOLS, *SETTINGS, LONG_REASON, *WITHIN)
