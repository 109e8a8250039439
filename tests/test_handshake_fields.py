"""Header fields of a handshake: reading and judging the peer's, checking those of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.handshake_bytes import (
    asked_server,
    asking_client,
    failed,
    read_head,
    refused,
    request,
    response,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionType, Limits, WSConnection, handshake_fields
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.extensions import Extension
from wsproto.handshake_fields import list_of
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsproto.events import Event

RESERVED = [
    b"Connection",
    b"Content-Length",
    b"Host",
    b"Sec-WebSocket-Accept",
    b"Sec-WebSocket-Extensions",
    b"Sec-WebSocket-Key",
    b"Sec-WebSocket-Protocol",
    b"Sec-WebSocket-Version",
    b"Transfer-Encoding",
    b"Upgrade",
]


def client_sends(fields: Any) -> bytes:
    return WSConnection(ConnectionType.CLIENT).send(Request("localhost", "/", extra_headers=fields))


def server_sends(fields: Any) -> bytes:
    return asked_server().send(AcceptConnection(extra_headers=fields))


def server_rejects(fields: Any) -> bytes:
    return asked_server().send(RejectConnection(403, fields))


each_message = pytest.mark.parametrize("send", [client_sends, server_sends, server_rejects])


def read(data: bytes) -> list[Event]:
    return feed(WSConnection(ConnectionType.SERVER), data)


@pytest.mark.parametrize("name", [b"Sec-WebSocket-Key", b"Sec-WebSocket-Version"])
def test_a_header_that_stands_once(name: bytes) -> None:
    value = dict(line.split(b": ", 1) for line in request().split(b"\r\n")[1:-2])[name]
    assert str(refused(request({name: []}), 400)) == f"Missing header, {name.decode()!r}"
    assert str(refused(request({name: [value] * 3}), 400)) == (
        f"Header {name.decode()!r} occurs 3 times, at most one is permitted (RFC 6455 11.3)"
    )


def test_a_header_that_may_stand_once_may_be_missing() -> None:
    client, key = asking_client(Request("localhost", "/", subprotocols=["a"]))
    assert feed(client, response(key)) == [AcceptConnection()]
    client, key = asking_client(Request("localhost", "/", subprotocols=["a"]))
    error = failed(client, response(key, {b"Sec-WebSocket-Protocol": [b"a", b"a"]}))
    assert str(error).startswith("Header 'Sec-WebSocket-Protocol' occurs 2 times")


def test_a_list_goes_over_all_lines_and_its_empty_elements_count_for_nothing() -> None:
    lines = {
        b"Sec-WebSocket-Protocol": [b"a, ,b", b"", b",c"],
        b"Sec-WebSocket-Extensions": [b'x-a; b=1, x-c; d="e",'],
    }
    (event,) = read(request(lines))
    assert isinstance(event, Request)
    assert event.subprotocols == ["a", "b", "c"]
    assert event.extensions == ["x-a; b=1", 'x-c; d="e"']


@pytest.mark.parametrize("name", [b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a, b c", "b'b c' does not follow its grammar"),
        (b" ,,", "it has no element"),
        (b'a, "b', "b'a, \"b' has a"),
    ],
)
def test_a_bad_list_is_refused(name: bytes, value: bytes, text: str) -> None:
    error = refused(request({name: [value]}), 400)
    assert str(error).startswith(f"Bad header {name.decode()!r}: {text}")


@each_message
def test_the_application_s_fields_may_be_bytes_or_text(send: Callable[[Any], bytes]) -> None:
    head, _ = read_head(send([("X-A", "b"), (bytearray(b"x-c"), memoryview(b"\xff"))]))
    assert [field for field in head.headers if field[0] in (b"X-A", b"x-c")] == [
        (b"X-A", b"b"),
        (b"x-c", b"\xff"),
    ]


@each_message
@pytest.mark.parametrize("name", [b"Host", b"Sec-WebSocket-Key", b"sec-websocket-accept"])
def test_what_the_library_writes_itself_is_refused(send: Callable[[Any], bytes], name: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="is written by the library, or has no place here"):
        send([(name, b"a")])


@pytest.mark.parametrize("name", RESERVED)
def test_all_of_those_are_refused_in_a_request_and_an_acceptance(name: bytes) -> None:
    for send in (client_sends, server_sends):
        with pytest.raises(LocalProtocolError, match="is written by the library, or has no place here"):
            send([(name, b"a")])


@each_message
@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(
            (field, "must be a pair of bytes")
            for field in [(b"X",), (1, 2), None, ("\xe9", b"a"), (b"X", None)]
        ),
        ((b"X Y", b"a"), "cannot be the name of a header"),
        ((b"", b"a"), "cannot be the name of a header"),
        ((b"X", b"a\nb"), "cannot be the value of a header"),
    ],
)
def test_what_cannot_stand_on_a_line_is_refused(send: Callable[[Any], bytes], field: Any, text: str) -> None:
    with pytest.raises(LocalProtocolError, match=text):
        send([field])


class Named(Extension):
    """Offers what a test says, whatever its name is."""

    def __init__(self, name: str, offered: bool | str = "b=1") -> None:
        self.name = name
        self._offered = offered

    def offer(self) -> bool | str:
        return self._offered


def test_an_extension_is_written_with_its_parameters() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    offers = [Named("x-a"), Named("x-b", True), Named("x-c", "")]
    head, _ = read_head(client.send(Request("localhost", "/", list(offers))))
    assert head.one(b"Sec-WebSocket-Extensions") == b"x-a; b=1, x-b, x-c"
    for bad in ("x-a, x-b", "x-a\r\n", "\ud800", ""):
        with pytest.raises(LocalProtocolError, match="is not an extension with its parameters"):
            WSConnection(ConnectionType.CLIENT).send(Request("localhost", "/", [Named(bad)]))


def test_the_tables_value_by_value() -> None:
    """By the names in lower case, as fields are collected."""
    framing, upgrading = {b"content-length", b"transfer-encoding"}, {b"connection", b"upgrade"}
    negotiating = {b"sec-websocket-protocol", b"sec-websocket-extensions"}
    proving = {b"sec-websocket-key", b"sec-websocket-accept"}
    assert handshake_fields.WEBSOCKET_VERSION == b"13"
    assert framing == handshake_fields.FRAMING
    assert upgrading == handshake_fields.UPGRADING
    assert negotiating == handshake_fields.NEGOTIATING
    assert proving == handshake_fields.PROVING
    assert negotiating | {b"host"} == handshake_fields.NOT_EXTRA_IN_REQUEST
    assert negotiating | upgrading | {b"sec-websocket-accept"} == handshake_fields.NOT_EXTRA_IN_ACCEPT
    assert {name.lower() for name in RESERVED} == handshake_fields.RESERVED


@pytest.mark.parametrize(
    ("name", "element", "rule"),
    [
        ("Connection", b"a/b", "RFC 9110 7.6.1"),
        ("Upgrade", b"a/b/c", "RFC 9110 7.8"),
        ("Sec-WebSocket-Protocol", b"a/b", "RFC 6455 4.1"),
        ("Sec-WebSocket-Extensions", b"a/b", "RFC 6455 9.1"),
    ],
)
def test_each_list_has_the_grammar_of_its_elements(name: str, element: bytes, rule: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        list_of({name.lower().encode(): [b"ok", element]}, name)
    assert str(caught.value) == f"Bad header {name!r}: {element!r} does not follow its grammar ({rule})"
    assert caught.value.event_hint == RejectConnection(400)


@pytest.mark.parametrize(
    ("least", "limits", "text"),
    [
        (Limits(max_headers=6), Limits(max_headers=5), "6 header lines, at most 5 are permitted"),
        (
            Limits(max_header_line_size=103),
            Limits(max_header_line_size=102),
            "Header b'x' is longer than 102 bytes",
        ),
    ],
    ids=["number", "size"],
)
def test_lines_beyond_the_limits_are_refused(least: Limits, limits: Limits, text: str) -> None:
    """Five lines are in each request; that of X has 103 bytes."""
    data = request({b"X": [b"a" * 100]})
    asked_server(data, WSConnection(ConnectionType.SERVER, limits=least))
    assert str(refused(data, 431, server=WSConnection(ConnectionType.SERVER, limits=limits))) == text
