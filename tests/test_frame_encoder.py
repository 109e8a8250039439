"""Event in, bytes out: fragments, payloads, what is shared with the caller (RFC 6455 5.4, 6.1)."""

from __future__ import annotations

import mmap
import zlib
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from tests.marks import roles
from tests.oracle.deflating import agreed
from tests.oracle.inflating import TAIL
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectData,
    TextMessage,
)
from wsproto.extension import Extension
from wsproto.frame_protocol import FrameEncoder, Opcode, RsvBits
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable


def sent(connection: Connection, event: Event) -> wire.Frame:
    return wire.decode_frame(connection.send(event))


@pytest.mark.requirement(
    "R6455-5.1-01", "R6455-5.1-04", "R6455-5.2-09", "R6455-5.3-01", "R6455-6.1-08", "R6455-5.5.1-05"
)
@pytest.mark.parametrize(
    "event",
    [
        TextMessage(""),
        TextMessage("x"),
        BytesMessage(b""),
        BytesMessage(b"x" * 126),
        BytesMessage(b"x" * 70_000),
        TextMessage("x", message_finished=False),
        Ping(),
        Ping(b"x"),
        Pong(),
        Pong(b"x" * 125),
        CloseConnection(1000),
        CloseConnection(1005),
    ],
    ids=lambda event: repr(event)[:40],
)
def test_every_frame_of_a_client_is_masked_and_none_of_a_server(event: Event) -> None:
    assert sent(Connection(ConnectionType.CLIENT), event).mask is not None
    assert sent(Connection(ConnectionType.SERVER), event).mask is None


@pytest.mark.requirement("R6455-5.2-02")
@roles
def test_reserved_bits_are_sent_as_zero(role: ConnectionType) -> None:
    connection = Connection(role)
    events = [
        TextMessage("a", message_finished=False),
        Ping(b"b"),
        TextMessage("c"),
        BytesMessage(b"d" * 1000),
        Pong(),
        CloseConnection(1000),
    ]
    assert [sent(connection, event).rsv for event in events] == [0] * 6


# Fragments.


@pytest.mark.requirement("R6455-5.4-09")
@pytest.mark.requirement("R6455-5.4-02", "R6455-5.4-11", "R6455-6.1-05", "R6455-6.1-06", "R6455-6.1-07")
@roles
@pytest.mark.parametrize(
    ("opcode", "make"),
    [(wire.TEXT, lambda data: data), (wire.BINARY, lambda data: data.encode())],
    ids=["text", "binary"],
)
def test_a_message_in_fragments(role: ConnectionType, opcode: int, make: Callable[[str], Any]) -> None:
    connection = Connection(role)
    for _ in range(2):
        frames = [
            sent(connection, Message(make("ab"), message_finished=False)),
            sent(connection, Message(make(""), message_finished=False)),
            sent(connection, Message(make("cd"), message_finished=False)),
            sent(connection, Message(make(""))),
        ]
        assert [one.opcode for one in frames] == [opcode] + [wire.CONTINUATION] * 3
        assert [one.fin for one in frames] == [False, False, False, True]
        assert b"".join(one.payload for one in frames) == b"abcd"


@pytest.mark.requirement("R6455-6.1-07")
@roles
@pytest.mark.parametrize("frame_finished", [True, False])
def test_only_message_finished_ends_a_message(role: ConnectionType, frame_finished: bool) -> None:
    connection = Connection(role)
    assert not sent(connection, TextMessage("a", frame_finished, message_finished=False)).fin
    assert sent(connection, TextMessage("b", frame_finished)).fin


@pytest.mark.requirement("R6455-5.4-04", "R6455-5.4-05", "R6455-5.5-02", "R6455-5.5.2-04")
@roles
def test_control_frames_may_be_sent_between_fragments(role: ConnectionType) -> None:
    connection = Connection(role)
    events: list[Event] = [
        BytesMessage(b"a", message_finished=False),
        Ping(b"p"),
        BytesMessage(b"b", message_finished=False),
        Pong(b"q"),
        BytesMessage(b"c"),
        TextMessage("d"),
    ]
    frames = [sent(connection, event) for event in events]
    assert [(one.opcode, one.fin) for one in frames] == [
        (wire.BINARY, False),
        (wire.PING, True),
        (wire.CONTINUATION, False),
        (wire.PONG, True),
        (wire.CONTINUATION, True),
        (wire.TEXT, True),
    ]


