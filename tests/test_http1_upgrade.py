"""What the opening handshake has over HTTP/1.1 alone, by itself: its four messages, written and judged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.handshake_bytes import ACCEPT, KEY, read_head
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.http1_upgrade import (
    JudgedRequest,
    judge_acceptance,
    judge_request,
    rejection_headers,
    written_acceptance,
    written_request,
)
from wsproto.http_head import RequestHead, ResponseHead
from wsproto.utilities import RemoteProtocolError

REQUEST = {
    b"host": b"server.example.com",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-key": KEY,
    b"sec-websocket-version": b"13",
}
RESPONSE = {b"upgrade": b"websocket", b"connection": b"Upgrade", b"sec-websocket-accept": ACCEPT}


def judged(
    changes: dict[bytes, bytes | None] | None = None,
    method: bytes = b"GET",
    target: bytes = b"/chat",
    version: bytes = b"1.1",
) -> JudgedRequest:
    """Judge a request; a header that is changed to None is left out."""
    fields = {**REQUEST, **(changes or {})}
    headers = [(name, value) for name, value in fields.items() if value is not None]
    return judge_request(RequestHead(method, target, version, headers))


def acceptance(changes: dict[bytes, bytes | None] | None = None, version: bytes = b"1.1") -> AcceptConnection:
    """Judge a response, likewise."""
    fields = {**RESPONSE, **(changes or {})}
    headers = [(name, value) for name, value in fields.items() if value is not None]
    return judge_acceptance(ResponseHead(101, version, headers), Request("localhost", "/"), [], KEY)


def test_a_request_is_written() -> None:
    data, offered = written_request(Request("server.example.com", "chat"), KEY)
    head, rest = read_head(data)
    assert head.start_line == b"GET /chat HTTP/1.1"
    assert {name.lower(): value for name, value in head.headers} == REQUEST
    assert (rest, offered) == (b"", [])


def test_a_request_is_judged() -> None:
    request = judged({b"x-a": b"b", b"sec-websocket-protocol": b"chat"})
    assert (request.key, request.expects_continue) == (KEY, False)
    assert (request.event.host, request.event.target) == ("server.example.com", "/chat")
    assert request.event.subprotocols == ["chat"]
    names = [name for name, _ in request.event.extra_headers]
    assert names == [b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version", b"x-a"]


@pytest.mark.parametrize(
    "changes",
    [
        {b"connection": b"keep-alive, UPGRADE"},
        {b"upgrade": b"h2c, WebSocket"},
        {b"content-length": b"00"},
        {b"expect": b"another"},
    ],
)
def test_a_request_may_be_written_otherwise(changes: dict[bytes, Any]) -> None:
    assert judged(changes).key == KEY


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"/a?b", "/a?b", "server.example.com"),
        (b"http://a:1/b?c", "/b?c", "a:1"),
        (b"wss://a", "/", "a"),
        (b"HTTPS://a?b", "/?b", "a"),
    ],
)
def test_a_target_may_be_a_whole_uri(target: bytes, path: str, host: str) -> None:
    event = judged(target=target).event
    assert (event.target, event.host) == (path, host)


@pytest.mark.parametrize("target", [b"chat", b"*", b"/a#b", b"http:///a", b"ftp://a/"])
def test_a_target_that_names_no_resource_is_refused(target: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"target '"):
        judged(target=target)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({b"connection": None}, "^Missing header, 'Connection: Upgrade'$"),
        ({b"connection": b"close"}, "^Missing header, 'Connection: Upgrade'$"),
        ({b"upgrade": None}, "^Missing header, 'Upgrade: websocket'$"),
        ({b"upgrade": b"h2c"}, "^Missing header, 'Upgrade: websocket'$"),
        ({b"upgrade": b"a b"}, "^Bad header 'Upgrade'"),
        ({b"sec-websocket-version": b"8"}, "^Missing header, 'Sec-WebSocket-Version'$"),
        ({b"sec-websocket-key": None}, "^Missing header, 'Sec-WebSocket-Key'$"),
        ({b"sec-websocket-key": b"x"}, "^Sec-WebSocket-Key b'x' is not 16 bytes in base64"),
        ({b"host": None}, "^Missing header, 'Host'$"),
        ({b"content-length": b"5"}, "^The request has a body"),
        ({b"transfer-encoding": b"chunked"}, "^The request has a body"),
    ],
)
def test_a_bad_request_is_refused(changes: dict[bytes, Any], text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=text):
        judged(changes)


def test_another_method_or_version_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^Request method must be GET$"):
        judged(method=b"POST")
    for version in (b"1.0", b"2.0"):
        with pytest.raises(RemoteProtocolError, match=r"^HTTP version must be 1.1, not"):
            judged(version=version)


@pytest.mark.parametrize(("expect", "heads"), [(None, 1), (b"100-Continue", 2)])
def test_an_acceptance_is_written_behind_the_100_that_a_client_waits_for(
    expect: bytes | None, heads: int
) -> None:
    data, extensions = written_acceptance(AcceptConnection(), judged({b"expect": expect}))
    assert extensions == []
    for status in [100, 101][-heads:]:
        head, data = read_head(data)
        assert head.status == status
    assert data == b""
    assert {name.lower(): value for name, value in head.headers} == RESPONSE


def test_an_acceptance_is_judged() -> None:
    assert acceptance({b"x-a": b"b"}) == AcceptConnection(extra_headers=[(b"x-a", b"b")])
    assert acceptance({b"upgrade": b"WebSocket", b"connection": b"a, upgrade"}) == AcceptConnection()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({b"connection": None}, "^Missing header, 'Connection: Upgrade'$"),
        ({b"upgrade": b"h2c"}, "^Missing header, 'Upgrade: websocket'$"),
        ({b"upgrade": b"h2c, websocket"}, "^Bad header 'Upgrade': websocket is beside h2c"),
        ({b"sec-websocket-accept": None}, "^Bad accept token$"),
        ({b"sec-websocket-accept": KEY}, "^Bad accept token$"),
    ],
)
def test_a_bad_acceptance_is_refused(changes: dict[bytes, Any], text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=text):
        acceptance(changes)


def test_an_acceptance_of_http_1_0_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^A 101 response must be HTTP/1.1"):
        acceptance(version=b"1.0")


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]),
        ([(b"Connection", b"close, UPGRADE")], [(b"Upgrade", b"websocket")]),
        ([(b"upgrade", b"websocket")], [(b"Connection", b"Upgrade")]),
    ],
)
def test_a_426_names_the_protocol_to_upgrade_to(given: list[Any], added: list[Any]) -> None:
    assert rejection_headers(RejectConnection(426, given)) == [*given, (b"content-length", b"0"), *added]


def test_another_rejection_names_none() -> None:
    assert rejection_headers(RejectConnection(403)) == [(b"content-length", b"0")]
