# ruff: noqa: ARG002 -- hooks take what the library gives them
"""Received frames on their way through the extensions: in pieces, several at once, refused at any hook."""

from __future__ import annotations

from typing import Any

import pytest

from tests.marks import any_cut, roles
from tests.oracle.deflating import HELLO, HELLO_AGAIN, agreed, from_peer, inflating_by, joined, message_pieces
from tests.oracle.receiving import feed, receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

RSV2 = RsvBits(False, True, False)


class Xor(Extension):
    """Turns bits of each byte, adds a tail to each frame, and refuses at one of the hooks."""

    def __init__(self, bits: int, tail: bytes | None = None, refuses: str = "") -> None:
        self.name = f"x-{bits}"
        self._bits = bits
        self._tail = tail
        self._refuses = refuses

    def enabled(self) -> bool:
        return True

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        return CloseReason.POLICY_VIOLATION if self._refuses == "header" else RSV2

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        if self._refuses == "payload":
            return CloseReason.POLICY_VIOLATION
        return bytes(byte ^ self._bits for byte in data)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        return CloseReason.POLICY_VIOLATION if self._refuses == "complete" else self._tail


@roles
@any_cut
def test_a_frame_passes_through_all_of_them_the_last_one_first(role: ConnectionType, cut: bool) -> None:
    """What one adds at the end of a frame passes through those behind it."""
    connection = Connection(role, [Xor(1, b"first"), Xor(2, b"last")])
    stream = from_peer(connection, wire.BINARY, bytes([3, 4]), rsv=wire.RSV2)
    stream += from_peer(connection, wire.PING)
    tail = bytes(byte ^ 1 for byte in b"last") + b"first"
    assert joined(feed(connection, stream, cut=cut)) == [b"\x00\x07" + tail, Ping(tail)]


@roles
@any_cut
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.PING], ids=["data", "control"])
@pytest.mark.parametrize(
    ("hook", "what"),
    [
        ("header", "a frame header"),
        ("payload", "a frame's payload"),
        ("complete", "the end of a frame"),
    ],
)
def test_any_hook_may_fail_the_connection(
    role: ConnectionType, cut: bool, opcode: int, hook: str, what: str
) -> None:
    connection = Connection(role, [Xor(1, refuses=hook)])
    *_, close = feed(connection, from_peer(connection, opcode, b"abc"), cut=cut)
    assert isinstance(close, CloseConnection)
    assert (close.code, close.reason) == (1008, f"The extension x-1 refused {what}")


@roles
@pytest.mark.parametrize("rsv", [wire.RSV1, wire.RSV3, wire.RSV2 | wire.RSV3])
def test_a_bit_that_none_claims_fails_the_connection(role: ConnectionType, rsv: int) -> None:
    connection = Connection(role, [Xor(1), Xor(2)])
    [close] = receive(connection, from_peer(connection, wire.BINARY, b"abc", rsv=rsv))
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


@roles
@any_cut
@pytest.mark.parametrize("unit", [1, 3, 2**14])
def test_a_compressed_message_comes_in_units(role: ConnectionType, cut: bool, unit: int) -> None:
    with inflating_by(unit):
        connection = Connection(role, [agreed()])
        stream = from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1)
        stream += from_peer(connection, wire.TEXT, HELLO_AGAIN[:3], rsv=wire.RSV1, fin=False)
        stream += from_peer(connection, wire.PING, b"p") + from_peer(
            connection, wire.CONTINUATION, HELLO_AGAIN[3:]
        )
        events = feed(connection, stream, cut=cut)
    assert Ping(b"p") in events
    assert joined(event for event in events if not isinstance(event, Ping)) == ["Hello", "Hello"]


@roles
@any_cut
@pytest.mark.parametrize("size", [1, 2, 4, 5])
@pytest.mark.parametrize("behind", [False, True], ids=["alone", "behind another"])
def test_an_event_is_cut_at_its_bound(role: ConnectionType, cut: bool, size: int, behind: bool) -> None:
    extensions: list[Extension] = [agreed(), Xor(0)] if behind else [agreed()]
    connection = Connection(role, extensions, limits=Limits(max_inflated_size=size))
    pieces = message_pieces(feed(connection, from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1), cut=cut))
    assert [piece.data for piece in pieces if piece.data] == [
        "Hello"[at : at + size] for at in range(0, 5, size)
    ]
    assert [piece.message_finished for piece in pieces] == [False] * (len(pieces) - 1) + [True]


@roles
@any_cut
def test_what_is_inflated_is_held_to_the_bound_of_a_message(role: ConnectionType, cut: bool) -> None:
    connection = Connection(role, [agreed()], limits=Limits(max_message_size=4))
    *pieces, close = feed(connection, from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1), cut=cut)
    assert "".join(piece.data for piece in pieces if isinstance(piece, TextMessage)) == "Hell"
    assert isinstance(close, CloseConnection)
    assert close.code == 1009


@roles
@any_cut
@pytest.mark.parametrize("payload", [b"\xff\xff", HELLO + b"\xff\xff"], ids=["nothing before", "text before"])
def test_garbage_fails_behind_what_came_before_it(role: ConnectionType, cut: bool, payload: bytes) -> None:
    with inflating_by(len(HELLO)):
        connection = Connection(role, [agreed()])
        *pieces, close = feed(connection, from_peer(connection, wire.TEXT, payload, rsv=wire.RSV1), cut=cut)
    assert "".join(piece.data for piece in pieces if isinstance(piece, TextMessage)) == "Hello" * (
        len(payload) > 2
    )
    assert isinstance(close, CloseConnection)
    assert close.code == 1007


@roles
def test_nothing_that_was_received_is_kept_behind_the_end(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()])
    feed(connection, from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1)[:-3], None)
    assert connection.state.name == "CLOSED"
