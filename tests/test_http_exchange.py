"""The door for HTTP heads, from outside: what it skips, where it gives up, and what it lets go of."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.handshake_bytes import (
    KEY,
    REQUEST_HEADERS,
    accepted,
    asking_client,
    chunked,
    every_cutting,
    failed,
    refused,
    rejection,
    request,
    response,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionType, Limits, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request
from wsproto.http_exchange import MAX_EMPTY_LINES, HTTPExchange, RequestHead, ResponseHead
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wsproto.events import Event

# -- Empty lines before a request (RFC 9112 2.2)


@pytest.mark.requirement("R9112-2.2-02")
@pytest.mark.parametrize("line", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("count", [1, 2, MAX_EMPTY_LINES])
def test_empty_lines_before_a_request_are_skipped(line: bytes, count: int) -> None:
    whole = feed(WSConnection(ConnectionType.SERVER), request())
    assert [type(event) for event in whole] == [Request]
    for pieces in every_cutting(line * count + request()):
        server = WSConnection(ConnectionType.SERVER)
        assert feed(server, *pieces) == whole
        assert server.send(AcceptConnection()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" * (MAX_EMPTY_LINES + 1) + request(),
        b"\n" * (MAX_EMPTY_LINES + 1) + request(),
        b"\r" + request(),
        b"\r\r\n" + request(),
        b" \r\n" + request(),
    ],
    ids=["one-too-many", "one-lf-too-many", "bare-cr", "two-crs", "blank"],
)
def test_other_empty_lines_are_not_http(data: bytes) -> None:
    for pieces in every_cutting(data):
        server = WSConnection(ConnectionType.SERVER)
        with pytest.raises(RemoteProtocolError, match=r"^Bad HTTP message$") as caught:
            feed(server, *pieces)
        assert caught.value.event_hint == RejectConnection(400)
        assert server.send(RejectConnection(400)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("data", [b"\r\n", b"\r", b"\r\n\r\n\r"], ids=repr)
def test_the_end_behind_empty_lines_is_no_event(data: bytes) -> None:
    server = WSConnection(ConnectionType.SERVER)
    assert feed(server, data, None) == []
    assert server.state.name == "CLOSED"


def test_empty_lines_before_a_response_fail_it() -> None:
    client, key = asking_client()
    assert str(failed(client, b"\r\n" + response(key))) == "Bad HTTP message"


# -- What cannot be HTTP (RFC 9112 4)


@pytest.mark.requirement("R6455-4.1-48", "R6455-7.2.1-01")
@pytest.mark.parametrize(
    ("data", "good"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", 0),
        (b"HTTP/2.0 101 ", 5),
        (b"HTTP/1.x 101 ", 7),
        (b"HTTP/1.1\r\n", 8),
        (b"http/1.1 101 ", 0),
        (b"\x15\x03\x01\x00\x02\x02\x28", 0),
        (b"220 smtp.example ESMTP\r\n", 0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("before", [b"", rejection(b"103 Early Hints", (b"Link", b"</a>"))], ids=["", "103"])
def test_a_client_gives_up_at_the_first_byte_that_is_not_http(data: bytes, good: int, before: bytes) -> None:
    client, _ = asking_client()
    assert feed(client, before + data[:good]) == []
    for pieces in every_cutting(before + data[: good + 1]):
        client, _ = asking_client()
        assert str(failed(client, *pieces)) == "Bad HTTP message"


# -- The end of a body


@pytest.mark.parametrize("nothing", [b"", None], ids=repr)
@pytest.mark.parametrize("line", [b"HTTP/1.0 403 Forbidden", b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 200 OK"])
def test_a_body_without_a_length_ends_with_the_connection(line: bytes, nothing: bytes | None) -> None:
    client, _ = asking_client()
    events = feed(client, line + b"\r\n\r\nNo", b".", nothing)
    assert events[1:] == [RejectData(b"No", False), RejectData(b".", False), RejectData(b"")]
    assert client.state.name == "CLOSED"


def test_a_read_of_nothing_is_not_the_end_of_a_body_with_a_length() -> None:
    client, _ = asking_client()
    head = rejection(b"403 Forbidden", (b"Content-Length", b"3"))
    assert feed(client, head, b"", b"No", b"", b".")[1:] == [
        RejectData(b"No", False),
        RejectData(b".", False),
        RejectData(b""),
    ]


# -- Nothing is kept alive


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def a_bad_request(connection: WSConnection) -> None:
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n : \r\n\r\n")


def a_bad_request_that_is_parsed(connection: WSConnection) -> None:
    connection.initiate_upgrade_connection([(b"a b", b"c")], "/")


def a_bad_list(connection: WSConnection) -> None:
    connection.receive_data(request({b"Sec-WebSocket-Extensions": [b'a; b="']}))


def a_bad_host(connection: WSConnection) -> None:
    connection.receive_data(request({b"Host": [b"xn--0"]}))


def a_bad_response(connection: WSConnection) -> None:
    connection.send(Request("localhost", "/"))
    connection.receive_data(b"HTTP/1.1 101 S\r\n : \r\n\r\n")


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    "receive",
    [a_bad_request, a_bad_request_that_is_parsed, a_bad_list, a_bad_host, a_bad_response],
    ids=lambda receive: receive.__name__,
)
def test_what_is_refused_is_freed_at_once(receive: Callable[[WSConnection], None]) -> None:
    """h11's error refers to a frame that refers to it, and with that frame to those that called it."""

    class Held:
        """Something of the caller's."""

    def refuse() -> tuple[weakref.ref[WSConnection], weakref.ref[Held]]:
        role = ConnectionType.CLIENT if receive is a_bad_response else ConnectionType.SERVER
        connection, held = WSConnection(role), Held()
        try:
            receive(connection)
        except RemoteProtocolError:
            pass
        else:
            raise AssertionError("nothing was refused")
        return weakref.ref(connection), weakref.ref(held)

    connection, held = refuse()
    assert connection() is None
    assert held() is None


