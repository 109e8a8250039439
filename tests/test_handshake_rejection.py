"""Responses other than 101: a server writes them, a client reads them (RFC 6455 4.1, 4.2.2, 4.4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from tests.oracle.handshake_bytes import (
    asked_server,
    asking_client,
    chunked,
    every_cutting,
    failed,
    pieces_joined,
    read_head,
    read_response,
    rejection,
    request,
    response,
    state_of,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, RejectData
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsproto.events import Event
    from wsproto.typing import Headers

LENGTH_5 = (b"Content-Length", b"5")
CHUNKED = (b"Transfer-Encoding", b"chunked")

# -- A client reads a rejection

#: (name, bytes, status, headers of the event, body, whether only the end of file ends it)
REJECTIONS: list[tuple[str, bytes, int, Headers, bytes, bool]] = [
    (
        "content-length",
        rejection(b"403 Forbidden", LENGTH_5, body=b"Hello"),
        403,
        [(b"content-length", b"5")],
        b"Hello",
        False,
    ),
    (
        "empty",
        rejection(b"404 Not Found", (b"Content-Length", b"0")),
        404,
        [(b"content-length", b"0")],
        b"",
        False,
    ),
    (
        "chunked",
        rejection(b"500 Oops", CHUNKED, (b"X-A", b"b"), body=chunked(b"He", b"llo")),
        500,
        [(b"transfer-encoding", b"chunked"), (b"x-a", b"b")],
        b"Hello",
        False,
    ),
    (
        "chunked-with-trailer",
        rejection(b"500 Oops", CHUNKED, body=chunked(b"Hello", trailer=b"X-T: 1\r\n")),
        500,
        [(b"transfer-encoding", b"chunked")],
        b"Hello",
        False,
    ),
    (
        "chunked-empty",
        rejection(b"500 Oops", CHUNKED, body=chunked()),
        500,
        [(b"transfer-encoding", b"chunked")],
        b"",
        False,
    ),
    ("until-eof", rejection(b"401 Unauthorized", body=b"Hello"), 401, [], b"Hello", True),
    ("until-eof-empty", rejection(b"401 Unauthorized"), 401, [], b"", True),
    ("http-1.0", b"HTTP/1.0 400 Bad Request\r\n\r\nHello", 400, [], b"Hello", True),
    ("no-content", rejection(b"204 No Content"), 204, [], b"", False),
    ("not-modified", rejection(b"304 Not Modified"), 304, [], b"", False),
    (
        "redirect",
        rejection(b"301 Moved", (b"Location", b"/b"), (b"Content-Length", b"0")),
        301,
        [(b"location", b"/b"), (b"content-length", b"0")],
        b"",
        False,
    ),
    (
        "success-is-no-upgrade",
        rejection(
            b"200 OK", (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), LENGTH_5, body=b"Hello"
        ),
        200,
        [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"content-length", b"5")],
        b"Hello",
        False,
    ),
    (
        "other-version",
        rejection(
            b"426 Upgrade Required",
            (b"Sec-WebSocket-Version", b"8"),
            (b"Sec-WebSocket-Version", b"7, 6"),
            (b"Content-Length", b"0"),
        ),
        426,
        [(b"sec-websocket-version", b"8"), (b"sec-websocket-version", b"7, 6"), (b"content-length", b"0")],
        b"",
        False,
    ),
]


@pytest.mark.requirement("R6455-4.1-42", "R6455-7.2.1-01")
@pytest.mark.requirement("R6455-4.4-02", "R6455-11.3.5-01", rows="other-version")
@pytest.mark.parametrize(
    ("data", "status", "headers", "body", "until_eof"),
    [row[1:] for row in REJECTIONS],
    ids=[row[0] for row in REJECTIONS],
)
def test_a_rejection_in_any_cutting(
    data: bytes, status: int, headers: Headers, body: bytes, until_eof: bool
) -> None:
    expected: list[Event] = [
        RejectConnection(status, headers, has_body=True),
        RejectData(body, body_finished=True),
    ]
    for pieces in every_cutting(data):
        client, _ = asking_client()
        events = feed(client, *pieces)
        if until_eof:
            assert state_of(client) is ConnectionState.REJECTING
            events += feed(client, None)
        assert pieces_joined(events) == expected
        assert events[-1] == RejectData(b"", body_finished=True)
        assert state_of(client) is ConnectionState.CLOSED


def test_the_pieces_of_a_body_come_as_they_arrive() -> None:
    client, _ = asking_client()
    assert feed(client, rejection(b"403 Forbidden", LENGTH_5)) == [
        RejectConnection(403, [(b"content-length", b"5")], has_body=True)
    ]
    assert client.state is ConnectionState.REJECTING
    assert feed(client, b"He") == [RejectData(b"He", body_finished=False)]
    (piece, *_) = events = feed(client, b"llo")
    assert isinstance(piece, RejectData)
    assert type(piece.data) is bytes
    assert events == [RejectData(b"llo", body_finished=False), RejectData(b"", body_finished=True)]


def test_what_follows_the_body_in_the_same_read_is_dropped() -> None:
    client, key = asking_client()
    events = feed(client, rejection(b"403 Forbidden", LENGTH_5, body=b"Hello") + response(key))
    assert pieces_joined(events)[1:] == [RejectData(b"Hello")]
    assert client.state is ConnectionState.CLOSED


def test_nothing_is_read_after_a_rejection() -> None:
    client, _ = asking_client()
    feed(client, rejection(b"403 Forbidden", LENGTH_5, body=b"Hello"))
    assert feed(client, None) == []
    with pytest.raises(LocalProtocolError):
        client.receive_data(b"x")


CUT_SHORT = [
    ("status-line", b"HTTP/1.1 403 Forb"),
    ("headers", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n"),
    ("content-length", rejection(b"403 Forbidden", LENGTH_5, body=b"Hell")),
    ("content-length-all", rejection(b"403 Forbidden", LENGTH_5)),
    ("chunk", rejection(b"403 Forbidden", CHUNKED, body=b"5\r\nHel")),
    ("between-chunks", rejection(b"403 Forbidden", CHUNKED, body=b"5\r\nHello\r\n")),
    ("trailer", rejection(b"403 Forbidden", CHUNKED, body=b"0\r\nX: ")),
]


@pytest.mark.requirement("R6455-7.2.1-01", "R9112-8-02")
@pytest.mark.parametrize("data", [data for _, data in CUT_SHORT], ids=[name for name, _ in CUT_SHORT])
def test_the_end_of_file_in_the_middle_fails_the_handshake(data: bytes) -> None:
    client, _ = asking_client()
    failed(client, data, None)
    assert feed(client, None) == []


BAD_FRAMING = [
    ("content-length-no-number", rejection(b"403 Forbidden", (b"Content-Length", b"x"))),
    ("content-length-negative", rejection(b"403 Forbidden", (b"Content-Length", b"-5"))),
    ("content-lengths-differ", rejection(b"403 Forbidden", LENGTH_5, (b"Content-Length", b"6"))),
    ("unknown-coding", rejection(b"403 Forbidden", (b"Transfer-Encoding", b"gzip"))),
    ("chunk-size-no-number", rejection(b"403 Forbidden", CHUNKED, body=b"x\r\n")),
    ("chunk-size-negative", rejection(b"403 Forbidden", CHUNKED, body=b"-5\r\nHello\r\n0\r\n\r\n")),
    ("chunk-without-end", rejection(b"403 Forbidden", CHUNKED, body=b"5\r\nHelloXX0\r\n\r\n")),
    ("bad-trailer", rejection(b"403 Forbidden", CHUNKED, body=chunked(trailer=b"no colon\r\n"))),
]


@pytest.mark.requirement("R6455-4.1-42", "R6455-10.7-01", "R9112-6.3-04")
@pytest.mark.parametrize("data", [data for _, data in BAD_FRAMING], ids=[name for name, _ in BAD_FRAMING])
def test_bad_framing_fails_the_handshake(data: bytes) -> None:
    client, _ = asking_client()
    failed(client, data)


# -- A server writes a rejection


@pytest.mark.requirement("R6455-4.2.2-03", rows="401-*")
@pytest.mark.requirement("R6455-4.2.2-04", rows="301-*")
@pytest.mark.requirement("R6455-4.2.2-06", "R6455-10.2-02", rows="403-*")
@pytest.mark.requirement("R6455-4.2.2-08", rows="404-*")
@pytest.mark.parametrize(
    ("status", "header"),
    [
        (301, (b"Location", b"https://example.com/")),
        (401, (b"WWW-Authenticate", b"Basic")),
        (403, (b"X-Why", b"Origin")),
        (404, (b"X-Why", b"Target")),
        (503, (b"Retry-After", b"5")),
    ],
)
def test_a_rejection_without_body_says_so(status: int, header: tuple[bytes, bytes]) -> None:
    server = asked_server()
    head, rest = read_head(server.send(RejectConnection(status, [header])))
    assert head.status == status
    assert sorted((name.lower(), value) for name, value in head.headers) == sorted(
        [(b"content-length", b"0"), (header[0].lower(), header[1])]
    )
    assert rest == b""
    assert server.state is ConnectionState.CLOSED


@pytest.mark.requirement("R9110-8.6-01", "R9112-6.1-03", rows="204")
@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_forbids_a_body_has_no_framing(status: int) -> None:
    server = asked_server()
    head, rest = read_head(server.send(RejectConnection(status)))
    assert head.status == status
    assert head.all(b"Content-Length") == head.all(b"Transfer-Encoding") == []
    assert rest == b""
    assert server.state is ConnectionState.CLOSED


def test_a_status_may_be_of_the_enum_of_the_standard_library() -> None:
    sent = asked_server().send(RejectConnection(HTTPStatus.FORBIDDEN))
    assert sent == asked_server().send(RejectConnection(403))


def test_a_content_length_of_zero_is_not_doubled() -> None:
    head, _ = read_head(asked_server().send(RejectConnection(403, [(b"Content-Length", b"0")])))
    assert head.all(b"Content-Length") == [b"0"]


FRAMINGS: list[tuple[str, Headers]] = [
    ("content-length", [(b"content-length", b"10")]),
    ("chunked", [(b"transfer-encoding", b"chunked")]),
    ("close", [(b"connection", b"close")]),
]


@pytest.mark.parametrize("headers", [headers for _, headers in FRAMINGS], ids=[name for name, _ in FRAMINGS])
def test_a_body_in_pieces(headers: Headers) -> None:
    server = asked_server()
    sent = server.send(RejectConnection(403, headers, has_body=True))
    assert state_of(server) is ConnectionState.REJECTING
    for piece in (b"Hello", b"", b"World"):
        sent += server.send(RejectData(piece, body_finished=False))
        assert state_of(server) is ConnectionState.REJECTING
    sent += server.send(RejectData(b"", body_finished=True))
    assert state_of(server) is ConnectionState.CLOSED
    head, body = read_response(sent)
    assert head.status == 403
    assert head.all(headers[0][0]) == [headers[0][1]]
    assert body == b"HelloWorld"


@pytest.mark.parametrize("status", [200, 403, 999])
def test_a_body_in_one_piece(status: int) -> None:
    server = asked_server()
    sent = server.send(RejectConnection(status, [LENGTH_5], has_body=True))
    head, body = read_response(sent + server.send(RejectData(b"Hello")))
    assert (head.status, body) == (status, b"Hello")
    assert server.state is ConnectionState.CLOSED


@pytest.mark.parametrize("buffer", [bytearray, memoryview])
def test_a_body_from_a_buffer_of_another_type(buffer: Callable[[bytes], bytes]) -> None:
    server = asked_server()
    sent = server.send(RejectConnection(403, [LENGTH_5], has_body=True)) + server.send(
        RejectData(buffer(b"Hello"))
    )
    assert read_response(sent)[1] == b"Hello"


def test_a_rejected_client_is_closed_whatever_it_sent_before() -> None:
    server = asked_server()
    assert feed(server, b"early data") == []
    read_head(server.send(RejectConnection(403)))
    assert server.state is ConnectionState.CLOSED
    assert feed(server, None) == []
    with pytest.raises(LocalProtocolError):
        server.receive_data(b"x")


BAD_REJECTIONS: list[tuple[str, Callable[[], RejectConnection]]] = [
    ("switching-protocols", lambda: RejectConnection(101)),
    ("status-of-two-digits", lambda: RejectConnection(99)),
    ("continue", lambda: RejectConnection(100)),
    ("early-hints", lambda: RejectConnection(103)),
    ("last-interim", lambda: RejectConnection(199)),
    ("status-of-four-digits", lambda: RejectConnection(1000)),
    ("status-zero", lambda: RejectConnection(0)),
    ("status-negative", lambda: RejectConnection(-403)),
    ("status-text", lambda: RejectConnection("403")),  # type: ignore[arg-type]
    ("status-none", lambda: RejectConnection(None)),  # type: ignore[arg-type]
    ("status-float", lambda: RejectConnection(403.0)),  # type: ignore[arg-type]
    ("value-crlf", lambda: RejectConnection(403, [(b"X", b"a\r\nY: b")])),
    ("value-cr", lambda: RejectConnection(403, [(b"X", b"a\rb")])),
    ("value-lf", lambda: RejectConnection(403, [(b"X", b"a\nb")])),
    ("value-nul", lambda: RejectConnection(403, [(b"X", b"a\0b")])),
    ("name-crlf", lambda: RejectConnection(403, [(b"X\r\nY", b"a")])),
    ("name-space", lambda: RejectConnection(403, [(b"X Y", b"a")])),
    ("name-empty", lambda: RejectConnection(403, [(b"", b"a")])),
    ("headers-none", lambda: RejectConnection(403, None)),  # type: ignore[arg-type]
    ("header-without-value", lambda: RejectConnection(403, [(b"X",)])),  # type: ignore[list-item]
    ("header-of-numbers", lambda: RejectConnection(403, [(1, 2)])),  # type: ignore[list-item]
    ("length-without-body", lambda: RejectConnection(403, [LENGTH_5])),
    ("body-with-no-content", lambda: RejectConnection(204, has_body=True)),
    ("body-with-not-modified", lambda: RejectConnection(304, has_body=True)),
    ("body-with-early-hints", lambda: RejectConnection(103, has_body=True)),
    ("length-with-no-content", lambda: RejectConnection(204, [(b"Content-Length", b"0")])),
    ("chunks-with-no-content", lambda: RejectConnection(204, [CHUNKED])),
    ("two-lengths", lambda: RejectConnection(403, [LENGTH_5, LENGTH_5], has_body=True)),
    ("unknown-coding", lambda: RejectConnection(403, [(b"Transfer-Encoding", b"gzip")], has_body=True)),
    ("length-as-a-list", lambda: RejectConnection(403, [(b"Content-Length", b"5, 6")], has_body=True)),
    ("length-no-number", lambda: RejectConnection(403, [(b"Content-Length", b"x")], has_body=True)),
]


@pytest.mark.requirement("R6455-4.2.2-06", rows="*switching-protocols|*continue|*early-hints")
@pytest.mark.requirement("R9110-8.6-01", rows="*length-with-no-content|*early-hints")
@pytest.mark.requirement("R9112-6.1-03", rows="*chunks-with-no-content|*early-hints")
@pytest.mark.parametrize(
    "make", [make for _, make in BAD_REJECTIONS], ids=[name for name, _ in BAD_REJECTIONS]
)
@pytest.mark.parametrize("answer", [AcceptConnection(), RejectConnection(403)], ids=["accept", "reject"])
def test_a_bad_rejection_fails_and_changes_nothing(
    make: Callable[[], RejectConnection], answer: Event
) -> None:
    server = asked_server()
    with pytest.raises(LocalProtocolError):
        server.send(make())
    assert state_of(server) is ConnectionState.CONNECTING
    assert server.send(answer) == asked_server().send(answer)


def test_a_length_that_is_given_twice_over_leaves_no_trace() -> None:
    server = asked_server()
    with pytest.raises(LocalProtocolError):
        server.send(RejectConnection(403, [(b"Content-Length", b"5, 5")], has_body=True))
    assert server.send(RejectConnection(403)) == asked_server().send(RejectConnection(403))


BAD_BODIES: list[tuple[str, Callable[[], RejectData]]] = [
    ("too-long", lambda: RejectData(b"Hello!", body_finished=False)),
    ("too-long-and-finished", lambda: RejectData(b"Hello!")),
    ("too-short", lambda: RejectData(b"Hell")),
    ("missing", lambda: RejectData(b"")),
    ("text", lambda: RejectData("Hello")),  # type: ignore[arg-type]
    ("none", lambda: RejectData(None)),  # type: ignore[arg-type]
    ("number", lambda: RejectData(5)),  # type: ignore[arg-type]
]


@pytest.mark.requirement("R9110-8.6-02", rows="too-*|missing")
@pytest.mark.parametrize("make", [make for _, make in BAD_BODIES], ids=[name for name, _ in BAD_BODIES])
def test_a_bad_body_fails_and_changes_nothing(make: Callable[[], RejectData]) -> None:
    server = asked_server()
    sent = server.send(RejectConnection(403, [LENGTH_5], has_body=True))
    with pytest.raises(LocalProtocolError):
        server.send(make())
    assert state_of(server) is ConnectionState.REJECTING
    assert read_response(sent + server.send(RejectData(b"Hello")))[1] == b"Hello"
    assert state_of(server) is ConnectionState.CLOSED


@pytest.mark.requirement("R6455-7.2.2-01")
def test_a_refused_request_can_be_rejected_with_a_body() -> None:
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError):
        feed(server, request({b"Upgrade": []}))
    sent = server.send(RejectConnection(400, [LENGTH_5], has_body=True)) + server.send(RejectData(b"Hello"))
    head, body = read_response(sent)
    assert (head.status, body) == (400, b"Hello")
    assert server.state is ConnectionState.CLOSED


@pytest.mark.parametrize("piece", [b"x", b"\x00" * 100, request()], ids=["byte", "zeros", "request"])
def test_what_a_client_sends_while_it_is_rejected_is_dropped(piece: bytes) -> None:
    rejecting, quiet = asked_server(), asked_server()
    for server in (rejecting, quiet):
        server.send(RejectConnection(403, [LENGTH_5], has_body=True))
    assert feed(rejecting, piece) == []
    assert state_of(rejecting) is ConnectionState.REJECTING
    assert rejecting.send(RejectData(b"Hello")) == quiet.send(RejectData(b"Hello"))