@pytest.mark.requirement("R6455-5.4-07", "R6455-5.4-11")
@roles
@pytest.mark.parametrize(
    ("first", "other"),
    [
        (TextMessage("a", message_finished=False), BytesMessage(b"x")),
        (TextMessage("a", message_finished=False), Message(b"x")),
        (TextMessage("a", message_finished=False), BytesMessage(b"", message_finished=False)),
        (Message("a", message_finished=False), BytesMessage(b"x")),
        (BytesMessage(b"a", message_finished=False), TextMessage("x")),
        (BytesMessage(b"a", message_finished=False), Message("")),
        (Message(b"a", message_finished=False), TextMessage("x", message_finished=False)),
    ],
    ids=repr,
)
def test_the_type_may_not_change_inside_a_message(role: ConnectionType, first: Event, other: Event) -> None:
    connection = Connection(role)
    connection.send(first)
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(other)
    assert isinstance(caught.value, TypeError)
    assert connection.state is ConnectionState.OPEN
    end: Event = Message("e") if isinstance(first, Message) and isinstance(first.data, str) else Message(b"e")
    frame = sent(connection, end)
    assert (frame.opcode, frame.fin, frame.payload) == (wire.CONTINUATION, True, b"e")
    assert sent(connection, other).opcode in {wire.TEXT, wire.BINARY}


# Payloads.


def mapped(data: bytes) -> mmap.mmap:
    area = mmap.mmap(-1, len(data))
    area[:] = data
    return area


BUFFERS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "writable memoryview": lambda data: memoryview(bytearray(data)),
    "strided memoryview": lambda data: memoryview(bytes(byte for one in data for byte in (one, 0)))[::2],
    "array of bytes": lambda data: array("B", data),
    "array of words": lambda data: array("H", data),
    "memoryview of words": lambda data: memoryview(array("H", data)),
    "subclass of bytes": type("Data", (bytes,), {}),
    "mmap": mapped,
}
buffers = pytest.mark.parametrize("buffer", BUFFERS)


