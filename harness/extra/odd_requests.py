"""Requests of X.1 that are odd HTTP, or none: their bytes, framing, targets, versions, lists and ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra.case import of_server
from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from harness.extra.handshake_expectations import Refuses, ServesNext
from harness.extra.heads import EXTENSIONS, KEY, PROTOCOL, REQUEST, VERSION, Head

if TYPE_CHECKING:
    from harness.extra.seen import Seen

HELLO_BACK = Echoes("Hello")
EITHER = Echoes("Hello", may_refuse=True)
ROBUST = "that is a SHOULD"
NOT_BOUND = "RFC 6455 4.1 binds the client; 4.2.1 names no such duty of the server"
A_SIZE = "how large a head may be is the server's choice (RFC 9110 5.4: larger than it wishes to process)"
NO_CONTENT = "RFC 9110 10.1.1 lets a server omit the 100 where there is no content"
MAY_END = "RFC 9112 8 speaks of closing the connection, but only says that the server MAY answer before"
CHOICE = "a server may ignore an Upgrade field (RFC 9110 7.8)"
NOT_DECODED = "RFC 6455 4.2.2 says of the key: it is not necessary for the server to base64-decode it"
FILLER = b"X-Filler: " + b"a" * 1000 + b"\r\n"

put, add, drop, begin = REQUEST.put, REQUEST.add, REQUEST.drop, REQUEST.begin


def _without_100(seen: Seen) -> str:
    return "" if 100 in seen.interim else "the server sent no 100 before its 101"


def _chosen(seen: Seen) -> str:
    lines = seen.head.values(PROTOCOL) if seen.head else []
    seen.head_fault = PROTOCOL if lines else ""
    return f"the response has {PROTOCOL} {lines}" if lines not in ([], ["x-one"], ["x-two"]) else ""


_EITHER = (
    ("Lines that end with a bare LF", "R9112-2.2-03", replace(REQUEST, line_end="\n")),
    ("A NUL in a field that the server does not know", "R9110-5.5-01", add("X-Extra", "a\0b")),
    ("A bare CR in a field that the server does not know", "R9112-2.2-01", add("X-Extra", "a\rb")),
    (
        "A control character (0x01) in a field that the server does not know",
        "R9110-5.5-02",
        add("X-Extra", "\x01"),
    ),
    ("A field over two lines (obs-fold)", "R9112-5.2-01", add("X-Extra", "a\r\n b")),
    (
        "“Connection: keep-alive,” and “Upgrade” on a folded line",
        "R9112-5.2-01",
        put("Connection", "keep-alive,\r\n Upgrade"),
    ),
    ("An expectation that nobody knows", "R9110-10.1.1-02", add("Expect", "x-unknown")),
    (
        "A target of 64 KiB: it is accepted, or refused as too long",
        "R9112-3-01",
        begin(f"GET /{'a' * 2**16} HTTP/1.1"),
    ),
    (
        "The body of a chunked request stands before the first frame",
        "R9112-6-01",
        add("Transfer-Encoding", "chunked"),
    ),
)

_REFUSED = (
    ("A NUL within “Upgrade: websocket”", "R9110-5.5-01", put("Upgrade", "web\0socket")),
    ("A bare CR within “Upgrade: websocket”", "R9112-2.2-01", put("Upgrade", "web\rsocket")),
    (
        "The version stands only in a folded line",
        "R9112-5.2-01",
        drop(VERSION).add("X-Extra", f"a\r\n {VERSION}: 13"),
    ),
    (
        "The version stands only in a line that a blank comes before",
        "R9112-2.2-04",
        drop(VERSION).begin(f"{REQUEST.start}\r\n {VERSION}: 13"),
    ),
    ("The method “get”", "R9110-9.1-01", begin("get / HTTP/1.1")),
    ("A request line without a version", "R6455-4.2.1-02", begin("GET /")),
    ("“http/1.1” in lower case", "R9112-2.3-01", begin("GET / http/1.1")),
    ("“HTTP/1.1x”", "R9112-2.3-01", begin("GET / HTTP/1.1x")),
    ("The target “*”", "R6455-4.2.1-01", begin("GET * HTTP/1.1")),
    ("The target “a:80”", "R6455-4.2.1-01", begin("GET a:80 HTTP/1.1")),
    ("A fragment in the target: “/x#y”", "R6455-4.2.1-01", begin("GET /x#y HTTP/1.1")),
    ("A byte over 0x7F in the target", "R6455-4.2.1-01", begin("GET /\xff HTTP/1.1")),
    ("A blank in the target", "R6455-4.2.1-01", begin("GET /a b HTTP/1.1")),
    ("A byte over 0x7F in Upgrade", "R6455-4.2.1-05", put("Upgrade", "websocket\xff")),
    ("A byte over 0x7F in Connection", "R6455-4.2.1-06", put("Connection", "Upgrade\xff")),
    ("A byte over 0x7F in the version", "R6455-4.2.1-08", put(VERSION, "13\xff")),
    ("A byte over 0x7F in the subprotocol", "R6455-4.2.1-01", put(PROTOCOL, "x-\xff")),
    ("A byte over 0x7F in the extension", "R6455-9.1-01", put(EXTENSIONS, "x-unknown; a=\xff")),
    ("“Sec-WebSocket-Version: 13, 8”", "R6455-4.2.1-08", put(VERSION, "13, 8")),
    ("“Sec-WebSocket-Version: 013”", "R6455-4.3-02", put(VERSION, "013")),
    ("“Sec-WebSocket-Version: +13”", "R6455-4.3-02", put(VERSION, "+13")),
    ("“Sec-WebSocket-Version: 256”", "R6455-4.3-02", put(VERSION, "256")),
    ("An empty Sec-WebSocket-Extensions", "R6455-9.1-01", put(EXTENSIONS, "")),
    ("An empty Sec-WebSocket-Protocol", "R6455-4.2.1-01", put(PROTOCOL, "")),
    ("A subprotocol that is no token", "R6455-4.2.1-01", put(PROTOCOL, "x(y)")),
    ("A blank within a subprotocol", "R6455-4.2.1-01", put(PROTOCOL, "x y")),
)

_REFUSED_WITH_400 = (
    *(
        (f"Host is {host!r}".replace("'", '"'), "R9112-3.2-01", put("Host", host))
        for host in ("a b", "a/b", "user@a", "a:80:80", "a:x")
    ),
    ("A byte over 0x7F in Host", "R9112-3.2-01", put("Host", "caf\xe9")),
    ("A NUL in Host", "R9112-3.2-01", put("Host", "a\0b")),
)

_ENDING = (
    (
        "Transfer-Encoding that does not end with chunked",
        "R9112-6.3-01",
        add("Transfer-Encoding", "chunked, gzip"),
        b"",
    ),
    ("“Content-Length: x”", "R9112-6.3-02", add("Content-Length", "x"), b""),
    ("“Content-Length: -1”", "R9112-6.3-02", add("Content-Length", "-1"), b""),
    ("“Content-Length: +0”", "R9112-6.3-02", add("Content-Length", "+0"), b""),
    ("Two lengths of the body", "R9112-6.3-02", add("Content-Length", "0").add("Content-Length", "5"), b""),
)

_ACCEPTED = (
    ("“Connection: , upgrade,,”", "R9110-5.6.1.2-01", "", put("Connection", ", upgrade,,")),
    ("“Content-Length: 0”", "R9112-6-01", "", add("Content-Length", "0")),
    (
        "Origin, Authorization and two lines of Cookie",
        "R6455-4.2.1-11",
        "",
        add("Origin", "http://example.com")
        .add("Authorization", "Basic dTpw")
        .add("Cookie", "a=b")
        .add("Cookie", "c=d"),
    ),
    ("HTTP/1.2", "R9110-2.5-01", ROBUST, begin("GET / HTTP/1.2")),
    (
        "A byte over 0x7F in a field that the server does not know",
        "R9110-5.5-03",
        ROBUST,
        add("X-Extra", "caf\xe9"),
    ),
    ("A target of 7,900 bytes", "R9112-3-02", ROBUST, begin(f"GET /{'a' * 7899} HTTP/1.1")),
    (
        "“Upgrade: websocket” on the second of two lines",
        "R6455-4.2.1-05",
        CHOICE,
        put("Upgrade", "h2c", "websocket"),
    ),
)

_FLOODS = (
    ("A request line without end", begin("GET /").only_start(), b"a" * 2**16),
    ("A field without end", add("X-Filler", "").cut(4), b"a" * 2**16),
    ("Fields without end", REQUEST.cut(2), FILLER),
    ("A folded field without end", add("X-Filler", "a").cut(2), b" a" * 499 + b"\r\n"),
    ("Empty lines without end before the request", Head("", (), left_off=2), b"\r\n" * 2**15),
)

_REFUSED_BEFORE_ANOTHER = (
    ("version 12", put(VERSION, "12"), b"", False),
    ("version 12, then the client ends its direction", put(VERSION, "12"), b"", True),
    ("no key", drop(KEY), b"", False),
    ("version 12 and a body", put(VERSION, "12").put("Content-Length", "5"), b"Hello", False),
    (
        "version 12 and a chunked body",
        put(VERSION, "12").put("Transfer-Encoding", "chunked"),
        b"5\r\nHello\r\n0\r\n\r\n",
        False,
    ),
)

_CUT = (
    ("in the request line", begin("GET / HT").only_start()),
    ("in a field", REQUEST.cut(8)),
    ("before its last CRLF", REQUEST.cut(2)),
)

_ALL_OF_A_REQUEST = REQUEST.encode(host="localhost", key="dGhlIHNhbXBsZSBub25jZQ==")

ODD_REQUESTS = (
    *(
        of_server(title, row, EITHER, request=request, body=b"0\r\n\r\n" if "chunked" in title else b"")
        for title, row, request in _EITHER
    ),
    *(of_server(title, row, Refuses(), request=request) for title, row, request in _REFUSED),
    *(of_server(title, row, Refuses(400), request=request) for title, row, request in _REFUSED_WITH_400),
    *(
        of_server(title, row, Refuses(400, ends=True), request=request, body=body)
        for title, row, request, body in _ENDING
    ),
    *(
        of_server(title, row, HELLO_BACK, unmet="NON-STRICT" if why else "FAILED", why=why, request=request)
        for title, row, why, request in _ACCEPTED
    ),
    of_server(
        "Transfer-Encoding and Content-Length: the connection ends with the answer",
        "R9112-6.1-02",
        Refuses(ends=True),
        request=put("Transfer-Encoding", "chunked").put("Content-Length", "5"),
        body=b"0\r\n\r\n",
    ),
    of_server(
        "The first line of HTTP/2",
        "R6455-4.2.1-02",
        Refuses(may_drop=True),
        request=Head("PRI * HTTP/2.0", ()),
        body=b"SM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5),
    ),
    of_server(
        "An empty line before the request",
        "R9112-2.2-02",
        HELLO_BACK,
        unmet="NON-STRICT",
        why=ROBUST,
        before=b"\r\n",
    ),
    of_server(
        "A frame before the request",
        "R6455-4.2.1-01",
        Refuses(may_drop=True),
        before=Frame(1, b"Hello", mask=b"abcd").encode(),
    ),
    of_server(
        "“Expect: 100-continue”: 100 comes before 101",
        "R9110-7.8-04",
        Echoes("Hello", may_refuse=True, also=_without_100),
        unmet="NON-STRICT",
        why=NO_CONTENT,
        request=add("Expect", "100-continue"),
    ),
    of_server(
        "A key with a byte over 0x7F",
        "R6455-4.2.1-07",
        Refuses(),
        unmet="NON-STRICT",
        why=NOT_DECODED,
        request=put(KEY, "\xffGhlIHNhbXBsZSBub25jZQ=="),
    ),
    of_server(
        "The same subprotocol twice",
        "R6455-4.2.1-09",
        Refuses(),
        unmet="NON-STRICT",
        why=NOT_BOUND,
        request=put(PROTOCOL, "x-one, x-one"),
    ),
    of_server(
        "Subprotocols over two lines: one of them is chosen, or none",
        "R6455-11.3.4-01",
        Echoes("Hello", may_refuse=True, also=_chosen),
        request=put(PROTOCOL, "x-one", "x-two"),
    ),
    of_server(
        "A line that is no field",
        "R9112-2.2-05",
        Refuses(),
        unmet="NON-STRICT",
        why=ROBUST,
        request=replace(REQUEST, start=f"{REQUEST.start}\r\nno field"),
    ),
    of_server(
        "A field without a name",
        "R9112-2.2-05",
        Refuses(),
        unmet="NON-STRICT",
        why=ROBUST,
        request=add("", "1"),
    ),
    *(
        of_server(
            title,
            "R9110-5.4-01",
            Refuses(),
            unmet="NON-STRICT",
            why=A_SIZE,
            request=request,
            flood=flood,
            watch_memory=True,
        )
        for title, request, flood in _FLOODS
    ),
    *(
        of_server(
            f"A valid request behind one with {what}",
            "R9112-9.3-01",
            ServesNext(),
            request=request,
            body=body,
            eof=eof,
            behind=REQUEST,
        )
        for what, request, body, eof in _REFUSED_BEFORE_ANOTHER
    ),
    of_server(
        "The body of a refused request looks like a valid request",
        "R9112-9.3-02",
        Refuses(),
        request=begin("POST / HTTP/1.1").put("Content-Length", str(len(_ALL_OF_A_REQUEST))),
        body=_ALL_OF_A_REQUEST,
    ),
    *(
        of_server(
            f"End of file in the head, {where}",
            "R9112-8-01",
            Refuses(ends=True, may_drop=True),
            unmet="NON-STRICT",
            why=MAY_END,
            request=request,
            eof=True,
        )
        for where, request in _CUT
    ),
)
