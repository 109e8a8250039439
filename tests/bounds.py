"""Connections with limits, messages about their bounds, and what a refusal looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.oracle.deflating import (
    agreed,
    from_peer,
)
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import CloseConnection
from wsproto.limits import Limits

if TYPE_CHECKING:
    from wsproto.events import Event

compressed_or_not = pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])

BOUND = 200


def limited(role: ConnectionType, **bounds: int) -> Connection:
    """Open one end that agreed on permessage-deflate and has these bounds."""
    return Connection(role, [agreed()], limits=Limits(**bounds))


def message(
    connection: Connection | WSConnection, *payloads: bytes, compressed: bool = False, finished: bool = True
) -> bytes:
    """A binary message in as many fragments as there are payloads."""
    last = len(payloads) - 1
    return b"".join(
        from_peer(
            connection,
            wire.CONTINUATION if index else wire.BINARY,
            payload,
            fin=finished and index == last,
            rsv=wire.RSV1 if compressed and not index else 0,
        )
        for index, payload in enumerate(payloads)
    )


def assert_too_big(connection: Connection | WSConnection, events: list[Event]) -> None:
    *before, event = events
    assert isinstance(event, CloseConnection)
    assert event.code == 1009
    assert not any(isinstance(one, CloseConnection) for one in before)
    assert connection.protocol_error is not None
    states = [connection.state]
    assert wire.decode_frame(connection.send(event.response())).close_code == 1009
    states.append(connection.state)
    assert states == [ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED]
