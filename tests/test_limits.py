"""The bounds of `Limits` on frames and messages (RFC 6455 10.4): each at n-1, n and n+1, in any reads."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from tests.bounds import BOUND, assert_too_big, compressed_or_not, limited, message
from tests.marks import any_cut, roles
from tests.oracle.deflating import (
    HELLO,
    SERVER,
    Deflater,
    accepted_client,
    accepting_server,
    agreed,
    from_peer,
    joined,
    message_pieces,
    payload_of,
)
from tests.oracle.receiving import feed
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import H11Handshake
from wsproto.limits import Limits, checked_int
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event

# The dataclass -----------------------------------------------------------------------------------


def test_what_is_bounded_by_default() -> None:
    assert {field.name: getattr(Limits(), field.name) for field in fields(Limits)} == {
        "max_frame_size": None,
        "max_message_size": None,
        "max_fragments": None,
        "max_inflated_size": 2**20,
        "max_handshake_size": 2**16,
        "max_header_line_size": 2**14,
        "max_headers": 128,
        "max_interim_responses": 16,
        "max_early_data": 2**20,
        "max_reject_body_size": 2**20,
    }


def test_limits_are_frozen_keyword_values() -> None:
    limits = Limits(max_frame_size=1)
    assert limits == replace(Limits(), max_frame_size=1) != Limits()
    with pytest.raises(FrozenInstanceError):
        limits.max_frame_size = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [-1, "1", 1.5])
def test_a_bound_is_a_whole_number(name: str, value: Any) -> None:
    with pytest.raises(LocalProtocolError, match=name):
        Limits(**{name: value})


def test_pieces_of_nothing_would_be_no_progress() -> None:
    with pytest.raises(LocalProtocolError, match="max_inflated_size must be at least 1, not 0"):
        Limits(max_inflated_size=0)
    assert Limits(max_inflated_size=1).max_inflated_size == 1


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Limits) if field.name != "max_inflated_size"]
)
def test_every_other_bound_may_be_nought(name: str) -> None:
    assert getattr(Limits(**{name: 0}), name) == 0


def test_a_setting_out_of_its_range_is_told_the_range() -> None:
    with pytest.raises(LocalProtocolError, match=r"^memory_level must be 1 to 9, not 10$"):
        checked_int("memory_level", 10, 1, 9)


@pytest.mark.parametrize("kind", [Connection, H11Handshake, StreamHandshake, WSConnection])
@pytest.mark.parametrize("limits", [5, 0, {"max_frame_size": 5}, Limits])
def test_limits_are_limits(kind: Any, limits: Any) -> None:
    wanted = re.escape(f"limits must be Limits, not {limits!r}")
    with pytest.raises(LocalProtocolError, match=f"^{wanted}$") as caught:
        kind(ConnectionType.SERVER, limits=limits)
    assert isinstance(caught.value, TypeError)


def test_the_bounds_on_messages_are_those_that_are_set() -> None:
    """What else has a bound is judged elsewhere: the fast path reads these alone."""
    assert Limits().on_messages == {}
    given = {"max_frame_size": 1, "max_message_size": 2, "max_fragments": 3}
    assert Limits(**given, max_headers=4).on_messages == given
    assert Limits(max_fragments=0).on_messages == {"max_fragments": 0}


# Frames ------------------------------------------------------------------------------------------


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02")
@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("size", [BOUND - 1, BOUND])
def test_a_frame_within_its_bound_is_read(
    role: ConnectionType, cut: bool, compressed: bool, size: int
) -> None:
    connection = limited(role, max_frame_size=BOUND)
    data = bytes(range(size))
    payload = Deflater(level=0).message(data[:-6]) if compressed else data
    assert len(payload) == size
    wanted = data[:-6] if compressed else data
    stream = message(connection, payload, compressed=compressed)
    assert joined(feed(connection, stream, cut=cut)) == [wanted]


@pytest.mark.requirement("R6455-7.4.1-09", "R6455-10.4-01", "R6455-10.4-02")
@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("size", [BOUND + 1, 2**16, 2**63 - 1])
def test_a_longer_frame_is_refused_on_its_header(
    role: ConnectionType, cut: bool, compressed: bool, size: int
) -> None:
    """Nothing of the payload has come, and nothing is set aside for it."""
    connection = limited(role, max_frame_size=BOUND)
    head = wire.peer_frame(connection.client, wire.BINARY, rsv=wire.RSV1 if compressed else 0, length=size)
    assert_too_big(connection, feed(connection, head, cut=cut))


@roles
def test_a_longer_continuation_is_refused_on_its_header(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=BOUND)
    stream = message(connection, b"abc", b"def", finished=False)
    assert payload_of(feed(connection, stream)) == b"abcdef"
    head = wire.peer_frame(connection.client, wire.CONTINUATION, length=BOUND + 1)
    assert_too_big(connection, feed(connection, head))


@roles
def test_the_bound_of_frames_is_none_of_messages(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=BOUND)
    stream = message(connection, *[bytes(BOUND)] * 50)
    assert joined(feed(connection, stream)) == [bytes(BOUND * 50)]


@roles
def test_control_frames_have_their_own_bound(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=0, max_message_size=0, max_fragments=0)
    assert feed(connection, from_peer(connection, wire.PING, bytes(125))) == [Ping(bytes(125))]


@roles
def test_what_is_sent_is_not_bounded(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=1, max_message_size=1, max_fragments=1)
    frames = wire.decode_frames(
        connection.send(TextMessage("Hello", message_finished=False)) + connection.send(TextMessage("Hello"))
    )
    assert [frame.fin for frame in frames] == [False, True]


# Pieces of inflated data -------------------------------------------------------------------------


@roles
@any_cut
@pytest.mark.parametrize("bound", [1, 2, 3, 100, 999, 1000, 1001])
@pytest.mark.parametrize("fragments", [1, 4])
def test_inflated_data_comes_in_pieces_of_at_most_the_bound(
    role: ConnectionType, cut: bool, bound: int, fragments: int
) -> None:
    connection = limited(role, max_inflated_size=bound)
    payload = Deflater().message(bytes(1000))
    size = -(-len(payload) // fragments)
    payloads = [payload[start : start + size] for start in range(0, len(payload), size)]
    events = feed(connection, message(connection, *payloads, compressed=True), cut=cut)
    pieces = message_pieces(events)
    assert joined(events) == [bytes(1000)]
    assert max(len(piece.data) for piece in pieces) <= bound
    assert [piece.message_finished for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert [piece.frame_finished for piece in pieces].count(True) == fragments
    assert all(piece.data or piece.frame_finished for piece in pieces)


@roles
@pytest.mark.parametrize("bound", [1, 2, 100, 257, 258, 259])
def test_the_size_of_pieces_holds_nothing_back(role: ConnectionType, bound: int) -> None:
    """zlib may have read all input and still owe a part of a match: that comes with its own frame."""
    payload = Deflater().message(bytes(3000))
    small, large = limited(role, max_inflated_size=bound), limited(role, max_inflated_size=10_000)
    for index in range(len(payload)):
        one = from_peer(
            small,
            wire.CONTINUATION if index else wire.BINARY,
            payload[index : index + 1],
            fin=index == len(payload) - 1,
            rsv=0 if index else wire.RSV1,
        )
        assert payload_of(feed(small, one)) == payload_of(feed(large, one))


@roles
@any_cut
@pytest.mark.parametrize("bound", [1, 2, 3, 4, 7])
def test_inflated_text_is_cut_between_code_points(role: ConnectionType, cut: bool, bound: int) -> None:
    """What is held back of a split code point comes with the next piece: at most three bytes more."""
    text = "aä€\U0001f40d" * 25
    connection = limited(role, max_inflated_size=bound)
    stream = from_peer(connection, wire.TEXT, Deflater().message(text.encode()), rsv=wire.RSV1)
    events = feed(connection, stream * 2, cut=cut)
    assert joined(events) == [text] * 2
    assert max(len(payload_of([piece])) for piece in events) <= bound + 3


@roles
def test_pieces_of_a_bomb_leave_room_for_what_comes_between(role: ConnectionType) -> None:
    """A program that stops taking events midway goes on where it stopped."""
    connection = limited(role, max_inflated_size=1000)
    stream = message(connection, Deflater().message(bytes(10_500)), compressed=True)
    stream += from_peer(connection, wire.PING, b"p")
    connection.receive_data(stream)
    events: list[Event] = []
    while taken := list(islice(connection.events(), 3)):
        events += taken
    assert joined(events) == [bytes(10_500), Ping(b"p")]
    assert len(events) == 12


@roles
def test_a_message_of_just_the_piece_s_size(role: ConnectionType) -> None:
    connection = limited(role, max_inflated_size=1000)
    stream = message(connection, Deflater().message(bytes(1000)), compressed=True)
    events = feed(connection, stream)
    assert joined(events) == [bytes(1000)]
    assert sum(piece.message_finished for piece in message_pieces(events)) == 1


def test_the_default_piece_is_one_mebibyte() -> None:
    connection = Connection(SERVER, [agreed()])
    stream = message(connection, Deflater().message(bytes(2**20 * 3 + 5)), compressed=True)
    events = feed(connection, stream)
    assert joined(events) == [bytes(2**20 * 3 + 5)]
    assert max(len(piece.data) for piece in message_pieces(events)) == 2**20


# Both, and none ----------------------------------------------------------------------------------


@roles
def test_messages_are_unlimited_by_default(role: ConnectionType) -> None:
    """Nothing of them is kept, so their size and number of fragments cost nothing."""
    connection = Connection(role, [agreed()])
    head = wire.peer_frame(connection.client, wire.BINARY, length=2**63 - 1, fin=False)
    assert feed(connection, head + b"abc") != []
    assert connection.protocol_error is None
    connection = Connection(role, [agreed()])
    stream = message(connection, *[b"x"] * 20_000)
    assert joined(feed(connection, stream)) == [b"x" * 20_000]


def test_limits_of_a_server_reach_its_frames() -> None:
    limits = Limits(max_frame_size=5)
    server, _ = accepting_server(["permessage-deflate"], [PerMessageDeflate()], limits=limits)
    assert joined(feed(server, message(server, b"Hello"))) == [b"Hello"]
    assert_too_big(server, feed(server, message(server, b"Hello!")))


def test_limits_of_a_client_reach_its_frames() -> None:
    limits = Limits(max_message_size=5)
    client, _ = accepted_client("permessage-deflate", [PerMessageDeflate()], limits=limits)
    assert joined(feed(client, message(client, HELLO, compressed=True))) == [b"Hello"]
    assert_too_big(client, feed(client, message(client, Deflater().message(b"Hello!"), compressed=True)))


@roles
def test_the_reason_names_the_bound(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=BOUND)
    *_, event = feed(connection, message(connection, bytes(BOUND + 1)))
    assert isinstance(event, CloseConnection)
    assert str(BOUND) in str(connection.protocol_error)


@roles
def test_after_own_close_a_limit_still_holds(role: ConnectionType) -> None:
    connection = limited(role, max_frame_size=BOUND)
    connection.send(CloseConnection(1000))
    *_, event = feed(connection, message(connection, bytes(BOUND + 1)))
    assert isinstance(event, CloseConnection)
    assert event.code == 1009
    assert connection.state is ConnectionState.CLOSED
