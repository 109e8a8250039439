"""Hands bytes to a connection, in the reads that a test wants, and takes its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wsproto import Connection, WSConnection
    from wsproto.events import Event


def receive(connection: Connection | WSConnection, data: bytes | None) -> list[Event]:
    """Hand `data` to `connection` and return all events that it gives."""
    connection.receive_data(data)
    return list(connection.events())


def feed(connection: Connection | WSConnection, *pieces: bytes | None, cut: bool = False) -> list[Event]:
    """Hand `pieces` to `connection` one by one, or `cut` into single bytes; return all events."""
    reads = [one for piece in pieces for one in (single_bytes(piece) if cut and piece else [piece])]
    return [event for read in reads for event in receive(connection, read)]


def read_through(connection: Connection | WSConnection, data: bytes, size: int = 2**16) -> None:
    """Hand `data` to `connection` in reads of `size` bytes; drop the events as they come."""
    for start in range(0, len(data), size):
        connection.receive_data(data[start : start + size])
        for _ in connection.events():
            pass


def receive_cut(connection: Connection | WSConnection, pieces: Iterable[bytes]) -> list[Event]:
    """Hand `pieces` to `connection` one by one, taking the events after each.

    The pieces after the one that closed the connection are left out: they would be an error.
    """
    events: list[Event] = []
    for piece in pieces:
        if connection.state.name == "CLOSED":
            break
        events += receive(connection, piece)
    return events


def single_bytes(data: bytes) -> Iterator[bytes]:
    """`data` in reads of one byte."""
    return (data[index : index + 1] for index in range(len(data)))