@pytest.mark.parametrize("events_read", [True, False])
def test_an_everyday_client_reads_frames_behind_any_head(events_read: bool) -> None:
    """A head in one read, in two, and behind an interim one."""
    frame = b"\x89\x00"
    for pieces in (
        [response(KEY)],
        [response(KEY)[:9], response(KEY)[9:]],
        [b"HTTP/1.1 100 C\r\n\r\n" + response(KEY)],
    ):
        events: list[Event] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
            client, _ = asking_client()
        for piece in [*pieces[:-1], pieces[-1] + frame]:
            client.receive_data(piece)
            events += client.events() if events_read else ()
        events += client.events()
        assert [type(event).__name__ for event in events] == ["AcceptConnection", "Ping"]


def test_a_refusal_of_the_first_line_can_be_answered() -> None:
    refused(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", 400)
    client, key = asking_client()
    assert accepted(client, response(key)) == AcceptConnection()


# The bounds --------------------------------------------------------------------------------------

LIMITS = Limits(max_handshake_size=400, max_header_line_size=100, max_headers=10)
LONG = [(b"X-%d" % number, b"a") for number in range(8)]


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 100, 414),
        (request(target=b"/" + b"a" * 100), 414),
        (request({b"X-A": [b"a" * 96]}), 431),
        (request({b"X-A": [b"a" * 96, b"b\r\n c"]}), 431),
        (request({name: [value] for name, value in LONG}), 431),
        (request({b"X-A": [b"a" * 80] * 4}), 431),
        (request()[:-2] + b"X-A: a\r\n " + b"a" * 400, 431),
    ],
)
def test_a_request_beyond_a_bound_is_refused(cut: bool, data: bytes, status: int) -> None:
    server = WSConnection(ConnectionType.SERVER, limits=LIMITS)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, data, cut=cut)
    assert isinstance(caught.value.event_hint, RejectConnection)
    assert caught.value.event_hint.status_code == status


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("data", [b"HTTP/1.1 200 " + b"a" * 100, b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100])
def test_a_response_beyond_a_bound_fails(cut: bool, data: bytes) -> None:
    client = WSConnection(ConnectionType.CLIENT, limits=LIMITS)
    client.send(Request("localhost", "/"))
    with pytest.raises(RemoteProtocolError, match=r"at most|more than") as caught:
        feed(client, data, cut=cut)
    assert caught.value.event_hint == RejectConnection(431)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("method", [b"GET", b"PUT"])
