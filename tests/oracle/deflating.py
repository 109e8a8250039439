"""What the tests of permessage-deflate share: a deflater of their own, and connections that agreed on it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.oracle.inflating import TAIL
from tooling import frames as wire
from wsproto import Connection, ConnectionType, WSConnection
from wsproto.deflate import Inflater
from wsproto.events import AcceptConnection, BytesMessage, Message, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wsproto.events import Event
    from wsproto.limits import Limits

CLIENT: Final = ConnectionType.CLIENT
SERVER: Final = ConnectionType.SERVER
ROLES: Final = (CLIENT, SERVER)

#: RFC 7692 7.2.3.1, and 7.2.3.2's second one that refers to it.
HELLO: Final = bytes.fromhex("f248cdc9c90700")
HELLO_AGAIN: Final = bytes.fromhex("f200110000")
#: RFC 7692 7.2.3.4: one block with BFINAL=1, then the empty block without its tail.
HELLO_FINAL: Final = bytes.fromhex("f348cdc9c9070000")

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Deflater:
    """Compresses the messages of one direction (RFC 7692 7.2.1)."""

    def __init__(
        self, *, window_bits: int = 15, takeover: bool = True, level: int = -1, strategy: int = 0
    ) -> None:
        self._arguments = (level, zlib.DEFLATED, -window_bits, 8, strategy)
        self._takeover = takeover
        self._compressor = zlib.compressobj(*self._arguments)

    def message(self, data: bytes) -> bytes:
        """Compress one whole message."""
        if not self._takeover:
            self._compressor = zlib.compressobj(*self._arguments)
        compressed = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        assert compressed.endswith(TAIL)
        return compressed[:-4]


@contextmanager
def inflating_by(unit: int) -> Iterator[None]:
    """Let zlib be given `unit` bytes of a frame at a time, so that a short one has several units."""
    usual, Inflater.unit = Inflater.unit, unit
    try:
        yield
    finally:
        Inflater.unit = usual


def agreed(
    parameters: str = "",
    *,
    client_max_window_bits: int | None = None,
    server_max_window_bits: int | None = None,
) -> PerMessageDeflate:
    """Make an extension whose agreed parameters are `parameters`."""
    extension = PerMessageDeflate(
        client_max_window_bits=client_max_window_bits, server_max_window_bits=server_max_window_bits
    )
    extension.finalize(f"permessage-deflate; {parameters}" if parameters else "permessage-deflate")
    return extension


def connect(role: ConnectionType, parameters: str = "", *, limits: Limits | None = None) -> Connection:
    """Open one end of a connection that agreed on permessage-deflate with `parameters`."""
    return Connection(role, [agreed(parameters)], limits=limits)


def from_peer(
    connection: Connection | WSConnection,
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
) -> bytes:
    """Write a frame as the peer of `connection` does."""
    return wire.peer_frame(connection.client, opcode, payload, fin=fin, rsv=rsv)


def compressed_text(connection: Connection | WSConnection, payload: bytes) -> bytes:
    """Write `payload`, deflated already, as the peer's text message in one frame."""
    return from_peer(connection, wire.TEXT, payload, rsv=wire.RSV1)


def joined(events: Iterable[Event]) -> list[str | bytes | Event]:
    """Join the pieces of each message; a message is its str or bytes, every other event itself.

    A message without an end is left out: say so with `unfinished`.
    """
    result: list[str | bytes | Event] = []
    text: list[str] = []
    data: list[bytes] = []
    for event in events:
        if isinstance(event, TextMessage):
            text.append(event.data)
            if event.message_finished:
                result.append("".join(text))
                text = []
        elif isinstance(event, BytesMessage):
            data.append(event.data)
            if event.message_finished:
                result.append(b"".join(data))
                data = []
        else:
            result.append(event)
    return result


def message_pieces(events: Iterable[Event]) -> list[TextMessage | BytesMessage]:
    """All of `events`, which are pieces of messages."""
    pieces = []
    for event in events:
        assert isinstance(event, (TextMessage, BytesMessage))
        pieces.append(event)
    return pieces


def payload_of(events: Iterable[Event]) -> bytes:
    """All message data of `events`, whether its message has ended or not; text as UTF-8."""
    pieces = [event.data for event in events if isinstance(event, Message)]
    return b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces)


def extension_elements(parameters: str) -> set[str]:
    """The parameters of one offer or answer, in no order."""
    return {element.strip() for element in parameters.split(";") if element.strip()}


def upgrade_request(extensions: Sequence[str]) -> bytes:
    """A client's request, with one Sec-WebSocket-Extensions line for each of `extensions`."""
    lines = [
        "GET / HTTP/1.1",
        "Host: example.com",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"Sec-WebSocket-Extensions: {value}" for value in extensions),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def header_values(head: bytes, name: str) -> list[str]:
    """The values of each line `name` in a request or response."""
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    fields = [line.partition(":") for line in lines]
    return [value.strip() for field, _, value in fields if field.lower() == name.lower()]


def accepting_server(
    offers: Sequence[str], extensions: Sequence[Extension], *, limits: Limits | None = None
) -> tuple[WSConnection, str | None]:
    """Let a server accept a request with `offers`, one line each; its answer's extensions come with it."""
    server = WSConnection(SERVER, limits=limits)
    server.receive_data(upgrade_request(offers))
    assert [type(event) for event in server.events()] == [Request]
    response = server.send(AcceptConnection(extensions=list(extensions)))
    values = header_values(response, "Sec-WebSocket-Extensions")
    assert len(values) <= 1
    return server, values[0] if values else None


def requesting_client(
    extensions: Sequence[Extension], *, limits: Limits | None = None
) -> tuple[WSConnection, bytes]:
    """Let a client send a request that offers `extensions`."""
    client = WSConnection(CLIENT, limits=limits)
    return client, client.send(Request(host="example.com", target="/", extensions=list(extensions)))


def upgrade_response(request: bytes, answer: str | None) -> bytes:
    """The 101 that accepts `request`, with the extensions `answer`."""
    (key,) = header_values(request, "Sec-WebSocket-Key")
    token = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Accept: {token}",
    ]
    if answer is not None:
        lines.append(f"Sec-WebSocket-Extensions: {answer}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def accepted_client(
    answer: str | None, extensions: Sequence[Extension], *, limits: Limits | None = None
) -> tuple[WSConnection, list[Event]]:
    """Let a client that offers `extensions` receive `answer`."""
    client, request = requesting_client(extensions, limits=limits)
    client.receive_data(upgrade_response(request, answer))
    return client, list(client.events())


def joined_pair(
    client_extensions: Sequence[Extension],
    server_extensions: Sequence[Extension],
    *,
    limits: Limits | None = None,
) -> tuple[WSConnection, WSConnection]:
    """A client and a server that have shaken hands."""
    client, request = requesting_client(client_extensions, limits=limits)
    server = WSConnection(SERVER, limits=limits)
    server.receive_data(request)
    assert [type(event) for event in server.events()] == [Request]
    client.receive_data(server.send(AcceptConnection(extensions=list(server_extensions))))
    assert [type(event) for event in client.events()] == [AcceptConnection]
    return client, server
