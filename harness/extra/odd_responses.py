"""Responses of X.2 that are odd HTTP, or none: their bytes, framing, status, lists and ends."""

from __future__ import annotations

from dataclasses import replace

from harness.extra.case import of_client
from harness.extra.expectations import Begins, Echoes
from harness.extra.frames import text
from harness.extra.handshake_expectations import FailsHandshake
from harness.extra.heads import ACCEPT, EXTENSIONS, PROTOCOL, RESPONSE, Head
from harness.extra.steps import Do

HELLO_BACK = Echoes("Hello")
EITHER = Echoes("Hello", may_refuse=True)
ROBUST = "that is a SHOULD"
SENDER = "RFC 6455 11.3.3 binds the server, and both lines have the right token"
HTTP_1_0 = "RFC 6455 4.2.2 demands a status line with the code 101, and names HTTP/1.1 only as an example"
LENIENT = "RFC 9112 2.2 says what a server does about it, and nothing of a client"
A_SIZE = "how large a head may be is the client's choice (RFC 9110 5.4: larger than it wishes to process)"
A_BODY = "RFC 6455 10.4 is about frames; how much of a body is read is the client's choice"

ITS_MAY = "that is a SHOULD of RFC 9112 9.2"

HINTS = "HTTP/1.1 103 Early Hints"
EARLY_HINTS = Head(HINTS, (("Link", "</style.css>; rel=preload"),)).encode()

put, add, drop, begin = RESPONSE.put, RESPONSE.add, RESPONSE.drop, RESPONSE.begin

_EITHER = (
    ("Lines that end with a bare LF", "R9112-2.2-03", replace(RESPONSE, line_end="\n")),
    ("A NUL in a field that the client does not know", "R9110-5.5-01", add("X-Extra", "a\0b")),
    ("A bare CR in a field that the client does not know", "R9112-2.2-01", add("X-Extra", "a\rb")),
    ("No reason phrase, and no blank before it", "R9112-4-02", begin("HTTP/1.1 101")),
    ("“Content-Length: 2”: what follows is no body", "R9112-6.3-03", add("Content-Length", "2")),
    (
        "“Transfer-Encoding: chunked”: what follows is no body",
        "R9112-6.3-03",
        add("Transfer-Encoding", "chunked"),
    ),
)

_TAKEN = (
    ("No reason phrase", "R9112-4-01", ROBUST, begin("HTTP/1.1 101 ")),
    ("A byte over 0x7F in the reason phrase", "R9112-4-01", ROBUST, begin("HTTP/1.1 101 caf\xe9")),
    ("A field over two lines (obs-fold)", "R9112-5.2-02", "", add("X-Extra", "a\r\n b")),
    ("“Connection: , upgrade,,”", "R9110-5.6.1.2-01", "", put("Connection", ", upgrade,,")),
    ("HTTP/1.2", "R9110-2.5-01", ROBUST, begin("HTTP/1.2 101 Switching Protocols")),
    (
        "A byte over 0x7F in a field that the client does not know",
        "R9110-5.5-03",
        ROBUST,
        add("X-Extra", "caf\xe9"),
    ),
)

_FAILED = (
    ("A NUL within “Upgrade: websocket”", "R9110-5.5-01", put("Upgrade", "web\0socket")),
    ("A bare CR within “Upgrade: websocket”", "R9112-2.2-01", put("Upgrade", "web\rsocket")),
    ("A byte over 0x7F in Upgrade", "R6455-4.1-43", put("Upgrade", "websocket\xff")),
    ("A byte over 0x7F in Connection", "R6455-4.1-44", put("Connection", "Upgrade\xff")),
    ("A byte over 0x7F in the accept token", "R6455-4.1-45", put(ACCEPT, "{accept}\xff")),
    ("A byte over 0x7F in the subprotocol", "R6455-4.1-47", put(PROTOCOL, "x-\xff")),
    ("A byte over 0x7F in the extension", "R6455-9.1-01", put(EXTENSIONS, "\xff")),
    (
        "The accept token stands only in a folded line",
        "R9112-5.2-02",
        drop(ACCEPT).add("X-Extra", f"a\r\n {ACCEPT}: {{accept}}"),
    ),
    ("The accept token in lower case", "R6455-4.1-45", put(ACCEPT, "{accept_lower}")),
    ("“Upgrade: websocket, h2c”", "R6455-4.1-43", put("Upgrade", "websocket, h2c")),
    ("An empty Sec-WebSocket-Protocol", "R6455-4.3-03", put(PROTOCOL, "")),
    (
        "Two subprotocols, a line each, neither of them offered",
        "R6455-4.1-47",
        put(PROTOCOL, "x-one", "x-two"),
    ),
    ("The status “0101”", "R6455-4.1-48", begin("HTTP/1.1 0101 Switching Protocols")),
    ("The status “1010”", "R6455-4.1-48", begin("HTTP/1.1 1010 Switching Protocols")),
    ("“HTTP/2 101”", "R6455-4.1-48", begin("HTTP/2 101 Switching Protocols")),
)

