"""Heads that are read without h11: what is regular comes as a value, all else is left to h11 (None)."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import KEY, request, response
from wsproto.http_head import regular_acceptance, regular_request, written_head


def test_a_regular_request_is_read() -> None:
    head = regular_request(request({b"X-A": [b" \ta\xffb\t "], b"X-B": [b""]}, target=b"/a?b"))
    assert head is not None
    assert (head.method, head.target, head.http_version) == (b"GET", b"/a?b", b"1.1")
    assert head.headers[0] == (b"host", b"server.example.com")
    assert head.headers[-2:] == [(b"x-a", b"a\xffb"), (b"x-b", b"")]


def test_a_regular_acceptance_is_read() -> None:
    head = regular_acceptance(response(KEY, status_line=b"HTTP/1.1 101 any\treason"))
    assert head is not None
    assert (head.status_code, head.http_version) == (101, b"1.1")
    assert [name for name, _ in head.headers] == [b"upgrade", b"connection", b"sec-websocket-accept"]


@pytest.mark.parametrize(
    "head",
    [
        request(start_line=b"POST / HTTP/1.1"),
        request(start_line=b"GET / HTTP/1.0"),
        request(start_line=b"GET  HTTP/1.1"),
        request(target=b"/a b"),
        request(target=b"/\xff"),
        request({b"Host": []}),
        request({b"Host": [b"a", b"b"]}),
        request({b"Content-Length": [b"0"]}),
        request({b"Transfer-Encoding": [b"chunked"]}),
        request({b"X-A": [b"a\r\n b"]}),
        request({b"X-A": [b"a\0"]}),
        request({b"X A": [b"a"]}),
        request().replace(b"\r\n", b"\n"),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_another_request_is_left_to_h11(head: bytes) -> None:
    assert regular_request(head) is None


@pytest.mark.parametrize(
    "head",
    [
        response(KEY, status_line=b"HTTP/1.1 200 OK"),
        response(KEY, status_line=b"HTTP/1.0 101 "),
        response(KEY, status_line=b"HTTP/1.1 101"),
        response(KEY, status_line=b"HTTP/1.1 101 \xff"),
        response(KEY, {b"Content-Length": [b"0"]}),
        response(KEY, {b"X-A": [b"a\r\n b"]}),
    ],
)
def test_another_response_is_left_to_h11(head: bytes) -> None:
    assert regular_acceptance(head) is None


def test_a_head_is_written_in_order() -> None:
    assert (
        written_head(b"GET / HTTP/1.1", [(b"B", b"2"), (b"a", b"")])
        == b"GET / HTTP/1.1\r\nB: 2\r\na: \r\n\r\n"
    )
    assert written_head(b"HTTP/1.1 101 ", []) == b"HTTP/1.1 101 \r\n\r\n"
