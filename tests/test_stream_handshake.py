"""The opening handshake on a stream of HTTP/2 or HTTP/3 (RFC 8441, RFC 9220): header lists in and out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.marks import roles
from tooling.frames import CLOSE, MASK, PING, TEXT, close_payload, frame
from wsproto import Connection, ConnectionState, ConnectionType, Ending, Limits
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.stream_handshake import (
    H3_MESSAGE_ERROR,
    H3_REQUEST_CANCELLED,
    HTTP2_CANCEL,
    HTTP2_PROTOCOL_ERROR,
    StreamHandshake,
    asks_for_websocket,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsproto.typing import Headers

CONNECTING, OPEN, CLOSED, REJECTING = (
    ConnectionState.CONNECTING,
    ConnectionState.OPEN,
    ConnectionState.CLOSED,
    ConnectionState.REJECTING,
)

#: RFC 8441 5.1.
REQUEST: Headers = [
    (b":method", b"CONNECT"),
    (b":protocol", b"websocket"),
    (b":scheme", b"https"),
    (b":path", b"/chat"),
    (b":authority", b"server.example.com"),
    (b"sec-websocket-protocol", b"chat, superchat"),
    (b"sec-websocket-extensions", b"permessage-deflate"),
    (b"sec-websocket-version", b"13"),
    (b"origin", b"http://www.example.com"),
]
RESPONSE: Headers = [(b":status", b"200"), (b"sec-websocket-protocol", b"chat")]


def request(changes: dict[bytes, bytes | None] | None = None, *more: tuple[bytes, bytes]) -> Headers:
    """REQUEST with other values, or without a field (None), and with `more` behind it."""
    changed = {**dict(REQUEST), **(changes or {})}
    return [(name, value) for name, value in changed.items() if value is not None] + list(more)


def server(**limits: int) -> StreamHandshake:
    return StreamHandshake(ConnectionType.SERVER, limits=Limits(**limits))


def asked(headers: Iterable[tuple[bytes, bytes]] = REQUEST, **limits: int) -> tuple[StreamHandshake, Request]:
    handshake = server(**limits)
    handshake.receive_headers(headers)
    (event,) = handshake.events()
    assert isinstance(event, Request)
    return handshake, event


def accepted(headers: Headers = REQUEST) -> StreamHandshake:
    handshake, _ = asked(headers)
    handshake.send(AcceptConnection())
    return handshake


def refusal(handshake: StreamHandshake, headers: Headers, text: str) -> Headers:
    """Receive what has to be refused; give the response that the error carries."""
    with pytest.raises(RemoteProtocolError, match=text) as caught:
        handshake.receive_headers(headers)
    assert isinstance(caught.value.event_hint, RejectConnection)
    assert (list(handshake.events()), handshake.state, handshake.failed) == ([], CONNECTING, True)
    assert not handshake.can_send(AcceptConnection)
    response: Headers = handshake.send(caught.value.event_hint)
    assert handshake.state is CLOSED
    return response


def asking(event: Request | None = None, **limits: int) -> StreamHandshake:
    handshake = StreamHandshake(ConnectionType.CLIENT, limits=Limits(**limits))
    handshake.send(event or Request("server.example.com", "/chat", subprotocols=["chat", "superchat"]))
    return handshake


def answered(*sections: Headers, event: Request | None = None, **limits: int) -> list[Event]:
    handshake = asking(event, **limits)
    for section in sections:
        handshake.receive_headers(section)
    return list(handshake.events())


def failure(handshake: StreamHandshake, text: str, *sections: Headers | bytes | None) -> None:
    """Let the last of `sections` be what a client does not accept."""

    def receive(section: Headers | bytes | None) -> None:
        if isinstance(section, list):
            handshake.receive_headers(section)
        else:
            handshake.receive_data(section)

    for section in sections[:-1]:
        receive(section)
    with pytest.raises(RemoteProtocolError, match=text) as caught:
        receive(sections[-1])
    assert caught.value.event_hint is None, "the stream is to be reset"
    assert (handshake.state, handshake.failed, handshake.connection) == (CLOSED, True, None)


# Routing.


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        (REQUEST, True),
        ([(b":protocol", b"websocket"), *request({b":protocol": None})], True),
        (request({b":protocol": b"WebSocket"}), True),
        (request({b":protocol": b"foo"}), False),
        (request({b":protocol": b""}), False),
        (request({b":protocol": None}), False),
        (request({b":method": b"GET"}), False),
        ([(b":method", b"CONNECT"), (b":authority", b"a")], False),
        ([*REQUEST, (b":protocol", b"foo")], True),  # which is malformed: the handshake's to refuse
        ([], False),
    ],
)
@pytest.mark.requirement("R8441-4-03", "R9110-7.8-07")
def test_only_a_connect_for_websocket_is_routed_here(headers: Headers, *, is_one: bool) -> None:
    assert asks_for_websocket(headers) is is_one
    assert asks_for_websocket(iter(headers)) is is_one


# The request, as a client writes it.


@pytest.mark.requirement(
    "R8441-4-01",
    "R8441-4-02",
    "R8441-5-01",
    "R8441-5-02",
    "R8441-5-04",
    "R8441-5-05",
    "R8441-5-06",
    "R9113-8.3.1-07",
    "R9114-4.3.1-04",
)
@pytest.mark.requirement("R8441-5-07", "R9113-8.2-01", "R9113-8.3-02", "R9114-4.3-01")
def test_a_client_writes_an_extended_connect_in_lower_case_without_host_key_and_hop_by_hop() -> None:
    client = StreamHandshake(ConnectionType.CLIENT)
    event = Request(
        "server.example.com",
        "chat?a=b",
        extensions=[PerMessageDeflate()],
        extra_headers=[(b"Origin", b"http://www.example.com"), (b"TE", b"trailers")],
        subprotocols=["chat", "superchat"],
    )
    assert client.send(event) == [
        (b":method", b"CONNECT"),
        (b":protocol", b"websocket"),
        (b":scheme", b"https"),
        (b":authority", b"server.example.com"),
        (b":path", b"/chat?a=b"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-protocol", b"chat, superchat"),
        (b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits"),
        (b"origin", b"http://www.example.com"),
        (b"te", b"trailers"),
    ]
    assert client.state is CONNECTING, "its side of the stream stays open"
    assert repr(client) == "StreamHandshake(client=True, state=ConnectionState.CONNECTING)"


@pytest.mark.requirement("R8441-5-03")
def test_the_scheme_is_https_unless_it_is_given() -> None:
    client = StreamHandshake(ConnectionType.CLIENT, scheme="http")
    assert (b":scheme", b"http") in client.send(Request("a", "/"))
    with pytest.raises(LocalProtocolError, match=r"'https' .for wss. or 'http' .for ws., not 'wss'"):
        StreamHandshake(ConnectionType.CLIENT, scheme="wss")


def test_a_client_may_send_a_key_as_its_own_header_since_some_proxies_want_one() -> None:
    client = StreamHandshake(ConnectionType.CLIENT)
    key = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
    assert key in client.send(Request("a", "/", extra_headers=[(b"Sec-WebSocket-Key", key[1])]))


@pytest.mark.parametrize(
    "event",
    [
        Request("a", "https://a/"),  # ':path' is a path
        Request("a", "/#top"),
        Request("user@a", "/"),
        Request("", "/"),
        Request("a", "/", extra_headers=[(b"Host", b"b")]),
        Request("a", "/", extra_headers=[(b":path", b"/")]),
        Request("a", "/", extra_headers=[(b"x", b"a\r\nb")]),
        Request("a", "/", extra_headers=[(b"x", b"a\0")]),
        Request("a", "/", extra_headers=[(b"x", b" a")]),
        *(
            Request("a", "/", extra_headers=[(name, b"trailers")])
            for name in (b"Connection", b"Upgrade", b"Keep-Alive", b"Proxy-Connection", b"Transfer-Encoding")
        ),
        Request("a", "/", extra_headers=[(b"TE", b"gzip")]),
        Request("a", "/", extra_headers=[(b"Content-Length", b"0")]),
        Request("a", "/", extra_headers=[(b"Sec-WebSocket-Version", b"8")]),
        Request("a", "/", subprotocols=["a b"]),
        Request("a", 1),  # type: ignore[arg-type]
        AcceptConnection(),
        RejectConnection(),
        RejectData(b""),
        Ping(),
    ],
)
@pytest.mark.requirement(
    "R9113-8.2.2-01",
    "R9113-8.3.1-02",
    "R9113-8.2.2-03",
    "R9113-8.2.1-03",
    "R9113-8.2.1-04",
    "R9113-8.3-04",
    "R9114-4.3-02",
    "R8441-5-04",
)
def test_what_a_client_cannot_send_changes_nothing(event: Any) -> None:
    client = StreamHandshake(ConnectionType.CLIENT)
    with pytest.raises(LocalProtocolError):
        client.send(event)
    assert client.state is CONNECTING
    assert client.send(Request("a", "/"))
    with pytest.raises(LocalProtocolError, match="SEND_REQUEST"):
        client.send(Request("a", "/"))


# The request, as a server reads it.


@pytest.mark.requirement("R8441-4-01", "R8441-5-07", "R9220-3-01")
def test_a_server_reads_the_request_of_rfc_8441() -> None:
    handshake, event = asked()
    assert event == Request(
        "server.example.com",
        "/chat",
        extensions=["permessage-deflate"],
        extra_headers=[(b"sec-websocket-version", b"13"), (b"origin", b"http://www.example.com")],
        subprotocols=["chat", "superchat"],
    )
    assert (handshake.state, handshake.scheme, handshake.client) == (CONNECTING, "https", False)
    assert handshake.can_send(AcceptConnection)
    assert handshake.can_send(RejectConnection)
    assert not handshake.can_send(Request)


def test_any_pairs_of_bytes_are_a_header_section() -> None:
    class Pair(tuple[bytes, bytes]):
        """As hpack's HeaderTuple is."""

        __slots__ = ()

    asked(Pair(field) for field in REQUEST)
    asked([(memoryview(name), bytearray(value)) for name, value in REQUEST])  # type: ignore[misc]