_OTHER_STATUS = (
    *(
        (f"{status}, with a Location", begin(f"HTTP/1.1 {status}").add("Location", "http://{host}/elsewhere"))
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect")
    ),
    (
        "401 that asks for a password",
        begin("HTTP/1.1 401 Unauthorized").add("WWW-Authenticate", 'Basic realm="x"'),
    ),
    (
        "407 that asks for a password",
        begin("HTTP/1.1 407 Proxy Authentication Required").add("Proxy-Authenticate", 'Basic realm="x"'),
    ),
    (
        "426 that names another version",
        begin("HTTP/1.1 426 Upgrade Required").add("Sec-WebSocket-Version", "14"),
    ),
    # Without a body to read, a client may ask for its next case on a connection that does not say close.
    ("204 No Content", begin("HTTP/1.1 204 No Content").put("Connection", "close")),
)

_BEFORE = (
    ("A frame", text("Hello").encode(), ""),
    ("A line of other text", b"Hello\r\n", ""),
    ("An empty line", b"\r\n", LENIENT),
)

_FLOODS = (
    ("A status line without end", "R9110-5.4-02", begin("HTTP/1.1 101 ").only_start(), b"a" * 2**16, A_SIZE),
    ("A field without end", "R9110-5.4-02", add("X-Filler", "").cut(4), b"a" * 2**16, A_SIZE),
    ("Fields without end", "R9110-5.4-02", RESPONSE.cut(2), b"X-Filler: " + b"a" * 1000 + b"\r\n", A_SIZE),
    ("103 without end", "R9110-15.2-02", Head(HINTS, ()), EARLY_HINTS * 100, A_SIZE),
)

_BODIES = (
    ("with a length of 2**40 bytes", ("Content-Length", str(2**40)), b"a" * 2**16),
    ("in chunks", ("Transfer-Encoding", "chunked"), b"10000\r\n" + b"a" * 2**16 + b"\r\n"),
)

_CUT = (
    ("in the status line", begin("HTTP/1.1 101 Swit").only_start()),
    ("in a field", RESPONSE.cut(8)),
    ("before its last CRLF", RESPONSE.cut(2)),
)

