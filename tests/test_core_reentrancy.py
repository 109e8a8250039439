"""Whatever the compiled core calls may call back: hooks, `conclude`, the source of keys, finalizers.

Up to Python 3.11 any allocation of an object may collect garbage, and so run Python: `while_collecting` lets
something happen in each collection, of which there is one for almost each such object.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import wsproto.masking
from tests.marks import compiled_core, roles
from tests.oracle.deflating import CLIENT, from_peer
from tests.oracle.receiving import receive
from tooling import frames as wire
from tooling.cores import load, unload
from wsproto import Connection, ConnectionType
from wsproto.event_base import set_data
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameDecoder, ParseFailed
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = compiled_core

#: Objects that the longest call of the core allocates, at least.
MOST = 12


def called(call: Callable[..., Any], *arguments: object, action: Callable[[], object], allocated: int) -> Any:
    """Call something of the core; run `action` in a collection that begins while it is called.

    :param allocated: how many objects are allocated before the collection begins.
    :returns: what it gave, or None where it has failed.
    """
    ran: list[None] = []

    def collecting(phase: str, _info: object) -> None:
        if phase == "start" and not ran:
            ran.append(None)
            with suppress(Exception):
                action()

    thresholds = gc.get_threshold()
    guard = suppress(Exception)
    gc.collect()
    gc.callbacks.append(collecting)
    with guard:
        gc.set_threshold(allocated + 1, 1000, 1000)
        try:
            return call(*arguments)
        finally:
            gc.set_threshold(*thresholds)
            gc.callbacks.remove(collecting)
    return None


def read_on(connection: Connection) -> None:
    connection.receive_data(from_peer(connection, wire.BINARY, b"0123456789" * 9))
    for _ in connection.events():
        pass


def let_go(connection: Connection) -> None:
    with suppress(AttributeError):
        del connection._decoder
        del connection._encoder


def end_reading(connection: Connection) -> None:
    decoder: Any = connection._decoder
    decoder._end_reading()


def begin_anew(connection: Connection) -> None:
    decoder: Any = connection._decoder
    decoder.__init__(connection.client)


def tell_the_message(connection: Connection) -> None:
    decoder: Any = connection._decoder
    decoder._message.go_on(TextMessage, b"\xe2\x82")
    decoder._message.remaining = 2**40
    decoder._message.in_frame = True


def send_more(connection: Connection) -> None:
    connection.send(TextMessage("a", message_finished=False))


ACTIONS = [read_on, let_go, end_reading, begin_anew, tell_the_message, send_more]

STREAMS = {
    "messages": [(wire.TEXT, b"Hello", True), (wire.BINARY, b"abc", True), (wire.PING, b"p", True)],
    "not UTF-8": [(wire.TEXT, b"ab\xff" + bytes(300), True)],
    "not UTF-8, in the second piece": [(wire.TEXT, b"a\xe2", False), (wire.CONTINUATION, b"a" * 50, True)],
    "long": [(wire.BINARY, bytes(70_000), True), (wire.TEXT, b"\xe2\x82\xac" * 2000, True)],
    "a Close": [(wire.CLOSE, b"\x03\xe8bye", True)],
}


@roles
@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("stream", STREAMS)
def test_a_collection_may_do_anything_while_bytes_are_read(
    role: ConnectionType, stream: str, action: Callable[[Connection], None]
) -> None:
    for allocated in range(MOST):
        connection = Connection(role)
        frames = [from_peer(connection, *frame[:2], fin=frame[2]) for frame in STREAMS[stream]]
        connection.receive_data(b"".join(frames))
        iterator = connection.events()
        for _ in frames:
            seen = called(iterator.__next__, action=lambda: action(connection), allocated=allocated)  # noqa: B023
            assert seen is None or (isinstance(seen, Event) and repr(seen))
        called(connection.receive_data, frames[0], action=lambda: action(connection), allocated=allocated)  # noqa: B023


@roles
@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("data", ["Hello", "\u20ac" * 100, "a" * 200 + "\ud800"], ids=["", "long", "wrong"])
def test_and_while_events_are_sent(
    role: ConnectionType, data: str, action: Callable[[Connection], None]
) -> None:
    for allocated in range(MOST):
        connection = Connection(role)
        event = TextMessage("".join([*data]))

        def change(event: TextMessage = event, connection: Connection = connection) -> None:
            set_data(event, "changed")
            action(connection)

        for one in (event, Ping(b"p"), event):
            sent = called(connection.send, one, action=change, allocated=allocated)
            assert sent is None or isinstance(sent, bytes)


@roles
def test_an_iterator_holds_the_reader_that_it_was_made_of(role: ConnectionType) -> None:
    """Found by reading: what was allocated for it could let go of the reader before it was held."""
    for allocated in range(MOST):
        connection = Connection(role)
        connection.receive_data(from_peer(connection, wire.TEXT, b"Hello"))
        iterator: Any = called(connection.events, action=lambda: let_go(connection), allocated=allocated)  # noqa: B023
        with suppress(AttributeError):
            assert list(iterator) == [TextMessage("Hello")]


# What is called on purpose -----------------------------------------------------------------------


def test_keys_may_be_drawn_by_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Ping that is sent meanwhile has keys of its own."""
    connection = Connection(CLIENT)
    meanwhile: list[bytes] = []
    pools = iter([wire.MASK * 16, b"\x01\x02\x03\x04" * 16, *[bytes(1024)] * 3])

    def drawn(_size: int) -> bytes:
        if not meanwhile:
            meanwhile.append(b"")
            meanwhile[0] = connection.send(Ping(b"in between"))
        return next(pools)

    monkeypatch.setattr(wsproto.masking, "random_bytes", drawn)
    outer = connection.send(TextMessage("Hello"))
    assert meanwhile == [wire.frame(wire.PING, b"in between", mask=wire.MASK)]
    assert outer == wire.frame(wire.TEXT, b"Hello", mask=b"\x01\x02\x03\x04")


