"""What a request says over any transport: as a client writes it, and as a server reads it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.handshake_bytes import asked_server, read_head, refused, request
from tests.oracle.receiving import feed
from wsproto import ConnectionType, WSConnection
from wsproto.events import RejectConnection, Request
from wsproto.extensions import Extension
from wsproto.utilities import LocalProtocolError

#: What HTTP/1.1 alone has.
OF_HTTP1 = (b"Host", b"Upgrade", b"Connection", b"Sec-WebSocket-Key")


def written(event: Request) -> list[tuple[bytes, bytes]]:
    """The fields of a client's request that are the same over any transport."""
    head, _ = read_head(WSConnection(ConnectionType.CLIENT).send(event))
    return [field for field in head.headers if field[0] not in OF_HTTP1]


class Offering(Extension):
    """Offers what a test says."""

    def __init__(self, name: str, offered: Any) -> None:
        self.name = name
        self._offered = offered

    def offer(self) -> bool | str:
        offered: bool | str = self._offered
        return offered


def test_the_smallest_offer_is_the_version() -> None:
    assert written(Request("localhost", "/")) == [(b"Sec-WebSocket-Version", b"13")]


def test_an_offer_is_written_in_order_with_the_application_s_fields_behind() -> None:
    extensions = [
        Offering("x-a", "b=1"),
        Offering("x-no", False),
        Offering("x-none", None),
        Offering("x-c", True),
        Offering("x-d", ""),
    ]
    event = Request("localhost", "/", extensions, [(b"X-E", b"f")], ["chat", "superchat"])
    assert written(event) == [
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Protocol", b"chat, superchat"),
        (b"Sec-WebSocket-Extensions", b"x-a; b=1, x-c, x-d"),
        (b"X-E", b"f"),
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"subprotocols": "chat"}, "Subprotocols must be a list of str, not the str 'chat'"),
        ({"subprotocols": [5]}, "A subprotocol must be a str, not 5"),
        ({"subprotocols": ["a b"]}, r"Subprotocol 'a b' is not a token \(RFC 6455 4.1\)"),
        ({"subprotocols": ["\ud800"]}, r"Subprotocol '\\ud800' is not a token \(RFC 6455 4.1\)"),
        ({"subprotocols": ["a", "a"]}, r"Subprotocol 'a' is given twice \(RFC 6455 4.1\)"),
        ({"extensions": ["x-a"]}, "A client offers Extension objects, not the str 'x-a'"),
        ({"extensions": [Offering("x-a", "b, c")]}, "is not an extension with its parameters"),
        ({"extra_headers": [(b"Host", b"a")]}, "Header 'Host' is written by the library"),
    ],
)
def test_an_offer_that_cannot_be_written_is_the_caller_s_fault(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(LocalProtocolError, match=text):
        written(Request("localhost", "/", **changes))


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("chat", b"/chat"),
        ("/chat?a=%20", b"/chat?a=%20"),
        ("/\N{SNOWMAN}", b"/%E2%98%83"),
        ("/a\x80", b"/a%C2%80"),
        ("wss://localhost/chat", b"wss://localhost/chat"),
    ],
)
def test_a_target_is_written_in_ascii(target: str, sent: bytes) -> None:
    head, _ = read_head(WSConnection(ConnectionType.CLIENT).send(Request("localhost", target)))
    assert head.target == sent


@pytest.mark.parametrize("target", [5, "/a b", "/a#b", "/\n", "/\x7f", "/\ud800"])
def test_a_target_that_cannot_be_written_is_the_caller_s_fault(target: Any) -> None:
    with pytest.raises(LocalProtocolError, match=r"^(A target must|Target '/)"):
        written(Request("localhost", target))


@pytest.mark.parametrize("version", [b"8", b"013", b"13, 8", b""])
def test_another_version_is_answered_with_ours(version: bytes) -> None:
    error = refused(request({b"Sec-WebSocket-Version": [version]}), 426)
    assert str(error) == "Missing header, 'Sec-WebSocket-Version'"
    assert error.event_hint == RejectConnection(426, [(b"Sec-WebSocket-Version", b"13")])


@pytest.mark.parametrize("lines", [[], [b"13", b"13"], [b"13", b"8"]])
def test_no_version_or_several_are_a_bad_request(lines: list[bytes]) -> None:
    assert refused(request({b"Sec-WebSocket-Version": lines}), 400).event_hint == RejectConnection(400)


def test_what_a_client_offers_is_read() -> None:
    lines = {
        b"Host": [b"xn--bcher-kva.example:80"],
        b"Sec-WebSocket-Protocol": [b"chat, superchat", b"x"],
        b"Sec-WebSocket-Extensions": [b"permessage-deflate; client_max_window_bits"],
    }
    (event,) = feed(WSConnection(ConnectionType.SERVER), request(lines, target=b"/a"))
    assert isinstance(event, Request)
    assert (event.host, event.target) == ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example:80", "/a")
    assert event.subprotocols == ["chat", "superchat", "x"]
    assert event.extensions == ["permessage-deflate; client_max_window_bits"]
    names = [name for name, _ in event.extra_headers]
    assert names == [b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (b"Host", [b"a b"]),
        (b"Sec-WebSocket-Protocol", [b"a, b", b"a"]),
        (b"Sec-WebSocket-Protocol", [b","]),
        (b"Sec-WebSocket-Extensions", [b"x; ="]),
    ],
)
def test_an_offer_that_breaks_the_rules_is_refused(name: bytes, lines: list[bytes]) -> None:
    assert refused(request({name: lines}), 400).event_hint == RejectConnection(400)


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"Content-Length", b"1"), (b"Content-Length", b"10"), (b"Transfer-Encoding", b"chunked")],
)
def test_a_request_with_a_body_is_refused(name: bytes, value: bytes) -> None:
    asked_server(request({b"Content-Length": [b"00"]}))
    assert str(refused(request({name: [value]}), 400)) == "The request has a body (RFC 6455 4.1)"
