"""What the opening handshake has over HTTP/1.1 alone: its four messages, written and judged."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.oracle.handshake_bytes import (
    ACCEPT,
    KEY,
    accepted,
    asked_server,
    asking_client,
    failed,
    read_head,
    request,
    response,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.handshake import H11Handshake
from wsproto.http_exchange import written_head
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

Changes = dict[bytes, list[bytes]]


def judged(changes: Changes | None = None, line: bytes = b"GET /chat HTTP/1.1") -> Request:
    """Judge a request."""
    (event,) = feed(WSConnection(ConnectionType.SERVER), request(changes, start_line=line))
    assert isinstance(event, Request)
    return event


def test_a_request_is_written() -> None:
    head, rest = read_head(WSConnection(ConnectionType.CLIENT).send(Request("server.example.com", "chat")))
    assert head.start_line == b"GET /chat HTTP/1.1"
    fields = dict(head.headers)
    assert len(fields.pop(b"Sec-WebSocket-Key")) == len(KEY)
    assert fields == {
        b"Host": b"server.example.com",
        b"Upgrade": b"websocket",
        b"Connection": b"Upgrade",
        b"Sec-WebSocket-Version": b"13",
    }
    assert rest == b""


def test_a_request_is_judged() -> None:
    event = judged({b"X-A": [b"b"], b"Sec-WebSocket-Protocol": [b"chat"]})
    assert (event.host, event.target, event.subprotocols) == ("server.example.com", "/chat", ["chat"])
    names = [name for name, _ in event.extra_headers]
    assert names == [b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version", b"x-a"]


@pytest.mark.parametrize(
    "changes",
    [
        {b"Connection": [b"keep-alive, UPGRADE"]},
        {b"Upgrade": [b"h2c, WebSocket"]},
        {b"Content-Length": [b"00"]},
        {b"Expect": [b"another"]},
    ],
)
def test_a_request_may_be_written_otherwise(changes: Changes) -> None:
    assert judged(changes).target == "/chat"


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
    event = judged(line=b"GET %b HTTP/1.1" % target)
    assert (event.target, event.host) == (path, host)


@pytest.mark.parametrize("target", [b"chat", b"*", b"/a#b", b"http:///a", b"ftp://a/"])
def test_a_target_that_names_no_resource_is_refused(target: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"target '"):
        judged(line=b"GET %b HTTP/1.1" % target)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({b"Connection": []}, "^Missing header, 'Connection: Upgrade'$"),
        ({b"Connection": [b"close"]}, "^Missing header, 'Connection: Upgrade'$"),
        ({b"Upgrade": []}, "^Missing header, 'Upgrade: websocket'$"),
        ({b"Upgrade": [b"h2c"]}, "^Missing header, 'Upgrade: websocket'$"),
        ({b"Upgrade": [b"a b"]}, "^Bad header 'Upgrade'"),
        ({b"Sec-WebSocket-Version": [b"8"]}, "^Missing header, 'Sec-WebSocket-Version'$"),
        ({b"Sec-WebSocket-Key": []}, "^Missing header, 'Sec-WebSocket-Key'$"),
        ({b"Sec-WebSocket-Key": [b"x"]}, "^Sec-WebSocket-Key b'x' is not 16 bytes in base64"),
        ({b"Host": []}, "^Missing header, 'Host'$"),
        ({b"Content-Length": [b"5"]}, "^The request has a body"),
        ({b"Transfer-Encoding": [b"chunked"]}, "^The request has a body"),
    ],
)
def test_a_bad_request_is_refused(changes: Changes, text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=text):
        judged(changes)


def test_each_byte_may_stand_in_a_key_or_not() -> None:
    """RFC 4648 4."""
    allowed = set()
    for byte in range(256):
        with suppress(RemoteProtocolError):
            judged({b"Sec-WebSocket-Key": [KEY[:10] + b"%c" % byte + KEY[11:]]})
            allowed.add(byte)
    assert allowed == set(b"+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def test_another_method_or_version_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^Request method must be GET$"):
        judged(line=b"POST /chat HTTP/1.1")
    for version in (b"1.0", b"8.1"):
        with pytest.raises(RemoteProtocolError, match=r"^HTTP version must be 1.1, not"):
            judged(line=b"GET /chat HTTP/%b" % version)


@pytest.mark.parametrize(("expect", "statuses"), [([], [101]), ([b"100-Continue"], [100, 101])])
def test_an_acceptance_is_written_behind_the_100_that_a_client_waits_for(
    expect: list[bytes], statuses: list[int]
) -> None:
    data = asked_server(request({b"Expect": expect})).send(AcceptConnection())
    heads = []
    while data:
        head, data = read_head(data)
        heads.append(head)
    assert [head.status for head in heads] == statuses
    assert dict(heads[-1].headers) == {
        b"Upgrade": b"websocket",
        b"Connection": b"Upgrade",
        b"Sec-WebSocket-Accept": ACCEPT,
    }


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({b"X-A": [b"b"]}, [(b"x-a", b"b")]),
        ({b"Upgrade": [b"WebSocket"], b"Connection": [b"a, upgrade"]}, []),
    ],
)
def test_an_acceptance_is_judged(changes: Changes, headers: list[tuple[bytes, bytes]]) -> None:
    client, key = asking_client()
    assert accepted(client, response(key, changes)) == AcceptConnection(extra_headers=headers)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({b"Connection": []}, "Missing header, 'Connection: Upgrade'"),
        ({b"Upgrade": [b"h2c"]}, "Missing header, 'Upgrade: websocket'"),
        (
            {b"Upgrade": [b"h2c, websocket, x"]},
            "Bad header 'Upgrade': websocket is beside h2c, x (RFC 6455 4.1)",
        ),
        ({b"Sec-WebSocket-Accept": []}, "Bad accept token"),
        ({b"Sec-WebSocket-Accept": [KEY]}, "Bad accept token"),
    ],
)
def test_a_bad_acceptance_is_refused(changes: Changes, text: str) -> None:
    client, key = asking_client()
    assert str(failed(client, response(key, changes))) == text


def test_an_acceptance_of_http_1_0_is_refused() -> None:
    client, key = asking_client()
    error = failed(client, response(key, status_line=b"HTTP/1.0 101 Switching Protocols"))
    assert str(error).startswith("A 101 response must be HTTP/1.1")


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]),
        ([(b"Connection", b"close, UPGRADE")], [(b"Upgrade", b"websocket")]),
        ([(b"Connection", b"close,\tupgrade")], [(b"Upgrade", b"websocket")]),
        ([(b"upgrade", b"websocket")], [(b"Connection", b"Upgrade")]),
    ],
)
def test_a_426_names_the_protocol_to_upgrade_to(
    given: list[tuple[bytes, bytes]], added: list[tuple[bytes, bytes]]
) -> None:
    head, _ = read_head(asked_server().send(RejectConnection(426, given)))
    fields = [(name.title(), value) for name, value in head.headers if name.lower() != b"content-length"]
    assert sorted(fields) == sorted((name.title(), value) for name, value in given + added)


def test_a_request_that_is_parsed_already_is_for_a_server() -> None:
    client = H11Handshake(ConnectionType.CLIENT)
    with pytest.raises(
        LocalProtocolError, match=r"^Cannot initiate an upgrade connection when acting as the"
    ):
        client.initiate_upgrade_connection([], "/")


def test_a_client_is_answered_before_the_connection_ends() -> None:
    for client in (WSConnection(ConnectionType.CLIENT), asking_client()[0]):
        with pytest.raises(RemoteProtocolError, match="ended before the opening handshake was complete"):
            client.receive_data(None)


def test_another_rejection_names_none() -> None:
    head, _ = read_head(asked_server().send(RejectConnection(403)))
    assert head.all(b"Upgrade") == head.all(b"Connection") == []


def test_a_head_is_written_in_order() -> None:
    assert (
        written_head(b"GET / HTTP/1.1", [(b"B", b"2"), (b"a", b"")])
        == b"GET / HTTP/1.1\r\nB: 2\r\na: \r\n\r\n"
    )
    assert written_head(b"HTTP/1.1 101 ", []) == b"HTTP/1.1 101 \r\n\r\n"
