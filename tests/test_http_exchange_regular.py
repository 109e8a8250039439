"""Heads that are read without h11: one that is regular becomes an event, all else is left to h11."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.oracle.handshake_bytes import KEY, asking_client, request, response
from tests.oracle.receiving import feed
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h11", None)  # to import it is an ImportError


def test_a_regular_request_is_read() -> None:
    data = request({b"X-A": [b" \ta\xffb\t "], b"X-B": [b""]}, target=b"/a?b")
    (event,) = feed(WSConnection(ConnectionType.SERVER), data)
    assert isinstance(event, Request)
    assert (event.host, event.target) == ("server.example.com", "/a?b")
    assert event.extra_headers[-2:] == [(b"x-a", b"a\xffb"), (b"x-b", b"")]


def test_a_regular_acceptance_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    data = response(KEY, {b"X-A": [b"a"]}, status_line=b"HTTP/1.1 101 any\treason")
    assert feed(asking_client()[0], data) == [AcceptConnection(extra_headers=[(b"x-a", b"a")])]


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
        b"\r\n" + request(),
        request()[:-1],
    ],
)
def test_another_request_is_left_to_h11(head: bytes) -> None:
    with pytest.raises(ImportError):
        WSConnection(ConnectionType.SERVER).receive_data(head)


@pytest.mark.parametrize(
    "head",
    [
        response(KEY, status_line=b"HTTP/1.1 200 OK"),
        response(KEY, status_line=b"HTTP/1.0 101 "),
        response(KEY, status_line=b"HTTP/1.1 101"),
        response(KEY, status_line=b"HTTP/1.1 101 \xff"),
        response(KEY, {b"Content-Length": [b"0"]}),
        response(KEY, {b"X-A": [b"a\r\n b"]}),
        response(KEY)[:-1],
    ],
)
def test_another_response_is_left_to_h11(head: bytes) -> None:
    with pytest.raises(ImportError):
        asking_client()[0].receive_data(head)


VISIBLE, OBS_TEXT = {*range(0x21, 0x7F)}, {*range(0x80, 0x100)}


@pytest.mark.parametrize(
    ("role", "head", "allowed"),
    [
        (ConnectionType.SERVER, lambda byte: request(target=b"/%c" % byte), VISIBLE),
        (
            ConnectionType.SERVER,
            lambda byte: request({b"X-A": [b"a%cb" % byte]}),
            {0x09, 0x20} | VISIBLE | OBS_TEXT,
        ),
        (
            ConnectionType.CLIENT,
            lambda byte: response(KEY, status_line=b"HTTP/1.1 101 a%cb" % byte),
            {0x09, 0x20} | VISIBLE,
        ),
    ],
    ids=["target", "value", "reason phrase"],
)
def test_each_byte_is_read_here_or_left_to_h11(
    role: ConnectionType, head: Callable[[int], bytes], allowed: set[int]
) -> None:
    """RFC 9112 3.2, 5, 4."""
    read = set()
    for byte in range(256):
        connection = WSConnection(role) if role is ConnectionType.SERVER else asking_client()[0]
        with suppress(ImportError):
            with suppress(RemoteProtocolError):  # it is read, and refused
                connection.receive_data(head(byte))
            read.add(byte)
    assert read == allowed
