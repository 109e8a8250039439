"""What a request says over any transport: as a client writes it, and as a server reads it."""

from __future__ import annotations

from typing import Any

import pytest

from wsproto.events import RejectConnection, Request
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake_request import judge_version, offer_fields, read_offers, written_target
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


class Offering(Extension):
    """Offers what a test says."""

    def __init__(self, name: str, offered: Any) -> None:
        self.name = name
        self._offered = offered

    def offer(self) -> bool | str:
        offered: bool | str = self._offered
        return offered


def test_the_smallest_offer_is_the_version() -> None:
    assert offer_fields(Request("localhost", "/")) == ([(b"Sec-WebSocket-Version", b"13")], [])


def test_an_offer_is_written_in_order_with_the_application_s_fields_behind() -> None:
    extensions = [
        Offering("x-a", "b=1"),
        Offering("x-no", False),
        Offering("x-none", None),
        Offering("x-c", True),
        Offering("x-d", ""),
    ]
    event = Request("localhost", "/", extensions, [(b"X-E", b"f")], ["chat", "superchat"])
    assert offer_fields(event) == (
        [
            (b"Sec-WebSocket-Version", b"13"),
            (b"Sec-WebSocket-Protocol", b"chat, superchat"),
            (b"Sec-WebSocket-Extensions", b"x-a; b=1, x-c, x-d"),
            (b"X-E", b"f"),
        ],
        [extensions[0], extensions[3], extensions[4]],
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"subprotocols": "chat"}, "Subprotocols must be a list of str, not the str 'chat'"),
        ({"subprotocols": [5]}, "A subprotocol must be a str, not 5"),
        ({"subprotocols": ["a b"]}, r"Subprotocol 'a b' is not a token \(RFC 6455 4.1\)"),
        ({"subprotocols": ["a", "a"]}, r"Subprotocol 'a' is given twice \(RFC 6455 4.1\)"),
        ({"extensions": ["x-a"]}, "A client offers Extension objects, not the str 'x-a'"),
        ({"extensions": [Offering("x-a", "b, c")]}, "is not an extension with its parameters"),
        ({"extra_headers": [(b"Host", b"a")]}, "Header 'Host' is written by the library"),
    ],
)
def test_an_offer_that_cannot_be_written_is_the_caller_s_fault(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(LocalProtocolError, match=text):
        offer_fields(Request("localhost", "/", **changes))


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("chat", b"/chat"),
        ("/chat?a=%20", b"/chat?a=%20"),
        ("/\N{SNOWMAN}", b"/%E2%98%83"),
        ("wss://localhost/chat", b"wss://localhost/chat"),
    ],
)
def test_a_target_is_written_in_ascii(target: str, written: bytes) -> None:
    assert written_target(target) == written


@pytest.mark.parametrize("target", [5, "/a b", "/a#b", "/\n", "/\x7f", "/\ud800"])
def test_a_target_that_cannot_be_written_is_the_caller_s_fault(target: Any) -> None:
    with pytest.raises(LocalProtocolError, match=r"^(A target must|Target '/)"):
        written_target(target)


@pytest.mark.parametrize("status", [400, 426])
def test_another_version_is_answered_with_ours(status: int) -> None:
    judge_version({b"sec-websocket-version": [b"13"]}, status)
    for lines in ([b"8"], [b"013"], [b"13, 8"], [b""]):
        with pytest.raises(RemoteProtocolError, match=r"^Missing header, 'Sec-WebSocket-Version'$") as caught:
            judge_version({b"sec-websocket-version": lines}, status)
        assert caught.value.event_hint == RejectConnection(status, [(b"Sec-WebSocket-Version", b"13")])
    for fields in ({}, {b"sec-websocket-version": [b"13", b"13"]}):
        with pytest.raises(RemoteProtocolError) as caught:
            judge_version(fields, status)
        assert caught.value.event_hint == RejectConnection(400)


def test_what_a_client_offers_is_read() -> None:
    offer = PerMessageDeflate().offer()
    fields = {
        b"sec-websocket-protocol": [b"chat, superchat", b"x"],
        b"sec-websocket-extensions": [f"permessage-deflate; {offer}".encode()],
    }
    assert read_offers(fields, b"xn--bcher-kva.example:80", "/a", [(b"x-b", b"c")]) == Request(
        "bücher.example:80",
        "/a",
        [f"permessage-deflate; {offer}"],
        [(b"x-b", b"c")],
        ["chat", "superchat", "x"],
    )
    assert read_offers({}, b"localhost", "/", []) == Request("localhost", "/")


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({}, b"a b"),
        ({b"sec-websocket-protocol": [b"a, b", b"a"]}, b"a"),
        ({b"sec-websocket-protocol": [b","]}, b"a"),
        ({b"sec-websocket-extensions": [b"x; ="]}, b"a"),
    ],
)
def test_an_offer_that_breaks_the_rules_is_refused(fields: dict[bytes, list[bytes]], host: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_offers(fields, host, "/", [])
    assert caught.value.event_hint == RejectConnection(400)
