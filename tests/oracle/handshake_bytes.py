"""Requests and responses for the tests, written and read without the library's help.

The writer refuses nothing: it writes heads that no peer may send. The reader takes only what RFC 9112
permits.
At the foot are the drivers that hand such bytes to a connection, through the library's public names.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from tests.oracle.receiving import feed
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    Event,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wsproto.handshake import H11Handshake

Header = tuple[bytes, bytes]

#: The key of RFC 6455 1.3, and the token that answers it.
KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

REQUEST_HEADERS: Final[list[Header]] = [
    (b"Host", b"server.example.com"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Key", KEY),
    (b"Sec-WebSocket-Version", b"13"),
]

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_FIELD_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff][\t ]*)*)")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [\t\x20-\x7e]*")
_REQUEST_LINE: Final = re.compile(rb"GET ([\x21-\x22\x24-\x7e]+) HTTP/1\.1")

SEPARATOR: Final = b"\r\n\r\n"


def accept_token(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept for `key`, as RFC 6455 4.2.2 computes it."""
    return b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())


def write_head(start_line: bytes, headers: Iterable[Header]) -> bytes:
    """Write a request's or response's head."""
    lines = [start_line, *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + SEPARATOR


def change(headers: Iterable[Header], changes: Mapping[bytes, Sequence[bytes]]) -> list[Header]:
    """Give each header in `changes` the lines named there (none removes it); new ones stand at the end."""
    changed: list[Header] = []
    open_changes = dict(changes)
    for name, value in headers:
        values = open_changes.pop(name, [value])
        changed += [(name, new) for new in values]
    return changed + [(name, new) for name, values in open_changes.items() for new in values]


def request(
    changes: Mapping[bytes, Sequence[bytes]] | None = None,
    *,
    target: bytes = b"/chat",
    start_line: bytes | None = None,
) -> bytes:
    """Write the request of a client, with `changes` to its headers."""
    line = b"GET " + target + b" HTTP/1.1" if start_line is None else start_line
    return write_head(line, change(REQUEST_HEADERS, changes or {}))


def response(
    key: bytes,
    changes: Mapping[bytes, Sequence[bytes]] | None = None,
    *,
    status_line: bytes = b"HTTP/1.1 101 Switching Protocols",
) -> bytes:
    """Write the 101 response of a server to the request with `key`, with `changes` to its headers."""
    headers = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", accept_token(key)),
    ]
    return write_head(status_line, change(headers, changes or {}))


def rejection(status_line: bytes, *headers: Header, body: bytes = b"") -> bytes:
    """Write another response."""
    return write_head(b"HTTP/1.1 " + status_line, headers) + body


