"""What a response says over any transport: as a server writes it, and as a client reads it."""

from __future__ import annotations

from typing import Any

import pytest

from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.extensions import Extension
from wsproto.handshake_response import (
    answer_fields,
    client_extensions_handshake,
    declared_length,
    read_answer,
    rejection_fields,
    server_extensions_handshake,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Deciding(Extension):
    """Answers what a test says, and refuses the answer `no`."""

    def __init__(self, name: str, answer: Any = True) -> None:
        self.name = name
        self._answer = answer
        self.log: list[str] = []

    def reset(self) -> None:
        self.log.append("reset")

    def accept(self, offer: str) -> bool | str | None:
        self.log.append(offer)
        answer: bool | str | None = self._answer
        return answer

    def finalize(self, offer: str) -> None:
        self.log.append(offer)
        if self._answer is None:
            raise RemoteProtocolError(f"{self.name} cannot agree to {offer!r}")


def asked(*extensions: str, subprotocols: tuple[str, ...] = ()) -> Request:
    return Request("localhost", "/", list(extensions), [], list(subprotocols))


def test_an_answer_is_written_with_the_application_s_fields_behind() -> None:
    chosen = [Deciding("x-b", "c=1"), Deciding("x-a")]
    request = asked("x-a; 1", "x-b", "x-z", subprotocols=("chat", "superchat"))
    fields, extensions = answer_fields(AcceptConnection("superchat", list(chosen), [(b"X-D", b"e")]), request)
    assert fields == [
        (b"Sec-WebSocket-Protocol", b"superchat"),
        (b"Sec-WebSocket-Extensions", b"x-a, x-b; c=1"),
        (b"X-D", b"e"),
    ]
    assert extensions == chosen[::-1]
    assert answer_fields(AcceptConnection(), request) == ([], [])


def test_a_subprotocol_that_was_not_offered_is_the_caller_s_fault() -> None:
    with pytest.raises(
        LocalProtocolError, match="unexpected subprotocol 'other': the client did not offer it"
    ):
        answer_fields(AcceptConnection("other"), asked(subprotocols=("chat",)))


def test_of_each_name_the_first_offer_that_is_accepted_is_answered() -> None:
    first, second = Deciding("x-a", False), Deciding("x-a", "")
    assert server_extensions_handshake(["x-a; 1", "x-b", "x-a; 2"], [first, second]) == b"x-a"
    assert first.log == ["reset", "x-a; 1"]
    assert second.log == ["reset", "x-a; 1"]
    assert server_extensions_handshake(["x-a"], [Deciding("x-a", None)]) is None


def test_what_a_server_chose_is_read_in_its_order() -> None:
    first, second = Deciding("x-a"), Deciding("x-b")
    fields = {b"sec-websocket-protocol": [b" chat,"], b"sec-websocket-extensions": [b"x-b; c, x-a"]}
    event = read_answer(fields, asked(subprotocols=("chat",)), [first, second], [(b"x-d", b"e")])
    assert event == AcceptConnection("chat", [second, first], [(b"x-d", b"e")])
    assert second.log == ["reset", "x-b; c"]
    assert read_answer({}, asked(), [first], []) == AcceptConnection()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("protocol", [b"other"], "^unrecognized subprotocol other$"),
        ("protocol", [b"\xff"], r"^unrecognized subprotocol \\xff$"),
        ("protocol", [b"chat", b"chat"], "occurs 2 times"),
        ("extensions", [b"x-b"], "^unrecognized extension x-b$"),
        ("extensions", [b"x-a, x-a"], r"^Extension x-a is answered twice \(RFC 6455 9.1\)$"),
        ("extensions", [b"x-a", b"x-a"], "occurs 2 times"),
        ("extensions", [b","], "has no element"),
    ],
)
def test_what_was_not_asked_for_is_refused(name: str, value: list[bytes], text: str) -> None:
    fields = {b"sec-websocket-" + name.encode(): value}
    with pytest.raises(RemoteProtocolError, match=text):
        read_answer(fields, asked(subprotocols=("chat",)), [Deciding("x-a")], [])


def test_an_answer_belongs_to_the_first_offer_that_agrees_to_it() -> None:
    never, agreeing = Deciding("x-a", None), Deciding("x-a")
    assert client_extensions_handshake(["x-a; 1"], [never, agreeing]) == [agreeing]
    with pytest.raises(RemoteProtocolError, match=r"^x-a cannot agree to 'x-a; 1'$"):
        client_extensions_handshake(["x-a; 1"], [never])


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (RejectConnection(403), [(b"content-length", b"0")]),
        (RejectConnection(403, [(b"Content-Length", b"0")]), [(b"Content-Length", b"0")]),
        (RejectConnection(403, [(b"X", b"y")], has_body=True), [(b"X", b"y")]),
        (RejectConnection(204), []),
        (RejectConnection(304, [(b"X", b"y")]), [(b"X", b"y")]),
    ],
)
def test_a_rejection_says_how_long_it_is(event: RejectConnection, fields: list[tuple[bytes, bytes]]) -> None:
    assert rejection_fields(event, FRAMING) == fields


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (RejectConnection("403"), "A status must be an int, not '403'"),  # type: ignore[arg-type]
        (RejectConnection(101), r"A rejection cannot have the status 101 \(RFC 9110 15\)"),
        (RejectConnection(1000), r"A rejection cannot have the status 1000 \(RFC 9110 15\)"),
        (RejectConnection(204, has_body=True), "A response with the status 204 has no body"),
        (RejectConnection(204, [(b"Content-Length", b"0")]), "A response with the status 204 has no length"),
        (
            RejectConnection(403, [(b"Content-Length", b"1")]),
            "A rejection without a body has a Content-Length of 0",
        ),
        (RejectConnection(403, [(b"Host", b"a")]), "Header 'Host' is written by the library"),
    ],
)
def test_a_rejection_that_cannot_be_written_is_the_caller_s_fault(event: RejectConnection, text: str) -> None:
    with pytest.raises(LocalProtocolError, match=text):
        rejection_fields(event, FRAMING)


def test_a_length_is_one_number() -> None:
    assert declared_length([]) is None
    assert declared_length([(b"CONTENT-LENGTH", b"012")]) == 12
    for values in ([b"1", b"1"], [b"-1"], [b""], [b"1_0"]):
        with pytest.raises(LocalProtocolError, match="Content-Length must be one number"):
            declared_length([(b"Content-Length", value) for value in values])
