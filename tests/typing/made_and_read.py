"""Events as programs make and read them: what type checkers have to take, and as which types they read it.

`make check` reads this file; nothing runs it. A wrong use stands with the error that it has to give: mypy
reports a comment that no error needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from typing_extensions import assert_type

from wsproto import Connection, ConnectionState, ConnectionType, Ending, Limits, MessageJoiner, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.stream_handshake import StreamHandshake
from wsproto.typing import Headers
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


def make_of_wider_types(
    connection: WSConnection, deflates: list[PerMessageDeflate], either: str | bytes
) -> None:
    """Make events of the types that sending takes."""
    connection.send(BytesMessage(bytearray(b"data")))
    connection.send(BytesMessage(data=memoryview(b"data"), message_finished=False))
    connection.send(RejectData(bytearray(b"body"), body_finished=False))
    connection.send(Ping(memoryview(b"payload")))
    connection.send(Pong(payload=bytearray(b"payload")))
    connection.send(Message(either))
    connection.send(Message(bytearray(b"data"), True, False))
    connection.send(Request("host", "/", deflates, [("X-Name", "value")], ("chat", "superchat")))
    connection.send(
        Request(host="host", target="/", extra_headers=[(b"X-Name", "value")], subprotocols=["chat"])
    )
    connection.send(AcceptConnection("chat", deflates, (("X-Name", b"value"),)))
    connection.send(AcceptConnection(extensions=(PerMessageDeflate(),)))
    connection.send(RejectConnection(403, [("Content-Length", "0")], has_body=False))


def refuse_wrong_types() -> None:
    """Make events that sending would refuse."""
    TextMessage(b"data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    BytesMessage("data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Ping("payload")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Request("host", "/", subprotocols="chat")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RejectConnection("403")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def change_a_field(event: TextMessage) -> None:
    """Set a field of a frozen event."""
    event.data = "data"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert_type(replace(event, data="other"), TextMessage)


def read_a_handshake(connection: WSConnection) -> None:
    """Read each field as one type, whatever it could be made of."""
    for event in connection.events():
        if isinstance(event, Request):
            assert_type(event.extensions, Sequence[Extension] | Sequence[str])
            assert_type(event.extra_headers, Headers)
            assert_type(event.subprotocols, list[str])
        elif isinstance(event, AcceptConnection):
            assert_type(event.subprotocol, str | None)
            assert_type(event.extensions, list[Extension])
            assert_type(event.extra_headers, Headers)
        elif isinstance(event, RejectConnection):
            assert_type(event.headers, Headers)
        elif isinstance(event, RejectData):
            assert_type(event.data, bytes)


def read_frames(connection: WSConnection) -> None:
    """Read each field as one type, whatever it could be made of."""
    for event in connection.events():
        if isinstance(event, TextMessage):
            assert_type(event.data, str)
        elif isinstance(event, BytesMessage):
            assert_type(event.data, bytes)
        elif isinstance(event, Message):
            assert_type(event.data, str | bytes)
        elif isinstance(event, Ping):
            assert_type(event.payload, bytes)
            assert_type(event.response(), Pong)
        elif isinstance(event, CloseConnection):
            assert_type(event.code, int)
            assert_type(event.response(), CloseConnection)


def answer_on_a_stream(section: list[tuple[bytes, bytes]]) -> Headers:
    """Send header sections, and the data of a rejection."""
    handshake = StreamHandshake(ConnectionType.SERVER)
    try:
        handshake.receive_headers(iter(section))
    except RemoteProtocolError as error:
        refusal: Headers = handshake.send(error.event_hint)
        return refusal
    assert_type(handshake.send(RejectConnection(403, has_body=True)), Headers)
    assert_type(handshake.send(RejectData(bytearray(b"No."))), bytes)
    return handshake.send(AcceptConnection())


def read_any_message(event: Event) -> int:
    """Read a message of either kind."""
    if isinstance(event, Message):
        assert_type(event.data, str | bytes)
        return len(event.data)
    return 0


def match_events(event: Event) -> str:
    """Match by name and by position."""
    match event:
        case TextMessage(data, message_finished=finished):
            assert_type(data, str)
            assert_type(finished, bool)
            return data
        case BytesMessage(data=content):
            assert_type(content, bytes)
            return content.decode()
        case Ping(payload) | Pong(payload):
            assert_type(payload, bytes)
            return payload.hex()
        case CloseConnection(code, reason):
            assert_type(code, int)
            assert_type(reason, str | None)
            return reason or str(code)
        case Request(host, target, subprotocols=subprotocols):
            assert_type(host, str)
            assert_type(target, str)
            assert_type(subprotocols, list[str])
            return host + target
        case AcceptConnection(subprotocol):
            assert_type(subprotocol, str | None)
            return subprotocol or ""
        case RejectConnection(status_code, headers, has_body=has_body):
            assert_type(status_code, int)
            assert_type(headers, Headers)
            assert_type(has_body, bool)
            return str(status_code)
        case RejectData(data, body_finished=True):
            assert_type(data, bytes)
            return ""
        case _:
            return ""


def annotate(text: Message[str], binary: Message[bytes]) -> None:
    """Pass the subclasses where a message of one kind is wanted."""
    annotate(TextMessage("text"), BytesMessage(b"binary"))
    annotate(BytesMessage(b"binary"), binary)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    annotate(text, Message(b"binary"))


def answer_a_violation(data: bytes) -> bytes:
    """Send the hint of an error as it is."""
    connection = WSConnection(ConnectionType.SERVER)
    try:
        connection.receive_data(data)
    except RemoteProtocolError as error:
        return connection.send(error.event_hint)
    return b""


def run_a_connection(connection: Connection, joiner: MessageJoiner) -> None:
    """Use all that an open connection has."""
    assert_type(connection.state, ConnectionState)
    assert_type(connection.client, bool)
    assert_type(connection.ending, Ending)
    assert_type(connection.protocol_error, RemoteProtocolError | None)
    assert_type(connection.can_send(Ping), bool)
    assert_type(connection.send_parts(TextMessage("text")), tuple[bytes, bytes])
    connection.receive_data(None)
    connection.inject(TextMessage("text"))
    for event in connection.events():
        assert_type(event, Event)
        if isinstance(event, (TextMessage, BytesMessage)):
            assert_type(joiner.join(event), TextMessage | BytesMessage | None)


def bound_a_connection() -> None:
    """Pass limits by name."""
    limits = Limits(max_message_size=2**20, max_frame_size=None)
    assert_type(limits.max_message_size, int | None)
    assert_type(WSConnection(ConnectionType.CLIENT, limits=limits).client, bool)
    Limits(max_message_size="1 MiB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Limits(max_messages=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    WSConnection(ConnectionType.CLIENT, limits)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    WSConnection("client")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def misuse_a_connection(connection: WSConnection) -> None:
    """Call it as no connection can be called."""
    connection.send(b"data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.receive_data("data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.can_send("Ping")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.state = ConnectionState.OPEN  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    for event in connection.events():
        event.data  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def set_up_compression(extension: PerMessageDeflate) -> None:
    """Read and set the parameters of permessage-deflate (RFC 7692 7.1)."""
    assert_type(extension.client_no_context_takeover, bool)
    assert_type(extension.server_max_window_bits, int)
    extension.client_max_window_bits = 12
    extension.client_max_window_bits = "12"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    PerMessageDeflate(client_max_window_bits=None, compression_level=1, min_compress_size=64)


def catch_an_error(connection: WSConnection, event: Event) -> bytes:
    """Catch what sending can raise."""
    try:
        return connection.send(event)
    except LocalProtocolError as error:
        assert_type(error, LocalProtocolError)
        return b""