@pytest.mark.parametrize("headers", [[(":method", "CONNECT")], [(b"a",)], [1], 1, None])
def test_what_is_not_pairs_of_bytes_is_a_fault_of_the_program_and_changes_nothing(headers: Any) -> None:
    handshake = server()
    with pytest.raises(LocalProtocolError, match="pairs of bytes"):
        handshake.receive_headers(headers)
    handshake.receive_headers(REQUEST)
    assert len(list(handshake.events())) == 1


@pytest.mark.parametrize("protocol", [b"WebSocket", b"WEBSOCKET"])
@pytest.mark.requirement("R9110-7.8-07")
def test_the_name_of_the_protocol_has_no_case(protocol: bytes) -> None:
    asked(request({b":protocol": protocol}))


@pytest.mark.parametrize(("scheme", "read"), [(b"http", "http"), (b"https", "https"), (b"HTTPS", "https")])
def test_the_scheme_of_a_request_is_readable(scheme: bytes, read: str) -> None:
    assert asked(request({b":scheme": scheme}))[0].scheme == read


@pytest.mark.parametrize(
    "more",
    [
        [(b"host", b"server.example.com")],
        [(b"host", b"SERVER.example.com")],
        [(b"te", b"trailers")],
        [(b"content-length", b"0")],
        [(b"sec-websocket-key", b"whatever")],
        [(b"sec-websocket-accept", b"whatever")],
        [(b"sec-websocket-protocol", b"third")],
        [(b"x", b"")],
    ],
)
@pytest.mark.requirement("R8441-5-06", "R9113-8.2.2-03", "R9114-4.2-02", "R9113-8.3.1-06")
def test_what_a_request_may_have(more: Headers) -> None:
    _, event = asked([*REQUEST, *more])
    names = dict(event.extra_headers)
    assert b"host" not in names
    assert event.host == "server.example.com"
    assert not any(name.startswith(b":") for name in names)


