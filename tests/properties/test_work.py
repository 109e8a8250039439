"""Work is linear in the bytes received: calls are counted, not seconds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests import wire
from tests.deflating import CLIENT, SERVER, Deflater, connect, from_peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsproto import Connection


def calls(action: Callable[[], object]) -> int:
    """How many functions were called, of Python or C, while `action` ran."""
    count = 0

    def profile(_frame: object, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(previous)
    return count


def feed(connection: Connection, stream: bytes, read: int) -> None:
    for start in range(0, len(stream), read):
        connection.receive_data(stream[start : start + read])
        for _ in connection.events():
            pass


def feed_first(connection: Connection, stream: bytes, read: int) -> None:
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
@pytest.mark.parametrize("take", [feed, feed_first])
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