def test_a_first_line_has_just_the_size_that_is_permitted(cut: bool, method: bytes) -> None:
    """All before the LF counts, whoever reads it."""
    line = method + b" / HTTP/1.1\r"
    for size in (len(line), len(line) - 1):
        server = WSConnection(ConnectionType.SERVER, limits=Limits(max_header_line_size=size))
        with pytest.raises(RemoteProtocolError) as caught:
            feed(server, line + b"\nHost: a\r\n\r\n", cut=cut)
        assert isinstance(caught.value.event_hint, RejectConnection)
        assert caught.value.event_hint.status_code == (400 if size == len(line) else 414)


def test_a_head_of_more_than_h11_permits_by_itself_is_read() -> None:
    data = request({b"X-A": [b"a\r\n b", b"a" * 10_000, b"b" * 10_000]})
    assert [type(event) for event in feed(WSConnection(ConnectionType.SERVER), data[:-1], data[-1:])] == [
        Request
    ]


def test_chunks_of_a_long_body_are_read_though_a_head_is_bounded() -> None:
    client = WSConnection(ConnectionType.CLIENT, limits=LIMITS)
    client.send(Request("localhost", "/"))
    head = b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
    events = feed(client, head + chunked(*[b"a" * 300] * 5))
    assert sum(len(event.data) for event in events if isinstance(event, RejectData)) == 1500


def test_a_rejection_has_a_head_and_a_body() -> None:
    server = WSConnection(ConnectionType.SERVER)
    feed(server, request())
    data = server.send(RejectConnection(403, [(b"Content-Length", b"2")], has_body=True))
    assert server.send(RejectData(b"no")) == b"no"
    assert data.startswith(b"HTTP/1.1 403 ")


def test_a_request_that_is_parsed_already_is_held_to_the_grammar() -> None:
    server = WSConnection(ConnectionType.SERVER)
    server.initiate_upgrade_connection(REQUEST_HEADERS, b"/chat")
    assert [type(event) for event in server.events()] == [Request]


@pytest.mark.parametrize(
    ("more", "target"),
    [
        ((), b"/ /"),
        ((), "/\N{SNOWMAN}"),
        ([(b"X-A", "\N{SNOWMAN}")], b"/"),
        ([(b"X-A", 5)], b"/"),
        ([(b"X-A",)], b"/"),
        ([(b"X A", b"a")], b"/"),
    ],
    ids=repr,
)
def test_a_request_that_cannot_have_been_parsed_is_refused(more: Any, target: bytes | str) -> None:
    with pytest.raises(RemoteProtocolError, match="Bad HTTP message"):
        WSConnection(ConnectionType.SERVER).initiate_upgrade_connection([*REQUEST_HEADERS, *more], target)


IRREGULAR = b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_head_that_h11_reads_has_just_the_size_that_is_permitted() -> None:
    exchange = HTTPExchange(client=False, limits=Limits(max_handshake_size=len(IRREGULAR)))
    exchange.receive(IRREGULAR)
    head = exchange.next()
    assert isinstance(head, RequestHead)
    assert head.method == b"PUT"
    exchange = HTTPExchange(client=False, limits=Limits(max_handshake_size=len(IRREGULAR) - 1))
    exchange.receive(IRREGULAR)
    with pytest.raises(RemoteProtocolError, match=r"at most|more than"):
        exchange.next()


def test_an_empty_read_before_a_response_is_nothing() -> None:
    exchange = HTTPExchange(client=True, limits=Limits())
    exchange.receive(b"")
    exchange.receive(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    head = exchange.next()
    assert isinstance(head, ResponseHead)
    assert head.status_code == 404


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_server_skips_eight_empty_lines(end: bytes) -> None:
    assert MAX_EMPTY_LINES == 8
    exchange = HTTPExchange(client=False, limits=Limits())
    exchange.receive(end * 8 + IRREGULAR)
    assert isinstance(exchange.next(), RequestHead)
    exchange = HTTPExchange(client=False, limits=Limits())
    exchange.receive(end * 9 + IRREGULAR)
    with pytest.raises(RemoteProtocolError, match="Bad HTTP message"):
        exchange.next()