@pytest.mark.requirement("R9113-8.2.3-01", "R9114-4.2.1-01")
def test_cookies_are_joined_for_the_application() -> None:
    _, event = asked([*REQUEST, (b"cookie", b"a=b"), (b"x", b"1"), (b"cookie", b"c=d"), (b"cookie", b"e=f")])
    cookies = [field for field in event.extra_headers if field[0] == b"cookie"]
    assert cookies == [(b"cookie", b"a=b; c=d; e=f")]
    assert (b"x", b"1") in event.extra_headers


@pytest.mark.parametrize(
    "headers",
    [
        request({b":protocol": b"foo"}),
        request({b":protocol": b"websocket/13"}),
        request({b":protocol": None, b":method": b"GET"}),
        request({b":protocol": None, b":scheme": None, b":path": None}),
    ],
)
@pytest.mark.requirement("R9220-3-02", "R8441-4-03")
def test_another_protocol_and_an_ordinary_request_are_501(headers: Headers) -> None:
    assert refusal(server(), headers, ":protocol") == [(b":status", b"501"), (b"content-length", b"0")]


MALFORMED = {
    "CONNECT with a path, without a protocol": request({b":protocol": None, b":scheme": None}),
    "CONNECT with a scheme, without a protocol": request({b":protocol": None, b":path": None}),
    "a protocol with GET": request({b":method": b"GET"}),
    "a protocol with connect": request({b":method": b"connect"}),
    "no method": request({b":method": None}),
    "an empty protocol": request({b":protocol": b""}),
    "a list of protocols": request({b":protocol": b"websocket, foo"}),
    "two protocols": [*REQUEST[:2], (b":protocol", b"websocket"), *REQUEST[2:]],
    "a protocol behind a field": [*REQUEST[:1], *REQUEST[2:], REQUEST[1]],
    "two paths": [*REQUEST[:4], (b":path", b"/chat"), *REQUEST[4:]],
    "no scheme": request({b":scheme": None}),
    "no path": request({b":path": None}),
    "no authority": request({b":authority": None}),
    "no authority, but Host": request({b":authority": None}, (b"host", b"server.example.com")),
    "an empty scheme": request({b":scheme": b""}),
    "an empty path": request({b":path": b""}),
    "an empty authority": request({b":authority": b""}),
    "the scheme wss": request({b":scheme": b"wss"}),
    "a scheme beyond ASCII": request({b":scheme": b"\xff"}),
    "a path without a slash": request({b":path": b"chat"}),
    "the path *": request({b":path": b"*"}),
    "a path with a fragment": request({b":path": b"/#top"}),
    "a path with a space": request({b":path": b"/a b"}),
    "a path beyond ASCII": request({b":path": b"/\xc3\xa4"}),
    "a path that is a URI": request({b":path": b"https://server.example.com/"}),
    "userinfo": request({b":authority": b"user@server.example.com"}),
    "an unknown pseudo-header": [(b":foo", b"bar"), *REQUEST],
    "a status": [(b":status", b"200"), *REQUEST],
    "another Host": [*REQUEST, (b"host", b"other.example.com")],
    "two Hosts": [*REQUEST, *[(b"host", b"server.example.com")] * 2],
    "connection": [*REQUEST, (b"connection", b"upgrade")],
    "upgrade": [*REQUEST, (b"upgrade", b"websocket")],
    "keep-alive": [*REQUEST, (b"keep-alive", b"timeout=5")],
    "proxy-connection": [*REQUEST, (b"proxy-connection", b"close")],
    "transfer-encoding": [*REQUEST, (b"transfer-encoding", b"chunked")],
    "te": [*REQUEST, (b"te", b"gzip")],
    "a name in upper case": [*REQUEST, (b"X", b"")],
    "no name": [*REQUEST, (b"", b"")],
    "a name with a space": [*REQUEST, (b"a b", b"")],
    "a name with a colon": [*REQUEST, (b"a:b", b"")],
    "a name beyond ASCII": [*REQUEST, (b"\xe4", b"")],
    "a name with a control character": [*REQUEST, (b"a\x7f", b"")],
    "CR": [*REQUEST, (b"x", b"a\rb")],
    "LF": [*REQUEST, (b"x", b"a\nb")],
    "NUL": [*REQUEST, (b"x", b"a\0b")],
    "CR in a pseudo-header": request({b":path": b"/\r"}),
    "white space before a value": [*REQUEST, (b"x", b" a")],
    "white space behind a value": [*REQUEST, (b"x", b"a\t")],
    "content": [*REQUEST, (b"content-length", b"5")],
    "a length of nothing": [*REQUEST, (b"content-length", b"")],
    "two lengths": [*REQUEST, *[(b"content-length", b"0")] * 2],
    "no version": request({b"sec-websocket-version": None}),
    "two versions": [*REQUEST, (b"sec-websocket-version", b"13")],
    "a protocol that is no token": request({b"sec-websocket-protocol": b"a b"}),
    "the same protocol twice": [*REQUEST, (b"sec-websocket-protocol", b"chat")],
    "an extension against its grammar": request({b"sec-websocket-extensions": b"a; b=;"}),
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.requirement("R9113-8.1.1-01", "R9113-8.1.1-02", "R9114-4.1.2-01", "R9114-4.1.2-02")
@pytest.mark.requirement("R8441-4-02", rows="no scheme|no path|an empty scheme|an empty path")
@pytest.mark.requirement("R9110-9.3.6-03", rows="content|two lengths")
@pytest.mark.requirement(
    "R9113-8.2.1-01",
    rows="a name in *|a name with a space|a name beyond *|a name with a control *|no name",
)
@pytest.mark.requirement("R9113-8.2.1-02", rows="a name with a colon")
@pytest.mark.requirement("R9113-8.2.1-03", rows="CR*|LF|NUL")
@pytest.mark.requirement("R9113-8.2.1-04", rows="white space*")
@pytest.mark.requirement("R9113-8.2.1-05", "R9114-4.2-01", rows="CR*|LF|NUL|white space*|a name*")
@pytest.mark.requirement(
    "R9113-8.2.2-02", rows="connection|upgrade|keep-alive|proxy-connection|transfer-encoding"
)
@pytest.mark.requirement("R9113-8.2.2-03", rows="te")
@pytest.mark.requirement(
    "R9114-4.2-02", rows="connection|upgrade|keep-alive|proxy-connection|transfer-encoding|te"
)
@pytest.mark.requirement("R9113-8.3-01", rows="an unknown pseudo-header|a status")
@pytest.mark.requirement("R9113-8.3-02", rows="a protocol behind a field")
@pytest.mark.requirement("R9113-8.3-03", rows="two protocols|two paths")
@pytest.mark.requirement("R9114-4.3-01", rows="an unknown pseudo-header|a status|a protocol behind a field")
@pytest.mark.requirement("R9113-8.3.1-01", "R9114-4.3.1-02", rows="userinfo")
@pytest.mark.requirement("R9113-8.3.1-03", rows="another Host")
@pytest.mark.requirement("R9113-8.3.1-04", "R9114-4.3.1-03", rows="an empty path|a path without a slash")
@pytest.mark.requirement("R9114-4.3.1-01", rows="no *|an empty *|another Host")
@pytest.mark.requirement("R9113-8.5-01", "R9114-4.4-01", rows="CONNECT with*")
def test_a_request_that_breaks_a_rule_is_refused_with_400(headers: Headers) -> None:
    response = refusal(server(), headers, "RFC|Missing header")
    assert response[0] == (b":status", b"400")
    assert (b"content-length", b"0") in response


@pytest.mark.requirement("R9113-8.3-01", "R9113-8.3-02", "R9113-8.3-03")
@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ([(b":paths", b"/"), *REQUEST], "':paths' is unknown"),
        ([REQUEST[0], *REQUEST], f"{REQUEST[0][0].decode()!r} is repeated"),
        ([*REQUEST[1:], REQUEST[0]], f"{REQUEST[0][0].decode()!r} is behind a field"),
    ],
)
def test_a_pseudo_header_out_of_place_is_told_its_fault(headers: Headers, fault: str) -> None:
    assert refusal(server(), headers, f"Pseudo-header b{fault} ")[0] == (b":status", b"400")


