"""One request and its response over HTTP/1.1: all reading and writing of their bytes.

Nearly every connection opens with regular heads: they follow the strict grammar of RFC 9112, come whole,
and leave h11 nothing to judge. They are read here in a quarter of the time that h11 takes (15 of the 35
microseconds in which a server reads a request), with the same result (`tests/properties/`).

h11 reads all other heads, and writes rejections. Functions import it when they need it, since few handshakes
do, and it would be a quarter of the time of `import wsproto` (7 of 28 milliseconds).

This module also bounds what a peer can make this side hold. A fault is found at the same byte, however the
head was cut into reads.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from .errors import LocalValueError, RemoteProtocolError
from .handshake_fields import FRAMING, judge_lines, refused
from .header_grammar import TOKEN

if TYPE_CHECKING:
    import h11

    from .limits import Limits
    from .typing import Headers

# Empty lines that a server skips before a request (RFC 9112 2.2); with one more, it is not HTTP.
MAX_EMPTY_LINES = 8
# The last of them perhaps without the LF that is still to come. It is compiled when a head is not regular.
_EMPTY_LINES = rb"\A(?:\r?\n){0,%d}(?:\r?\n|\r\Z)" % (MAX_EMPTY_LINES - 1)  # R9112-2.2-02
_STATUS_LINE = rb"HTTP/1\.[0-9] "  # so is this
_ANY_STATUS_LINE = b"HTTP/1.1 "
# RFC 9112 2.1, 5: each line ends with one CRLF, there is no white space before a colon and no folded line.
_FIELDS = rb"\r\n((?:" + TOKEN + rb":[\x20-\x7e\t\x80-\xff]*\r\n)+)\r\n"
_REGULAR_REQUEST = re.compile(rb"GET ([\x21-\x7e]+) HTTP/1\.1" + _FIELDS)
_REGULAR_ACCEPTANCE = re.compile(rb"HTTP/1\.1 (101) [\x20-\x7e\t]*" + _FIELDS)


class RequestHead(NamedTuple):
    """The head of a request."""

    method: bytes
    target: bytes
    http_version: bytes
    headers: Headers
    """Its fields, the names in lower case, the values without white space around them."""


class ResponseHead(NamedTuple):
    """The head of a response."""

    status_code: int
    http_version: bytes
    headers: Headers


class HTTPExchange:
    """One request and its response, as one side of them sees it."""

    # Where a head is regular, these stay as they are: the time to set them would show.
    _h11: h11.Connection | None = None
    _head_read = b""  # a head that h11 has not seen
    _in_first_line = True  # of what h11 reads
    _held = 0  # bytes that h11 may hold unread, at most so many
    _has_begun_well = False  # whether a response has begun as HTTP does
    _ends_with_transport = False  # whether the body that is being read does so

    def __init__(self, *, client: bool, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._received = b""  # what stands before _offset was read, or passed to h11
        self._offset = 0

    @property
    def trailing_data(self) -> bytes:
        """What was received and not read."""
        unread = self._received[self._offset :]
        return unread if self._h11 is None else self._h11.trailing_data[0] + unread

    def receive(self, data: bytes) -> None:
        """Take in what the transport received, once `next` has read all that came before.

        `b""` is end of file for a body that ends with the connection (RFC 9112 6.3), else nothing.
        """
        if data:
            self._received = self._received[self._offset :] + data
            self._offset = 0
        elif self._ends_with_transport:
            self.receive_eof()

    def receive_eof(self) -> None:
        """Take in that no more bytes will come."""
        self._by_h11().receive_data(b"")

    def next(self) -> RequestHead | ResponseHead | bytes | None:
        """Read the next thing: a head, a piece of a body, `b""` for a body's end, or None for want of bytes.

        :raises RemoteProtocolError: where the peer's message is not HTTP, or is beyond the limits.
        """
        if self._h11 is None:
            found = self._next_regular()
            if found is not None:
                return found
            unread = self._received if self._client else re.sub(_EMPTY_LINES, b"", self._received)
            if not unread:
                return None
            self._received = unread
        return self._next_by_h11()

    def _next_regular(self) -> RequestHead | ResponseHead | None:
        """Read a head without h11, or return None where h11 has to."""
        received, limits = self._received, self._limits
        end = received.find(b"\r\n\r\n") + 4
        if not 4 <= end <= limits.max_handshake_size or received.find(b"\n") > limits.max_header_line_size:
            return None
        regular = (_REGULAR_ACCEPTANCE if self._client else _REGULAR_REQUEST).fullmatch(received, 0, end)
        if regular is None or (not self._client and regular[0].lower().count(b"\r\nhost:") != 1):
            return None
        headers = []
        for field in regular[2][:-2].split(b"\r\n"):
            name, _, value = field.partition(b":")
            headers.append((name.lower(), value.strip(b" \t")))  # R6455-4.1-49, R9110-5.5-03, -04, R9112-5-01
        if not FRAMING.isdisjoint(dict(headers)):
            return None
        self._head_read = regular[0]
        self._offset = end
        judge_lines(headers, end, limits)
        if self._client:
            return ResponseHead(101, b"1.1", headers)
        return RequestHead(b"GET", regular[1], b"1.1", headers)

    def _next_by_h11(self) -> RequestHead | ResponseHead | bytes | None:
        """Let h11 read on, and give it as much of what was received as it may hold."""
        by_h11 = self._by_h11()
        while True:
            if self._client and not self._has_begun_well:
                self._judge_start(by_h11.trailing_data[0][: len(_ANY_STATUS_LINE)])
            found = _read(by_h11)
            if found is not None or self._offset == len(self._received):
                break
            by_h11.receive_data(self._next_piece(by_h11))
        if found is None or isinstance(found, bytes):
            return found
        judge_lines(found.headers, self._limits.max_handshake_size, self._limits)
        if isinstance(found, ResponseHead):
            status = found.status_code
            self._has_begun_well = status >= 200  # after an interim response, the next head begins
            framed = not FRAMING.isdisjoint(dict(found.headers))
            self._ends_with_transport = not framed and status not in (204, 304)
        return found

    def _judge_start(self, begun: bytes) -> None:
        """Refuse a response that does not begin as HTTP/1 does, at its first wrong byte (RFC 9112 4)."""
        if not re.match(_STATUS_LINE, begun + _ANY_STATUS_LINE[len(begun) :]):
            raise refused("Bad HTTP message")
        self._has_begun_well = len(begun) == len(_ANY_STATUS_LINE)

    def _next_piece(self, by_h11: h11.Connection) -> bytes:
        """Return as much of what was received as h11 may hold, at least a byte (RFC 9112 3, RFC 6585 5)."""
        size, line_size = self._limits.max_handshake_size, self._limits.max_header_line_size
        if self._held >= size:
            self._held = len(by_h11.trailing_data[0])
        start = self._offset
        stop = min(len(self._received), start + size - self._held)
        if start == stop:
            raise refused(f"Head, chunk line or trailer section of more than {size} bytes", 431)
        if self._in_first_line:
            left = line_size - self._held
            self._in_first_line = self._received.find(b"\n", start, start + left + 1) < 0
            if self._in_first_line:
                stop = min(stop, start + left)
                if start == stop:
                    status = 431 if self._client else 414  # R9112-3-01
                    raise refused(f"First line of more than {line_size} bytes", status)
        self._held += stop - start
        self._offset = stop
        return self._received[start:stop]

    def send_head(self, status_code: int, headers: Headers, *, has_body: bool) -> bytes:
        """Return the head of a response; a field that cannot be written is a `LocalProtocolError`."""
        import h11

        try:
            response = h11.Response(status_code=status_code, headers=headers)  # R9112-6.2-01
        except h11.LocalProtocolError as error:
            raise LocalValueError(f"The response {status_code} cannot be sent: {error}") from error
        return self._send([response] if has_body else [response, h11.EndOfMessage()])

    def send_body(self, data: bytes, *, last: bool) -> bytes:
        """Return a piece of the body of a response; the caller sees to it that the body has its length."""
        import h11

        body = h11.Data(data=data)
        return self._send([body, h11.EndOfMessage()] if last else [body])

    def _send(self, events: list[h11.Event]) -> bytes:
        return b"".join(self._by_h11().send(event) or b"" for event in events)

    def _by_h11(self) -> h11.Connection:
        """Return h11's part of the exchange, made when there is something for it to read or write."""
        if self._h11 is None:
            import h11

            role = h11.CLIENT if self._client else h11.SERVER
            self._h11 = h11.Connection(role, max_incomplete_event_size=self._limits.max_handshake_size)
            if self._client:  # its request was written elsewhere
                self._h11.send(_any_upgrade())
            elif self._head_read:
                self._h11.receive_data(self._head_read)
                self._h11.next_event()
        return self._h11


