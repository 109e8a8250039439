"""What a response says over any transport: as a server writes it, and as a client reads it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.handshake_bytes import (
    accepted,
    asked_server,
    asking_client,
    failed,
    read_head,
    request,
    response,
)
from tooling import frames as wire
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

#: What HTTP/1.1 alone has.
OF_HTTP1 = (b"Upgrade", b"Connection", b"Sec-WebSocket-Accept")


def answered(event: AcceptConnection | RejectConnection, *extensions: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a server's response that are the same over any transport."""
    asked = {b"Sec-WebSocket-Protocol": [b"chat, superchat"], b"Sec-WebSocket-Extensions": list(extensions)}
    head, _ = read_head(asked_server(request(asked)).send(event))
    return [field for field in head.headers if field[0] not in OF_HTTP1]


class Deciding(Extension):
    """Answers what a test says, and refuses the answer `no`."""

    def __init__(self, name: str, answer: Any = True) -> None:
        self.name = name
        self._answer = answer
        self.log: list[str] = []

    def reset(self) -> None:
        self.log.append("reset")

    def offer(self) -> bool | str:
        return True

    def accept(self, offer: str) -> bool | str | None:
        self.log.append(offer)
        answer: bool | str | None = self._answer
        return answer

    def finalize(self, offer: str) -> None:
        self.log.append(offer)
        if self._answer is None:
            raise RemoteProtocolError(f"{self.name} cannot agree to {offer!r}")


def test_an_answer_is_written_with_the_application_s_fields_behind() -> None:
    chosen: list[Extension] = [Deciding("x-b", "c=1"), Deciding("x-a")]
    event = AcceptConnection("superchat", chosen, [(b"X-D", b"e")])
    assert answered(event, b"x-a; y", b"x-b, x-z") == [
        (b"Sec-WebSocket-Protocol", b"superchat"),
        (b"Sec-WebSocket-Extensions", b"x-a, x-b; c=1"),
        (b"X-D", b"e"),
    ]
    assert answered(AcceptConnection(), b"x-a") == []


def test_a_subprotocol_that_was_not_offered_is_the_caller_s_fault() -> None:
    with pytest.raises(
        LocalProtocolError, match="unexpected subprotocol 'other': the client did not offer it"
    ):
        answered(AcceptConnection("other"))


def test_of_each_name_the_first_offer_that_is_accepted_is_answered() -> None:
    first, second = Deciding("x-a", False), Deciding("x-a", "")
    assert server_extensions_handshake(["x-a; 1", "x-b", "x-a; 2"], [first, second]) == b"x-a"
    assert (
        server_extensions_handshake(["x-a", "x-a", "x-b"], [Deciding("x-a"), Deciding("x-b")]) == b"x-a, x-b"
    )
    assert first.log == ["reset", "x-a; 1"]
    assert second.log == ["reset", "x-a; 1"]
    assert server_extensions_handshake(["x-a"], [Deciding("x-a", None)]) is None
    third = Deciding("x-a")
    assert server_extensions_handshake(["x-a"], [Deciding("x-a", "b"), third]) == b"x-a; b"
    assert third.log == ["reset"]


def test_an_answer_that_cannot_be_written_leaves_none_in_use() -> None:
    deflate = PerMessageDeflate()
    with pytest.raises(LocalProtocolError, match="'x-a; b, c' is not an extension with its parameters"):
        answered(AcceptConnection(extensions=[deflate, Deciding("x-a", "b, c")]), b"permessage-deflate, x-a")
    assert not deflate.enabled()


def test_what_a_server_chose_is_in_use() -> None:
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"permessage-deflate"]}))
    server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    assert wire.decode_frame(server.send(TextMessage("a"))).rsv == wire.RSV1


def test_what_a_server_chose_is_read_in_its_order() -> None:
    first, second = Deciding("x-a"), Deciding("x-b")
    client, key = asking_client(Request("localhost", "/", [first, second], subprotocols=["chat"]))
    lines = {
        b"Sec-WebSocket-Protocol": [b" chat "],
        b"Sec-WebSocket-Extensions": [b"x-b; c, x-a"],
        b"X-D": [b"e"],
    }
    assert accepted(client, response(key, lines)) == AcceptConnection(
        "chat", [second, first], [(b"x-d", b"e")]
    )
    assert second.log == ["reset", "x-b; c"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (b"Protocol", [b"other"], "unrecognized subprotocol other"),
        (b"Protocol", [b"chat,"], "unrecognized subprotocol chat,"),
        (b"Protocol", [b",chat"], "unrecognized subprotocol ,chat"),
        (b"Protocol", [b"\xff"], r"unrecognized subprotocol \xff"),
        (b"Protocol", [b"chat", b"chat"], "Header 'Sec-WebSocket-Protocol' occurs 2 times"),
        (b"Extensions", [b"x-b"], "unrecognized extension x-b"),
        (b"Extensions", [b"x-a, x-a"], "Extension x-a is answered twice (RFC 6455 9.1)"),
        (b"Extensions", [b"x-a", b"x-a"], "Header 'Sec-WebSocket-Extensions' occurs 2 times"),
        (b"Extensions", [b","], "Bad header 'Sec-WebSocket-Extensions': it has no element"),
    ],
)
def test_what_was_not_asked_for_is_refused(name: bytes, value: list[bytes], text: str) -> None:
    client, key = asking_client(Request("localhost", "/", [Deciding("x-a")], subprotocols=["chat"]))
    assert str(failed(client, response(key, {b"Sec-WebSocket-" + name: value}))).startswith(text)


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
        (
            RejectConnection(403, [(b"Content-Length", b"012")], has_body=True),
            [(b"Content-Length", b"012")],
        ),
        (RejectConnection(204), []),
        (RejectConnection(304, [(b"X", b"y")]), [(b"X", b"y")]),
        (RejectConnection(200), [(b"content-length", b"0")]),
        (RejectConnection(999), [(b"content-length", b"0")]),
    ],
)
def test_a_rejection_says_how_long_it_is(event: RejectConnection, fields: list[tuple[bytes, bytes]]) -> None:
    assert answered(event) == fields


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (RejectConnection("403"), "A status must be an int, not '403'"),  # type: ignore[arg-type]
        (RejectConnection(101), r"A rejection cannot have the status 101 \(RFC 9110 15\)"),
        (RejectConnection(199), r"A rejection cannot have the status 199 \(RFC 9110 15\)"),
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
        answered(event)


@pytest.mark.parametrize("values", [[b"1", b"1"], [b"-1"], [b""], [b"1_0"]])
def test_a_length_is_one_number(values: list[bytes]) -> None:
    with pytest.raises(LocalProtocolError, match="Content-Length must be one number"):
        answered(RejectConnection(403, [(b"Content-Length", value) for value in values], has_body=True))