# Before the request; the last of them may be passed over.
_UNASKED = (
    ("a frame", text("Hello").encode()),
    ("a line of other text", b"Hello\r\n"),
    ("408", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    ("a 101 with a wrong accept token", RESPONSE.encode(accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
)

_INTERIM_AS_ANSWER = ("100 Continue", "102 Processing", "103 Early Hints", "199 Nobody Knows")

_OFFERED = "/subprotocol/chat"
_NOT_THE_OFFERED = (
    ("“chat,”", "R6455-4.3-03", "chat,"),
    ("“,chat,”", "R6455-4.3-03", ",chat,"),
    ("“chat, chat”", "R6455-4.3-03", "chat, chat"),
    ("“chat, soap”", "R6455-4.3-03", "chat, soap"),
    ("“chat; q=1”", "R6455-4.3-03", "chat; q=1"),
    ('“"chat"”', "R6455-4.3-03", '"chat"'),
    ("“Chat” in place of “chat”", "R6455-4.1-47", "Chat"),
    ("“chat” and a byte over 0x7F", "R6455-4.1-47", "chat\xff"),
)

_NO_BLANKS = "\r\n".join(
    [RESPONSE.start, *(f"{name}:{value}" for name, value in RESPONSE.fields if name != ACCEPT)]
)

ODD_RESPONSES = (
    *(
        of_client(title, row, EITHER, response=response, at_once="no body" in title)
        for title, row, response in _EITHER
    ),
    *(
        of_client(title, row, HELLO_BACK, unmet="NON-STRICT" if why else "FAILED", why=why, response=response)
        for title, row, why, response in _TAKEN
    ),
    *(of_client(title, row, FailsHandshake(), response=response) for title, row, response in _FAILED),
    *(
        of_client(title, "R6455-4.1-42", FailsHandshake(as_http=True), response=response)
        for title, response in _OTHER_STATUS
    ),
    of_client(
        "HTTP/1.0 101",
        "R6455-4.1-48",
        FailsHandshake(),
        unmet="NON-STRICT",
        why=HTTP_1_0,
        response=begin("HTTP/1.0 101 Switching Protocols"),
    ),
    of_client(
        "The right accept token twice",
        "R6455-11.3.3-01",
        FailsHandshake(),
        unmet="NON-STRICT",
        why=SENDER,
        response=put(ACCEPT, "{accept}", "{accept}"),
    ),
    of_client("103 a thousand times before 101", "R9110-15.2-01", EITHER, interim=EARLY_HINTS * 1000),
    *(
        of_client(
            f"{what} before the response",
            "R6455-4.1-48",
            FailsHandshake(),
            unmet="NON-STRICT" if why else "FAILED",
            why=why,
            interim=before,
        )
        for what, before, why in _BEFORE
    ),
    *(
        of_client(
            title,
            row,
            FailsHandshake(),
            unmet="NON-STRICT",
            why=why,
            response=response,
            flood=flood,
            send=(),
            watch_memory=True,
        )
        for title, row, response, flood, why in _FLOODS
    ),
    *(
        of_client(
            f"403 with a body without end, {how}",
            "R6455-4.1-42",
            FailsHandshake(as_http=True),
            unmet="NON-STRICT",
            why=A_BODY,
            response=Head("HTTP/1.1 403 Forbidden", (framing,)),
            flood=flood,
            send=(),
            watch_memory=True,
        )
        for how, framing, flood in _BODIES
    ),
    *(
        of_client(
            f"End of file in the head, {where}",
            "R6455-7.2.1-01",
            FailsHandshake(),
            response=response,
            send=(),
            eof=True,
        )
        for where, response in _CUT
    ),
    *(
        of_client(
            f"{status} with all fields of a 101: the client does not take it for the answer",
            "R6455-4.1-42",
            FailsHandshake(as_http=True),
            response=begin(f"HTTP/1.1 {status}"),
        )
        for status in _INTERIM_AS_ANSWER
    ),
    *(
        of_client(
            f"The client offers a subprotocol, and the answer is {what}",
            row,
            FailsHandshake(),
            mode=_OFFERED,
            response=put(PROTOCOL, value),
        )
        for what, row, value in _NOT_THE_OFFERED
    ),
    of_client(
        "The client offers a subprotocol, which the answer has twice, a line each",
        "R6455-11.3.4-02",
        FailsHandshake(),
        unmet="NON-STRICT",
        why="RFC 6455 11.3.4 binds the server, and both lines name what was offered",
        mode=_OFFERED,
        response=put(PROTOCOL, "chat", "chat"),
    ),
    *(
        of_client(
            f"The server says something before it is asked: {what}",
            "R9112-9.2-01",
            FailsHandshake(),
            unmet="NON-STRICT",
            why=ITS_MAY,
            mode="/ask?after=0.1",
            unasked=unasked,
        )
        for what, unasked in _UNASKED
    ),
    of_client(
        "The server sends an empty line before it is asked",
        "R9112-9.2-01",
        EITHER,
        unmet="NON-STRICT",
        why=ITS_MAY,
        mode="/ask?after=0.1",
        unasked=b"\r\n",
    ),
    of_client(
        "The server ends the connection before it is asked",
        "R6455-7.2.1-02",
        FailsHandshake(),
        mode="/ask?after=0.1",
        unasked=b"HTTP",
        eof=True,
    ),
    of_client(
        "The client asks 0.1 s after it has connected",
        "R6455-4.1-02",
        HELLO_BACK,
        mode="/ask?after=0.1",
    ),
    of_client(
        "The response comes after 0.15 s: the client sends nothing before",
        "R6455-4.1-40",
        HELLO_BACK,
        late=0.15,
    ),
    of_client(
        "The response comes after 0.15 s: the client, which has a ping to send, waits",
        "R6455-4.1-40",
        HELLO_BACK,
        mode="/ping?payload=now",
        late=0.15,
    ),
    of_client(
        "The response comes after 0.15 s: the client, which has a Close to send, waits",
        "R6455-4.1-40",
        Begins(1000, ""),
        mode="/close?code=1000",
        begins_close=True,
        late=0.15,
        send=(Do.AWAIT_CLOSE,),
    ),
    of_client(
        "No blanks behind the colons",
        "R9112-5-01",
        HELLO_BACK,
        response=Head(f"{_NO_BLANKS}\r\n{ACCEPT}:{{accept}}", ()),
    ),
    *(
        of_client(title, row, FailsHandshake(), response=response)
        for title, row, response in (
            ("The accept token in quotes", "R6455-4.1-45", put(ACCEPT, '"{accept}"')),
            ("The accept token and a comma", "R6455-4.1-45", put(ACCEPT, "{accept},")),
            ("The accept token without its “=”", "R6455-4.1-45", put(ACCEPT, "{accept_bare}")),
            ("“http/1.1” in lower case", "R9112-2.3-01", begin("http/1.1 101 Switching Protocols")),
        )
    ),
)
