"""Everyday reads take the fast path: the library's calls of Python are counted, not seconds.

`properties/test_fast_paths.py` shows that the fast path gives what the general one gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.counting import READ, library_calls
from tests.marks import compiled_core, pure_core, roles
from tests.oracle.deflating import from_peer
from tests.oracle.receiving import read_through
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits


@dataclass(frozen=True)
class MoreLimits(Limits):
    """With a bound that nothing in the library knows."""

    max_messages: int | None = None


@pure_core
@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY, wire.PING, wire.PONG])
@pytest.mark.parametrize("size", [0, 125])
@pytest.mark.parametrize("count", [1, 10])
def test_a_short_frame_takes_no_call_of_its_own(
    role: ConnectionType, opcode: int, size: int, count: int
) -> None:
    connection = Connection(role)
    frame = from_peer(connection, opcode, b"x" * size)
    assert library_calls(lambda: read_through(connection, frame * count, 2**20)) == READ + count


@pure_core
@roles
def test_a_short_fragment_takes_no_call_of_its_own(role: ConnectionType) -> None:
    connection = Connection(role)
    first = from_peer(connection, wire.TEXT, b"x", fin=False)
    last = from_peer(connection, wire.CONTINUATION, b"x")
    assert library_calls(lambda: read_through(connection, first + last, 2**20)) == READ + 2


@compiled_core
@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY])
@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("reads", [1460, 2**20])
def test_the_compiled_core_reads_messages_without_a_call_of_python(
    role: ConnectionType, opcode: int, size: int, reads: int
) -> None:
    connection = Connection(role)
    frames = from_peer(connection, opcode, b"x" * size) * 2
    frames += from_peer(connection, opcode, b"\xc3", fin=False) + from_peer(connection, wire.PING, b"x" * 125)
    frames += from_peer(connection, wire.CONTINUATION, b"\xa9") + from_peer(connection, wire.PONG)
    assert library_calls(lambda: read_through(connection, frames, reads)) == 0
    assert connection.protocol_error is None


@compiled_core
@roles
@pytest.mark.parametrize("size", [0, 125, 2000])
def test_nor_does_a_limit_that_is_kept_take_one(role: ConnectionType, size: int) -> None:
    connection = Connection(role, limits=Limits(max_frame_size=2000, max_message_size=2000, max_fragments=2))
    frames = from_peer(connection, wire.TEXT, b"x" * size, fin=False) + from_peer(
        connection, wire.CONTINUATION
    )
    assert library_calls(lambda: read_through(connection, frames * 3, 100)) == 0


@compiled_core
@roles
def test_a_limit_that_the_compiled_core_does_not_know_is_for_python(role: ConnectionType) -> None:
    connection = Connection(role, limits=MoreLimits(max_messages=1))
    frame = from_peer(connection, wire.BINARY, b"x")
    assert library_calls(lambda: read_through(connection, frame)) > 0
