"""Everyday reads and sends take the fast path: the library's calls are counted, not seconds.

`properties/test_fast_paths.py` shows that the fast path gives what the general one gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counting import library_calls
from tests.marks import roles
from tests.oracle.deflating import CLIENT, SERVER, Deflater, agreed, from_peer
from tests.oracle.receiving import read_through
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, Ping, Pong, TextMessage

if TYPE_CHECKING:
    from wsproto.events import Event


#: `receive_data`, `events`, and the same of the codec, which is entered once more when all is read.
READ = 4


@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY, wire.PING, wire.PONG])
@pytest.mark.parametrize("count", [1, 10])
def test_a_short_frame_takes_no_call_of_its_own(role: ConnectionType, opcode: int, count: int) -> None:
    connection = Connection(role)
    frame = from_peer(connection, opcode, b"x" * 125)
    assert library_calls(lambda: read_through(connection, frame * count, 2**20)) == READ + count


@roles
def test_a_short_fragment_takes_no_call_of_its_own(role: ConnectionType) -> None:
    connection = Connection(role)
    first = from_peer(connection, wire.TEXT, b"x", fin=False)
    last = from_peer(connection, wire.CONTINUATION, b"x")
    assert library_calls(lambda: read_through(connection, first + last, 2**20)) == READ + 2


@pytest.mark.parametrize(
    ("role", "size", "most"),
    [
        (CLIENT, 126, 1),
        (CLIENT, 1024, 1),
        (CLIENT, 65_535, 1),
        (CLIENT, 65_536, 1),
        # and its masking: of up to 1 KiB the repeated key, which is remembered by size, beyond it tables
        (SERVER, 126, 4),
        (SERVER, 1024, 4),
        (SERVER, 65_536, 7),
    ],
)
def test_a_message_in_one_frame_takes_a_call_and_its_masking(
    role: ConnectionType, size: int, most: int
) -> None:
    connection = Connection(role)
    frame = from_peer(connection, wire.BINARY, bytes(size))
    assert library_calls(lambda: read_through(connection, frame, 2**20)) <= READ + 1 + most


@pytest.mark.parametrize(("role", "most"), [(CLIENT, 4), (SERVER, 7)])
def test_a_compressed_message_takes_four_calls_and_its_masking(role: ConnectionType, most: int) -> None:
    connection = Connection(role, [agreed()])
    deflater = Deflater()
    first, second = (
        from_peer(connection, wire.TEXT, deflater.message(b"Hello" * 200), rsv=wire.RSV1) for _ in range(2)
    )
    read_through(connection, first, 2**20)  # makes the inflater
    assert library_calls(lambda: read_through(connection, second, 2**20)) <= READ + 1 + most


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
