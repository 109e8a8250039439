"""Work is linear in the bytes received however they are cut, and memory between calls is flat.

Work is counted, not timed: in calls of functions, and in the bytes that a copy of a buffer would allocate.
"""

from __future__ import annotations

import gc
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.counting import calls
from tests.marks import roles
from tests.oracle.receiving import receive, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Work by the million, which measuring coverage would make three times as long.
pytestmark = pytest.mark.uncovered

MIB = 2**20
SMALL = 2**14  # what allocations of an event, a generator and a frame header come to, with room


def peer(
    role: ConnectionType, opcode: int, payload: bytes = b"", *, fin: bool = True, length: int | None = None
) -> bytes:
    return wire.peer_frame(role is ConnectionType.CLIENT, opcode, payload, fin=fin, length=length)


def zeros(role: ConnectionType, opcode: int, size: int) -> bytes:
    """A frame of zeros, quickly: masking them leaves the key, again and again."""
    if role is ConnectionType.CLIENT:
        return wire.frame(opcode, bytes(size))
    head = wire.frame(opcode, length=size, mask=wire.MASK)
    return head + (wire.MASK * (size // 4 + 1))[:size]


def allocated(work: Callable[[], object]) -> tuple[int, int]:
    """Bytes that `work` leaves allocated, and the most that it had allocated at a time."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def drain(connection: Connection, pieces: Iterable[bytes]) -> None:
    """Hand over `pieces` and forget each event."""
    for piece in pieces:
        connection.receive_data(piece)
        for _ in connection.events():
            pass


def in_steps(data: bytes, step: int) -> Iterable[bytes]:
    return (data[at : at + step] for at in range(0, len(data), step))


def streams(role: ConnectionType, size: int) -> dict[str, bytes]:
    """Streams of about `size` bytes."""
    fragment = peer(role, wire.CONTINUATION, b"x", fin=False)
    ping = peer(role, wire.PING, b"p" * 125)
    return {
        "one binary frame": peer(role, wire.BINARY, bytes(size)),
        "one text frame": peer(role, wire.TEXT, ("€" * (size // 3)).encode()),
        "tiny fragments": peer(role, wire.BINARY, fin=False) + fragment * (size // len(fragment)),
        "empty fragments": peer(role, wire.TEXT, fin=False)
        + peer(role, wire.CONTINUATION, fin=False) * (size // len(peer(role, wire.CONTINUATION))),
        "tiny messages": peer(role, wire.TEXT, b"x") * (size // len(fragment)),
        "long pings": ping * (size // len(ping)),
    }


@pytest.mark.requirement("R6455-6.2-01", "R6455-10.4-01")
@roles
@pytest.mark.parametrize("name", streams(ConnectionType.CLIENT, 1))
@pytest.mark.parametrize("step", [1, 2, 1000], ids=lambda step: f"reads-of-{step}")
def test_twice_the_bytes_take_twice_the_calls(role: ConnectionType, name: str, step: int) -> None:
    counts = []
    for size in (8_000, 16_000):
        connection, data = Connection(role), streams(role, size)[name]
        pieces = list(in_steps(data, step))
        counts.append(calls(partial(drain, connection, pieces)))
        assert connection.state is ConnectionState.OPEN
    assert counts[1] < 2.1 * counts[0] + 20


@roles
@pytest.mark.parametrize("name", streams(ConnectionType.CLIENT, 1))
def test_each_byte_takes_few_calls(role: ConnectionType, name: str) -> None:
    connection, data = Connection(role), streams(role, 8_000)[name]
    pieces = list(single_bytes(data))
    assert calls(lambda: drain(connection, pieces)) < 40 * len(data)


@pytest.mark.requirement("R6455-10.4-01")
def test_a_mebibyte_in_reads_of_one_byte() -> None:
    connection, data = Connection(ConnectionType.SERVER), zeros(ConnectionType.SERVER, wire.TEXT, MIB)
    received = 0
    finished = []
    for at in range(len(data)):
        connection.receive_data(data[at : at + 1])
        for event in connection.events():
            assert isinstance(event, Message)
            received += len(event.data)
            finished.append(event.message_finished) if event.frame_finished else None
    assert received == MIB
    assert finished == [True]


@roles
@pytest.mark.parametrize("step", [1, 100])
def test_reads_that_wait_for_events_are_not_copied_over_and_over(role: ConnectionType, step: int) -> None:
    connection = Connection(role)
    pieces = list(in_steps(peer(role, wire.PING, b"x" * 100) * 1000, step))
    size = sum(map(len, pieces))

    def take_in() -> None:
        for piece in pieces:
            connection.receive_data(piece)

    _, peak = allocated(take_in)
    assert (
        peak < 1.5 * size
    )  # one buffer that grows; old and new content side by side would be twice the size
    assert sum(isinstance(event, Ping) for event in connection.events()) == 1000


@roles
@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(wire.TEXT, b"x"), (wire.BINARY, b""), (wire.PING, b"p"), (wire.BINARY, b"x" * 200)],
    ids=["text", "empty", "ping", "medium"],
)
def test_many_frames_in_one_read_are_walked_without_copying_the_rest(
    role: ConnectionType, opcode: int, payload: bytes
) -> None:
    one = peer(role, opcode, payload)
    data = one * (MIB // 8 // len(one))
    connection = Connection(role)
    _, peak = allocated(lambda: drain(connection, [data]))
    assert peak < 1.5 * len(data)


@roles
def test_a_read_between_events_does_not_copy_the_rest(role: ConnectionType) -> None:
    """A read while frames of an earlier one wait: the buffer is not rebuilt for each."""
    one = peer(role, wire.PING, b"p")
    connection = Connection(role)
    connection.receive_data(one * (MIB // 8 // len(one)))
    count = 0

    def exchange() -> None:
        nonlocal count
        for _ in connection.events():
            count += 1
            if count <= 1000:
                connection.receive_data(one)

    _, peak = allocated(exchange)
    assert count == MIB // 8 // len(one) + 1000
    assert peak < MIB // 16


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02")
@roles
@pytest.mark.parametrize("opcode", [wire.BINARY, wire.TEXT], ids=["binary", "text"])
@pytest.mark.parametrize("step", [1000, 2**16])
def test_a_long_message_is_not_kept(role: ConnectionType, opcode: int, step: int) -> None:
    data = zeros(role, opcode, 4 * MIB)
    connection = Connection(role)
    left, peak = allocated(lambda: drain(connection, in_steps(data, step)))
    assert left < SMALL
    assert peak < SMALL + 6 * step


@roles
@pytest.mark.parametrize("name", ["tiny fragments", "empty fragments", "tiny messages", "long pings"])
def test_many_small_frames_leave_nothing(role: ConnectionType, name: str) -> None:
    data = streams(role, MIB // 4)[name]
    connection = Connection(role)
    left, peak = allocated(lambda: drain(connection, in_steps(data, 500)))
    assert left < SMALL
    assert peak < 2 * SMALL


@roles
@pytest.mark.parametrize("rest", [b"", b"\x89"], ids=["whole", "with-a-header-begun"])
def test_a_large_read_is_let_go_once_its_events_are_taken(role: ConnectionType, rest: bytes) -> None:
    connection = Connection(role)

    def read() -> None:
        drain(connection, [zeros(role, wire.BINARY, MIB) + rest])

    left, _ = allocated(read)
    assert left < SMALL
    assert connection.state is ConnectionState.OPEN


@roles
def test_partial_control_frames_hold_only_their_bytes(role: ConnectionType) -> None:
    connection = Connection(role)
    data = peer(role, wire.PING, b"x" * 125)
    left, _ = allocated(lambda: drain(connection, in_steps(data[:-1], 1)))
    assert left < 2**12
    assert receive(connection, data[-1:]) == [Ping(b"x" * 125)]


@roles
def test_a_new_connection_is_small(role: ConnectionType) -> None:
    made: list[Connection] = []
    left, _ = allocated(lambda: made.extend(Connection(role) for _ in range(100)))
    assert len(made) == 100
    assert left < 100 * 4096


@roles
def test_closing_lets_everything_go(role: ConnectionType) -> None:
    connection = Connection(role)
    tail = bytes(MIB)

    def close() -> None:
        connection.receive_data(peer(role, wire.CLOSE, wire.close_payload(1000)) + tail)
        for event in connection.events():
            assert isinstance(event, CloseConnection)

    left, _ = allocated(close)
    assert left < SMALL


@roles
def test_pieces_are_as_large_as_the_reads(role: ConnectionType) -> None:
    connection = Connection(role)
    events = [
        event
        for piece in in_steps(zeros(role, wire.BINARY, 100_000), 10_000)
        for event in receive(connection, piece)
    ]
    assert (
        sum(len(event.data) for event in events if isinstance(event, (BytesMessage, TextMessage))) == 100_000
    )
    assert len(events) <= 11