def test_each_byte_may_stand_in_a_path_or_not() -> None:
    """Visible ASCII but `#`, which begins a fragment."""
    allowed = set()
    for byte in range(256):
        with suppress(RemoteProtocolError):
            server().receive_headers(request({b":path": b"/a%cb" % byte}))
            allowed.add(byte)
    assert allowed == {*range(0x21, 0x7F)} - {ord("#")}


def test_another_version_is_refused_with_400_that_names_13() -> None:
    """426 needs Upgrade (RFC 9110 15.5.22), which a stream cannot have."""
    response = refusal(server(), request({b"sec-websocket-version": b"8"}), "Sec-WebSocket-Version")
    assert response == [
        (b":status", b"400"),
        (b"sec-websocket-version", b"13"),
        (b"content-length", b"0"),
    ]


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        ([*REQUEST, *[(b"x", b"")] * 300], {}),
        (REQUEST, {"max_headers": 8}),
        ([*REQUEST, (b"x", b"a" * 2**14)], {}),
        ([*REQUEST, *[(b"x", b"a" * 2**13)] * 8], {}),
        (REQUEST, {"max_handshake_size": 499}),
        (REQUEST, {"max_header_line_size": 43}),
    ],
)
@pytest.mark.requirement("R9114-4.2.2-01")
def test_a_header_section_over_a_limit_is_431(headers: Headers, limits: dict[str, int]) -> None:
    assert refusal(server(**limits), headers, "at most|longer than")[0] == (b":status", b"431")