def written_head(first_line: bytes, headers: Headers) -> bytes:
    """Write the head of a request or response."""
    # R9112-2.2-07, -08
    return b"\r\n".join([first_line, *[name + b": " + value for name, value in headers], b"", b""])


def rewritten_request(target: bytes | str, headers: Headers) -> bytes:
    """Return the head of a request that somebody else has parsed, or refuse it (RFC 9112 3.2)."""
    import h11

    try:
        request = h11.Request(method=b"GET", target=target, headers=headers)
    except (h11.LocalProtocolError, TypeError, ValueError) as error:
        raise _bad_http(error) from error
    return written_head(b"GET %b HTTP/1.1" % request.target, list(request.headers))


@cache
def _any_upgrade() -> h11.Request:
    """Return what h11 has to know of a client's request: that it asks for an upgrade."""
    import h11

    return h11.Request(method="GET", target="/", headers=[("Host", "h"), ("Upgrade", "websocket")])


def _read(by_h11: h11.Connection) -> RequestHead | ResponseHead | bytes | None:
    """Read the next thing, as `HTTPExchange.next` does."""
    import h11

    try:
        event = by_h11.next_event()
    except h11.RemoteProtocolError as error:
        # R9110-5.5-01, R9112-2.2-01, -04, -05, R9112-2.3-01, R9112-3.2-01, -03, R9112-5.1-01,
        # R9112-6.3-01, -02, -04, R9112-8-02
        raise _bad_http(error) from error
    if isinstance(event, h11.Request):
        # R9110-5.5-02, R9112-2.2-03, R9112-5.2-01
        return RequestHead(event.method, event.target, event.http_version, list(event.headers))
    if isinstance(event, (h11.InformationalResponse, h11.Response)):
        # R9112-4-01, -02, R9112-5.2-02, R9112-6.3-03
        return ResponseHead(event.status_code, event.http_version, list(event.headers))
    if isinstance(event, h11.Data):
        return bytes(event.data)
    return b"" if isinstance(event, h11.EndOfMessage) else None


def _bad_http(error: Exception) -> RemoteProtocolError:
    """Turn an error of h11 into ours, whose text existing users compare with.

    The traceback goes: its frames refer to h11's error, a circle that would keep the callers' frames, and
    with them the connection, until the garbage is collected.
    """
    error.__traceback__ = None
    return refused("Missing header, 'Host'" if "Missing mandatory Host" in str(error) else "Bad HTTP message")
