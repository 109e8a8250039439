"""The server's half of the opening handshake: judging the request, writing the acceptance (RFC 6455 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.handshake_bytes import (
    ACCEPT,
    KEY,
    asked_server,
    read_head,
    refused,
    request,
    state_of,
    write_head,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

RFC_REQUEST = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)

Changes = dict[bytes, list[bytes]]


class Answering(Extension):
    """An extension that accepts with a fixed answer, and records what it was offered."""

    name = "x-test"

    def __init__(self, answer: object = True, name: str = "x-test") -> None:
        self.answer: Any = answer
        self.name = name
        self.offers: list[str] = []

    def enabled(self) -> bool:
        return True

    def accept(self, offer: str) -> bool | str | None:
        self.offers.append(offer)
        answer: bool | str | None = self.answer
        return answer


def received(data: bytes) -> Request:
    (event,) = feed(WSConnection(ConnectionType.SERVER), data)
    assert type(event) is Request
    return event


# -- What a good request becomes


@pytest.mark.requirement("R6455-4.2.1-11", "R6455-4.2.2-05", "R6455-4.2.1-09", "R9110-5.1-01")
def test_the_request_of_rfc_6455_1_2_becomes_this_event() -> None:
    assert received(RFC_REQUEST) == Request(
        host="server.example.com",
        target="/chat",
        extensions=[],
        extra_headers=[
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            (b"origin", b"http://example.com"),
            (b"sec-websocket-version", b"13"),
        ],
        subprotocols=["chat", "superchat"],
    )


def test_the_event_holds_plain_str_and_bytes() -> None:
    event = received(
        request({b"Sec-WebSocket-Protocol": [b"chat"], b"Sec-WebSocket-Extensions": [b"x; y=1"]})
    )
    texts = [event.host, event.target, *event.subprotocols, *event.extensions]
    parts = [part for header in event.extra_headers for part in header]
    assert {type(text) for text in texts} == {str}
    assert {type(part) for part in parts} == {bytes}


def test_no_event_before_the_request_is_whole() -> None:
    server = WSConnection(ConnectionType.SERVER)
    assert feed(server, request()[:-1]) == []
    assert [type(event) for event in feed(server, b"\n")] == [Request]


GOOD: list[tuple[str, Changes]] = [
    ("connection-after-keep-alive", {b"Connection": [b"keep-alive, Upgrade"]}),
    ("connection-before-keep-alive", {b"Connection": [b"Upgrade, keep-alive"]}),
    ("connection-on-the-first-line", {b"Connection": [b"Upgrade", b"keep-alive"]}),
    ("connection-on-the-last-line", {b"Connection": [b"keep-alive", b"Upgrade"]}),
    ("connection-lower-case", {b"Connection": [b"upgrade"]}),
    ("connection-upper-case", {b"Connection": [b"UPGRADE"]}),
    ("connection-empty-elements", {b"Connection": [b", ,Upgrade ,"]}),
    ("connection-tabs", {b"Connection": [b"keep-alive\t,\tUpgrade"]}),
    ("upgrade-before-another", {b"Upgrade": [b"websocket, foo"]}),
    ("upgrade-after-another", {b"Upgrade": [b"foo/2,websocket"]}),
    ("upgrade-on-two-lines", {b"Upgrade": [b"foo", b"websocket"]}),
    ("upgrade-capitals", {b"Upgrade": [b"WebSocket"]}),
    ("content-length-zero", {b"Content-Length": [b"0"]}),
    ("tab-before-the-value", {b"Sec-WebSocket-Version": [b"\t13\t"]}),
    ("spaces-after-the-key", {b"Sec-WebSocket-Key": [b"  " + KEY + b"  "]}),
    ("unknown-header", {b"X-Unknown": [b'; = , "']}),
    ("subprotocols-in-two-cases", {b"Sec-WebSocket-Protocol": [b"chat, Chat"]}),
]


@pytest.mark.requirement("R6455-4.2.1-05", rows="upgrade-*")
@pytest.mark.requirement("R6455-4.2.1-06", rows="connection-*")
@pytest.mark.requirement("R6455-4.2.1-11", "R9110-5.1-01", rows="unknown-header")
@pytest.mark.parametrize("changes", [changes for _, changes in GOOD], ids=[name for name, _ in GOOD])
def test_a_good_request_is_accepted(changes: Changes) -> None:
    server = asked_server(request(changes))
    head, _ = read_head(server.send(AcceptConnection()))
    assert head.one(b"Sec-WebSocket-Accept") == ACCEPT
    assert server.state is ConnectionState.OPEN


@pytest.mark.requirement("R6455-4.1-49")
@pytest.mark.parametrize("case", [bytes.lower, bytes.upper], ids=["lower", "upper"])
def test_header_names_are_matched_in_any_case(case: Callable[[bytes], bytes]) -> None:
    lines = [
        (case(name), value)
        for name, _, value in (line.partition(b": ") for line in RFC_REQUEST.split(b"\r\n")[1:-2])
    ]
    assert received(write_head(b"GET /chat HTTP/1.1", lines)) == received(RFC_REQUEST)


TARGETS = [
    (b"/", "/"),
    (b"/chat?a=b&c=%23", "/chat?a=b&c=%23"),
    (b"/%C3%A9", "/%C3%A9"),
    (b"//chat", "//chat"),
    (b"http://server.example.com/chat?x=1", "/chat?x=1"),
    (b"https://server.example.com/chat", "/chat"),
    (b"HTTP://server.example.com/chat", "/chat"),
    (b"http://server.example.com", "/"),
    (b"http://server.example.com?x", "/?x"),
]


@pytest.mark.requirement("R6455-4.2.1-03", "R9112-3.2.2-01")
@pytest.mark.parametrize(("written", "target"), TARGETS)
def test_target(written: bytes, target: str) -> None:
    assert received(request(target=written)).target == target


@pytest.mark.requirement("R9112-3.2.2-02")
def test_the_host_of_an_absolute_target_stands_for_the_header() -> None:
    event = received(request(target=b"http://other.example:81/chat"))
    assert (event.host, event.target) == ("other.example:81", "/chat")


@pytest.mark.parametrize("host", [b"bad@host", b"[::::]", b"a b"])
def test_a_bad_host_is_refused_beside_an_absolute_target(host: bytes) -> None:
    """RFC 9112 3.2: any request with an invalid Host gets 400, also one whose Host would not count."""
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError, match=r"^Bad header 'Host'"):
        server.receive_data(request({b"Host": [host]}, target=b"http://other.example/chat"))


HOSTS = [
    (b"example.com", "example.com"),
    (b"example.com:8080", "example.com:8080"),
    (b"127.0.0.1:80", "127.0.0.1:80"),
    (b"[::1]", "[::1]"),
    (b"[2001:db8::1]:8080", "[2001:db8::1]:8080"),
    (b"under_score", "under_score"),
    (b"xn--bcher-kva.example", "bücher.example"),
    (b"xn--bcher-kva.example:8080", "bücher.example:8080"),
    (b"XN--BCHER-KVA.Example", "bücher.Example"),
    (b"Xn--bcher-kva.xn--mnchen-3ya.de:1", "bücher.münchen.de:1"),
    (b"", ""),
    (b"[v1.fe80::a+en1]:80", "[v1.fe80::a+en1]:80"),
    # What IDNA of 2003 had no place for: sharp s, final sigma, joiners, words that end in a mark or a digit.
    (b"xn--strae-oqa.de", "stra\N{LATIN SMALL LETTER SHARP S}e.de"),
    (b"xn--fa-hia.de", "fa\N{LATIN SMALL LETTER SHARP S}.de"),
    (b"xn--nxasmm1c.com", "\u03b2\u03cc\u03bb\u03bf\u03c2.com"),
    (b"xn--mgba3gch31f060k.com", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com"),
    (b"xn--10cl1a0b660p.com", "\u0dc1\u0dca\u200d\u0dbb\u0dd3.com"),
    (b"xn--7cbh4bxfsd.com", "\u05d9\u05b4\u05e9\u05b0\u05c1.com"),
    (b"xn--ngb8i.com", "\u0628\u0661.com"),
    (b"xn--n3h.example", "\N{SNOWMAN}.example"),
    # What decodes to another label than it stands for is left as it came.
    (b"xn--a", "xn--a"),  # a control character
    (b"xn--google-.com", "xn--google-.com"),  # google, which is ASCII
    (b"xn--", "xn--"),
    (b"xn--bcher-2pa", "xn--bcher-2pa"),  # a capital
    (b"xn--ab-r13a", "xn--ab-r13a"),  # a dot
    (b"xn--ab-q8t", "xn--ab-q8t"),  # a joiner of words, which nothing shows
]


@pytest.mark.requirement("R6455-4.2.1-04")
@pytest.mark.parametrize(("written", "host"), HOSTS)
def test_host_is_decoded_to_unicode(written: bytes, host: str) -> None:
    assert received(request({b"Host": [written]})).host == host


@pytest.mark.requirement("R6455-4.2.1-09", "R6455-11.3.4-01")
@pytest.mark.parametrize(
    "lines",
    [
        [b"a, b, c"],
        [b"a", b"b, c"],
        [b"a,b\t,  c"],
        [b"a", b"b", b"c"],
        [b",a,, b ,\t,c,"],
        [b"", b"a,", b",b, c", b" "],
    ],
    ids=repr,
)
def test_subprotocols_come_in_order_over_all_lines(lines: list[bytes]) -> None:
    event = received(request({b"Sec-WebSocket-Protocol": lines}))
    assert event.subprotocols == ["a", "b", "c"]
    assert b"sec-websocket-protocol" not in dict(event.extra_headers)


@pytest.mark.requirement("R6455-4.2.1-10", "R6455-9.1-02", "R6455-11.3.2-01")
@pytest.mark.parametrize(
    "lines",
    [
        [b"a; x=1, b, a"],
        [b"a; x=1", b"b, a"],
        [b"a; x=1,b\t,  a"],
        [b",a; x=1,, b ,\t,a,"],
        [b"", b"a; x=1,", b",b, a", b" "],
    ],
    ids=repr,
)
def test_extension_offers_come_in_order_over_all_lines(lines: list[bytes]) -> None:
    event = received(request({b"Sec-WebSocket-Extensions": lines}))
    assert event.extensions == ["a; x=1", "b", "a"]
    assert b"sec-websocket-extensions" not in dict(event.extra_headers)


@pytest.mark.requirement("R6455-4.2.2-05", "R6455-4.2.2-06", "R6455-10.2-01", "R6455-10.2-02")
def test_a_server_can_refuse_an_origin() -> None:
    server = WSConnection(ConnectionType.SERVER)
    (event,) = feed(server, request({b"Origin": [b"http://evil.example"]}))
    assert isinstance(event, Request)
    assert dict(event.extra_headers)[b"origin"] == b"http://evil.example"
    assert read_head(server.send(RejectConnection(403)))[0].status == 403
    assert server.state is ConnectionState.CLOSED


# -- What is refused


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-10.7-04", "R6455-7.2.2-01")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"Connection", "Missing header, 'Connection: Upgrade'"),
        (b"Upgrade", "Missing header, 'Upgrade: websocket'"),
        (b"Sec-WebSocket-Version", "Missing header, 'Sec-WebSocket-Version'"),
        (b"Sec-WebSocket-Key", "Missing header, 'Sec-WebSocket-Key'"),
    ],
)
def test_a_missing_header_is_named(name: bytes, text: str) -> None:
    assert str(refused(request({name: []}), 400)) == text


@pytest.mark.requirement("R6455-4.2.1-04", "R9112-3.2-01")
def test_a_missing_host_is_refused() -> None:
    assert str(refused(request({b"Host": []}), 400)) in {"Missing header, 'Host'", "Bad HTTP message"}


@pytest.mark.requirement("R6455-4.2.1-02")
@pytest.mark.parametrize("method", [b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"get", b"GETS"])
def test_a_method_other_than_get_is_refused(method: bytes) -> None:
    error = refused(request(start_line=method + b" /chat HTTP/1.1"), 400, 405)
    assert str(error) == "Request method must be GET"


@pytest.mark.requirement("R6455-4.2.1-02", "R9110-7.8-02", "R9110-15.2-03")
@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/0.9"])
def test_an_older_http_is_refused(version: bytes) -> None:
    refused(request(start_line=b"GET /chat " + version), 400, 426, 505)


BAD_HTTP = [
    ("no-http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("no-version", request(start_line=b"GET /chat")),
    ("two-spaces", request(start_line=b"GET  /chat HTTP/1.1")),
    ("non-ascii-target", request(target="/\N{LATIN SMALL LETTER E WITH ACUTE}".encode())),
    ("space-in-target", request(target=b"/a b")),
    ("nul-in-target", request(target=b"/a\0b")),
    ("space-before-colon", request().replace(b"Upgrade:", b"Upgrade :", 1)),
    ("no-colon", request().replace(b"Upgrade: websocket", b"Upgrade websocket")),
    ("empty-name", request({b"": [b"x"]})),
    ("name-with-a-space", request({b"X Y": [b"x"]})),
    ("bare-cr-in-a-value", request({b"X-Y": [b"a\rb"]})),
    ("nul-in-a-value", request({b"X-Y": [b"a\0b"]})),
    ("vertical-tab-in-a-value", request({b"X-Y": [b"a\x0bb"]})),
    ("two-hosts", request({b"Host": [b"a", b"b"]})),
    ("two-equal-hosts", request({b"Host": [b"a", b"a"]})),
    ("bad-content-length", request({b"Content-Length": [b"x"]})),
    ("negative-content-length", request({b"Content-Length": [b"-1"]})),
    ("two-content-lengths", request({b"Content-Length": [b"0", b"1"]})),
]


@pytest.mark.requirement("R6455-4.2.1-01")
@pytest.mark.requirement("R9110-5.5-01", rows="bare-cr-in-a-value|nul-in-a-value")
@pytest.mark.requirement("R9112-2.2-01", rows="bare-cr-in-a-value")
@pytest.mark.requirement("R9112-3.2-01", rows="two-*hosts")
@pytest.mark.requirement("R9112-3.2-03", rows="no-version|two-spaces|*-target|*-in-target")
@pytest.mark.requirement("R9112-5.1-01", rows="space-before-colon")
@pytest.mark.parametrize("data", [data for _, data in BAD_HTTP], ids=[name for name, _ in BAD_HTTP])
def test_bad_http_is_refused(data: bytes) -> None:
    refused(data, 400)


def test_what_the_http_parser_refuses_has_the_text_that_users_compare_with() -> None:
    assert str(refused(b"GET /chat\r\n\r\n", 400)) == "Bad HTTP message"


BAD: list[tuple[str, Changes]] = [
    ("connection-other", {b"Connection": [b"keep-alive"]}),
    ("connection-empty", {b"Connection": [b""]}),
    ("connection-longer-token", {b"Connection": [b"notupgrade"]}),
    ("connection-upgrade-as-prefix", {b"Connection": [b"upgrade-insecure"]}),
    ("connection-quoted", {b"Connection": [b'"Upgrade"']}),
    ("connection-in-a-quoted-list", {b"Connection": [b'"a, Upgrade, b"']}),
    ("connection-two-words", {b"Connection": [b"keep-alive Upgrade"]}),
    ("connection-with-a-quote-that-does-not-end", {b"Connection": [b'Upgrade, "a']}),
    ("upgrade-in-a-quoted-list", {b"Upgrade": [b'"a, websocket, b"']}),
    ("upgrade-other", {b"Upgrade": [b"h2c"]}),
    ("upgrade-empty", {b"Upgrade": [b""]}),
    ("upgrade-longer", {b"Upgrade": [b"websockets"]}),
    ("upgrade-longer-before", {b"Upgrade": [b"xwebsocket"]}),
    ("two-keys", {b"Sec-WebSocket-Key": [KEY, KEY]}),
    ("two-different-keys", {b"Sec-WebSocket-Key": [KEY, b"AQIDBAUGBwgJCgsMDQ4PEA=="]}),
    ("keys-as-a-list", {b"Sec-WebSocket-Key": [KEY + b", " + KEY]}),
    ("key-empty", {b"Sec-WebSocket-Key": [b""]}),
    ("key-short", {b"Sec-WebSocket-Key": [b"x"]}),
    ("key-of-15-bytes", {b"Sec-WebSocket-Key": [b"AQIDBAUGBwgJCgsMDQ4P"]}),
    ("key-of-17-bytes", {b"Sec-WebSocket-Key": [b"AQIDBAUGBwgJCgsMDQ4PEBE="]}),
    ("key-unpadded", {b"Sec-WebSocket-Key": [KEY[:-2]]}),
    ("key-half-padded", {b"Sec-WebSocket-Key": [KEY[:-1]]}),
    ("key-padded-too-far", {b"Sec-WebSocket-Key": [KEY + b"="]}),
    ("key-with-data-after-padding", {b"Sec-WebSocket-Key": [KEY + b"AAAA"]}),
    ("key-with-a-bad-character", {b"Sec-WebSocket-Key": [b"dGhlIHNhbXBsZSBub25jZ*=="]}),
    ("key-with-junk-that-decoders-drop", {b"Sec-WebSocket-Key": [b"dGhlIHNhbXBs!ZSBub25jZQ=="]}),
    ("key-of-the-url-alphabet", {b"Sec-WebSocket-Key": [b"-_-_-_-_-_-_-_-_-_-_-Q=="]}),
    ("key-with-a-space", {b"Sec-WebSocket-Key": [b"dGhlIHNhbXBs ZSBub25jZQ=="]}),
    ("content-length", {b"Content-Length": [b"5"]}),
    ("chunked", {b"Transfer-Encoding": [b"chunked"]}),
    ("subprotocol-empty", {b"Sec-WebSocket-Protocol": [b""]}),
    ("subprotocol-nothing-but-commas", {b"Sec-WebSocket-Protocol": [b" , ,"]}),
    ("subprotocol-nothing-on-two-lines", {b"Sec-WebSocket-Protocol": [b"", b","]}),
    ("extension-nothing-but-commas", {b"Sec-WebSocket-Extensions": [b", ,"]}),
    ("extension-nothing-on-two-lines", {b"Sec-WebSocket-Extensions": [b"", b","]}),
    ("subprotocol-with-a-space", {b"Sec-WebSocket-Protocol": [b"a b"]}),
    ("subprotocol-with-a-parameter", {b"Sec-WebSocket-Protocol": [b"a;b=c"]}),
    ("subprotocol-quoted", {b"Sec-WebSocket-Protocol": [b'"a"']}),
    ("subprotocol-with-a-slash", {b"Sec-WebSocket-Protocol": [b"a/b"]}),
    ("subprotocol-repeated", {b"Sec-WebSocket-Protocol": [b"a, a"]}),
    ("subprotocol-repeated-over-lines", {b"Sec-WebSocket-Protocol": [b"a", b"a"]}),
    ("host-with-a-space", {b"Host": [b"a b"]}),
    ("host-with-a-path", {b"Host": [b"a/b"]}),
    ("host-with-a-user", {b"Host": [b"user@a"]}),
    ("host-with-a-fragment", {b"Host": [b"a#b"]}),
    ("host-with-a-query", {b"Host": [b"a?b"]}),
    ("host-with-a-name-for-port", {b"Host": [b"a:b"]}),
    ("host-with-two-ports", {b"Host": [b"a:1:2"]}),
    ("host-open-bracket", {b"Host": [b"[::1"]}),
    ("host-empty-bracket", {b"Host": [b"[]"]}),
    ("host-word-in-brackets", {b"Host": [b"[abc]"]}),
    ("host-in-a-list", {b"Host": [b"a, b"]}),
    ("host-longer-than-a-name-can-be", {b"Host": [b"a." * 150]}),
    ("host-bad-punycode", {b"Host": [b"xn--0"]}),
    ("host-bad-punycode-in-capitals", {b"Host": [b"www.XN--0.example:80"]}),
    ("host-punycode-beyond-unicode", {b"Host": [b"xn--999999b"]}),
    ("host-long-label", {b"Host": [b"xn--" + b"a" * 60]}),
    ("host-with-a-port-alone", {b"Host": [b":80"]}),
    ("host-with-a-zone", {b"Host": [b"[fe80::1%25eth0]"]}),
    ("host-future-address-without-a-version", {b"Host": [b"[v.a]"]}),
    ("host-punycode-and-non-ascii", {b"Host": [b"xn--\xff"]}),
    ("host-long-bad-punycode", {b"Host": [b"xn--" + b"z" * 16000]}),
]


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-10.7-01", "R6455-10.7-04")
@pytest.mark.requirement("R6455-4.2.1-04", "R9112-3.2-01", rows="host-*")
@pytest.mark.requirement("R6455-4.2.1-05", rows="upgrade-*")
@pytest.mark.requirement("R9110-7.8-03", rows="upgrade-*")
@pytest.mark.requirement("R6455-4.2.1-06", rows="connection-*")
@pytest.mark.requirement("R6455-4.2.1-07", rows="key-*|keys-*")
@pytest.mark.requirement("R6455-11.3.1-01", rows="two-*keys")
@pytest.mark.requirement("R9110-7.8-08", rows="content-length|chunked")
@pytest.mark.parametrize("changes", [changes for _, changes in BAD], ids=[name for name, _ in BAD])
def test_a_bad_request_is_refused(changes: Changes) -> None:
    refused(request(changes), 400)


@pytest.mark.requirement("R6455-4.2.1-01")
@pytest.mark.parametrize(
    "target",
    [
        b"chat",
        b"*",
        b"/chat#fragment",
        b"server.example.com:80",
        b"ftp://server.example.com/",
        b"http:///chat",
        b"http://user@a/chat",
    ],
)
def test_a_target_that_names_no_resource_is_refused(target: bytes) -> None:
    refused(request(target=target), 400)


JUDGED = [b"Host", b"Upgrade", b"Connection", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version"]
JUDGED_LISTS = [b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions"]


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-10.7-01")
@pytest.mark.parametrize("value", [b"\xff", b"\xc3\xa9"], ids=["latin-1", "utf-8"])
@pytest.mark.parametrize("name", JUDGED + JUDGED_LISTS)
def test_non_ascii_in_a_header_of_the_handshake_is_refused(name: bytes, value: bytes) -> None:
    good = dict(line.split(b": ", 1) for line in request().split(b"\r\n")[1:-2]).get(name, b"a")
    for bad in (value, good + value, good + b", " + value):
        refused(request({name: [bad]}), 400, *([426] if name == b"Sec-WebSocket-Version" else []))


@pytest.mark.parametrize(
    "space", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x85", b"\xa0"], ids=bytes.hex
)
@pytest.mark.parametrize("name", JUDGED + JUDGED_LISTS)
def test_what_only_python_takes_for_white_space_is_refused(name: bytes, space: bytes) -> None:
    good = dict(line.split(b": ", 1) for line in request().split(b"\r\n")[1:-2]).get(name, b"a")
    for bad in (good + space, space + good):
        refused(request({name: [bad]}), 400, *([426] if name == b"Sec-WebSocket-Version" else []))


# -- Versions


@pytest.mark.requirement("R6455-4.2.1-08", "R6455-4.2.2-07", "R6455-4.4-01")
@pytest.mark.parametrize("version", [b"0", b"7", b"8", b"12", b"14", b"130", b"255"])
def test_another_version_is_answered_with_ours(version: bytes) -> None:
    error = refused(request({b"Sec-WebSocket-Version": [version]}), 426)
    assert str(error) == "Missing header, 'Sec-WebSocket-Version'"
    assert error.event_hint == RejectConnection(status_code=426, headers=[(b"Sec-WebSocket-Version", b"13")])


@pytest.mark.requirement("R6455-4.3-02", "R6455-11.3.5-02")
@pytest.mark.parametrize(
    "lines",
    [
        [b"013"],
        [b"13.0"],
        [b"+13"],
        [b"1_3"],
        [b"x"],
        [b""],
        [b"256"],
        [b"13, 8"],
        [b"13", b"13"],
        [b"13", b"8"],
    ],
)
def test_a_malformed_or_repeated_version_is_refused(lines: list[bytes]) -> None:
    refused(request({b"Sec-WebSocket-Version": lines}), 400, 426)


def test_a_missing_version_is_a_bad_request() -> None:
    assert refused(request({b"Sec-WebSocket-Version": []}), 400).event_hint == RejectConnection(
        status_code=400
    )


@pytest.mark.requirement("R9110-15.5.22-01", "R9110-7.8-01", "R6455-4.4-01")
def test_a_426_names_the_protocol_to_upgrade_to() -> None:
    hint = refused(request({b"Sec-WebSocket-Version": [b"8"]}), 426).event_hint
    assert hint is not None
    head, body = read_head(asked_server().send(hint))
    assert head.one(b"Sec-WebSocket-Version") == b"13"
    assert head.one(b"Upgrade") == b"websocket"
    assert b"upgrade" in [member.lower() for member in head.members(b"Connection")]
    assert body == b""


@pytest.mark.requirement("R9110-15.5.22-01")
def test_an_upgrade_header_that_the_caller_gives_is_not_doubled() -> None:
    rejection = RejectConnection(426, [(b"upgrade", b"websocket"), (b"connection", b"upgrade")])
    head, _ = read_head(asked_server().send(rejection))
    assert head.all(b"Upgrade") == [b"websocket"]
    assert [member.lower() for member in head.members(b"Connection")].count(b"upgrade") == 1


@pytest.mark.requirement("R9110-7.8-01")
@pytest.mark.parametrize("option", [b"close", b"upgraded"])
def test_a_426_has_the_upgrade_option_beside_the_options_of_the_caller(option: bytes) -> None:
    head, _ = read_head(asked_server().send(RejectConnection(426, [(b"Connection", option)])))
    assert {member.lower() for member in head.members(b"Connection")} == {option, b"upgrade"}


# -- Accepting


@pytest.mark.requirement(
    "R6455-4.2.2-01",
    "R6455-4.2.2-10",
    "R6455-4.2.2-12",
    "R6455-4.2.2-13",
    "R6455-4.2.2-14",
    "R6455-4.2.2-15",
    "R6455-4.2.2-16",
    "R6455-4.2.2-18",
    "R9110-7.8-03",
    "R9110-7.8-05",
    "R9110-15.2.2-01",
)
def test_the_acceptance_has_these_headers_and_no_other() -> None:
    server = asked_server()
    head, rest = read_head(server.send(AcceptConnection()))
    assert head.start_line == b"HTTP/1.1 101 Switching Protocols"
    assert sorted(head.headers) == [
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", ACCEPT),
        (b"Upgrade", b"websocket"),
    ]
    assert rest == b""
    assert server.state is ConnectionState.OPEN


@pytest.mark.requirement("R6455-4.2.2-09")
@pytest.mark.parametrize("subprotocol", ["chat", "superchat"])
def test_an_offered_subprotocol_can_be_chosen(subprotocol: str) -> None:
    server = asked_server(RFC_REQUEST)
    head, _ = read_head(server.send(AcceptConnection(subprotocol=subprotocol)))
    assert head.one(b"Sec-WebSocket-Protocol") == subprotocol.encode()


@pytest.mark.requirement("R6455-4.2.2-10")
def test_no_subprotocol_need_be_chosen() -> None:
    head, _ = read_head(asked_server(RFC_REQUEST).send(AcceptConnection()))
    assert head.all(b"Sec-WebSocket-Protocol") == []


def test_extra_headers_are_sent_in_order() -> None:
    extra = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=\xe9"), (b"X-Empty", b"")]
    head, _ = read_head(asked_server().send(AcceptConnection(extra_headers=extra)))
    assert [header for header in head.headers if header in extra] == extra


@pytest.mark.requirement("R6455-4.2.2-11", "R6455-4.2.2-17", "R6455-9-02", "R6455-9.2-01")
def test_accepted_extensions_are_answered_on_one_line() -> None:
    first, second, idle = Answering(True, "x-a"), Answering("x=1; y", "x-b"), Answering(True, "x-c")
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"x-b; z, x-a", b"x-d"]}))
    head, _ = read_head(server.send(AcceptConnection(extensions=[first, second, idle])))
    assert sorted(head.members(b"Sec-WebSocket-Extensions")) == [b"x-a", b"x-b; x=1; y"]
    assert len(head.all(b"Sec-WebSocket-Extensions")) == 1
    assert (first.offers, second.offers, idle.offers) == (["x-a"], ["x-b; z"], [])


@pytest.mark.requirement("R6455-4.2.2-12", "R6455-9-02", "R6455-9-03")
@pytest.mark.parametrize("answer", [False, None], ids=repr)
def test_a_declined_extension_is_not_answered(answer: object) -> None:
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"x-test"]}))
    head, _ = read_head(server.send(AcceptConnection(extensions=[Answering(answer)])))
    assert head.all(b"Sec-WebSocket-Extensions") == []


@pytest.mark.requirement("R6455-9.1-08")
def test_an_extension_that_is_offered_twice_is_answered_once() -> None:
    extension = Answering("x=1")
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"x-test; a, x-test; b"]}))
    head, _ = read_head(server.send(AcceptConnection(extensions=[extension])))
    assert head.all(b"Sec-WebSocket-Extensions") == [b"x-test; x=1"]
    assert extension.offers == ["x-test; a"]


@pytest.mark.requirement("R6455-4.2.2-12", "R6455-9-03")
def test_an_extension_that_was_not_offered_is_not_answered() -> None:
    head, _ = read_head(asked_server().send(AcceptConnection(extensions=[PerMessageDeflate()])))
    assert head.all(b"Sec-WebSocket-Extensions") == []


@pytest.mark.requirement("R6455-9.1-08")
def test_the_first_acceptable_offer_of_permessage_deflate_is_answered_once() -> None:
    offers = (
        b"permessage-deflate; unknown, permessage-deflate; server_no_context_takeover, permessage-deflate"
    )
    server = asked_server(request({b"Sec-WebSocket-Extensions": [offers]}))
    head, _ = read_head(server.send(AcceptConnection(extensions=[PerMessageDeflate()])))
    value = head.one(b"Sec-WebSocket-Extensions")
    assert value.count(b"permessage-deflate") == 1
    assert b"server_no_context_takeover" in value


@pytest.mark.requirement("R9110-7.8-04")
def test_a_client_that_waits_for_100_gets_it_before_101() -> None:
    server = asked_server(request({b"Expect": [b"100-continue"]}))
    first, rest = read_head(server.send(AcceptConnection()))
    second, rest = read_head(rest)
    assert (first.status, second.status, rest) == (100, 101, b"")


BAD_ACCEPTANCES: list[tuple[str, Callable[[], AcceptConnection]]] = [
    ("subprotocol-not-offered", lambda: AcceptConnection("other")),
    ("subprotocol-in-another-case", lambda: AcceptConnection("Chat")),
    ("subprotocol-empty", lambda: AcceptConnection("")),
    ("subprotocol-list", lambda: AcceptConnection("chat, superchat")),
    ("subprotocol-with-crlf", lambda: AcceptConnection("chat\r\nX: y")),
    ("subprotocol-of-another-type", lambda: AcceptConnection(5)),  # type: ignore[arg-type]
    ("subprotocol-bytes", lambda: AcceptConnection(b"chat")),  # type: ignore[arg-type]
    ("subprotocol-surrogate", lambda: AcceptConnection("\ud800")),
    ("header-value-crlf", lambda: AcceptConnection(extra_headers=[(b"X", b"a\r\nY: b")])),
    ("header-value-cr", lambda: AcceptConnection(extra_headers=[(b"X", b"a\rb")])),
    ("header-value-lf", lambda: AcceptConnection(extra_headers=[(b"X", b"a\nb")])),
    ("header-value-nul", lambda: AcceptConnection(extra_headers=[(b"X", b"a\0b")])),
    ("header-name-crlf", lambda: AcceptConnection(extra_headers=[(b"X\r\nY", b"a")])),
    ("header-name-space", lambda: AcceptConnection(extra_headers=[(b"X Y", b"a")])),
    ("header-name-colon", lambda: AcceptConnection(extra_headers=[(b"X:", b"a")])),
    ("header-name-empty", lambda: AcceptConnection(extra_headers=[(b"", b"a")])),
    ("header-name-non-ascii", lambda: AcceptConnection(extra_headers=[(b"\xe9", b"a")])),
    ("second-upgrade", lambda: AcceptConnection(extra_headers=[(b"upgrade", b"h2c")])),
    ("second-connection", lambda: AcceptConnection(extra_headers=[(b"Connection", b"close")])),
    ("second-accept", lambda: AcceptConnection(extra_headers=[(b"sec-websocket-ACCEPT", ACCEPT)])),
    (
        "second-subprotocol",
        lambda: AcceptConnection("chat", extra_headers=[(b"Sec-WebSocket-Protocol", b"superchat")]),
    ),
    (
        "subprotocol-as-a-header",
        lambda: AcceptConnection(extra_headers=[(b"Sec-WebSocket-Protocol", b"evil")]),
    ),
    (
        "extensions-as-a-header",
        lambda: AcceptConnection(extra_headers=[(b"Sec-WebSocket-Extensions", b"x-evil")]),
    ),
    ("content-length", lambda: AcceptConnection(extra_headers=[(b"Content-Length", b"5")])),
    ("transfer-encoding", lambda: AcceptConnection(extra_headers=[(b"Transfer-Encoding", b"chunked")])),
    ("headers-none", lambda: AcceptConnection(extra_headers=None)),  # type: ignore[arg-type]
    ("headers-number", lambda: AcceptConnection(extra_headers=5)),  # type: ignore[arg-type]
    ("header-without-value", lambda: AcceptConnection(extra_headers=[(b"X",)])),  # type: ignore[list-item]
    ("header-of-numbers", lambda: AcceptConnection(extra_headers=[(1, 2)])),  # type: ignore[list-item]
    ("header-none", lambda: AcceptConnection(extra_headers=[None])),  # type: ignore[list-item]
    ("extension-of-another-type", lambda: AcceptConnection(extensions=[object()])),  # type: ignore[list-item]
    ("extensions-number", lambda: AcceptConnection(extensions=5)),  # type: ignore[arg-type]
    ("extension-answer-with-crlf", lambda: AcceptConnection(extensions=[Answering("x=1\r\nY: b")])),
    ("extension-answer-with-lf", lambda: AcceptConnection(extensions=[Answering("x=1\n")])),
    ("extension-answer-with-nul", lambda: AcceptConnection(extensions=[Answering("x=\0")])),
    ("extension-answer-non-ascii", lambda: AcceptConnection(extensions=[Answering("x=\N{SNOWMAN}")])),
    ("extension-answer-smuggling", lambda: AcceptConnection(extensions=[Answering("x=1, x-evil")])),
]


@pytest.mark.requirement("R6455-4.2.2-09", "R6455-4.2.2-10", "R6455-4.2.2-12", "R6455-4.2.2-13", "R6455-9-03")
@pytest.mark.parametrize(
    "make", [make for _, make in BAD_ACCEPTANCES], ids=[name for name, _ in BAD_ACCEPTANCES]
)
def test_a_bad_acceptance_fails_and_changes_nothing(make: Callable[[], AcceptConnection]) -> None:
    asked = request(
        {b"Sec-WebSocket-Protocol": [b"chat, superchat"], b"Sec-WebSocket-Extensions": [b"x-test"]}
    )
    server, fresh = asked_server(asked), asked_server(asked)
    with pytest.raises(LocalProtocolError):
        server.send(make())
    assert state_of(server) is ConnectionState.CONNECTING
    good = AcceptConnection("chat", [Answering("x=1")], [(b"X", b"y")])
    assert server.send(good) == fresh.send(good)
    assert state_of(server) is ConnectionState.OPEN


def test_a_refused_request_can_only_be_rejected() -> None:
    server = WSConnection(ConnectionType.SERVER)
    data = request({b"Sec-WebSocket-Key": [b"x"]})
    with pytest.raises(Exception, match="Sec-WebSocket-Key"):
        feed(server, data)
    with pytest.raises(LocalProtocolError):
        server.send(AcceptConnection())
    head, _ = read_head(server.send(RejectConnection(status_code=403)))
    assert head.status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {b"Upgrade": [b"websocket/13"]},
        {b"Connection": [b"upgraded"]},
        {b"Connection": [b"not-upgrade"]},
        {b"Sec-WebSocket-Key": [b'"' + KEY + b'"']},
    ],
)
def test_what_only_contains_the_right_value_is_refused(changes: Changes) -> None:
    refused(request(changes), 400)


def test_an_extension_in_another_case_is_another_one() -> None:
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"Permessage-Deflate"]}))
    head, _ = read_head(server.send(AcceptConnection(extensions=[PerMessageDeflate()])))
    assert head.all(b"Sec-WebSocket-Extensions") == []


@pytest.mark.parametrize(
    ("value", "continued"),
    [
        (b"100-continue", True),
        (b"100-Continue", True),
        (b"a=b,\t100-continue ,", True),
        (b"200-ok", False),
        (b"100-continued", False),
    ],
)
@pytest.mark.parametrize("early", [b"", b"\x81\x80mask"])
def test_a_100_goes_out_to_who_expects_it(value: bytes, continued: bool, early: bytes) -> None:
    server = asked_server(request({b"Expect": [b"a=b", value]}) + early)
    sent = server.send(AcceptConnection())
    assert sent.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 " if continued else b"HTTP/1.1 101 ")


def test_errors_do_not_share_the_response_to_send() -> None:
    first, second = (refused(request({b"Host": []}), 400).event_hint for _ in range(2))
    assert isinstance(first, RejectConnection)
    first.headers.append((b"X-A", b"b"))
    assert second == RejectConnection(400)
