"""Event in, bytes out, where an event needs no judgement: how it is counted, and the bytes themselves."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import pytest

import wsproto.masking
from tests.counting import library_calls
from tests.marks import compiled_core, pure_core, roles
from tests.oracle.deflating import CLIENT, SERVER
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, Ping, Pong, TextMessage
from wsproto.frame_encoder import FrameEncoder
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event

EVENTS: list[tuple[Event, int, bytes]] = [
    (TextMessage("Hello"), wire.TEXT, b"Hello"),
    (TextMessage("h\u00e9"), wire.TEXT, b"h\xc3\xa9"),
    (BytesMessage(b""), wire.BINARY, b""),
    (BytesMessage(bytes(125)), wire.BINARY, bytes(125)),
    (BytesMessage(bytes(126)), wire.BINARY, bytes(126)),
    (BytesMessage(bytes(65_535)), wire.BINARY, bytes(65_535)),
    (BytesMessage(bytes(65_536)), wire.BINARY, bytes(65_536)),
    (Ping(b"p"), wire.PING, b"p"),
    (Pong(bytes(125)), wire.PONG, bytes(125)),
]


@roles
@pytest.mark.parametrize(("event", "opcode", "payload"), EVENTS)
def test_the_bytes_of_a_frame(
    role: ConnectionType, event: Event, opcode: int, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", lambda size: wire.MASK * (size // 4))
    mask = wire.MASK if role is CLIENT else None
    assert Connection(role).send(event) == wire.frame(opcode, payload, mask=mask)


@roles
def test_the_bytes_of_fragments(role: ConnectionType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", lambda size: wire.MASK * (size // 4))
    mask = wire.MASK if role is CLIENT else None
    connection = Connection(role)
    assert connection.send(TextMessage("a", message_finished=False)) == wire.frame(
        wire.TEXT, b"a", fin=False, mask=mask
    )
    assert connection.send(Ping(b"")) == wire.frame(wire.PING, mask=mask)
    assert connection.send(TextMessage("", message_finished=False)) == wire.frame(
        wire.CONTINUATION, fin=False, mask=mask
    )
    assert connection.send(TextMessage("b")) == wire.frame(wire.CONTINUATION, b"b", mask=mask)
    assert connection.send(BytesMessage(b"c")) == wire.frame(wire.BINARY, b"c", mask=mask)


@compiled_core
@pytest.mark.parametrize("pool", [b"", b"abc", bytearray(64), None, "keys"], ids=repr)
def test_keys_that_are_none_are_refused(pool: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever replaces `random_bytes` returns bytes: nothing else can make the core read beyond them."""
    monkeypatch.setattr(wsproto.masking, "random_bytes", lambda _size: pool)
    with pytest.raises(TypeError, match="4 bytes or more"):
        Connection(CLIENT).send(Ping(b"p"))


@pure_core
@roles
@pytest.mark.parametrize(
    ("event", "most"),
    [(TextMessage("Hello"), 3), (BytesMessage(b"Hello"), 3), (Ping(b"p"), 4), (Pong(b"p"), 4)],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else "",
)
def test_a_short_frame_is_written_in_three_calls_or_four(
    role: ConnectionType, event: Event, most: int
) -> None:
    connection = Connection(role)
    connection.send(event)  # a client draws its masking keys
    assert library_calls(lambda: connection.send(event)) <= most + (role is CLIENT)  # and takes the next one


@compiled_core
@roles
@pytest.mark.parametrize("event", [event for event, _, _ in EVENTS])
def test_the_compiled_core_writes_without_a_call_of_python(role: ConnectionType, event: Event) -> None:
    connection = Connection(role)
    connection.send(event)  # a client draws its masking keys
    assert library_calls(lambda: connection.send(event)) == 0


@compiled_core
def test_but_for_each_pool_of_keys() -> None:
    """The first pool has 16 keys, each other one 256; drawing takes two calls."""
    connection = Connection(CLIENT)
    counts = [library_calls(lambda: connection.send(Ping())) for _ in range(16 + 256 + 1)]
    assert [number for number, count in enumerate(counts) if count] == [0, 16, 272]
    assert set(counts) == {0, 2}
    assert library_calls(lambda: Connection(SERVER).send(Ping())) > 0  # to make the connection


@roles
@pytest.mark.parametrize(
    ("kind", "opcode"),
    [(TextMessage, wire.TEXT), (BytesMessage, wire.BINARY), (Ping, wire.PING), (Pong, wire.PONG)],
)
def test_the_bytes_of_each_short_frame(
    role: ConnectionType, kind: type[Event], opcode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", lambda size: wire.MASK * (size // 4))
    mask = wire.MASK if role is CLIENT else None
    connection = Connection(role)
    for size in range(126):
        text = "x" * size
        event = kind(text if kind is TextMessage else text.encode())  # type: ignore[call-arg]
        assert connection.send(event) == wire.frame(opcode, text.encode(), mask=mask)


@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY])
def test_whether_a_message_was_begun(role: ConnectionType, opcode: int) -> None:
    kind: Any = TextMessage if opcode == wire.TEXT else BytesMessage
    data: Any = "a" if opcode == wire.TEXT else b"a"
    writer = FrameEncoder(role is CLIENT)
    assert writer.client is (role is CLIENT)
    assert writer.message_begun is False
    writer.send(kind(data, message_finished=False))
    assert writer.message_begun is True
    writer.send(Ping())
    assert writer.message_begun is True
    writer.send(kind(data))
    assert writer.message_begun is False


@roles
@pytest.mark.parametrize(
    ("kind", "payload"),
    [(TextMessage, b"x"), (TextMessage, "\ud800"), (BytesMessage, "x"), (Ping, bytes(126)), (Pong, "x")],
)
def test_what_needs_judgement_is_not_written_as_it_is(role: ConnectionType, kind: Any, payload: Any) -> None:
    with pytest.raises(LocalProtocolError):
        Connection(role).send(kind(payload))


@roles
@pytest.mark.parametrize(
    ("kind", "opcode"), [(BytesMessage, wire.BINARY), (Ping, wire.PING), (Pong, wire.PONG)]
)
def test_a_payload_is_measured_in_bytes_whatever_its_items_are(
    role: ConnectionType, kind: Any, opcode: int
) -> None:
    items = memoryview(array("I", [1, 2, 3]))
    sent = wire.decode_frame(Connection(role).send(kind(items)))
    assert (sent.opcode, sent.payload) == (opcode, items.tobytes())