def test_a_header_section_at_its_limits_is_read() -> None:
    """Each field counts for 32 bytes besides its own (RFC 9113 6.5.2)."""
    size = sum(len(name) + len(value) + 32 for name, value in REQUEST)
    assert size == 500
    asked(max_headers=9, max_handshake_size=500, max_header_line_size=44)


@pytest.mark.requirement("R9113-8.5-03", "R9113-8.1-04", "R9114-4.1-02")
def test_a_second_header_section_before_the_answer_is_refused() -> None:
    handshake, _ = asked()
    assert refusal(handshake, [(b"x", b"")], "second header section")[0] == (b":status", b"400")


@pytest.mark.requirement("R9114-4.1-01")
def test_data_before_the_request_is_refused() -> None:
    handshake = server()
    handshake.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match="before the request") as caught:
        handshake.receive_data(b"a")
    assert handshake.send(caught.value.event_hint)[0] == (b":status", b"400")


def test_after_a_violation_nothing_but_a_rejection_is_sent_and_nothing_is_read() -> None:
    handshake = server()
    with pytest.raises(RemoteProtocolError):
        handshake.receive_headers([])
    handshake.receive_headers(REQUEST)
    handshake.receive_data(b"a" * 2**21)
    handshake.receive_data(None)
    assert list(handshake.events()) == []
    with pytest.raises(LocalProtocolError):
        handshake.send(AcceptConnection())
    handshake.send(RejectConnection(400))


# The response, as a server writes it.


@pytest.mark.requirement("R8441-5-06", "R8441-5-07", "R9110-9.3.6-01", "R9113-8.2.2-01", "R9113-8.3.2-01")
@pytest.mark.requirement("R9114-4.3.2-01", "R8441-5-09")
def test_a_server_accepts_with_200_in_lower_case_without_accept_length_and_hop_by_hop() -> None:
    handshake, _ = asked()
    event = AcceptConnection("chat", [PerMessageDeflate()], [(b"Server", b"x")])
    assert handshake.send(event) == [
        (b":status", b"200"),
        (b"sec-websocket-protocol", b"chat"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"server", b"x"),
    ]
    assert handshake.state is OPEN
    assert handshake.connection is not None
    assert handshake.connection is handshake.connection
    assert handshake.connection.ending is Ending.NONE
    handshake.connection.receive_data(frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4, mask=MASK))
    assert list(handshake.connection.events()) == [TextMessage("Hello")]


