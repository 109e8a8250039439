"""The seeds of the handshakes' targets: heads and sections, right ones and odd ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fuzz.frames import CHOICES
from fuzz.streams import written
from tests.oracle.deflating import HELLO
from tests.oracle.handshake_bytes import KEY, chunked, rejection, request, response
from tests.oracle.stream_sections import CONNECT, ODD_FIELDS, odd_sections
from tooling import frames as wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.oracle.judging_streams import Step

OFFERS: Final = (
    b"permessage-deflate",
    b"permessage-deflate; client_max_window_bits",
    b"permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
    b'permessage-deflate; server_max_window_bits="12"; server_no_context_takeover',
    b"permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    b"permessage-deflate; server_max_window_bits=8, permessage-deflate",
    b"permessage-deflate; client_max_window_bits=7",
    b"permessage-deflate; unknown=1",
    b"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    b"permessage-deflate; server_no_context_takeover=1",
    b'x-foo; a="b,c;d\\"e", permessage-deflate',
    b'x-foo; a="',
    b"x-foo; =, permessage-deflate,",
    b"permessage-deflate\npermessage-deflate",
    b"permessage-deflate, permessage-deflate",
    b"permessage-deflate;",
    b"x-foo; =1",
    b"\xff",
    b"",
)

_HEADS: Final[tuple[dict[bytes, list[bytes]], ...]] = (
    {},
    {b"Sec-WebSocket-Protocol": [b"chat, superchat"]},
    {b"Sec-WebSocket-Protocol": [b"chat", b"chat"]},
    {b"Sec-WebSocket-Protocol": [b"a b"]},
    {b"Sec-WebSocket-Protocol": [b"\xff"]},
    {b"Sec-WebSocket-Version": [b"8"]},
    {b"Sec-WebSocket-Version": []},
    {b"Sec-WebSocket-Key": [b"x"]},
    {b"Sec-WebSocket-Key": [KEY, KEY]},
    {b"Connection": [b"keep-alive, Upgrade"]},
    {b"Connection": [b"close"]},
    {b"Connection": [b'"']},
    {b"Connection": [b"a b"]},
    {b"Upgrade": [b"h2c"]},
    {b"Upgrade": [b"websocket, foo/1"]},
    {b"Host": []},
    {b"Host": [b"xn--bcher-kva.example:80"]},
    {b"Host": [b"xn--\xff"]},
    {b"Host": [b"xn--a"]},
    {b"Host": [b"[::1]:80"]},
    {b"Host": [b"a b"]},
    {b"Content-Length": [b"0"]},
    {b"Content-Length": [b"5"]},
    {b"Transfer-Encoding": [b"chunked"]},
    {b"Expect": [b"100-continue"]},
    {b"X-Long": [b"x" * 60]},
    {b"X": [b"1"] * 6},
    {b"X": [b"1"] * 129},
    {b"Sec-WebSocket-Accept": [b"s3pPLMBiTxaQ9kYGzzhZRbK+xOp="]},
    {b"Sec-WebSocket-Accept": []},
)
_TARGETS: Final = (
    *(b"/a?b", b"http://example.com/chat?x", b"ws://example.com", b"*", b"/#a", b"http://", b"x", b"/\x80"),
    b"ws://a b/",
)


def _with_choices(heads: Iterable[bytes], ways: Iterable[tuple[int, int, int]]) -> Iterator[bytes]:
    some = list(ways)
    for number, head in enumerate(heads):
        yield bytes(CHOICES) + head
        for way in {some[number % len(some)], some[(number * 5 + 1) % len(some)]}:
            yield bytes(way) + head


def handshake_server() -> Iterator[bytes]:
    """Yield requests, with frames behind them."""
    hello = wire.frame(wire.TEXT, b"Hel", fin=False, mask=wire.MASK)
    hello += wire.frame(wire.CONTINUATION, b"lo", mask=wire.MASK)
    compressed = wire.frame(wire.TEXT, HELLO, rsv=wire.RSV1, mask=wire.MASK)
    heads = [request(changes) for changes in _HEADS]
    heads += [request(target=target) for target in _TARGETS]
    heads += [request({b"Sec-WebSocket-Extensions": offer.split(b"\n")}) + compressed for offer in OFFERS]
    heads += [request() + hello, request() + hello[:4], request()[:40], request().replace(b"\r\n", b"\n")]
    heads += [request(start_line=line) for line in (b"POST / HTTP/1.1", b"GET / HTTP/1.0", b"GET", b"")]
    heads += [request(start_line=b"GET / HTTP/2.0"), request({b"X": [b"1\r\n 2"]}), b"\x16\x03\x01", hello]
    heads += [b"\r\n" + request() + hello, b"\n" * 9 + request(), b"\r\n\n\r"]
    ways = [
        (flags, limits, cuts) for flags in (0, 1, 2, 6, 14) for limits in (0, 1, 2) for cuts in (0, 1, 60)
    ]
    return _with_choices(heads, ways)


def handshake_client() -> Iterator[bytes]:
    """Yield responses, with frames behind them."""
    hello = wire.frame(wire.TEXT, b"Hel", fin=False) + wire.frame(wire.CONTINUATION, b"lo")
    hello += wire.frame(wire.TEXT, HELLO, rsv=wire.RSV1)
    early = rejection(b"103 Early Hints", (b"Link", b"</a>"))
    heads = [response(KEY, changes) + hello for changes in _HEADS]
    heads += [response(KEY, {b"Sec-WebSocket-Extensions": one.split(b"\n")}) + hello for one in OFFERS]
    heads += [early + response(KEY), early * 17 + response(KEY), response(KEY)[:40]]
    heads += [response(KEY, status_line=b"HTTP/1.0 101 Switching Protocols"), b"\x16\x03\x01", hello]
    heads += [
        rejection(b"200 OK", (b"Content-Length", b"5"), body=b"Hello"),
        rejection(b"200 OK", (b"Content-Length", b"5"), body=b"Hel"),
        rejection(b"401 Unauthorized", (b"Transfer-Encoding", b"chunked"), body=chunked(b"Hel", b"lo")),
        rejection(b"401 Unauthorized", (b"Transfer-Encoding", b"chunked"), body=b"zz\r\n"),
        rejection(b"403 Forbidden", body=b"until the end"),
        rejection(b"100 Continue"),
        rejection(b"100 Continue") + early + response(KEY) + hello,
        rejection(b"102 Processing") + b"HTTP/1",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        rejection(b"204 No Content"),
    ]
    flags = [request_number << 1 | eof for request_number in range(4) for eof in (0, 1)]
    ways = [(flag, limits, cuts) for flag in flags for limits in (0, 2, 1) for cuts in (0, 1, 60)]
    fitting = [bytes((flag, 0, 0)) + head for flag in (4, 6) for head in heads]
    return iter([*fitting, *_with_choices(heads, ways)])


def stream_handshake_server() -> Iterator[bytes]:
    """Yield sections and data from a client."""
    hello = wire.frame(wire.TEXT, b"Hello", mask=wire.MASK)
    compressed = wire.frame(wire.TEXT, HELLO, rsv=wire.RSV1, mask=wire.MASK)
    right = list(CONNECT.items())
    for number, section in enumerate(odd_sections(CONNECT, ODD_FIELDS)):
        yield written([section])
        yield written([section, hello, None], number % 4, number % 5)
    for offer in OFFERS:
        yield written([[*right, (b"sec-websocket-extensions", offer.partition(b"\n")[0])], compressed])
    ends: list[list[Step]] = [[hello], [None], [right, right], [right, b"", None], [b"", right]]
    yield from map(written, ends)


def stream_handshake_client() -> Iterator[bytes]:
    """Yield sections and data from a server."""
    hello = wire.frame(wire.TEXT, b"Hel", fin=False) + wire.frame(wire.CONTINUATION, b"lo")
    hello += wire.frame(wire.TEXT, HELLO, rsv=wire.RSV1)
    early: Step = [(b":status", b"103"), (b"link", b"</a>")]
    statuses = (b"200", b"201", b"204", b"299", b"300", b"101", b"100", b"abc", b"2000", b"", b"099", b"403")
    changes = [change for change in ODD_FIELDS if not {*change} & {*CONNECT}]
    changes += [{b":status": status} for status in statuses]
    for number, section in enumerate(odd_sections({b":status": b"200"}, changes)):
        yield written([section, hello, None], number % 4)
        yield written([early, section, hello], number % 4, number % 5)
    for offer in OFFERS:
        answer = (b"sec-websocket-extensions", offer.partition(b"\n")[0])
        yield from (written([[(b":status", b"200"), answer], hello], flags) for flags in (2, 3))
    refusal: Step = [(b":status", b"403"), (b"content-length", b"5")]
    ends: list[list[Step]] = [
        [refusal, b"Hello", None],
        [refusal, b"Hel", [(b"x", b"")], None],
        [refusal, refusal],
        [refusal, b"Hello" * 9],
        [early] * 17,
        [early, None],
        [hello],
        [None],
        [b"", early],
    ]
    yield from map(written, ends)
    yield written([refusal, b"Hello", None], 0, 2)
