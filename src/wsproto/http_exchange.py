"""One request and its response over HTTP/1.1: the one door through which their bytes come and go.

A head that opens nearly every connection is regular: it follows the strict grammar of RFC 9112, comes whole,
and has nothing about it that h11 would have to judge. It is read here in a quarter of the time that h11 takes
(15 of the 35 microseconds in which a server reads a request). h11 reads the same (`tests/properties/`).

h11 reads all else, and writes what rejects. It is not imported before, since few handshakes come so far: that
would be a quarter of the time of `import wsproto` (7 of 28 milliseconds).

What a peer may make this side hold is bounded here, so that a fault is found where it is byte by byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .handshake_fields import FRAMING, judge_lines, refused
from .header_grammar import TOKEN
from .http1_upgrade import RequestHead, ResponseHead

if TYPE_CHECKING:
    from .h11_exchange import H11Exchange
    from .limits import Limits
    from .typing import Headers

# Empty lines that a server skips before a request (RFC 9112 2.2); with one more, it is not HTTP.
MAX_EMPTY_LINES = 8
# The last of them perhaps without the LF that is still to come. It is compiled when a head is not regular.
_EMPTY_LINES = rb"\A(?:\r?\n){0,%d}(?:\r?\n|\r\Z)?" % (MAX_EMPTY_LINES - 1)
_STATUS_LINE = rb"HTTP/1\.[0-9] "  # so is this
_ANY_STATUS_LINE = b"HTTP/1.1 "
# RFC 9112 2.1, 5: one CRLF behind each line, no white space before a colon, no folded lines.
_FIELDS = rb"\r\n((?:" + TOKEN + rb":[\x20-\x7e\t\x80-\xff]*\r\n)+)\r\n"
_REGULAR_REQUEST = re.compile(rb"GET ([\x21-\x7e]+) HTTP/1\.1" + _FIELDS)
_REGULAR_ACCEPTANCE = re.compile(rb"HTTP/1\.1 (101) [\x20-\x7e\t]*" + _FIELDS)


class HTTPExchange:
    """One request and its response, as one side of them sees it."""

    # Where a head is regular, these stay as they are: the time to set them would show.
    _h11: H11Exchange | None = None
    _head_read = b""  # a head that h11 has not seen
    _in_first_line = True  # of what h11 reads
    _held = 0  # bytes that h11 may hold unread, at most so many
    _has_begun_well = False  # whether a response has begun as HTTP does
    _ends_with_transport = False  # whether the body that is being read does so

    def __init__(self, *, client: bool, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._received = b""  # what stands before _offset is read, or h11 has it
        self._offset = 0

    @property
    def begun(self) -> bool:
        """Whether anything was received."""
        return self._received != b""

    @property
    def trailing_data(self) -> bytes:
        """What was received and not read."""
        unread = self._received[self._offset :]
        return unread if self._h11 is None else self._h11.trailing_data + unread

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
        self._by_h11().receive(b"")

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
            headers.append((name.lower(), value.strip(b" \t")))
        if not FRAMING.isdisjoint(dict(headers)):
            return None
        self._head_read = regular[0]
        self._offset = end
        judge_lines(headers, end, limits)
        if self._client:
            return ResponseHead(101, b"1.1", headers)
        return RequestHead(b"GET", regular[1], b"1.1", headers)

    def _next_by_h11(self) -> RequestHead | ResponseHead | bytes | None:
        """Let h11 read on, with as much of what was received as it may hold."""
        by_h11 = self._by_h11()
        while True:
            if self._client and not self._has_begun_well:
                self._judge_start(by_h11.trailing_data[: len(_ANY_STATUS_LINE)])
            found = by_h11.next()
            if found is not None or self._offset == len(self._received):
                break
            by_h11.receive(self._next_piece(by_h11))
        if found is None or isinstance(found, bytes):
            return found
        judge_lines(found.headers, self._limits.max_handshake_size, self._limits)
        if isinstance(found, ResponseHead):
            status = found.status_code
            self._has_begun_well = status >= 200  # behind an interim response, the next head begins
            framed = not FRAMING.isdisjoint(dict(found.headers))
            self._ends_with_transport = not framed and status not in (204, 304)
        return found

    def _judge_start(self, begun: bytes) -> None:
        """Refuse a response that does not begin as HTTP/1 does, at its first wrong byte (RFC 9112 4)."""
        if not re.match(_STATUS_LINE, begun + _ANY_STATUS_LINE[len(begun) :]):
            raise refused("Bad HTTP message")
        self._has_begun_well = len(begun) == len(_ANY_STATUS_LINE)

    def _next_piece(self, by_h11: H11Exchange) -> bytes:
        """Return as much of what was received as h11 may hold, at least a byte (RFC 9112 3, RFC 6585 5)."""
        size, line_size = self._limits.max_handshake_size, self._limits.max_header_line_size
        if self._held >= size:
            self._held = len(by_h11.trailing_data)
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
                    status = 431 if self._client else 414
                    raise refused(f"First line of more than {line_size} bytes", status)
        self._held += stop - start
        self._offset = stop
        return self._received[start:stop]

    def send_head(self, status_code: int, headers: Headers, *, has_body: bool) -> bytes:
        """Return the head of a response; a field that cannot be written is a `LocalProtocolError`."""
        return self._by_h11().send_head(status_code, headers, has_body=has_body)

    def send_body(self, data: bytes, *, last: bool) -> bytes:
        """Return a piece of the body of a response; the caller sees to it that the body has its length."""
        return self._by_h11().send_body(data, last=last)

    def _by_h11(self) -> H11Exchange:
        """Return h11's part of the exchange, made when there is something for it to read or write."""
        if self._h11 is None:
            max_size = self._limits.max_handshake_size
            self._h11 = _h11_exchange()(client=self._client, max_size=max_size, head_read=self._head_read)
        return self._h11


def rewritten_request(target: bytes | str, headers: Headers) -> bytes:
    """Return the head of a request that somebody else has parsed, or refuse it (RFC 9112 3.2)."""
    return _h11_exchange().rewritten_request(target, headers)


def _h11_exchange() -> type[H11Exchange]:
    from .h11_exchange import H11Exchange  # noqa: PLC0415 - see the top of this module

    return H11Exchange
