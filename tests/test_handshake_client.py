"""The client's half of the opening handshake: writing the request, judging the response (RFC 6455 4.1)."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.handshake_bytes import (
    KEY,
    accept_token,
    accepted,
    asking_client,
    every_cutting,
    failed,
    read_head,
    rejection,
    response,
    state_of,
)
from tests.oracle.receiving import feed
from tooling.frames import TEXT, peer_frame
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

Changes = dict[bytes, list[bytes]]


class Offering(Extension):
    """An extension that offers fixed parameters, and records the server's answers."""

    name = "x-test"

    def __init__(self, offered: object = True, name: str = "x-test") -> None:
        self.offered: Any = offered
        self.name = name
        self.answers: list[str] = []

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        offered: bool | str = self.offered
        return offered

    def finalize(self, offer: str) -> None:
        self.answers.append(offer)


def written(event: Request) -> bytes:
    return WSConnection(ConnectionType.CLIENT).send(event)


# -- The request


@pytest.mark.requirement(
    "R6455-4.1-02",
    "R6455-4.1-18",
    "R6455-4.1-20",
    "R6455-4.1-21",
    "R6455-4.1-22",
    "R6455-4.1-23",
    "R6455-4.1-24",
    "R6455-4.1-25",
    "R6455-4.1-26",
    "R6455-4.1-27",
    "R6455-4.1-28",
    "R6455-4.1-33",
    "R6455-4.1-34",
    "R9110-7.8-01",
    "R9110-7.2-01",
    "R9110-7.2-02",
    "R9110-8.6-03",
    "R9112-2.2-07",
    "R9112-2.2-08",
)
def test_the_smallest_request_has_these_headers_and_no_other() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    head, rest = read_head(client.send(Request("server.example.com", "/chat")))
    assert head.start_line == b"GET /chat HTTP/1.1"
    assert head.headers[0][0] == b"Host"
    assert sorted(
        (name, b"KEY" if name == b"Sec-WebSocket-Key" else value) for name, value in head.headers
    ) == [
        (b"Connection", b"Upgrade"),
        (b"Host", b"server.example.com"),
        (b"Sec-WebSocket-Key", b"KEY"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Upgrade", b"websocket"),
    ]
    assert rest == b""
    assert client.state is ConnectionState.CONNECTING


@pytest.mark.requirement("R6455-4.1-29", "R6455-4.1-30")
def test_each_request_has_a_fresh_key_of_sixteen_bytes() -> None:
    keys = [asking_client()[1] for _ in range(50)]
    assert len(set(keys)) == 50
    assert all(re.fullmatch(rb"[A-Za-z0-9+/]{22}==", key) for key in keys)
    assert {len(b64decode(key, validate=True)) for key in keys} == {16}


def test_the_key_comes_from_a_function_that_a_test_can_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    _, key = asking_client()
    assert key == KEY


TARGETS = [
    ("foo", b"/foo"),
    ("", b"/"),
    ("/", b"/"),
    ("/foo?a=b&c", b"/foo?a=b&c"),
    ("?a=b", b"/?a=b"),
    ("foo/bar?a", b"/foo/bar?a"),
    ("/a%20b%23c", b"/a%20b%23c"),
    ("/\N{LATIN SMALL LETTER E WITH ACUTE}?\N{SNOWMAN}", b"/%C3%A9?%E2%98%83"),
    ("/\N{LINE SEPARATOR}", b"/%E2%80%A8"),
    ("/\N{NEXT LINE}", b"/%C2%85"),
    ("http://server.example.com/foo", b"http://server.example.com/foo"),
    ("https://server.example.com/foo", b"https://server.example.com/foo"),
    ("ws://server.example.com/foo", b"ws://server.example.com/foo"),
    ("wss://server.example.com/foo", b"wss://server.example.com/foo"),
    ("WSS://server.example.com/foo", b"WSS://server.example.com/foo"),
]


@pytest.mark.requirement("R6455-3-03", "R6455-4.1-22", "R9112-3.2.1-01")
@pytest.mark.requirement("R6455-3-02", rows="*://*")
@pytest.mark.requirement("R6455-3-05", rows="*%23*")
@pytest.mark.requirement("R6455-11.1.1-02", "R6455-11.1.2-02", rows="*%[CE][23]%*")
@pytest.mark.parametrize(("target", "sent"), TARGETS)
def test_target(target: str, sent: bytes) -> None:
    head, _ = read_head(written(Request("server.example.com", target)))
    assert head.target == sent


HOSTS = [
    ("server.example.com", b"server.example.com"),
    ("server.example.com:8080", b"server.example.com:8080"),
    ("127.0.0.1:80", b"127.0.0.1:80"),
    ("under_score", b"under_score"),
    ("::1", b"[::1]"),
    ("2001:db8::1", b"[2001:db8::1]"),
    ("[::1]", b"[::1]"),
    ("[2001:db8::1]:8080", b"[2001:db8::1]:8080"),
    ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", b"xn--bcher-kva.example"),
    ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example:8080", b"xn--bcher-kva.example:8080"),
    ("xn--bcher-kva.example", b"xn--bcher-kva.example"),
    ("XN--Bcher-kva.example", b"XN--Bcher-kva.example"),
    ("B\N{LATIN CAPITAL LETTER U WITH DIAERESIS}cher.example.", b"xn--bcher-kva.example."),
    ("b\N{LATIN SMALL LETTER U}\N{COMBINING DIAERESIS}cher.example", b"xn--bcher-kva.example"),
    ("\u03bb\u3002\u03bb\uff0e\u03bb\uff61example:80", b"xn--wxa.xn--wxa.xn--wxa.example:80"),
    ("\N{SNOWMAN}.example", b"xn--n3h.example"),
    # The two IDNAs differ on these; 2003's would ask strasse.de, and another domain for each of the others.
    ("stra\N{LATIN SMALL LETTER SHARP S}e.de:443", b"xn--strae-oqa.de:443"),
    ("STRA\N{LATIN SMALL LETTER SHARP S}E.de", b"xn--strae-oqa.de"),
    ("\u03b2\u03cc\u03bb\u03bf\u03c2.com", b"xn--nxasmm1c.com"),
    ("\u0392\u038c\u039b\u039f\u03c2.com", b"xn--nxasmm1c.com"),
    ("\u0392\u038c\u039b\u039f\u03a3.com", b"xn--nxasmq6b.com"),  # capitals have no final sigma
    ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", b"xn--mgba3gch31f060k.com"),
    ("\u0dc1\u0dca\u200d\u0dbb\u0dd3.com", b"xn--10cl1a0b660p.com"),
    # Right to left, and a mark or a digit at the end, which 2003 refuses.
    ("\u0628\u0661.com", b"xn--ngb8i.com"),
    ("\u05d9\u05b4\u05e9\u05b0\u05c1.com", b"xn--7cbh4bxfsd.com"),
    # A zone has a meaning here alone (RFC 6874 4).
    ("fe80::1%eth0", b"[fe80::1]"),
    ("[fe80::1%25eth0]:80", b"[fe80::1]:80"),
    ("[fe80::1%eth0]", b"[fe80::1]"),
    ("[v1.fe80::a+en1]:80", b"[v1.fe80::a+en1]:80"),
]


@pytest.mark.requirement("R6455-3-01", rows="server.example.com*|*:8080*")
@pytest.mark.requirement("R6455-4.1-23")
@pytest.mark.requirement("R6455-11.1.1-01", "R6455-11.1.2-01", rows="*xn--*")
@pytest.mark.parametrize(("host", "sent"), HOSTS)
def test_host(host: str, sent: bytes) -> None:
    head, _ = read_head(written(Request(host, "/")))
    assert head.one(b"Host") == sent


@pytest.mark.requirement("R6455-4.1-35")
def test_subprotocols_are_offered_in_order() -> None:
    names = ["b", "a", "A", "!#$%&'*+-.^_`|~z"]
    head, _ = read_head(written(Request("localhost", "/", subprotocols=names)))
    assert head.members(b"Sec-WebSocket-Protocol") == [name.encode() for name in names]


@pytest.mark.requirement("R6455-4.1-38", "R6455-9-01", "R6455-9.2-01")
def test_extensions_are_offered_in_order_with_their_parameters() -> None:
    extensions = [
        Offering("x=1; y", "x-a"),
        Offering(False, "x-b"),
        Offering(True, "x-c"),
        Offering("", "x-d"),
    ]
    head, _ = read_head(written(Request("localhost", "/", extensions=extensions)))
    assert head.members(b"Sec-WebSocket-Extensions")[:2] == [b"x-a; x=1; y", b"x-c"]
    assert b"x-b" not in head.one(b"Sec-WebSocket-Extensions")


def test_without_an_offer_there_is_no_extensions_header() -> None:
    head, _ = read_head(written(Request("localhost", "/", extensions=[Offering(False)])))
    assert head.all(b"Sec-WebSocket-Extensions") == []


@pytest.mark.requirement("R6455-4.1-32", "R6455-4.1-39")
def test_extra_headers_are_sent_in_order() -> None:
    extra = [
        (b"Origin", b"http://example.com"),
        (b"Cookie", b"a=\xe9"),
        (b"X-A", b"1"),
        (b"X-A", b""),
        (b"X-B", b"a\tb"),
    ]
    head, _ = read_head(written(Request("localhost", "/", extra_headers=extra)))
    assert [header for header in head.headers if header in extra] == extra


def a_request(**changes: Any) -> Callable[[], Request]:
    return lambda: Request(**{"host": "localhost", "target": "/", **changes})


LONG_LABEL = "\N{LATIN SMALL LETTER E WITH ACUTE}" * 64

BAD_REQUESTS: list[tuple[str, Callable[[], Request]]] = [
    ("target-crlf", a_request(target="/ HTTP/1.1\r\nX: y")),
    ("target-cr", a_request(target="/\r")),
    ("target-lf", a_request(target="/\n")),
    ("target-nul", a_request(target="/\0")),
    ("target-space", a_request(target="/a b")),
    ("target-tab", a_request(target="/a\tb")),
    ("target-del", a_request(target="/\x7f")),
    ("target-fragment", a_request(target="/a#b")),
    ("target-bare-fragment", a_request(target="#")),
    ("target-absolute-fragment", a_request(target="ws://localhost/a#b")),
    ("target-absolute-space", a_request(target="ws://localhost/a b")),
    ("target-surrogate", a_request(target="/\ud800")),
    ("target-none", a_request(target=None)),
    ("target-number", a_request(target=5)),
    ("host-empty", a_request(host="")),
    ("host-crlf", a_request(host="a\r\nX: y")),
    ("host-lf", a_request(host="a\n")),
    ("host-nul", a_request(host="a\0")),
    ("host-space", a_request(host="a b")),
    ("host-path", a_request(host="a/b")),
    ("host-query", a_request(host="a?b")),
    ("host-fragment", a_request(host="a#b")),
    ("host-user", a_request(host="user@a")),
    ("host-list", a_request(host="a, b")),
    ("host-open-bracket", a_request(host="[::1")),
    ("host-word-for-port", a_request(host="a:b")),
    ("host-word-in-brackets", a_request(host="[abc]")),
    ("host-long-label", a_request(host=LONG_LABEL)),
    ("host-label-that-is-long-in-idna", a_request(host="a" * 59 + "\N{LATIN SMALL LETTER E WITH ACUTE}")),
    ("host-long-label-with-a-sharp-s", a_request(host="\N{LATIN SMALL LETTER SHARP S}" * 64)),
    ("host-capital-sharp-s", a_request(host="STRA\N{LATIN CAPITAL LETTER SHARP S}E.de")),
    ("host-sharp-s-and-what-is-left-out", a_request(host="a\N{SOFT HYPHEN}\N{LATIN SMALL LETTER SHARP S}")),
    ("host-sharp-s-and-a-surrogate", a_request(host="\N{LATIN SMALL LETTER SHARP S}\ud800")),
    ("host-with-a-zone-of-no-sense", a_request(host="fe80::1%\r\n")),
    ("host-with-an-empty-zone", a_request(host="[fe80::1%]")),
    ("host-open-bracket-behind", a_request(host="::1]")),
    ("host-surrogate", a_request(host="\ud800")),
    ("host-that-idna-turns-into-a-path", a_request(host="ex\N{ACCOUNT OF}mple")),
    ("host-that-idna-turns-into-a-fragment", a_request(host="a\N{FULLWIDTH NUMBER SIGN}b")),
    ("host-that-idna-turns-into-a-user", a_request(host="a\N{FULLWIDTH COMMERCIAL AT}b")),
    ("host-none", a_request(host=None)),
    ("host-number", a_request(host=5)),
    ("subprotocol-empty", a_request(subprotocols=[""])),
    ("subprotocol-space", a_request(subprotocols=["a b"])),
    ("subprotocol-comma", a_request(subprotocols=["a,b"])),
    ("subprotocol-separator", a_request(subprotocols=["a/b"])),
    ("subprotocol-quoted", a_request(subprotocols=['"a"'])),
    ("subprotocol-crlf", a_request(subprotocols=["a\r\nX: y"])),
    ("subprotocol-nul", a_request(subprotocols=["a\0"])),
    ("subprotocol-final-lf", a_request(subprotocols=["a\n"])),
    ("subprotocol-non-ascii", a_request(subprotocols=["\N{LATIN SMALL LETTER E WITH ACUTE}"])),
    ("subprotocol-surrogate", a_request(subprotocols=["\ud800"])),
    ("subprotocol-twice", a_request(subprotocols=["a", "b", "a"])),
    ("subprotocol-none", a_request(subprotocols=[None])),
    ("subprotocols-text", a_request(subprotocols="chat")),
    ("subprotocols-number", a_request(subprotocols=5)),
    ("header-value-crlf", a_request(extra_headers=[(b"X", b"a\r\nY: b")])),
    ("header-value-cr", a_request(extra_headers=[(b"X", b"a\rb")])),
    ("header-value-lf", a_request(extra_headers=[(b"X", b"a\nb")])),
    ("header-value-nul", a_request(extra_headers=[(b"X", b"a\0b")])),
    ("header-value-fold", a_request(extra_headers=[(b"X", b"a\r\n b")])),
    ("header-value-smuggling", a_request(extra_headers=[(b"X", b"a\r\n\r\nGET / HTTP/1.1")])),
    ("header-name-crlf", a_request(extra_headers=[(b"X: a\r\nY", b"b")])),
    ("header-name-space", a_request(extra_headers=[(b"X Y", b"a")])),
    ("header-name-colon", a_request(extra_headers=[(b"X:", b"a")])),
    ("header-name-empty", a_request(extra_headers=[(b"", b"a")])),
    ("header-name-non-ascii", a_request(extra_headers=[(b"\xe9", b"a")])),
    ("second-host", a_request(extra_headers=[(b"host", b"a")])),
    ("second-upgrade", a_request(extra_headers=[(b"UPGRADE", b"h2c")])),
    ("second-connection", a_request(extra_headers=[(b"Connection", b"close")])),
    ("second-key", a_request(extra_headers=[(b"sec-websocket-key", KEY)])),
    ("second-version", a_request(extra_headers=[(b"Sec-WebSocket-Version", b"8")])),
    ("second-subprotocols", a_request(subprotocols=["a"], extra_headers=[(b"Sec-WebSocket-Protocol", b"b")])),
    (
        "second-extensions",
        a_request(extensions=[Offering()], extra_headers=[(b"Sec-WebSocket-Extensions", b"b")]),
    ),
    ("content-length", a_request(extra_headers=[(b"Content-Length", b"5")])),
    ("transfer-encoding", a_request(extra_headers=[(b"Transfer-Encoding", b"chunked")])),
    ("headers-none", a_request(extra_headers=None)),
    ("headers-number", a_request(extra_headers=5)),
    ("header-without-value", a_request(extra_headers=[(b"X",)])),
    ("header-of-numbers", a_request(extra_headers=[(1, 2)])),
    ("header-none", a_request(extra_headers=[None])),
    ("extension-of-another-type", a_request(extensions=[object()])),
    ("extension-text", a_request(extensions=["permessage-deflate"])),
    ("extensions-number", a_request(extensions=5)),
    ("extension-name-crlf", a_request(extensions=[Offering(True, "x\r\nX: y")])),
    ("extension-name-list", a_request(extensions=[Offering(True, "x, y")])),
    ("extension-name-empty", a_request(extensions=[Offering(True, "")])),
    ("extension-offer-crlf", a_request(extensions=[Offering("x=1\r\nX: y")])),
    ("extension-offer-lf", a_request(extensions=[Offering("x=1\n")])),
    ("extension-offer-nul", a_request(extensions=[Offering("x=\0")])),
    ("extension-offer-non-ascii", a_request(extensions=[Offering("x=\N{SNOWMAN}")])),
    ("extension-offer-smuggling", a_request(extensions=[Offering("x=1, permessage-deflate")])),
    ("extension-offer-open-quote", a_request(extensions=[Offering('x="a')])),
]


@pytest.mark.requirement("R6455-3-04", rows="target-*fragment")
@pytest.mark.requirement("R6455-4.1-03", "R6455-4.1-04", rows="host-*|target-*")
@pytest.mark.requirement("R6455-4.1-19", rows="*-crlf|*-cr|*-lf|*-nul|*-smuggling")
@pytest.mark.requirement("R6455-4.1-36", rows="subprotocol-[!ct]*")
@pytest.mark.requirement("R9110-5.6.1.1-01", rows="subprotocol-empty")
@pytest.mark.requirement("R6455-4.1-37", rows="subprotocol-twice")
@pytest.mark.requirement("R6455-9.1-01", rows="extension-name-*|extension-offer-*")
@pytest.mark.requirement("R9110-8.6-03", rows="content-length")
@pytest.mark.requirement("R9112-2.2-06", rows="header-value-cr")
@pytest.mark.requirement("R9112-3.2-02", rows="host-user")
@pytest.mark.requirement("R9112-5.2-03", rows="header-value-fold")
@pytest.mark.parametrize("make", [make for _, make in BAD_REQUESTS], ids=[name for name, _ in BAD_REQUESTS])
def test_a_bad_request_fails_and_changes_nothing(
    make: Callable[[], Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    client = WSConnection(ConnectionType.CLIENT)
    with pytest.raises(LocalProtocolError):
        client.send(make())
    assert client.state is ConnectionState.CONNECTING
    good = Request("localhost", "/", [PerMessageDeflate()], [(b"X", b"y")], ["chat"])
    assert client.send(good) == written(good)
    assert isinstance(accepted(client, response(KEY)), AcceptConnection)


# -- A response that is accepted


@pytest.mark.requirement("R6455-4.1-41")
def test_an_acceptance_becomes_this_event() -> None:
    offered = Offering("y")
    client, key = asking_client(Request("localhost", "/", extensions=[offered], subprotocols=["a", "b"]))
    extra = {b"Server": [b"test"], b"Set-Cookie": [b"a=1", b"b=2"]}
    named = {b"Sec-WebSocket-Protocol": [b"b"], b"Sec-WebSocket-Extensions": [b"x-test; y"]}
    event = accepted(client, response(key, extra | named))
    assert event == AcceptConnection(
        subprotocol="b",
        extensions=[offered],
        extra_headers=[(b"server", b"test"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")],
    )
    assert event.extensions[0] is offered
    assert offered.answers == ["x-test; y"]


def test_the_smallest_acceptance_becomes_an_empty_event() -> None:
    client, key = asking_client(Request("localhost", "/", extensions=[Offering()], subprotocols=["a"]))
    assert accepted(client, response(key)) == AcceptConnection()


GOOD: list[tuple[str, Changes]] = [
    ("upgrade-capitals", {b"Upgrade": [b"WebSocket"]}),
    ("connection-lower-case", {b"Connection": [b"upgrade"]}),
    ("connection-list", {b"Connection": [b"keep-alive,\tUpgrade"]}),
    ("connection-first-line", {b"Connection": [b"Upgrade", b"keep-alive"]}),
    ("connection-last-line", {b"Connection": [b"keep-alive", b"Upgrade"]}),
    ("connection-empty-elements", {b"Connection": [b", Upgrade,"]}),
]


@pytest.mark.requirement("R6455-4.1-43", rows="upgrade-*")
@pytest.mark.requirement("R6455-4.1-44", rows="connection-*")
@pytest.mark.parametrize("changes", [changes for _, changes in GOOD], ids=[name for name, _ in GOOD])
def test_a_good_response_is_accepted(changes: Changes) -> None:
    client, key = asking_client()
    assert accepted(client, response(key, changes)) == AcceptConnection()


@pytest.mark.requirement("R6455-4.1-45")
def test_white_space_around_the_accept_token_counts_for_nothing() -> None:
    client, key = asking_client()
    padded = b" \t" + accept_token(key) + b"\t "
    assert accepted(client, response(key, {b"Sec-WebSocket-Accept": [padded]})) == AcceptConnection()


@pytest.mark.requirement("R6455-4.1-49")
@pytest.mark.parametrize("case", [bytes.lower, bytes.upper], ids=["lower", "upper"])
def test_header_names_are_matched_in_any_case(case: Callable[[bytes], bytes]) -> None:
    client, key = asking_client(Request("localhost", "/", subprotocols=["a"]))
    data = response(key, {b"Sec-WebSocket-Protocol": [b"a"]})
    for name in (b"Upgrade:", b"Connection:", b"Sec-WebSocket-Accept:", b"Sec-WebSocket-Protocol:"):
        data = data.replace(name, case(name))
    assert accepted(client, data) == AcceptConnection("a")


@pytest.mark.parametrize("status_line", [b"HTTP/1.1 101 ", b"HTTP/1.1 101 Web Socket Protocol Handshake"])
def test_the_reason_phrase_is_free(status_line: bytes) -> None:
    client, key = asking_client()
    assert accepted(client, response(key, status_line=status_line)) == AcceptConnection()


@pytest.mark.requirement("R6455-9.1-07")
def test_accepted_extensions_come_in_the_order_of_the_response() -> None:
    first, second = Offering(True, "x-a"), Offering(True, "x-b")
    client, key = asking_client(Request("localhost", "/", extensions=[first, second]))
    event = accepted(client, response(key, {b"Sec-WebSocket-Extensions": [b"x-b; z, x-a"]}))
    assert event.extensions == [second, first]
    assert (first.answers, second.answers) == (["x-a"], ["x-b; z"])


@pytest.mark.requirement("R6455-9.1-05", "R6455-9-02")
def test_an_extension_that_was_not_accepted_is_not_used() -> None:
    client, key = asking_client(Request("localhost", "/", extensions=[PerMessageDeflate()]))
    accepted(client, response(key))
    frame = client.send(TextMessage("a" * 100))
    assert frame[0] == 0x81
    assert len(frame) == 2 + 4 + 100


# -- A response that fails the handshake


BAD: list[tuple[str, Changes, str | None]] = [
    ("no-upgrade", {b"Upgrade": []}, "Missing header, 'Upgrade: websocket'"),
    ("other-upgrade", {b"Upgrade": [b"h2c"]}, "Missing header, 'Upgrade: websocket'"),
    ("upgrade-longer", {b"Upgrade": [b"websocket2"]}, None),
    (
        "upgrade-list",
        {b"Upgrade": [b"websocket, h2c"]},
        "Bad header 'Upgrade': websocket is beside h2c (RFC 6455 4.1)",
    ),
    (
        "upgrade-on-two-lines",
        {b"Upgrade": [b"h2c", b"websocket"]},
        "Bad header 'Upgrade': websocket is beside h2c (RFC 6455 4.1)",
    ),
    (
        "upgrade-twice",
        {b"Upgrade": [b"websocket, websocket"]},
        "Bad header 'Upgrade': websocket is beside websocket (RFC 6455 4.1)",
    ),
    ("upgrade-empty", {b"Upgrade": [b""]}, None),
    ("upgrade-non-ascii", {b"Upgrade": [b"websocket\xff"]}, None),
    ("upgrade-white-space-of-python", {b"Upgrade": [b"websocket\x1c"]}, None),
    ("no-connection", {b"Connection": []}, "Missing header, 'Connection: Upgrade'"),
    ("other-connection", {b"Connection": [b"close"]}, "Missing header, 'Connection: Upgrade'"),
    ("connection-longer", {b"Connection": [b"notupgrade"]}, None),
    ("connection-non-ascii", {b"Connection": [b"Upgrade\xff"]}, None),
    ("connection-white-space-of-python", {b"Connection": [b"Upgrade\x1c"]}, None),
    ("no-accept", {b"Sec-WebSocket-Accept": []}, "Bad accept token"),
    ("empty-accept", {b"Sec-WebSocket-Accept": [b""]}, "Bad accept token"),
    ("other-accept", {b"Sec-WebSocket-Accept": [accept_token(KEY)]}, "Bad accept token"),
    ("non-ascii-accept", {b"Sec-WebSocket-Accept": [b"\xff"]}, "Bad accept token"),
    ("subprotocol-not-offered", {b"Sec-WebSocket-Protocol": [b"c"]}, "unrecognized subprotocol c"),
    ("subprotocol-in-another-case", {b"Sec-WebSocket-Protocol": [b"A"]}, "unrecognized subprotocol A"),
    ("subprotocol-list", {b"Sec-WebSocket-Protocol": [b"a, b"]}, None),
    ("subprotocol-empty", {b"Sec-WebSocket-Protocol": [b""]}, None),
    ("subprotocol-non-ascii", {b"Sec-WebSocket-Protocol": [b"a\xff"]}, None),
    ("subprotocol-white-space-of-python", {b"Sec-WebSocket-Protocol": [b"a\x1c"]}, None),
    ("two-subprotocols", {b"Sec-WebSocket-Protocol": [b"evil", b"a"]}, None),
    ("two-offered-subprotocols", {b"Sec-WebSocket-Protocol": [b"a", b"b"]}, None),
    ("two-equal-subprotocols", {b"Sec-WebSocket-Protocol": [b"a", b"a"]}, None),
    (
        "extension-not-offered",
        {b"Sec-WebSocket-Extensions": [b"x-other; y=1"]},
        "unrecognized extension x-other",
    ),
    ("extension-empty", {b"Sec-WebSocket-Extensions": [b""]}, None),
    ("extension-non-ascii", {b"Sec-WebSocket-Extensions": [b"x-a\xff"]}, None),
    ("extension-white-space-of-python", {b"Sec-WebSocket-Extensions": [b"x-a\x1c"]}, None),
    ("extension-nothing-but-commas", {b"Sec-WebSocket-Extensions": [b" ,,"]}, None),
    ("subprotocol-nothing-but-commas", {b"Sec-WebSocket-Protocol": [b" ,,"]}, "unrecognized subprotocol ,,"),
    ("subprotocol-and-a-comma", {b"Sec-WebSocket-Protocol": [b"a,"]}, "unrecognized subprotocol a,"),
    ("subprotocol-behind-a-comma", {b"Sec-WebSocket-Protocol": [b",a"]}, "unrecognized subprotocol ,a"),
    ("subprotocol-and-an-empty-line", {b"Sec-WebSocket-Protocol": [b"a", b""]}, None),
    ("extension-and-an-empty-line", {b"Sec-WebSocket-Extensions": [b"x-a", b""]}, None),
    ("extension-bad-parameter", {b"Sec-WebSocket-Extensions": [b"x-a; =1"]}, None),
    ("extension-open-quote", {b"Sec-WebSocket-Extensions": [b'x-a; y="1']}, None),
    ("two-extension-lines", {b"Sec-WebSocket-Extensions": [b"x-a", b"x-b"]}, None),
    (
        "permessage-deflate-twice",
        {b"Sec-WebSocket-Extensions": [b"permessage-deflate, permessage-deflate"]},
        None,
    ),
    ("permessage-deflate-unknown", {b"Sec-WebSocket-Extensions": [b"permessage-deflate; foo"]}, None),
]


@pytest.mark.requirement("R6455-4.1-41", "R6455-7.2.1-01", "R6455-10.7-01")
@pytest.mark.requirement("R6455-4.1-43", rows="no-upgrade|other-upgrade|upgrade-*")
@pytest.mark.requirement("R6455-4.1-44", rows="no-connection|other-connection|connection-*")
@pytest.mark.requirement("R6455-4.1-45", rows="*accept")
@pytest.mark.requirement("R6455-4.1-46", rows="extension-not-offered")
@pytest.mark.requirement("R6455-4.1-47", rows="subprotocol-not-offered|subprotocol-in-another-case")
@pytest.mark.requirement("R6455-4.1-48", rows="two-*|upgrade-twice")
@pytest.mark.requirement("R6455-4.3-03", rows="subprotocol-list|subprotocol-empty|subprotocol-*comma*")
@pytest.mark.requirement("R6455-9-04", rows="permessage-deflate-*")
@pytest.mark.requirement("R6455-9.1-04", rows="permessage-deflate-unknown")
@pytest.mark.requirement(
    "R6455-9.1-01",
    rows="extension-empty|extension-bad-parameter|extension-open-quote|extension-nothing-but-commas",
)
@pytest.mark.requirement("R6455-11.3.2-02", rows="two-extension-lines|extension-and-an-empty-line")
@pytest.mark.requirement("R6455-11.3.4-02", rows="two-*subprotocols")
@pytest.mark.parametrize(("changes", "text"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_response_fails_the_handshake(changes: Changes, text: str | None) -> None:
    extensions = [Offering(True, "x-a"), Offering(True, "x-b"), PerMessageDeflate()]
    client, key = asking_client(Request("localhost", "/", extensions=extensions, subprotocols=["a", "b"]))
    error = failed(client, response(key, changes))
    assert text is None or str(error) == text


@pytest.mark.requirement("R6455-11.3.3-01", "R6455-4.1-48")
@pytest.mark.parametrize("right_first", [True, False])
def test_two_accept_tokens_fail_the_handshake(right_first: bool) -> None:
    client, key = asking_client()
    tokens = [accept_token(key), accept_token(KEY)][:: 1 if right_first else -1]
    failed(client, response(key, {b"Sec-WebSocket-Accept": tokens}))


@pytest.mark.requirement("R6455-11.3.3-01")
def test_the_right_accept_token_twice_fails_the_handshake() -> None:
    client, key = asking_client()
    failed(client, response(key, {b"Sec-WebSocket-Accept": [accept_token(key)] * 2}))


@pytest.mark.requirement("R6455-4.1-45")
@pytest.mark.parametrize(
    "spoil",
    [
        bytes.lower,
        bytes.swapcase,
        lambda token: token[:-1],
        lambda token: token + b"=",
        lambda token: token + b"\x1c",
    ],
    ids=["lower", "swapped", "cut", "longer", "white-space-of-python"],
)
def test_an_accept_token_that_is_nearly_right_fails_the_handshake(spoil: Callable[[bytes], bytes]) -> None:
    client, key = asking_client()
    error = failed(client, response(key, {b"Sec-WebSocket-Accept": [spoil(accept_token(key))]}))
    assert str(error) == "Bad accept token"


@pytest.mark.requirement("R6455-4.1-47")
def test_a_subprotocol_where_none_was_offered_fails_the_handshake() -> None:
    client, key = asking_client()
    error = failed(client, response(key, {b"Sec-WebSocket-Protocol": [b"chat"]}))
    assert str(error) == "unrecognized subprotocol chat"


@pytest.mark.requirement("R6455-4.1-46", "R6455-9-03")
def test_an_extension_that_declined_to_offer_fails_the_handshake() -> None:
    client, key = asking_client(Request("localhost", "/", extensions=[Offering(False)]))
    error = failed(client, response(key, {b"Sec-WebSocket-Extensions": [b"x-test"]}))
    assert str(error) == "unrecognized extension x-test"


BAD_HTTP = [
    ("no-http", b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    ("http-2", b"HTTP/2 101 Switching Protocols\r\n\r\n"),
    ("bad-status", b"HTTP/1.1 1O1 Switching Protocols\r\n\r\n"),
    ("status-of-two-digits", b"HTTP/1.1 10 Switching Protocols\r\n\r\n"),
    ("nul-in-a-value", b"HTTP/1.1 101 Switching Protocols\r\nX: a\0b\r\n\r\n"),
    ("bare-cr-in-a-value", b"HTTP/1.1 101 Switching Protocols\r\nX: a\rb\r\n\r\n"),
    ("space-before-colon", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade : websocket\r\n\r\n"),
    ("no-colon", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade\r\n\r\n"),
    ("request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
]


@pytest.mark.requirement("R6455-4.1-41", "R6455-7.2.1-01")
@pytest.mark.requirement("R9110-5.5-01", rows="*-in-a-value")
@pytest.mark.requirement("R9112-2.2-01", rows="bare-cr-in-a-value")
@pytest.mark.parametrize("data", [data for _, data in BAD_HTTP], ids=[name for name, _ in BAD_HTTP])
def test_bad_http_fails_the_handshake(data: bytes) -> None:
    client, _ = asking_client()
    assert str(failed(client, data)) == "Bad HTTP message"


@pytest.mark.requirement("R6455-4.1-41", "R6455-4.1-48")
def test_an_acceptance_of_http_1_0_fails_the_handshake() -> None:
    client, key = asking_client()
    failed(client, response(key, status_line=b"HTTP/1.0 101 Switching Protocols"))


def test_a_101_of_another_major_version_is_refused() -> None:
    """The server's side refused it already; found by the fuzz target handshake_client."""
    client, key = asking_client()
    error = failed(client, response(key, status_line=b"HTTP/8.1 101 Switching Protocols"))
    assert str(error) == "Bad HTTP message"


@pytest.mark.requirement("R6455-4.1-41")
def test_a_response_before_the_request_fails_the_handshake() -> None:
    failed(WSConnection(ConnectionType.CLIENT), response(KEY))


# -- Interim responses

EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.requirement("R9110-15.2-01")
@pytest.mark.parametrize("count", [1, 2, 16])
def test_early_hints_are_skipped(count: int) -> None:
    client, key = asking_client()
    assert accepted(client, EARLY_HINTS * count + response(key)) == AcceptConnection()


@pytest.mark.requirement("R9110-15.2-01")
def test_early_hints_in_a_read_of_their_own_are_no_event() -> None:
    client, key = asking_client()
    assert feed(client, EARLY_HINTS) == []
    assert state_of(client) is ConnectionState.CONNECTING
    assert accepted(client, response(key)) == AcceptConnection()


@pytest.mark.requirement("R9110-15.2-01")
def test_early_hints_before_a_rejection_are_skipped() -> None:
    client, _ = asking_client()
    events = feed(client, EARLY_HINTS + rejection(b"404 Not Found", (b"Content-Length", b"0")))
    assert events[0] == RejectConnection(404, [(b"content-length", b"0")], has_body=True)


def interim(status: int) -> bytes:
    return b"HTTP/1.1 %d Interim\r\nX-A: b\r\n\r\n" % status


INTERIM = [100, 102, 103, 104, 150, 199]


@pytest.mark.requirement("R9110-15.2-01")
@pytest.mark.parametrize("status", INTERIM)
def test_any_interim_response_is_skipped(status: int) -> None:
    client, key = asking_client()
    assert accepted(client, interim(status) + response(key)) == AcceptConnection()
    client, _ = asking_client()
    events = feed(client, interim(100) + interim(status) + rejection(b"404 Not Found"))
    assert events == [RejectConnection(404, [], has_body=True)]


@pytest.mark.parametrize("status", INTERIM)
def test_an_interim_response_is_the_last_word_where_the_connection_ends_behind_it(status: int) -> None:
    for pieces in every_cutting(interim(103) + interim(status)):
        client, _ = asking_client()
        assert feed(client, *pieces) == []
        assert feed(client, None) == [RejectConnection(status, [(b"x-a", b"b")], has_body=False)]
        assert client.state is ConnectionState.CLOSED
        assert feed(client, None) == []


@pytest.mark.requirement("R6455-7.2.1-01")
@pytest.mark.parametrize("rest", [b"H", b"HTTP/1.1 101 Switching Protocols\r\n"])
def test_an_interim_response_is_not_the_last_word_where_more_came(rest: bytes) -> None:
    for pieces in every_cutting(interim(100) + rest):
        client, _ = asking_client()
        assert "ended before" in str(failed(client, *pieces, None))


# -- Frames behind the response


@pytest.mark.requirement("R6455-4.1-50")
def test_frames_behind_the_response_are_read() -> None:
    client, key = asking_client()
    first, second = peer_frame(True, TEXT, b"Hello"), peer_frame(True, TEXT, b"World")
    assert feed(client, response(key) + first + second) == [
        AcceptConnection(),
        TextMessage("Hello"),
        TextMessage("World"),
    ]


@pytest.mark.requirement("R6455-4.1-50")
@pytest.mark.parametrize("cut", range(1, 7))
def test_a_frame_that_is_half_behind_the_response_is_read(cut: int) -> None:
    client, key = asking_client()
    frame = peer_frame(True, TEXT, b"Hello")
    events = feed(client, response(key) + frame[:cut], frame[cut:])
    assert events[0] == AcceptConnection()
    assert "".join(event.data for event in events[1:] if isinstance(event, TextMessage)) == "Hello"


@pytest.mark.requirement("R6455-4.1-40", "R6455-5.1-07", "R9110-7.8-06")
def test_no_frame_can_be_sent_before_the_response() -> None:
    client, key = asking_client()
    with pytest.raises(LocalProtocolError):
        client.send(TextMessage("Hello"))
    accepted(client, response(key))
    assert client.send(TextMessage("Hello"))[:2] == b"\x81\x85"


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_an_interim_response_that_answers_the_handshake_rejects_it(status: int) -> None:
    """Its server took itself for connected: nothing else would ever follow, and both sides would wait."""
    data = b"HTTP/1.1 %d \r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" % status
    data += b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    for pieces in every_cutting(data):
        client = asking_client()[0]
        (event,) = feed(client, *pieces)
        assert isinstance(event, RejectConnection)
        assert (event.status_code, event.has_body) == (status, False)
        assert client.state is ConnectionState.CLOSED