def test_a_message_that_is_begun_while_a_key_is_drawn_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = Connection(CLIENT)
    meanwhile: list[bytes] = []

    def drawn(size: int) -> bytes:
        if not meanwhile:
            meanwhile.append(b"")
            meanwhile[0] = connection.send(TextMessage("begun, ", message_finished=False))
        return bytes(size)

    monkeypatch.setattr(wsproto.masking, "random_bytes", drawn)
    outer = connection.send(TextMessage("ended"))
    assert meanwhile == [wire.frame(wire.TEXT, b"begun, ", fin=False, mask=bytes(4))]
    assert outer == wire.frame(wire.CONTINUATION, b"ended", mask=bytes(4))


def test_bytes_do_not_go_on_with_a_text_that_is_begun_while_a_key_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = Connection(CLIENT)
    begun: list[bytes] = []

    def drawn(size: int) -> bytes:
        if not begun:
            begun.append(b"")
            begun[0] = connection.send(TextMessage("a", message_finished=False))
        return bytes(size)

    monkeypatch.setattr(wsproto.masking, "random_bytes", drawn)
    with pytest.raises(LocalProtocolError, match="BINARY data in a TEXT message"):
        connection.send(BytesMessage(b"b"))


def test_keys_that_cannot_be_drawn_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_size: int) -> bytes:
        raise OSError("no entropy")

    connection = Connection(CLIENT)
    monkeypatch.setattr(wsproto.masking, "random_bytes", fails)
    for event in (TextMessage("a", message_finished=False), TextMessage("\u20ac" * 200), Ping(b"p")):
        with pytest.raises(OSError, match="no entropy"):
            connection.send(event)
    monkeypatch.setattr(wsproto.masking, "random_bytes", bytes)
    assert connection.send(BytesMessage(b"b")) == wire.frame(wire.BINARY, b"b", mask=bytes(4))


@pytest.mark.parametrize("pool", [b"", b"abc", bytearray(8), "abcd", None])
def test_keys_of_another_kind_are_an_error(monkeypatch: pytest.MonkeyPatch, pool: Any) -> None:
    """`key_pool` is looked up once, so that a copy of the library of its own is needed to replace it."""
    copy: Any = load("wsproto_keys", pure=False)
    try:
        drawn = iter([pool, b"\x01\x02\x03\x04", bytes(9)])
        monkeypatch.setattr(copy.masking, "key_pool", lambda _short: next(drawn))
        connection = copy.Connection(copy.ConnectionType.CLIENT)
        with pytest.raises(TypeError, match="has to return 4 bytes or more"):
            connection.send(copy.events.Ping(b"p"))
        # No byte of a pool serves twice, and one that is left over serves not at all.
        for mask in (b"\x01\x02\x03\x04", bytes(4), bytes(4)):
            assert connection.send(copy.events.Ping(b"p")) == wire.frame(wire.PING, b"p", mask=mask)
        with pytest.raises(StopIteration):
            connection.send(copy.events.Ping(b"p"))
    finally:
        unload("wsproto_keys")


@roles
def test_conclude_may_call_back(role: ConnectionType) -> None:
    decoder = FrameDecoder(role is CLIENT)
    iterators: list[Iterator[Event]] = []

    def conclude(end: CloseConnection | ParseFailed | None) -> Event | None:
        decoder.receive_bytes(b"\x81\x00")
        assert list(iterators[0]) == []  # it is at its end already
        assert list(decoder.events()) == []
        return Pong(type(end).__name__.encode())

    decoder.receive_bytes(wire.peer_frame(role is CLIENT, wire.CLOSE, b"\x03\xe8"))
    iterators.append(decoder.events(conclude))
    assert list(iterators[0]) == [Pong(b"CloseConnection")]
    assert list(iterators[0]) == []


def test_conclude_may_fail() -> None:
    def conclude(_end: object) -> Event | None:
        raise KeyError("in conclude")

    decoder = FrameDecoder(True)
    decoder.receive_bytes(b"\xff")
    iterator = decoder.events(conclude)
    with pytest.raises(KeyError, match="in conclude"):
        next(iterator)
    assert list(iterator) == []


class Calls(Extension):
    """An extension whose hooks read and send on the connection."""

    name = "x-calls"

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.busy = False  # until it has called back once
        self.seen: list[object] = []

    def enabled(self) -> bool:
        return True

    def frame_inbound_payload_data(self, proto: object, data: bytes) -> bytes:  # noqa: ARG002 - a hook
        if self.connection is not None and not self.busy:
            self.busy = True
            self.seen.append(self.connection.send(Ping(b"hook")))
            self.connection.receive_data(wire.peer_frame(self.connection.client, wire.PONG, b"late"))
        return data


@roles
def test_hooks_may_call_back(role: ConnectionType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsproto.masking, "random_bytes", bytes)
    extension = Calls()
    connection = Connection(role, [extension])
    extension.connection = connection
    events = receive(
        connection, from_peer(connection, wire.BINARY, b"abc") + from_peer(connection, wire.PING)
    )
    assert [event for event in events if isinstance(event, BytesMessage)] == [BytesMessage(b"abc")]
    assert Pong(b"late") in events
    assert extension.seen[0] == wire.frame(wire.PING, b"hook", mask=bytes(4) if role is CLIENT else None)