#: An interim response (RFC 8297).
EARLY_HINTS: Final = rejection(b"103 Early Hints", (b"Link", b"</a>"))


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    """Write a body in chunks (RFC 9112 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"


@dataclass(frozen=True)
class Head:
    """The head of a message: its first line, and its headers in order."""

    start_line: bytes
    headers: list[Header]

    def all(self, name: bytes) -> list[bytes]:
        """The values of each line of the header `name`."""
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def one(self, name: bytes) -> bytes:
        """The value of the header `name`, which has to be there once."""
        (value,) = self.all(name)
        return value

    def members(self, name: bytes) -> list[bytes]:
        """The elements of the list in the header `name`, over all its lines."""
        return [element.strip(b" \t") for value in self.all(name) for element in value.split(b",")]

    @property
    def status(self) -> int:
        """The status of a response."""
        match = _STATUS_LINE.fullmatch(self.start_line)
        assert match, self.start_line
        return int(match[1])

    @property
    def target(self) -> bytes:
        """The target of a GET request."""
        match = _REQUEST_LINE.fullmatch(self.start_line)
        assert match, self.start_line
        return match[1]


def read_head(data: bytes) -> tuple[Head, bytes]:
    """Read the head that `data` starts with; return it and the bytes after it."""
    assert type(data) is bytes
    block, separator, rest = data.partition(SEPARATOR)
    assert separator, data
    start_line, *lines = block.split(b"\r\n")
    assert re.fullmatch(rb"[\x20-\x7e]+", start_line), start_line
    matches = [_FIELD_LINE.fullmatch(line) for line in lines]
    assert all(matches), block
    return Head(start_line, [(match[1], match[2].rstrip(b" \t")) for match in matches if match]), rest


def read_response(data: bytes) -> tuple[Head, bytes]:
    """Read a whole response other than 101; return its head and its body, without the framing."""
    head, rest = read_head(data)
    if head.all(b"Transfer-Encoding"):
        assert head.one(b"Transfer-Encoding").lower() == b"chunked"
        assert not head.all(b"Content-Length")
        body = b""
        while True:
            size_line, _, rest = rest.partition(b"\r\n")
            size = int(size_line, 16)
            body, end, rest = body + rest[:size], rest[size : size + 2], rest[size + 2 :]
            assert end == b"\r\n"
            if size == 0:
                assert rest == b""
                return head, body
    if head.all(b"Content-Length"):
        assert int(head.one(b"Content-Length")) == len(rest)
    return head, rest


def every_cutting(data: bytes) -> Iterator[list[bytes]]:
    """`data` whole, byte by byte, and in two at every position."""
    yield [data]
    yield [data[index : index + 1] for index in range(len(data))]
    for index in range(1, len(data)):
        yield [data[:index], data[index:]]


Piece = TypeVar("Piece", RejectData, TextMessage, BytesMessage)


def pieces_joined(events: Iterable[Event]) -> list[Event]:
    """Join the pieces of each message and of each body, so that different cuttings can be compared."""
    whole: list[Event] = []
    for event in events:
        last = whole[-1] if whole else None
        if isinstance(event, RejectData) and isinstance(last, RejectData) and not last.body_finished:
            whole[-1] = RejectData(last.data + event.data, event.body_finished)
        elif isinstance(event, TextMessage) and isinstance(last, TextMessage) and not last.message_finished:
            whole[-1] = TextMessage(last.data + event.data, event.frame_finished, event.message_finished)
        else:
            whole.append(event)
    return whole


def state_of(connection: WSConnection | H11Handshake) -> ConnectionState:
    """The state, by a call: mypy takes an attribute that was compared once for constant."""
    return connection.state


def asked_server(data: bytes | None = None, server: WSConnection | None = None) -> WSConnection:
    """A server that has received a request (or the request `data`) and not yet answered."""
    server = WSConnection(ConnectionType.SERVER) if server is None else server
    (event,) = feed(server, request() if data is None else data)
    assert type(event) is Request
    return server


def asking_client(
    event: Request | None = None, client: WSConnection | None = None
) -> tuple[WSConnection, bytes]:
    """A client that has sent a request (or the request `event`), and the key in it."""
    client = WSConnection(ConnectionType.CLIENT) if client is None else client
    head, rest = read_head(client.send(Request("localhost", "/") if event is None else event))
    assert rest == b""
    return client, head.one(b"Sec-WebSocket-Key")


def accepted(client: WSConnection, *pieces: bytes) -> AcceptConnection:
    """Hand a client a 101 response that is good; return the event."""
    (event,) = feed(client, *pieces)
    assert type(event) is AcceptConnection
    assert state_of(client) is ConnectionState.OPEN
    return event


def refused(data: bytes, *statuses: int, server: WSConnection | None = None) -> RemoteProtocolError:
    """Hand a server a request to refuse with one of `statuses`, answer with the hint; return the error."""
    server = WSConnection(ConnectionType.SERVER) if server is None else server
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, data)
    hint = caught.value.event_hint
    assert type(hint) is RejectConnection
    assert hint.status_code in statuses
    assert state_of(server) is ConnectionState.CONNECTING
    head, body = read_response(server.send(hint))
    assert (head.status, body) == (hint.status_code, b"")
    assert state_of(server) is ConnectionState.CLOSED
    return caught.value


def failed(client: WSConnection, *pieces: bytes | None) -> RemoteProtocolError:
    """Hand a client a response that has to fail it; return the error, whose hint any server can send."""
    with pytest.raises(RemoteProtocolError) as caught:
        feed(client, *pieces)
    assert state_of(client) is ConnectionState.CLOSED
    hint = caught.value.event_hint
    assert type(hint) is RejectConnection
    head, _ = read_response(asked_server().send(hint))
    assert head.status == hint.status_code
    return caught.value
