"""The bounds on what a peer can make the opening handshake hold or do (RFC 6455 10.4, RFC 9112 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.counting import calls
from tests.oracle.handshake_bytes import (
    EARLY_HINTS,
    REQUEST_HEADERS,
    accepted,
    asked_server,
    asking_client,
    chunked,
    failed,
    pieces_joined,
    read_response,
    refused,
    rejection,
    request,
    response,
    state_of,
    write_head,
)
from tests.oracle.receiving import feed, read_through
from tooling.frames import MASK, TEXT, frame
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request, TextMessage
from wsproto.handshake import H11Handshake
from wsproto.limits import Limits
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNKED = (b"Transfer-Encoding", b"chunked")


def server_with(**limits: int) -> WSConnection:
    return WSConnection(ConnectionType.SERVER, limits=Limits(**limits))


def client_with(**limits: int) -> tuple[WSConnection, bytes]:
    return asking_client(client=WSConnection(ConnectionType.CLIENT, limits=Limits(**limits)))


def padded_request(size: int) -> bytes:
    """A good request of `size` bytes, in header lines of at most 10 KiB."""
    headers = list(REQUEST_HEADERS)
    while (missing := size - len(write_head(b"GET /chat HTTP/1.1", headers))) > 0:
        assert missing > 5
        line = min(10_000, missing)
        line -= 10 if 0 < missing - line < 10 else 0
        headers.append((b"X", b"x" * (line - len(b"X: \r\n"))))
    return write_head(b"GET /chat HTTP/1.1", headers)


def padded_response(key: bytes, size: int) -> bytes:
    """A good response of `size` bytes."""
    filling = size - len(response(key)) - len(b"X: \r\n")
    return response(key, {b"X": [b"x" * filling]})


def test_the_defaults() -> None:
    limits = Limits()
    assert (
        limits.max_handshake_size,
        limits.max_header_line_size,
        limits.max_headers,
        limits.max_interim_responses,
        limits.max_early_data,
        limits.max_reject_body_size,
    ) == (2**16, 2**14, 128, 16, 2**20, 2**20)


# -- Requests


@pytest.mark.parametrize("size", [1_000, 30_000, 65_535, 65_536])
def test_a_request_up_to_64_kib_is_read(size: int) -> None:
    data = padded_request(size)
    assert len(data) == size
    asked_server(data)


@pytest.mark.requirement("R6455-10.7-04", "R9110-5.4-01")
@pytest.mark.parametrize("size", [65_541, 70_000, 200_000])
def test_a_longer_request_is_refused(size: int) -> None:
    refused(padded_request(size), 431)


def test_the_size_of_a_request_is_bounded_by_the_setting() -> None:
    data = padded_request(1_000)
    asked_server(data, server_with(max_handshake_size=1_000))
    refused(data, 431, server=server_with(max_handshake_size=995))


def too_much(start: bytes, piece: bytes) -> Iterator[bytes]:
    """Yield `start` and then `piece` again and again, a little over the 64 KiB that a head may have."""
    yield start
    for _ in range(2**16 // len(piece) + 10):
        yield piece


ENDLESS = [
    ("nothing-but-line-ends", b"", b"\r\n" * 100, (400, 414, 431)),
    ("request-line", b"GET /", b"a" * 200, (414,)),
    ("method", b"", b"G" * 200, (400, 414)),
    ("header-line", b"GET / HTTP/1.1\r\nX: ", b"a" * 200, (431,)),
    ("header-name", b"GET / HTTP/1.1\r\n", b"X" * 200, (400, 431)),
    ("header-lines", b"GET / HTTP/1.1\r\n", b"X: a\r\n", (431,)),
    ("long-header-lines", b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 1000 + b"\r\n", (431,)),
    ("folded-lines", b"GET / HTTP/1.1\r\nX: a\r\n", b" a\r\n", (400, 431)),
]


@pytest.mark.requirement("R6455-10.7-04", "R9112-3-01")
@pytest.mark.parametrize(
    ("start", "piece", "statuses"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS]
)
def test_a_request_that_never_ends_is_refused_in_time(
    start: bytes, piece: bytes, statuses: tuple[int, ...]
) -> None:
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, *too_much(start, piece))
    hint = caught.value.event_hint
    assert isinstance(hint, RejectConnection)
    assert hint.status_code in statuses
    assert read_response(server.send(hint))[0].status == hint.status_code


@pytest.mark.requirement("R9112-3-01")
def test_the_request_line_is_bounded() -> None:
    line = b"GET /" + b"a" * 100 + b" HTTP/1.1"
    asked_server(request(start_line=line), server_with(max_header_line_size=len(line) + 2))
    refused(request(start_line=line), 414, server=server_with(max_header_line_size=len(line) - 1))


@pytest.mark.requirement("R9112-3-01")
def test_the_request_line_is_bounded_by_default() -> None:
    asked_server(request(target=b"/" + b"a" * 16_000))
    refused(request(target=b"/" + b"a" * 17_000), 414)


@pytest.mark.requirement("R6455-10.7-04")
@pytest.mark.requirement("R9112-3-01")
@pytest.mark.parametrize("size", [10**9, 1000, 1], ids=["whole", "in-reads-of-1000", "in-reads-of-1"])
def test_a_request_line_longer_than_the_whole_head_may_be_is_too_long_in_any_cutting(size: int) -> None:
    data = request(target=b"/" + b"a" * 2_000)
    server = server_with(max_handshake_size=1_000, max_header_line_size=500)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, *(data[at : at + size] for at in range(0, len(data), size)))
    assert caught.value.event_hint == RejectConnection(414)


@pytest.mark.requirement("R9110-5.4-01")
def test_a_header_line_is_bounded() -> None:
    line = b"X: " + b"a" * 100
    data = request({b"X": [b"a" * 100]})
    asked_server(data, server_with(max_header_line_size=len(line) + 2))
    refused(data, 431, server=server_with(max_header_line_size=len(line) - 1))


def test_a_header_line_is_bounded_by_default() -> None:
    asked_server(request({b"X": [b"a" * 16_000]}))
    refused(request({b"X": [b"a" * 17_000]}), 431)


@pytest.mark.parametrize("name", [b"Connection", b"Sec-WebSocket-Extensions", b"Host"])
def test_the_limits_are_judged_before_the_values(name: bytes) -> None:
    refused(request({name: [b"\xff" * 17_000]}), 431)


@pytest.mark.requirement("R6455-10.7-04", "R9110-5.4-01")
def test_the_number_of_headers_is_bounded() -> None:
    data = request({b"X": [b"a"] * 5})
    asked_server(data, server_with(max_headers=len(REQUEST_HEADERS) + 5))
    refused(data, 431, server=server_with(max_headers=len(REQUEST_HEADERS) + 4))


def test_the_number_of_headers_is_bounded_by_default() -> None:
    asked_server(request({b"X": [b"a"] * (128 - len(REQUEST_HEADERS))}))
    refused(request({b"X": [b"a"] * (129 - len(REQUEST_HEADERS))}), 431)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_limits_hold_in_any_cutting(size: int) -> None:
    server = server_with(max_headers=10)
    data = request({b"X": [b"a"] * 10})
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, *(data[start : start + size] for start in range(0, len(data), size)))
    assert caught.value.event_hint == RejectConnection(431)


def test_the_handshake_by_itself_takes_limits() -> None:
    handshake = H11Handshake(ConnectionType.SERVER, limits=Limits(max_headers=3))
    with pytest.raises(RemoteProtocolError) as caught:
        handshake.receive_data(request())
    assert caught.value.event_hint == RejectConnection(431)


@pytest.mark.parametrize("bad", [-1, 1.5, "5", True, None], ids=repr)
@pytest.mark.parametrize(
    "name", ["max_handshake_size", "max_header_line_size", "max_headers", "max_early_data"]
)
def test_a_limit_is_a_number(name: str, bad: Any) -> None:
    with pytest.raises(LocalProtocolError):
        Limits(**{name: bad})


any_size = pytest.mark.parametrize("size", [10**9, 50, 1], ids=["whole", "in-reads-of-50", "in-reads-of-1"])


@any_size
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00" * 60 + b"\r\n\r\n", 400),  # no method begins so, and the line is too long
        (b"<" + b"G" * 60 + b"\r\n\r\n", 414),
        (b"<G" + b"\x00" * 15 + b"\n" + b"\x00" * 200 + b"\n\r\n", 431),  # of no sense, and too long
        (b"<G\n" + b"\x00" * 100 + b"\n\r\n", 400),
        (request({b"X": [b"a" * 150]}, target=b"/"), 431),
    ],
    ids=["first-byte", "first-line", "long-head", "head", "request"],
)
def test_what_is_wrong_first_is_what_a_request_is_refused_for(data: bytes, status: int, size: int) -> None:
    server = server_with(max_handshake_size=150, max_header_line_size=40)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, *(data[at : at + size] for at in range(0, len(data), size)))
    assert caught.value.event_hint == RejectConnection(status)


# -- Early data


def events_before_the_refusal(connection: WSConnection, data: bytes, size: int) -> list[Event]:
    """Receive `data`, which has to fail, in reads of `size`."""
    events: list[Event] = []
    for at in range(0, len(data), size):
        try:
            connection.receive_data(data[at : at + size])
        except RemoteProtocolError:
            return [*events, *connection.events()]
        events += connection.events()
    raise AssertionError("nothing was refused")


def hello(count: int) -> bytes:
    return frame(TEXT, b"Hello", mask=MASK) * count


def test_early_data_up_to_a_mebibyte_is_kept() -> None:
    count = 2**20 // len(hello(1))
    server = asked_server()
    assert feed(server, hello(count // 2), hello(count - count // 2)) == []
    server.send(AcceptConnection())
    assert list(server.events()) == [TextMessage("Hello")] * count


@pytest.mark.parametrize("behind_the_request", [True, False])
def test_more_early_data_is_refused(behind_the_request: bool) -> None:
    server = server_with(max_early_data=100)
    first, more = request() + bytes(100 * behind_the_request), bytes(101 - 100 * behind_the_request)
    asked_server(first, server)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, more)
    assert caught.value.event_hint == RejectConnection(400)
    with pytest.raises(LocalProtocolError):
        server.send(AcceptConnection())
    assert read_response(server.send(RejectConnection(400)))[0].status == 400
    assert server.state is ConnectionState.CLOSED


def test_too_much_early_data_in_the_segment_of_the_request_is_refused() -> None:
    server = server_with(max_early_data=100)
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, request() + bytes(101))
    assert caught.value.event_hint == RejectConnection(400)


@any_size
def test_the_request_comes_before_early_data_that_is_refused(size: int) -> None:
    server = server_with(max_early_data=100)
    data = request() + bytes(101)
    assert [type(event) for event in events_before_the_refusal(server, data, size)] == [Request]


def test_early_data_is_no_part_of_the_request() -> None:
    data = request()
    asked_server(data + bytes(200), server_with(max_handshake_size=len(data)))


# -- Responses


def test_a_response_up_to_the_limit_is_read() -> None:
    client, key = client_with(max_handshake_size=1_000)
    accepted(client, padded_response(key, 1_000))


def test_a_longer_response_is_refused() -> None:
    client, key = client_with(max_handshake_size=995)
    assert failed(client, padded_response(key, 1_000)).event_hint == RejectConnection(431)


def test_frames_behind_the_response_are_no_part_of_it() -> None:
    client, key = client_with(max_handshake_size=1_000)
    events = feed(client, padded_response(key, 1_000) + frame(TEXT, b"a" * 2_000))
    assert pieces_joined(events)[1:] == [TextMessage("a" * 2_000)]


def test_a_line_of_the_response_is_bounded() -> None:
    client, key = client_with(max_header_line_size=100)
    failed(client, response(key, {b"X": [b"a" * 100]}))


def test_the_headers_of_the_response_are_bounded() -> None:
    client, key = client_with(max_headers=8)
    accepted(client, response(key, {b"X": [b"a"] * 5}))
    client, key = client_with(max_headers=8)
    failed(client, response(key, {b"X": [b"a"] * 6}))


@pytest.mark.requirement("R9110-15.2-01")
def test_interim_responses_are_bounded_by_default() -> None:
    client, key = asking_client()
    accepted(client, EARLY_HINTS * 16 + response(key))
    client, key = asking_client()
    assert failed(client, EARLY_HINTS * 17 + response(key)).event_hint == RejectConnection(400)


@pytest.mark.parametrize("limit", [0, 1, 40])
def test_interim_responses_are_bounded_by_the_setting(limit: int) -> None:
    client, key = client_with(max_interim_responses=limit)
    accepted(client, *[EARLY_HINTS] * limit, response(key))
    client, key = client_with(max_interim_responses=limit)
    failed(client, *[EARLY_HINTS] * (limit + 1))


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 101 ", b"a" * 200),
        (b"HTTP/1.1 101 a\r\nX: ", b"a" * 200),
        (b"HTTP/1.1 101 a\r\n", b"X: a\r\n"),
        (b"", b"\r\n" * 100),
        (b"", EARLY_HINTS),
        (b"HTTP/1.1 403 a\r\nTransfer-Encoding: chunked\r\n\r\n1", b"0" * 200),
        (b"HTTP/1.1 403 a\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 200),
        (b"HTTP/1.1 403 a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 200),
        (b"HTTP/1.1 403 a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n"),
    ],
    ids=[
        "status-line",
        "header-line",
        "header-lines",
        "line-ends",
        "interim",
        "chunk-size",
        "chunk-extension",
        "trailer-line",
        "trailer-lines",
    ],
)
def test_a_response_that_never_ends_fails_in_time(start: bytes, piece: bytes) -> None:
    client, _ = asking_client()
    with pytest.raises(RemoteProtocolError) as caught:
        feed(client, *too_much(start, piece))
    assert isinstance(caught.value.event_hint, RejectConnection)
    assert client.state is ConnectionState.CLOSED


@pytest.mark.parametrize("size", [10**9, 1000, 1], ids=["whole", "in-reads-of-1000", "in-reads-of-1"])
def test_a_response_that_is_too_long_has_one_hint_in_any_cutting(size: int) -> None:
    client, key = client_with(max_handshake_size=1_000)
    data = padded_response(key, 2_000)
    error = failed(client, *(data[at : at + size] for at in range(0, len(data), size)))
    assert error.event_hint == RejectConnection(431)


# -- The body of a rejection


def with_length(body: bytes) -> bytes:
    return rejection(b"403 Forbidden", (b"Content-Length", b"%d" % len(body)), body=body)


def in_chunks(body: bytes) -> bytes:
    return rejection(
        b"403 Forbidden", CHUNKED, body=chunked(*(body[at : at + 7] for at in range(0, len(body), 7)))
    )


def until_eof(body: bytes) -> bytes:
    return rejection(b"403 Forbidden", body=body)


@pytest.mark.parametrize("size", [10**9, 100], ids=["whole", "in-reads-of-100"])
@pytest.mark.parametrize("framed", [with_length, in_chunks, until_eof])
def test_the_body_of_a_rejection_is_bounded(framed: Callable[[bytes], bytes], size: int) -> None:
    def pieces(data: bytes) -> list[bytes | None]:
        cut: list[bytes | None] = [data[at : at + size] for at in range(0, len(data), size)]
        return [*cut, None]

    client, _ = client_with(max_reject_body_size=1_000)
    assert pieces_joined(feed(client, *pieces(framed(b"a" * 1_000))))[1] == RejectData(b"a" * 1_000)
    client, _ = client_with(max_reject_body_size=1_000)
    failed(client, *pieces(framed(b"a" * 1_001)))


def test_the_body_of_a_rejection_is_bounded_by_default() -> None:
    client, _ = asking_client()
    assert pieces_joined(feed(client, with_length(b"a" * 2**20)))[1] == RejectData(b"a" * 2**20)
    client, _ = asking_client()
    failed(client, with_length(b"a" * (2**20 + 1)))


@any_size
def test_a_body_up_to_its_bound_is_handed_on(size: int) -> None:
    client, _ = client_with(max_reject_body_size=70)
    data = with_length(b"a" * 80)
    bodies = [
        event for event in events_before_the_refusal(client, data, size) if isinstance(event, RejectData)
    ]
    assert b"".join(body.data for body in bodies) == b"a" * 70
    assert not any(body.body_finished for body in bodies)


@any_size
@pytest.mark.parametrize("more", [0, 1])
def test_the_line_before_a_chunk_is_bounded_as_a_head_is(size: int, more: int) -> None:
    line = b"1;" + b"a" * (98 - len(b"1;\r\n") + more) + b"\r\n"
    data = rejection(b"403 F", CHUNKED, body=b"2\r\nHe\r\n" + line + b"y\r\n0\r\n\r\n")
    client, _ = client_with(max_handshake_size=98)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    if more:
        assert failed(client, *pieces).event_hint == RejectConnection(431)
    else:
        assert pieces_joined(feed(client, *pieces))[1:] == [RejectData(b"Hey")]


def test_a_length_over_the_limit_is_refused_before_the_body_comes() -> None:
    client, _ = asking_client()
    with pytest.raises(RemoteProtocolError):
        feed(client, rejection(b"403 Forbidden", (b"Content-Length", b"9" * 15)), b"a" * 2**20, b"a")
    assert state_of(client) is ConnectionState.CLOSED


# -- Work


def many_lines(size: int) -> bytes:
    line = b"a" * (size // 100)
    return request({b"X": [line] * 100})


def long_lines(size: int) -> bytes:
    return request({b"X": [b"a" * (size // 5)] * 5})


@pytest.mark.uncovered
@pytest.mark.parametrize("build", [many_lines, long_lines])
def test_a_request_byte_by_byte_takes_work_in_proportion_to_its_size(build: Callable[[int], bytes]) -> None:
    def calls_per_byte(size: int) -> float:
        server = WSConnection(ConnectionType.SERVER)
        data = build(size)
        count = calls(lambda: read_through(server, data, 1))
        server.send(AcceptConnection())
        return count / len(data)

    calls_per_byte(1_000)  # what is computed once is computed here
    small, large = calls_per_byte(5_000), calls_per_byte(30_000)
    assert large < 100
    assert large < small * 1.5


@pytest.mark.uncovered
def test_a_response_byte_by_byte_takes_work_in_proportion_to_its_size() -> None:
    def calls_per_byte(size: int) -> float:
        client, key = asking_client()
        data = response(key, {b"X": [b"a" * (size // 5)] * 5})
        count = calls(lambda: read_through(client, data, 1))
        assert state_of(client) is ConnectionState.OPEN
        return count / len(data)

    calls_per_byte(1_000)
    small, large = calls_per_byte(5_000), calls_per_byte(25_000)
    assert large < 100
    assert large < small * 1.5


@pytest.mark.uncovered
def test_early_data_byte_by_byte_takes_work_in_proportion_to_its_size() -> None:
    def calls_per_byte(size: int) -> float:
        server = asked_server()
        data = bytes(size)
        return calls(lambda: read_through(server, data, 1)) / size

    calls_per_byte(1_000)
    small, large = calls_per_byte(4_000), calls_per_byte(20_000)
    assert large < 100
    assert large < small * 1.5


@pytest.mark.uncovered
def test_a_request_event_is_plain_after_a_bytewise_read() -> None:
    data = long_lines(60_000)
    server = WSConnection(ConnectionType.SERVER)
    (event,) = feed(server, *(data[at : at + 1] for at in range(len(data))))
    assert type(event) is Request
    assert [value for name, value in event.extra_headers if name == b"x"] == [b"a" * 12_000] * 5
