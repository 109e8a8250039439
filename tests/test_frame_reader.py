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
from wsproto.events import BytesMessage, Ping, Pong, TextMessage
from wsproto.frame_reader import BOUNDS, MessageState, Unjudged, whole_messages
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


CONTROL = {0x89: Ping, 0x8A: Pong}
WHOLE = {0x81: TextMessage, 0x82: BytesMessage}
NONE: dict[int, type] = {}


def table(kinds: list[type | None]) -> dict[int, type]:
    assert len(kinds) == 256
    return {first: kind for first, kind in enumerate(kinds) if kind is not None}


@pytest.mark.parametrize(
    ("unjudged", "size", "begin", "goes_on", "whole"),
    [
        (Unjudged(), 125, {0x01: TextMessage, 0x02: BytesMessage, **WHOLE}, True, WHOLE),
        (Unjudged(max_frame_size=10), 10, WHOLE, False, NONE),
        (Unjudged(max_message_size=0, max_frame_size=3), 0, WHOLE, False, NONE),
        (Unjudged(max_frame_size=126), 125, WHOLE, False, NONE),
        (Unjudged(max_fragments=3), 125, WHOLE, False, NONE),
        (Unjudged(max_fragments=0), 125, WHOLE, False, NONE),
        (Unjudged(frames=False), -1, NONE, False, NONE),
        (Unjudged(False, 100, 10), -1, NONE, False, {**WHOLE, 0xC1: TextMessage, 0xC2: BytesMessage}),
    ],
)
@pure_core
def test_which_first_bytes_may_pass(
    unjudged: Unjudged,
    size: int,
    begin: dict[int, type],
    goes_on: bool,
    whole: dict[int, type],
) -> None:
    """All of the 256, by the message under way."""
    fast = MessageState(unjudged).fast
    control = CONTROL if size >= 0 else NONE
    assert fast.max_size == size
    assert fast.short.keys() == {None, TextMessage, BytesMessage}
    assert table(fast.short[None]) == {**control, **begin}
    for kind in (TextMessage, BytesMessage):
        assert table(fast.short[kind]) == {**control, **({0x00: kind, 0x80: kind} if goes_on else {})}
    assert table(fast.in_code_point) == control
    assert table(whole_messages(unjudged)) == whole


def test_what_may_pass_where_nothing_is_said() -> None:
    assert Unjudged() == (True, 0, 0, -1, -1, -1)
    assert Unjudged._fields[3:] == BOUNDS
    assert not Unjudged(True, 5, 6).bounded
