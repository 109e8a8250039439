"""The fast path leaves to the general one what it does not know: a limit that was added, for one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.counting import library_calls
from tests.marks import pure_core
from tests.oracle.deflating import ROLES, agreed, from_peer
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits
from wsproto.limits import DEFAULT_LIMITS


@dataclass(frozen=True)
class MoreLimits(Limits):
    """With a bound that nothing in the library knows."""

    max_messages: int | None = None


def calls(connection: Connection, opcode: int, payload: bytes, rsv: int = 0) -> int:
    """How many functions of the library it takes to read one frame."""
    stream = from_peer(connection, opcode, payload, rsv=rsv)
    if not rsv:  # what is made on first use is made
        receive(Connection(ConnectionType.CLIENT if connection.client else ConnectionType.SERVER), stream)
    return library_calls(lambda: receive(connection, stream))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("payload", [b"", b"short", bytes(125), bytes(126), bytes(2**16)], ids=len)
@pure_core
def test_a_new_limit_is_not_forgotten_in_the_fast_path(role: ConnectionType, payload: bytes) -> None:
    unbounded = calls(Connection(role), wire.BINARY, payload)
    assert calls(Connection(role, limits=MoreLimits()), wire.BINARY, payload) == unbounded
    assert calls(Connection(role, limits=MoreLimits(max_messages=1)), wire.BINARY, payload) > unbounded


@pytest.mark.parametrize("role", ROLES)
@pure_core
def test_nor_in_the_fast_path_of_compressed_messages(role: ConnectionType) -> None:
    hello = bytes.fromhex("f248cdc9c90700")
    unbounded = calls(Connection(role, [agreed()]), wire.TEXT, hello, wire.RSV1)
    bounded = Connection(role, [agreed()], limits=MoreLimits(max_messages=1))
    assert calls(bounded, wire.TEXT, hello, wire.RSV1) > unbounded


def test_the_limits_on_messages_are_those_that_are_set() -> None:
    assert DEFAULT_LIMITS.on_messages == {}
    limits = MoreLimits(max_frame_size=1, max_fragments=0, max_headers=3, max_messages=4)
    assert limits.on_messages == {"max_frame_size": 1, "max_fragments": 0, "max_messages": 4}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "limits", [Limits(max_fragments=1), Limits(max_frame_size=5), Limits(max_message_size=5)], ids=str
)
@pure_core
def test_a_short_whole_message_within_its_limits_is_quick(role: ConnectionType, limits: Limits) -> None:
    unbounded = calls(Connection(role), wire.BINARY, b"short")
    assert calls(Connection(role, limits=limits), wire.BINARY, b"short") == unbounded