@roles
@buffers
@pytest.mark.parametrize("size", [2, 124, 126, 1000, 70_000])
def test_any_bytes_like_payload_is_sent(role: ConnectionType, buffer: str, size: int) -> None:
    payload = (bytes(range(1, 251)) * (size // 250 + 1))[:size]
    kinds: list[tuple[Any, int]] = [(BytesMessage, wire.BINARY), (Message, wire.BINARY)]
    if size <= 125:
        kinds += [(Ping, wire.PING), (Pong, wire.PONG)]
    for make, opcode in kinds:
        data = Connection(role).send(make(BUFFERS[buffer](payload)))
        assert type(data) is bytes
        frame = wire.decode_frame(data)
        assert (frame.opcode, frame.payload) == (opcode, payload)


@pytest.mark.requirement("R6455-10.3-02")
@roles
@pytest.mark.parametrize("size", [1, 125, 1000, 70_000])
@pytest.mark.parametrize("make", [BytesMessage, Message, Ping, Pong])
def test_changing_the_callers_buffer_after_sending_changes_nothing(
    role: ConnectionType, size: int, make: Callable[[Any], Event]
) -> None:
    if make in {Ping, Pong}:
        size = min(size, 125)
    buffer = bytearray(b"a" * size)
    data = Connection(role).send(make(buffer))
    buffer[:] = b"z" * size
    assert wire.decode_frame(data).payload == b"a" * size


@roles
@pytest.mark.parametrize("size", [1, 125, 1000, 70_000])
def test_sending_leaves_the_callers_buffer_as_it_was(role: ConnectionType, size: int) -> None:
    buffer: Any = bytearray(b"a" * size)
    Connection(role).send(BytesMessage(buffer))
    assert buffer == b"a" * size
    buffer.clear()  # a view that is still held would make this a BufferError
    assert not buffer


@roles
@pytest.mark.parametrize(
    "data", ["", "a", "é€😀", "\0", "\ufeff", "\U0010ffff", "é" * 40_000], ids=lambda data: ascii(data)[:12]
)
def test_text_is_sent_as_utf8(role: ConnectionType, data: str) -> None:
    assert sent(Connection(role), TextMessage(data)).payload == data.encode()


@roles
def test_a_subclass_of_str_is_text(role: ConnectionType) -> None:
    data = type("Text", (str,), {})("é")
    for event in (TextMessage(data), Message(data)):
        frame = sent(Connection(role), event)
        assert (frame.opcode, frame.payload) == (wire.TEXT, "é".encode())


@roles
def test_a_subclass_of_an_event_is_sent_like_it(role: ConnectionType) -> None:
    class Greeting(TextMessage):
        pass

    class Beat(Ping):
        pass

    connection = Connection(role)
    assert sent(connection, Greeting("hi")).opcode == wire.TEXT
    assert sent(connection, Beat(b"b")).opcode == wire.PING


@pytest.mark.requirement("R6455-5.5-01", "R6455-5.5.2-01")
@roles
@pytest.mark.parametrize("make", [Ping, Pong])
@pytest.mark.parametrize("size", [0, 1, 124, 125])
def test_control_payloads_up_to_125_bytes_are_sent(role: ConnectionType, make: Any, size: int) -> None:
    frame = sent(Connection(role), make(bytes(range(size))))
    assert frame.opcode == (wire.PING if make is Ping else wire.PONG)
    assert (frame.payload, frame.fin, frame.length_form) == (bytes(range(size)), True, 7)


@pytest.mark.requirement("R6455-5.5-01")
@roles
@pytest.mark.parametrize("make", [Ping, Pong])
@pytest.mark.parametrize("size", [126, 127, 1000, 70_000])
def test_longer_control_payloads_are_refused(role: ConnectionType, make: Any, size: int) -> None:
    connection = Connection(role)
    with pytest.raises(LocalProtocolError) as caught:
        connection.send(make(b"x" * size))
    assert isinstance(caught.value, ValueError)
    assert sent(connection, Ping(b"ok")).payload == b"ok"


@pytest.mark.requirement("R6455-5.5-01")
@roles
def test_a_control_payload_is_measured_in_bytes(role: ConnectionType) -> None:
    assert sent(Connection(role), Ping(memoryview(array("H", range(62))))).payload
    with pytest.raises(LocalProtocolError):
        Connection(role).send(Ping(memoryview(array("H", range(63)))))


@pytest.mark.parametrize("event", [AcceptConnection(), RejectData(b""), Event()])
def test_an_event_that_no_frame_can_say_is_refused_by_the_codec(event: Event) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent in a frame"):
        FrameEncoder(True).send(event)


@roles
@pytest.mark.parametrize(
    ("event", "text"),
    [
        (TextMessage("\ud800"), "Text that is not valid Unicode"),
        (TextMessage("\ud800", message_finished=False), "Text that is not valid Unicode"),
        (TextMessage(b"a"), "The data of a TextMessage must be str, not bytes"),  # type: ignore[arg-type]
        (BytesMessage("a"), "The data of a BytesMessage must be bytes, not str"),  # type: ignore[arg-type]
        (BytesMessage(5), "The data of a message"),  # type: ignore[arg-type]
        (Ping(b"a" * 126), "PING with 126 bytes of payload, at most 125"),
        (AcceptConnection(), "AcceptConnection cannot be sent in a frame"),
    ],
)
def test_what_no_frame_can_say_is_the_caller_s_fault(role: ConnectionType, event: Event, text: str) -> None:
    encoder = FrameEncoder(role is ConnectionType.CLIENT)
    with pytest.raises(LocalProtocolError, match=text):
        encoder.send(event)
    assert wire.decode_frame(encoder.send(TextMessage("a"))).opcode == wire.TEXT


@roles
@pytest.mark.parametrize("size", [5, 300])
def test_a_frame_passes_through_the_extensions(role: ConnectionType, size: int) -> None:
    encoder = FrameEncoder(role is ConnectionType.CLIENT, [agreed()])
    frame = wire.decode_frame(encoder.send(BytesMessage(b"a" * size)))
    assert (frame.opcode, frame.rsv, frame.fin) == (wire.BINARY, wire.RSV1, True)
    assert zlib.decompressobj(-15).decompress(frame.payload + TAIL) == b"a" * size
    assert wire.decode_frame(encoder.send(Pong(b"p"))).rsv == 0


@pytest.mark.parametrize(
    ("event", "opcode", "payload", "fin"),
    [
        (TextMessage("h\u00e9"), wire.TEXT, b"h\xc3\xa9", True),
        (BytesMessage(b"a" * 70_000), wire.BINARY, b"a" * 70_000, True),
        (BytesMessage(bytearray(b"ab"), message_finished=False), wire.BINARY, b"ab", False),
        (Ping(b"p"), wire.PING, b"p", True),
        (CloseConnection(1000, "bye"), wire.CLOSE, b"\x03\xe8bye", True),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_frame_in_two_parts(event: Event, opcode: int, payload: bytes, fin: bool) -> None:
    """A server's payload by itself, as it is; a client's is masked, and so one with the rest."""
    server, client = FrameEncoder(False), FrameEncoder(True)
    head, body = server.send_parts(event)
    assert head + body == wire.frame(opcode, payload, fin=fin)
    assert body == payload
    whole, nothing = client.send_parts(event)
    assert nothing == b""
    assert wire.decode_frame(whole) == wire.Frame(opcode, payload, fin, mask=whole[-len(payload) - 4 :][:4])
    assert server.message_begun is client.message_begun is not fin


def test_the_payload_of_a_server_is_not_copied() -> None:
    data = bytes(1000)
    assert FrameEncoder(False).send_parts(BytesMessage(data))[1] is data


class Outbound(Extension):
    """Notes what the hook for sending gets."""

    name = "outbound"

    def __init__(self) -> None:
        self.seen: list[tuple[bool, Opcode, RsvBits, bytes, bool]] = []

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        self.seen.append((proto.client, opcode, rsv, data, fin))
        return rsv, data


@roles
def test_an_extension_sees_each_frame_as_it_is(role: ConnectionType) -> None:
    client, outbound = role is ConnectionType.CLIENT, Outbound()
    encoder = FrameEncoder(client, [outbound])
    for event in (TextMessage("a", message_finished=False), Ping(b"p"), TextMessage("b")):
        encoder.send(event)
    none = RsvBits(False, False, False)
    assert outbound.seen == [
        (client, Opcode.TEXT, none, b"a", False),
        (client, Opcode.PING, none, b"p", True),
        (client, Opcode.CONTINUATION, none, b"b", True),
    ]
