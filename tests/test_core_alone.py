"""What needs no judgement the compiled core reads and writes by itself, in memory that it has.

It would be right all the same if Python did it: slower.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.marks import compiled_core, roles
from tests.oracle.deflating import CLIENT, HELLO, HELLO_AGAIN, agreed, inflating_by
from tests.oracle.receiving import feed, receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits
from wsproto.events import BytesMessage, Ping, Pong, TextMessage
from wsproto.frame_protocol import FrameDecoder, FrameEncoder
from wsproto.frame_reader import FrameReader, MessageState, Unjudged
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsproto.events import Event

pytestmark = compiled_core


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods that ask Python to judge, in the order in which they were called."""
    called: list[str] = []
    for kind, name in (
        (FrameDecoder, "_read_otherwise"),
        (FrameEncoder, "_send_otherwise"),
        (Connection, "_send_otherwise"),
        (Connection, "_receive_otherwise"),
        (Connection, "_all_events"),
    ):
        usual = getattr(kind, name)

        def noting(*arguments: Any, _name: str = f"{kind.__name__}.{name}", _usual: Any = usual) -> Any:
            called.append(_name)
            return _usual(*arguments)

        monkeypatch.setattr(kind, name, noting)
    return called


def test_what_asks_python_is_noted(asked: list[str]) -> None:
    connection = Connection(CLIENT)
    connection.receive_data(None)
    list(connection.events())
    with pytest.raises(LocalProtocolError):
        connection.send(Ping())
    assert {"Connection._receive_otherwise", "Connection._send_otherwise"} <= {*asked}


def stream(role: ConnectionType, *frames: tuple[int, bytes, bool]) -> bytes:
    return b"".join(
        wire.peer_frame(role is CLIENT, opcode, payload, fin=fin) for opcode, payload, fin in frames
    )


FRAMES: dict[str, Sequence[tuple[int, bytes, bool]]] = {
    "messages": [(wire.TEXT, b"Hello", True), (wire.BINARY, b"\xff", True), (wire.TEXT, b"", True)],
    "control frames": [(wire.PING, bytes(125), True), (wire.PONG, b"", True)],
    "fragments": [
        (wire.TEXT, b"a\xe2", False),
        (wire.PING, b"p", True),
        (wire.CONTINUATION, b"\x82", False),
        (wire.CONTINUATION, b"\xac", True),
        (wire.BINARY, b"", False),
        (wire.CONTINUATION, b"b", True),
    ],
    "long": [
        (wire.BINARY, bytes(126), True),
        (wire.BINARY, bytes(70_000), True),
        (wire.TEXT, b"a" * 300, True),
    ],
}


@roles
@pytest.mark.parametrize("size", [1, 3, 1000, 2**20])
@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
def test_frames_are_read_in_any_pieces(
    role: ConnectionType, frames: Sequence[tuple[int, bytes, bool]], size: int, asked: list[str]
) -> None:
    sent = stream(role, *frames)
    events = feed(Connection(role), *(sent[at : at + size] for at in range(0, len(sent), size)))
    assert sum(getattr(event, "frame_finished", True) for event in events) == len(frames)
    assert asked == []


@roles
@pytest.mark.parametrize(
    ("limits", "frames"),
    [
        (Limits(max_frame_size=5), [(wire.TEXT, b"Hello", True)] * 2),
        (Limits(max_message_size=5), [(wire.TEXT, b"He", False), (wire.CONTINUATION, b"llo", True)] * 2),
        (Limits(max_fragments=2), [(wire.BINARY, b"a", False), (wire.CONTINUATION, b"", True)] * 2),
        (Limits(max_fragments=1), [(wire.BINARY, b"a", True)] * 2),
    ],
)
def test_limits_are_reached(
    role: ConnectionType, limits: Limits, frames: Sequence[tuple[int, bytes, bool]], asked: list[str]
) -> None:
    assert len(receive(Connection(role, limits=limits), stream(role, *frames))) == len(frames)
    assert asked == []


@roles
@pytest.mark.parametrize("text", [b"Hello", b"a" * 200])
def test_ascii_is_known_to_be_ascii(role: ConnectionType, text: bytes) -> None:
    """Its object is as Python would have made it."""
    (event,) = receive(Connection(role), stream(role, (wire.TEXT, text, True)))
    data = getattr(event, "data", "")
    assert (data, sys.getsizeof(data)) == (text.decode(), sys.getsizeof(text.decode()))


