"""What h11 reads of a handshake (irregular heads, bodies, what is not HTTP), and what it writes."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import (
    REQUEST_HEADERS,
    accepted,
    asked_server,
    asking_client,
    chunked,
    failed,
    read_response,
    refused,
    rejection,
    request,
    response,
)
from tests.oracle.receiving import feed
from tooling.frames import TEXT, frame
from wsproto import ConnectionType, Limits, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_a_folded_line_is_read_as_one(cut: bool) -> None:
    """RFC 9112 5.2: a server may replace a line break and the white space behind it by a space."""
    (event,) = feed(WSConnection(ConnectionType.SERVER), request({b"X-A": [b"a\r\n b"]}), cut=cut)
    assert isinstance(event, Request)
    assert dict(event.extra_headers)[b"x-a"] == b"a b"


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_a_response_with_a_folded_line_is_read_behind_an_interim_one(cut: bool) -> None:
    client, key = asking_client()
    assert feed(client, rejection(b"103 Early Hints"), cut=cut) == []
    assert feed(client, response(key, {b"X-A": [b"a\r\n b"]}), cut=cut) == [
        AcceptConnection(extra_headers=[(b"x-a", b"a b")])
    ]


def test_a_body_comes_in_pieces_and_has_an_end() -> None:
    client, _ = asking_client()
    body = chunked(b"no", b"way")
    *pieces, last = feed(client, rejection(b"403 Forbidden", (b"Transfer-Encoding", b"chunked"), body=body))
    assert pieces == [
        RejectConnection(403, [(b"transfer-encoding", b"chunked")], has_body=True),
        RejectData(b"no", body_finished=False),
        RejectData(b"way", body_finished=False),
    ]
    assert last == RejectData(b"", body_finished=True)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (request({b"Host": []}), "Missing header, 'Host'"),
        (request(start_line=b"GET /"), "Bad HTTP message"),
        (request({b"Content-Length": [b"x"]}), "Bad HTTP message"),
    ],
)
def test_what_is_not_http_is_refused(data: bytes, text: str) -> None:
    error = refused(data, 400)
    assert str(error) == text
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is None, "it would hold the caller's frames until they are collected"


def test_a_client_fails_for_what_is_not_http() -> None:
    client, _ = asking_client()
    assert str(failed(client, b"HTTP/1.1 101 \r\nno colon\r\n\r\n")) == "Bad HTTP message"


def test_bytes_behind_a_head_that_h11_read_are_not_lost() -> None:
    client, key = asking_client()
    data = response(key, {b"X-A": [b"a\r\n b"]}) + b"\x81\x02Hi"
    assert accepted(client, data[:-4]) is not None
    assert len(feed(client, data[-4:])) == 1


def test_a_rejection_is_written_with_its_body_in_pieces() -> None:
    server = asked_server()
    data = server.send(RejectConnection(403, [(b"Content-Length", b"5")], has_body=True))
    data += server.send(RejectData(b"no", body_finished=False))
    data += server.send(RejectData(b"way", body_finished=True))
    head, body = read_response(data)
    assert (head.status, head.one(b"Content-Length"), body) == (403, b"5", b"noway")


def test_a_rejection_without_a_body_is_written_at_once() -> None:
    head, body = read_response(asked_server(request({b"X-A": [b"a\r\n b"]})).send(RejectConnection(404)))
    assert (head.status, head.one(b"Content-Length"), body) == (404, b"0", b"")


def test_a_field_that_h11_refuses_is_the_caller_s_fault() -> None:
    event = RejectConnection(403, [(b"Transfer-Encoding", b"gzip")], has_body=True)
    with pytest.raises(LocalProtocolError, match="The response 403 cannot be sent"):
        asked_server().send(event)


def test_a_request_that_is_parsed_already_is_held_to_the_grammar() -> None:
    fields = [(name, value) for name, value in REQUEST_HEADERS if name != b"Host"]
    server = WSConnection(ConnectionType.SERVER)
    server.initiate_upgrade_connection([(b"Host", b"a"), *fields], "/chat")
    assert [event.target for event in server.events() if isinstance(event, Request)] == ["/chat"]
    with pytest.raises(RemoteProtocolError, match="Missing header, 'Host'"):
        WSConnection(ConnectionType.SERVER).initiate_upgrade_connection(fields, "/chat")
    with pytest.raises(RemoteProtocolError, match="Bad HTTP message"):
        WSConnection(ConnectionType.SERVER).initiate_upgrade_connection([(b"Host", b"a"), *fields], "/ch at")


def limited_client(**limits: int) -> tuple[WSConnection, bytes]:
    return asking_client(client=WSConnection(ConnectionType.CLIENT, limits=Limits(**limits)))


@pytest.mark.requirement("R6455-4.1-50")
def test_what_is_longer_than_a_head_may_be_comes_behind_one_in_its_order() -> None:
    client, key = limited_client(max_handshake_size=300)
    texts = [f"{number:03}" for number in range(100)]
    head = response(key).replace(b"\r\n", b"\n")
    client.receive_data(head + b"".join(frame(TEXT, text.encode()) for text in texts))
    assert list(client.events()) == [AcceptConnection(), *map(TextMessage, texts)]


@pytest.mark.parametrize(("size", "good"), [(99, True), (100, True), (101, False)])
def test_the_one_line_of_a_head_is_bounded(size: int, good: bool) -> None:
    client, _ = limited_client(max_header_line_size=100)
    head = rejection(b"404 N", (b"abc", b"x" * (size - len(b"abc: "))))
    if good:
        assert isinstance(feed(client, head)[0], RejectConnection)
    else:
        assert "Header b'abc' is longer than 100 bytes" in str(failed(client, head))
