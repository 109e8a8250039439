"""Work is linear in the bytes received: calls and copied bytes are counted, not seconds."""

from __future__ import annotations

import sys
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counting import calls
from tests.oracle.deflating import CLIENT, ROLES, SERVER, Deflater, connect, from_peer
from tests.oracle.receiving import read_through
from tests.oracle.strategies import cuttings, examples, odd_streams, peer_streams
from tooling import frames as wire
from wsproto import Connection, ConnectionType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def read_first(connection: Connection, stream: bytes, read: int) -> None:
    """All reads first, and the events afterwards."""
    for start in range(0, len(stream), read):
        connection.receive_data(stream[start : start + read])
    for _ in connection.events():
        pass


def one_message(connection: Connection, size: int) -> bytes:
    return from_peer(connection, wire.BINARY, bytes(size))


def small_frames(connection: Connection, size: int) -> bytes:
    return from_peer(connection, wire.TEXT, b"Hello") * (size // 8)


def fragments(connection: Connection, size: int) -> bytes:
    return from_peer(connection, wire.BINARY, b"x", fin=False) + from_peer(
        connection, wire.CONTINUATION, b"x", fin=False
    ) * (size // 8)


def pings(connection: Connection, size: int) -> bytes:
    return from_peer(connection, wire.PING, b"p") * (size // 8)


def compressed(connection: Connection, size: int) -> bytes:
    return from_peer(connection, wire.BINARY, Deflater(level=0).message(bytes(size)), rsv=wire.RSV1)


def final_blocks(connection: Connection, size: int) -> bytes:
    payload = b"\x01\x05\x00\xfa\xffHello" * 50 + b"\x00"
    return from_peer(connection, wire.TEXT, payload, rsv=wire.RSV1) * (size // 500)


@pytest.mark.parametrize("role", [CLIENT, SERVER], ids=["client", "server"])
@pytest.mark.parametrize("stream", [one_message, small_frames, fragments, pings, compressed, final_blocks])
@pytest.mark.parametrize("read", [1, 7, 4096, 2**20])
@pytest.mark.parametrize("take", [read_through, read_first])
def test_twice_the_bytes_are_twice_the_work(
    role: Any,
    stream: Callable[[Connection, int], bytes],
    read: int,
    take: Callable[[Connection, bytes, int], None],
) -> None:
    counts = []
    for size in (4000, 8000):
        connection = connect(role)
        data = stream(connection, size)
        counts.append(calls(lambda connection=connection, data=data: take(connection, data, read)))  # type: ignore[misc]
        assert connection.protocol_error is None
    assert counts[1] <= 2.2 * counts[0] + 100


# Any stream, any cutting -------------------------------------------------------------------------

#: Calls of functions, of Python or C, that a read and a frame take, at most; measured: 47, and 80 more.
CALLS_OF_A_READ = 60
CALLS_OF_A_FRAME = 100


@given(st.sampled_from(ROLES), st.booleans(), st.data())
def test_the_calls_are_bounded_by_the_reads_and_the_frames(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    client = role is CLIENT
    right = peer_streams(client=client, deflate=deflate).map(lambda stream: stream.data)
    stream = data.draw(st.one_of(right, odd_streams(client=client, deflate=deflate)))
    pieces = data.draw(cuttings(stream))
    connection = connect(role) if deflate else Connection(role)
    count = calls(lambda: take_all(connection, pieces))
    frames = len(wire.whole_frames(stream))
    assert count <= CALLS_OF_A_READ * (len(pieces) + 1) + CALLS_OF_A_FRAME * frames


def take_all(connection: Connection, reads: Iterable[bytes]) -> None:
    """Take the events after each read."""
    for read in reads:
        connection.receive_data(read)
        for _ in connection.events():
            pass


#: Times that a byte may be copied: out of the buffer, unmasked, decoded, and what text takes beyond UTF-8.
COPIES = 6
#: Bytes of events, generators and headers in a read; a copy of what came before would be far more.
ROOM_OF_A_READ = 3000


@pytest.mark.uncovered
@examples(0.3)
@given(
    st.sampled_from(ROLES),
    st.lists(st.tuples(st.sampled_from([0, 100, 5000, 60_000]), st.booleans()), min_size=1, max_size=4),
    st.sampled_from([300, 500, 1460]),
    st.booleans(),
    st.booleans(),
)
def test_the_bytes_copied_are_bounded_by_the_bytes_received(
    role: ConnectionType, frames: list[tuple[int, bool]], read: int, text: bool, waiting: bool
) -> None:
    """What each read has allocated at most, summed up: a buffer copied with each read would make a square."""
    connection = Connection(role)
    opcode, stream = (wire.TEXT if text else wire.BINARY), b""
    for size, fin in frames:
        stream += wire.frame(opcode, length=size, fin=fin, mask=None if role is CLIENT else bytes(4))
        stream += b"x" * size
        opcode = (wire.TEXT if text else wire.BINARY) if fin else wire.CONTINUATION
    reads = [stream[start : start + read] for start in range(0, len(stream), read)]
    work = connection.receive_data if waiting else partial(take_read, connection)
    assert allocated_by(work, reads) <= COPIES * len(stream) + ROOM_OF_A_READ * len(reads)
    assert connection.protocol_error is None


def take_read(connection: Connection, read: bytes) -> None:
    take_all(connection, [read])


def allocated_by(work: Callable[[bytes], None], reads: list[bytes]) -> int:
    """The sum of what `work` had allocated at most for each of `reads`."""
    total = 0
    tracemalloc.start()
    try:
        for read in reads:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            work(read)
            total += tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return total


#: Bytes that the lines on the way of a short frame have allocated at most, summed up; measured: 18,000.
ROOM_OF_A_FRAME = 25_000


@pytest.mark.uncovered
@examples(0.2)
@given(
    st.sampled_from(ROLES),
    st.booleans(),
    st.sampled_from([wire.TEXT, wire.BINARY, wire.PING]),
    st.sampled_from([0, 20, 125]),
    st.sampled_from([100, 500]),
)
def test_no_frame_copies_what_comes_behind_it(
    role: ConnectionType, deflate: bool, opcode: int, size: int, count: int
) -> None:
    """Many frames in one read: the rest of it, copied with each, would make a square again."""
    connection = connect(role) if deflate else Connection(role)
    stream = from_peer(connection, opcode, b"x" * size) * count
    stream += from_peer(connection, wire.BINARY, bytes(200_000))
    allocated = allocated_by_lines(partial(take_read, connection, stream))
    assert allocated <= COPIES * len(stream) + ROOM_OF_A_FRAME * count
    assert connection.protocol_error is None


def allocated_by_lines(work: Callable[[], None]) -> int:
    """The sum of what each line that `work` runs had allocated at most, also what it let go of."""
    total = held = 0

    def trace(_frame: object, _event: str, _argument: object) -> Callable[..., Any]:
        nonlocal total, held
        now, most = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        total += max(0, most - held)
        held = now
        return trace

    previous = sys.gettrace()
    tracemalloc.start()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
        tracemalloc.stop()
    return total
