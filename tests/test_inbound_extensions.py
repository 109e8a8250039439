# ruff: noqa: ARG002 -- hooks take what the library gives them
"""Extensions of a program's own on a connection: they see every frame, and judge every reserved bit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.oracle.deflating import (
    HELLO,
    HELLO_FINAL,
    ROLES,
    agreed,
    from_peer,
    inflating_by,
    joined,
    message_pieces,
)
from tests.oracle.receiving import feed, receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, Limits
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extension import BoundExtension, HookState
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

RSV2 = RsvBits(False, True, False)


class ClaimsRsv2(Extension):
    """Gives RSV2 a meaning, and notes each frame."""

    name = "x-rsv2"

    def __init__(self) -> None:
        self.seen: list[tuple[Opcode, RsvBits, int, bool]] = []
        self.pieces: list[int] = []

    def enabled(self) -> bool:
        return True

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self.seen.append((opcode, rsv, payload_length, proto.client))
        return RSV2

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        self.pieces.append(len(data))
        return data


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_536])
def test_an_extension_that_claims_rsv2_alone_sees_every_frame(role: ConnectionType, size: int) -> None:
    extension = ClaimsRsv2()
    connection = Connection(role, [extension])
    stream = (
        from_peer(connection, wire.BINARY, bytes(size), rsv=wire.RSV2)
        + from_peer(connection, wire.BINARY, bytes(size))
        + from_peer(connection, wire.PING, b"p")
    )
    assert joined(receive(connection, stream)) == [bytes(size), bytes(size), Ping(b"p")]
    client = role is ConnectionType.CLIENT
    none = RsvBits(False, False, False)
    assert extension.seen == [
        (Opcode.BINARY, RSV2, size, client),
        (Opcode.BINARY, none, size, client),
        (Opcode.PING, none, 1, client),
    ]
    assert extension.pieces == [*[size] * 2 * bool(size), 1], "as it came"


class ClaimsRsv3(ClaimsRsv2):
    """Gives RSV3 a meaning."""

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        return RsvBits(False, False, True)


@pytest.mark.parametrize("first", [ClaimsRsv2, ClaimsRsv3])
def test_what_either_of_two_extensions_claims_has_a_meaning(first: type[ClaimsRsv2]) -> None:
    second = ClaimsRsv3 if first is ClaimsRsv2 else ClaimsRsv2
    client = Connection(ConnectionType.CLIENT, [first(), second()])
    stream = from_peer(client, wire.BINARY, b"a", rsv=wire.RSV2 | wire.RSV3)
    assert receive(client, stream) == [BytesMessage(b"a")]


@pytest.mark.requirement("R6455-5.2-03")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rsv", [wire.RSV1, wire.RSV1 | wire.RSV2, wire.RSV3])
@pytest.mark.parametrize("size", [0, 5, 126])
def test_a_bit_that_it_does_not_claim_fails(role: ConnectionType, rsv: int, size: int) -> None:
    """RFC 6455 5.2: it claims RSV2, so RSV1 has no meaning, whatever the size of the frame."""
    connection = Connection(role, [ClaimsRsv2()])
    [close] = receive(connection, from_peer(connection, wire.BINARY, bytes(size), rsv=rsv))
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


@pytest.mark.parametrize("came", range(9))
def test_events_end_where_they_would_have_in_one_read(came: int) -> None:
    """Here in two: the first ends behind so many bytes of the text."""
    with inflating_by(1):
        client = Connection(ConnectionType.CLIENT, [agreed()], limits=Limits(max_inflated_size=4))
        stream = from_peer(client, wire.BINARY, b"\x00\x08\x00\xf7\xffabcdefgh\x00", rsv=wire.RSV1)
        place = stream.index(b"a") + came
        pieces = message_pieces(feed(client, stream[:place], stream[place:]))
    ends = sorted({0, 4, 8, came})
    assert [piece.data for piece in pieces if piece.data] == [
        b"abcdefgh"[start:stop] for start, stop in pairwise(ends)
    ]


def test_a_message_that_just_fills_an_event_ends_with_it() -> None:
    client = Connection(ConnectionType.CLIENT, [agreed()], limits=Limits(max_inflated_size=5))
    stream = from_peer(client, wire.TEXT, HELLO_FINAL[:-1], rsv=wire.RSV1)
    assert receive(client, stream) == [TextMessage("Hello")]


class Looks(PerMessageDeflate):
    """Has a hook of its own, so that each hook is called."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[int] = []

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        self.pieces.append(len(data))
        return super().frame_inbound_payload_data(proto, data)


@pytest.mark.parametrize("place", range(2, 10))
def test_an_extension_is_given_units_whatever_comes_when(place: int) -> None:
    extension = Looks()
    extension.finalize("permessage-deflate")
    with inflating_by(3):
        client = Connection(ConnectionType.CLIENT, [extension])
        stream = from_peer(client, wire.TEXT, HELLO, rsv=wire.RSV1)
        assert joined(feed(client, stream[:place], stream[place:])) == ["Hello"]
    assert extension.pieces == [3, 3, 1]


#: Five literals, then a length of 258 whose distance is the beginning of the tail.
ENDS_IN_ITS_TAIL = bytes.fromhex("3a71f2d4e933a3")


@pytest.mark.parametrize("size", [1, 6, 100, 262, 263, 264])
def test_what_the_end_of_a_frame_gives_has_the_room_that_is_left(size: int) -> None:
    extension = Looks()
    extension.finalize("permessage-deflate")
    client = Connection(ConnectionType.CLIENT, [extension], limits=Limits(max_inflated_size=size))
    pieces = message_pieces(receive(client, from_peer(client, wire.BINARY, ENDS_IN_ITS_TAIL, rsv=wire.RSV1)))
    data = b"\xc8\xc9\xca\xcb\xcc" + b"\xcc" * 258
    assert [piece.data for piece in pieces if piece.data] == [
        data[start : start + size] for start in range(0, len(data), size)
    ]


class NotesItsEnd(HookState):
    """The state of an extension that a connection uses."""

    ended = False

    def end_inbound(self) -> None:
        self.ended = True


def test_the_state_of_an_extension_is_told_that_nothing_more_is_read() -> None:
    state = NotesItsEnd()
    client = Connection(ConnectionType.CLIENT, [BoundExtension(ClaimsRsv2(), state)])
    receive(client, from_peer(client, wire.BINARY))
    assert state.ended is False
    receive(client, from_peer(client, wire.CLOSE))
    assert state.ended is True