@roles
@pytest.mark.parametrize("text", [b"\x80", b"\x00" * 8 + b"\x80", b"\x80" * 100])
def test_what_is_hardly_beyond_ascii_is_not_ascii(role: ConnectionType, text: bytes) -> None:
    (*_, close) = receive(Connection(role), stream(role, (wire.TEXT, text, True)))
    assert getattr(close, "code", None) == 1007


class Judging(FrameReader):
    """A reader that notes when it has to judge, and reads nothing then."""

    def __init__(self, unjudged: Unjudged) -> None:
        super().__init__(True, MessageState(unjudged))
        self.asked = False

    def _read_otherwise(self, _inflated: bytes | None = None) -> None:
        self.asked = True


@pytest.mark.parametrize(("bound", "asked"), [(-1, False), (0, True), (1, False)])
@pytest.mark.parametrize("place", range(3))
def test_a_bound_of_nothing_is_a_bound(place: int, bound: int, asked: bool) -> None:
    bounds = [-1, -1, -1]
    bounds[place] = bound
    reader = Judging(Unjudged(True, 0, 0, *bounds))
    reader.receive_bytes(b"\x82\x01a")
    assert list(reader.events()) == ([] if asked else [BytesMessage(b"a")])
    assert reader.asked is asked


@roles
@pytest.mark.parametrize("unit", [2**14, len(HELLO)])
@pytest.mark.parametrize("most", [2**20, len(b"Hello") + 1])
def test_whole_messages_are_inflated(role: ConnectionType, unit: int, most: int, asked: list[str]) -> None:
    with inflating_by(unit):  # so that one of so many bytes is the longest that may pass
        connection = Connection(role, [agreed()], limits=Limits(max_inflated_size=most))
        for opcode, data in ((wire.TEXT, HELLO), (wire.BINARY, HELLO_AGAIN), (wire.TEXT, HELLO)):
            (event,) = receive(connection, wire.peer_frame(role is CLIENT, opcode, data, rsv=wire.RSV1))
            assert getattr(event, "data", None) in {"Hello", b"Hello"}
        assert receive(connection, stream(role, (wire.TEXT, b"plain", True))) == [TextMessage("plain")]
    assert asked == ["FrameDecoder._read_otherwise"]  # which has begun to inflate


SENT: list[Event] = [
    TextMessage("Hello"),
    TextMessage("\u20ac" * 100),
    BytesMessage(b"\xff"),
    Ping(b"p" * 125),
    Pong(),
    TextMessage("a", message_finished=False),
    Ping(),
    TextMessage("\xe9", message_finished=False),
    TextMessage("", message_finished=True),
    BytesMessage(bytes(70_000), message_finished=False),
    BytesMessage(b"", message_finished=True),
]


@roles
def test_events_are_sent(role: ConnectionType, asked: list[str]) -> None:
    connection = Connection(role)
    for event in SENT:
        connection.send(event)
    assert asked == []


# Memory -------------------------------------------------------------------------------------------

DATA, TEXT = b"data", "text"
MAKERS: dict[str, Any] = {
    "BytesMessage": lambda: BytesMessage(DATA),
    "TextMessage": lambda: TextMessage(TEXT),
    "Ping": lambda: Ping(DATA),
    "Pong": lambda: Pong(DATA),
    "events()": Connection(CLIENT).events,
}


def blocks_of(make: Any) -> int:
    """How many blocks of memory what `make` makes has taken, and the count itself."""
    before = sys.getallocatedblocks()
    made = make()
    taken = sys.getallocatedblocks() - before
    del made
    return taken


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_memory_of_what_is_gone_is_taken_again(make: Any) -> None:
    blocks_of(make)
    assert blocks_of(make) == blocks_of(lambda: None)


def test_the_memory_of_a_thousand_events_is_kept() -> None:
    def round_of(count: int) -> tuple[int, int]:
        before = sys.getallocatedblocks()
        events = [BytesMessage(DATA) for _ in range(count)]
        taken = sys.getallocatedblocks() - before
        events.clear()
        return taken, sys.getallocatedblocks() - before

    round_of(2500)
    for _ in range(3):
        taken, kept = round_of(2500)
        assert abs(taken - 1500) < 10
        assert abs(kept) < 10


@pytest.mark.parametrize(
    ("event", "tracked"),
    [
        (TextMessage("a"), False),
        (BytesMessage(b"a", False, True), False),
        (Pong(b"p"), False),
        (BytesMessage(bytearray(b"a")), True),
        (TextMessage("a", Ping(b"p")), True),  # type: ignore[arg-type]
        (TextMessage("a", True, Ping(b"p")), True),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_the_garbage_collector_looks_at_events_that_hold_something(event: Event, tracked: bool) -> None:
    assert gc.is_tracked(event) is tracked
