"""Closes received and sent by a connection that is open."""

from __future__ import annotations

from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import CloseConnection


def receive_close(role: ConnectionType, payload: bytes) -> tuple[Connection, CloseConnection]:
    """Receive a Close with `payload`; return the connection, and the event that came of it."""
    connection = Connection(role)
    client = role is ConnectionType.CLIENT
    (event,) = receive(connection, wire.peer_frame(client, wire.CLOSE, payload))
    assert type(event) is CloseConnection
    return connection, event


def sent_close(role: ConnectionType, code: int, reason: str | None = None) -> wire.Frame:
    """Send a Close; return the frame."""
    return wire.decode_frame(Connection(role).send(CloseConnection(code, reason)))