def test_a_server_may_send_an_accept_as_its_own_header_since_some_clients_want_one() -> None:
    handshake, _ = asked()
    accept = [(b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
    assert (b"sec-websocket-accept", accept[0][1]) in handshake.send(AcceptConnection(extra_headers=accept))


class Choosing(Extension):
    """An extension that accepts, and counts how often."""

    name = "permessage-deflate"
    accepted = 0

    def accept(self, offer: str) -> bool:  # noqa: ARG002
        self.accepted += 1
        return True


@pytest.mark.parametrize(
    "event",
    [
        AcceptConnection("unheard-of"),
        *(
            AcceptConnection(None, [Choosing()], [(name, b"0")])
            for name in (
                b"Connection",
                b"Keep-Alive",
                b"Content-Length",
                b"Transfer-Encoding",
                b":status",
                b"TE",
            )
        ),
        AcceptConnection(extra_headers=[(b"x", b"a\nb")]),
        RejectConnection(101),
        RejectConnection(200),
        RejectConnection(204),
        RejectConnection(299),
        RejectConnection(1000),
        RejectConnection(400, [(b"Connection", b"close")]),
        RejectConnection(400, [(b"Keep-Alive", b"timeout=5")]),
        RejectConnection(400, [(b"Transfer-Encoding", b"chunked")], has_body=True),
        RejectConnection(400, [(b"Content-Length", b"5")]),
        RejectConnection(400, [(b"Content-Length", b"a")], has_body=True),
        RejectConnection("400"),  # type: ignore[arg-type]
        RejectData(b""),
        Request("a", "/"),
        TextMessage("a"),
        None,
    ],
)
@pytest.mark.requirement("R9113-8.2.2-01", "R9110-9.3.6-01", "R8441-5-08", "R9113-8.6-01", "R9114-4.5-01")
def test_what_a_server_cannot_send_changes_nothing(event: Any) -> None:
    handshake, _ = asked()
    with pytest.raises(LocalProtocolError):
        handshake.send(event)
    assert (handshake.state, handshake.connection) == (CONNECTING, None)
    if isinstance(event, AcceptConnection):
        assert [extension.accepted for extension in event.extensions if isinstance(extension, Choosing)] in (
            [],
            [0],
        )
    assert handshake.send(AcceptConnection()) == [(b":status", b"200")]
    with pytest.raises(LocalProtocolError):
        handshake.send(RejectConnection())


@pytest.mark.parametrize(
    ("event", "response"),
    [
        (RejectConnection(), [(b":status", b"400"), (b"content-length", b"0")]),
        (
            RejectConnection(302, [(b"Location", b"/a")]),
            [(b":status", b"302"), (b"location", b"/a"), (b"content-length", b"0")],
        ),
        (RejectConnection(300), [(b":status", b"300"), (b"content-length", b"0")]),
        (RejectConnection(304), [(b":status", b"304")]),
    ],
)
def test_a_rejection_without_a_body_ends_the_stream(event: RejectConnection, response: Headers) -> None:
    handshake, _ = asked()
    assert handshake.send(event) == response
    assert (handshake.state, handshake.connection) == (CLOSED, None)
    handshake.receive_data(None)
    handshake.receive_data(b"")
    with pytest.raises(LocalProtocolError):
        handshake.receive_data(b"a")
    with pytest.raises(LocalProtocolError):
        handshake.receive_headers([(b"x", b"")])


def test_a_rejection_with_a_body_ends_the_stream_with_the_last_piece() -> None:
    handshake, _ = asked()
    head = handshake.send(RejectConnection(403, [(b"Content-Length", b"5")], has_body=True))
    assert head == [(b":status", b"403"), (b"content-length", b"5")]
    assert handshake.state is REJECTING
    handshake.receive_headers([(b"x", b"")])  # what the client still sends is dropped
    handshake.receive_data(b"dropped")
    assert handshake.send(RejectData(b"ab", body_finished=False)) == b"ab"
    for wrong in (RejectData(b"c"), RejectData(b"cdef", body_finished=False)):
        with pytest.raises(LocalProtocolError, match="Content-Length leaves 3"):
            handshake.send(wrong)
    handshake.receive_data(None)
    assert handshake.state is REJECTING
    assert handshake.send(RejectData(memoryview(b"cde"))) == b"cde"
    assert handshake.state is CLOSED


def test_over_a_stream_a_body_needs_no_length() -> None:
    handshake, _ = asked()
    assert handshake.send(RejectConnection(403, has_body=True)) == [(b":status", b"403")]
    assert handshake.send(RejectData(b"any")) == b"any"
    assert handshake.state is CLOSED


# The response, as a client reads it.


@pytest.mark.parametrize("status", [b"200", b"201", b"204", b"299"])
@pytest.mark.requirement("R8441-5-08", "R9113-8.5-02", "R8441-5-09")
def test_a_client_takes_any_2xx_as_acceptance(status: bytes) -> None:
    client = asking()
    client.receive_headers([(b":status", status), *RESPONSE[1:], (b"date", b"today")])
    assert list(client.events()) == [AcceptConnection("chat", [], [(b"date", b"today")])]
    assert client.state is OPEN
    assert client.connection is not None
    client.connection.receive_data(frame(PING, b"a"))
    assert list(client.connection.events()) == [Ping(b"a")]
    assert client.connection.send(TextMessage("a"))[1] & 0x80, "masked"


@pytest.mark.parametrize(
    "more",
    [
        [(b"content-length", b"0")],
        [(b"content-length", b"5")],
        [(b"sec-websocket-accept", b"wrong")],
        [(b"sec-websocket-key", b"strange")],
    ],
)
@pytest.mark.requirement("R9110-9.3.6-02", "R8441-5-06")
def test_a_client_ignores_length_and_accept_of_the_acceptance(more: Headers) -> None:
    (event,) = answered(RESPONSE + more)
    assert isinstance(event, AcceptConnection)


def test_a_client_uses_the_extension_that_the_server_chose() -> None:
    deflate = PerMessageDeflate()
    event = Request("a", "/", extensions=[deflate])
    answer = (b"sec-websocket-extensions", b"permessage-deflate")
    assert answered([RESPONSE[0], answer], event=event) == [AcceptConnection(None, [deflate], [])]


@pytest.mark.requirement("R9113-8.1-01")
def test_a_client_skips_interim_responses_up_to_a_number() -> None:
    interim: list[Headers] = [[(b":status", b"103"), (b"link", b"</a>")]] * 16
    assert isinstance(answered(*interim, RESPONSE)[0], AcceptConnection)
    failure(asking(), "More than 16 interim", *interim, *interim[:1])


@pytest.mark.parametrize(
    "event",
    [
        None,
        Request("a", "/", extensions=[PerMessageDeflate()]),
    ],
)
@pytest.mark.parametrize(
    "response",
    [
        [(b":status", b"101")],
        [(b":status", b"abc")],
        [(b":status", b"2000")],
        [(b":status", b"20")],
        [(b":status", b"099")],
        [(b":status", b"")],
        [],
        [(b":status", b"200"), (b":status", b"200")],
        [(b"x", b""), (b":status", b"200")],
        [(b":status", b"200"), (b":path", b"/")],
        [(b":status", b"200"), (b"connection", b"upgrade")],
        [(b":status", b"200"), (b"upgrade", b"websocket")],
        [(b":status", b"200"), (b"transfer-encoding", b"chunked")],
        [(b":status", b"200"), (b"X", b"")],
        [(b":status", b"200"), (b"x", b"a\n")],
        [(b":status", b"200"), (b"x", b" a")],
        [(b":status", b"103"), (b"connection", b"close")],
        [(b":status", b"403"), (b"connection", b"close")],
        [(b":status", b"200"), (b"sec-websocket-extensions", b"x-unknown")],
        [(b":status", b"200"), *[(b"sec-websocket-extensions", b"permessage-deflate")] * 2],
        [(b":status", b"200"), (b"sec-websocket-protocol", b"other")],
        [(b":status", b"200"), *[(b"sec-websocket-protocol", b"chat")] * 2],
        [(b":status", b"200"), *[(b"x", b"")] * 128],
    ],
)
@pytest.mark.requirement(
    "R9113-8.1.1-03", "R9113-8.6-01", "R9114-4.5-01", "R9113-8.3.2-01", "R9113-8.2.2-02", "R9114-4.1.2-03"
)
@pytest.mark.requirement("R8441-5-08", "R9113-8.3-01", "R9113-8.3-03", "R9114-4.1.2-02", "R9114-4.3.2-01")
def test_a_response_that_breaks_a_rule_is_never_accepted(response: Headers, event: Request | None) -> None:
    failure(asking(event), ".", response)


@pytest.mark.parametrize(
    "sections",
    [
        [None],
        [[(b":status", b"103")], None],
        [b"data"],
        [[(b":status", b"103")], b"data"],
    ],
)
@pytest.mark.requirement("R9113-8.1-02", "R9114-4.1-01")
def test_data_or_the_end_before_the_response_fails_a_client(sections: list[Headers | bytes | None]) -> None:
    failure(asking(), "before the response", *sections)


@pytest.mark.parametrize("section", [RESPONSE, b"data", None])
def test_a_server_that_speaks_before_it_is_asked_fails_a_client(section: Headers | bytes | None) -> None:
    failure(StreamHandshake(ConnectionType.CLIENT), "before", section)


@pytest.mark.parametrize("status", [302, 401, 403, 503])
def test_any_other_final_status_rejects_and_the_body_ends_with_the_stream(status: int) -> None:
    client = asking()
    client.receive_headers([(b":status", b"%d" % status), (b"content-length", b"5")])
    client.receive_data(b"abc")
    client.receive_data(b"")
    client.receive_data(b"de")
    client.receive_headers([(b"x-trailer", b"")])
    assert client.state is REJECTING
    client.receive_data(None)
    assert list(client.events()) == [
        RejectConnection(status, [(b"content-length", b"5")], has_body=True),
        RejectData(b"abc", body_finished=False),
        RejectData(b"de", body_finished=False),
        RejectData(b"", body_finished=True),
    ]
    assert (client.state, client.failed) == (CLOSED, False)


@pytest.mark.parametrize("pieces", [[None], [b"abcd", None], [b"abcdef"], [b"abc", b"def"]])
@pytest.mark.requirement("R9113-8.1.1-03", "R9114-4.1.2-01")
def test_a_body_that_is_not_as_long_as_its_head_says_fails_a_client(pieces: list[bytes | None]) -> None:
    failure(asking(), "not as long as", [(b":status", b"403"), (b"content-length", b"5")], *pieces)


@pytest.mark.parametrize("length", [b"", b"+5", b"5, 5", b"a", b"9" * 21, b"9" * 5000])
def test_a_length_that_is_no_number_fails_a_client(length: bytes) -> None:
    failure(asking(), "must be a number", [(b":status", b"403"), (b"content-length", length)])


def test_two_lengths_fail_a_client() -> None:
    failure(asking(), "2 times", [(b":status", b"403"), *[(b"content-length", b"5")] * 2])


def test_a_304_may_have_the_length_of_another_response() -> None:
    client = asking()
    client.receive_headers([(b":status", b"304"), (b"content-length", b"5")])
    client.receive_data(None)
    assert list(client.events())[-1] == RejectData(b"", body_finished=True)


def test_the_body_of_a_rejection_is_bounded() -> None:
    head: Headers = [(b":status", b"403")]
    failure(asking(max_reject_body_size=4), "more than 4 bytes", head, b"abc", b"de")


@pytest.mark.requirement("R9113-8.1-03", "R9114-4.3-02")
def test_trailers_with_a_pseudo_header_fail_a_client() -> None:
    failure(asking(), ":status", [(b":status", b"403")], [(b":status", b"403")])


# What comes before the answer, and behind it.


def test_early_data_is_kept_for_the_connection_up_to_a_limit() -> None:
    handshake, _ = asked(max_early_data=8)
    handshake.receive_data(frame(TEXT, b"a", mask=MASK))
    handshake.send(AcceptConnection())
    assert handshake.connection is not None
    assert list(handshake.connection.events()) == [TextMessage("a")]
    handshake, _ = asked(max_early_data=8)
    handshake.receive_data(b"12345678")
    with pytest.raises(RemoteProtocolError, match="More than 8 bytes") as caught:
        handshake.receive_data(b"9")
    assert handshake.send(caught.value.event_hint)[0] == (b":status", b"400")


@pytest.mark.requirement("R9113-8.5-04")
def test_the_end_of_the_stream_on_the_request_is_end_of_file_for_the_connection() -> None:
    handshake, _ = asked()
    handshake.receive_data(frame(TEXT, b"a", mask=MASK))
    handshake.receive_data(None)
    assert handshake.state is CONNECTING, "the answer may still be sent"
    handshake.send(AcceptConnection())
    assert handshake.connection is not None
    assert list(handshake.connection.events()) == [TextMessage("a"), CloseConnection(1006)]
    assert handshake.connection.ending is Ending.END


def test_a_stream_that_ends_before_its_request_is_closed() -> None:
    handshake = server()
    handshake.receive_data(None)
    assert (list(handshake.events()), handshake.state) == ([], CLOSED)


@pytest.mark.requirement("R9113-8.5-03", "R9113-8.1.1-01")
def test_trailers_in_the_tunnel_are_a_stream_error() -> None:
    client = asking()
    client.receive_headers(RESPONSE)
    for handshake in (client, accepted()):
        with pytest.raises(RemoteProtocolError, match="behind the handshake") as caught:
            handshake.receive_headers([(b"x", b"")])
        assert caught.value.event_hint is None
        assert handshake.failed


def test_behind_the_handshake_data_is_for_the_connection() -> None:
    handshake = accepted()
    handshake.receive_data(None)
    assert handshake.state is OPEN
    with pytest.raises(LocalProtocolError):
        handshake.receive_data(b"a")


@pytest.mark.parametrize("data", ["a", 1, [1]])
def test_what_is_no_bytes_cannot_be_received(data: Any) -> None:
    with pytest.raises(LocalProtocolError):
        server().receive_data(data)


@roles
def test_a_limit_may_be_left_out(role: ConnectionType) -> None:
    assert StreamHandshake(role).state is CONNECTING
    with pytest.raises(LocalProtocolError):
        StreamHandshake("client")  # type: ignore[arg-type]


@pytest.mark.requirement("R8441-5-10", "R9220-3-04", "R9113-8.1.1-01", "R9114-4.1.2-01")
def test_the_codes_to_reset_a_stream_with() -> None:
    """RFC 9113 7, RFC 9114 8.1."""
    assert (HTTP2_PROTOCOL_ERROR, HTTP2_CANCEL) == (1, 8)
    assert (H3_REQUEST_CANCELLED, H3_MESSAGE_ERROR) == (0x10C, 0x10E)


# The end of the stream.


def ending(connection: Connection) -> Ending:
    """As a call, so that a type checker does not take it for constant."""
    return connection.ending


@pytest.mark.requirement("R8441-5-10", "R9220-3-04", "R9114-4.4-03", "R8441-5-09")
def test_client_and_server_talk_and_each_ends_its_side_behind_its_own_close() -> None:
    client, handshake = StreamHandshake(ConnectionType.CLIENT), server()
    deflate = PerMessageDeflate()
    handshake.receive_headers(client.send(Request("a", "/", [deflate])))
    client.receive_headers(handshake.send(AcceptConnection(extensions=[PerMessageDeflate()])))
    near, far = client.connection, handshake.connection
    assert near is not None
    assert far is not None
    far.receive_data(near.send(TextMessage("a" * 100)))
    assert list(far.events()) == [TextMessage("a" * 100)]
    far.receive_data(near.send(CloseConnection(1000)))
    assert ending(near) is Ending.NONE, "it still expects the other Close"
    (close,) = far.events()
    assert isinstance(close, CloseConnection)
    assert ending(far) is Ending.NONE
    near.receive_data(far.send(close.response()))
    assert ending(far) is Ending.END
    assert ending(near) is Ending.NONE, "the Close is not read"
    assert list(near.events()) == [CloseConnection(1000, "")]
    assert ending(near) is Ending.END


@roles
def test_a_violation_is_answered_before_the_stream_ends(role: ConnectionType) -> None:
    handshake = accepted() if role is ConnectionType.SERVER else asking()
    if handshake.client:
        handshake.receive_headers([(b":status", b"200")])
    connection = handshake.connection
    assert connection is not None
    connection.receive_data(frame(TEXT, b"a", mask=MASK if handshake.client else None))
    (close,) = connection.events()
    assert isinstance(close, CloseConnection)
    assert ending(connection) is Ending.NONE
    connection.send(close.response())
    assert ending(connection) is Ending.END


def test_the_peers_end_does_not_forestall_the_answer_to_its_close() -> None:
    connection = accepted().connection
    assert connection is not None
    connection.receive_data(frame(CLOSE, close_payload(1000), mask=MASK))
    connection.receive_data(None)
    (close,) = connection.events()
    assert isinstance(close, CloseConnection)
    assert ending(connection) is Ending.NONE
    connection.send(close.response())
    assert ending(connection) is Ending.END


def test_every_status_from_200_to_299_accepts_and_300_does_not() -> None:
    """RFC 9113 8.5: any 2xx response."""
    for status in (b"200", b"299"):
        assert answered([(b":status", status)]) == [AcceptConnection()]
    assert answered([(b":status", b"300")]) == [RejectConnection(300, [], has_body=True)]
    handshake, _ = asked()
    with pytest.raises(LocalProtocolError, match=r"^A response with the status 299 accepts"):
        handshake.send(RejectConnection(299))


def test_a_section_may_be_an_iterator() -> None:
    _, event = asked(iter(REQUEST))
    assert event.target == "/chat"


@pytest.mark.parametrize("change", [{b":path": b"a"}, {b"sec-websocket-version": b"8"}])
def test_a_refused_request_sets_no_scheme(change: dict[bytes, bytes | None]) -> None:
    handshake = server()
    refusal(handshake, request({b":scheme": b"http", **change}), "RFC|Missing header")
    assert handshake.scheme == "https"


@pytest.mark.requirement("R9113-8.3.1-03", "R9114-4.3.1-01")
@pytest.mark.parametrize("host", [b"server.example.com:443", b"server.example.com."])
def test_a_host_is_the_authority_to_the_last_byte(host: bytes) -> None:
    refusal(server(), request({}, (b"host", host)), "is not ':authority'")


@pytest.mark.requirement("R9110-9.3.6-02")
@pytest.mark.parametrize("length", [b"5", b"x", b"-1"])
def test_a_length_means_nothing_in_an_acceptance(length: bytes) -> None:
    (event,) = answered([*RESPONSE, (b"content-length", length)])
    assert isinstance(event, AcceptConnection)


@pytest.mark.requirement("R9113-8.2.3-01", "R9114-4.2.1-01")
def test_equal_cookie_crumbs_are_all_kept() -> None:
    _, event = asked(request({}, (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"cookie", b"a=1")))
    assert [value for name, value in event.extra_headers if name == b"cookie"] == [b"a=1; b=2; a=1"]
