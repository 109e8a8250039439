"""The bounds of `Limits` on frames and messages (RFC 6455 10.4): each at n-1, n and n+1, in any reads."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from tests.marks import any_cut, roles
from tests.oracle import wire
from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    SERVER,
    TAIL,
    Deflater,
    accepted_client,
    accepting_server,
    agreed,
    from_peer,
    joined,
    message_pieces,
    payload_of,
)
from tests.oracle.wire import feed
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.limits import Limits
from wsproto.utilities import LocalProtocolError

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
    with pytest.raises(LocalProtocolError, match="max_inflated_size"):
        Limits(max_inflated_size=0)


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


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02")
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


# Messages ----------------------------------------------------------------------------------------

CUTTINGS = [
    pytest.param([BOUND], id="one fragment"),
    pytest.param([1, BOUND - 1], id="a short and a long one"),
    pytest.param([BOUND, 0], id="an empty last one"),
    pytest.param([0, 0, BOUND], id="empty first ones"),
    pytest.param([BOUND // 4] * 4, id="four"),
]


def split(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut `data` into pieces of `sizes`, and a last one of the rest where there is one."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data] if data else pieces


def deflated_pieces(pieces: list[bytes]) -> list[bytes]:
    """Deflate a message so that each piece becomes one fragment with a flush at its end."""
    compressor = Deflater(level=0)
    payloads = [compressor.message(piece) + TAIL for piece in pieces]
    payloads[-1] = payloads[-1][: -len(TAIL)]
    return payloads


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02")
@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize("sizes", CUTTINGS)
def test_a_message_within_its_bound_is_read(
    role: ConnectionType, cut: bool, compressed: bool, less: int, sizes: list[int]
) -> None:
    connection = limited(role, max_message_size=BOUND)
    pieces = split(bytes(range(BOUND - less)), sizes)
    payloads = deflated_pieces(pieces) if compressed else pieces
    stream = message(connection, *payloads, compressed=compressed)
    assert joined(feed(connection, stream * 2, cut=cut)) == [b"".join(pieces)] * 2


@pytest.mark.requirement("R6455-10.4-01", "R6455-10.4-02")
@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("more", [1, 55])
@pytest.mark.parametrize("sizes", CUTTINGS)
def test_a_longer_message_is_refused(
    role: ConnectionType, cut: bool, compressed: bool, more: int, sizes: list[int]
) -> None:
    connection = limited(role, max_message_size=BOUND)
    pieces = split(bytes(range(BOUND + more)), sizes)
    payloads = deflated_pieces(pieces) if compressed else pieces
    stream = message(connection, b"before") + message(connection, *payloads, compressed=compressed)
    events = feed(connection, stream, cut=cut)
    assert joined(events)[0] == b"before"
    assert payload_of(events) == b"before" + bytes(range(BOUND))
    assert_too_big(connection, events)


@roles
@pytest.mark.parametrize("so_far", [0, 1, BOUND])
def test_a_plain_message_is_refused_on_the_header_that_makes_it_too_long(
    role: ConnectionType, so_far: int
) -> None:
    """What came and what is announced count together, before any of it is taken in.

    Where an extension may make the payload shorter, only what it makes of it counts.
    """
    connection = Connection(role, limits=Limits(max_message_size=BOUND))
    events = feed(connection, message(connection, bytes(so_far), finished=False))
    assert len(payload_of(events)) == so_far
    head = wire.peer_frame(connection.client, wire.CONTINUATION, length=BOUND - so_far + 1)
    assert_too_big(connection, feed(connection, head))


@roles
def test_a_message_of_the_greatest_length_is_refused_on_its_header(role: ConnectionType) -> None:
    connection = Connection(role, limits=Limits(max_message_size=2**40))
    assert payload_of(feed(connection, message(connection, b"abc", finished=False))) == b"abc"
    head = wire.peer_frame(connection.client, wire.CONTINUATION, length=2**63 - 1)
    assert_too_big(connection, feed(connection, head))


@roles
def test_a_compressed_message_is_judged_by_what_it_inflates_to(role: ConnectionType) -> None:
    """Some bytes on the wire may be more than is allowed, and many on the wire may be less."""
    connection = limited(role, max_message_size=2000)
    good = message(connection, Deflater().message(bytes(2000)), compressed=True)
    assert len(good) < 40
    assert joined(feed(connection, good)) == [bytes(2000)]
    wasteful = [HELLO + TAIL, *([b"\x00" + TAIL] * 1000), b"\x00"]
    assert joined(feed(connection, message(connection, *wasteful, compressed=True))) == [b"Hello"]
    bad = message(connection, Deflater().message(bytes(2001)), compressed=True)
    assert_too_big(connection, feed(connection, bad))


@roles
@any_cut
def test_a_bomb_over_many_frames_is_refused_at_the_bound(role: ConnectionType, cut: bool) -> None:
    """Every frame by itself is harmless; the inflated bytes of the whole message count."""
    connection = limited(role, max_message_size=100_000)
    bomb = Deflater().message(bytes(10_000_000))
    frames = [bomb[start : start + 10] for start in range(0, len(bomb), 10)]
    events = feed(connection, message(connection, *frames, compressed=True), cut=cut)
    assert len(payload_of(events)) <= 100_000
    assert_too_big(connection, events)


@roles
def test_the_bound_counts_utf_8_bytes(role: ConnectionType) -> None:
    text = "€" * 10
    for bound, good in ((30, True), (29, False)):
        connection = limited(role, max_message_size=bound)
        stream = from_peer(connection, wire.TEXT, text.encode())
        events = feed(connection, stream)
        assert (connection.protocol_error is None) == good
        assert joined(events)[0] == text if good else True


@roles
def test_control_frames_do_not_count_for_a_message(role: ConnectionType) -> None:
    connection = limited(role, max_message_size=6, max_fragments=2)
    ping = from_peer(connection, wire.PING, bytes(125))
    stream = (
        from_peer(connection, wire.BINARY, b"abc", fin=False)
        + ping * 5
        + from_peer(connection, wire.CONTINUATION, b"def")
    )
    assert joined(feed(connection, stream * 2)) == [*[Ping(bytes(125))] * 5, b"abcdef"] * 2


@any_cut
@pytest.mark.parametrize(
    ("stream", "got", "code"),
    [
        ("01 7d 82", b"", 1007),
        ("01 7d 41 82", b"A", 1007),
        ("01 7d c3 c3", b"", 1007),
        ("01 7d 41 42 82", b"AB", 1009),
        ("01 7d 41 c3 a4", b"A", 1009),
        ("01 7d e2 82 ac", b"", 1009),
        ("81 03 41 42 82", b"AB", 1009),
        ("c1 06 72 6c 72 72 06 00", b"A", 1007),
        ("c1 06 72 74 6a 02 00 00", b"", 1007),  # inflated at once, with the tail
    ],
)
def test_what_is_wrong_first_is_what_fails(cut: bool, stream: str, got: bytes, code: int) -> None:
    """A text that is not UTF-8 and has more than two bytes, too: in one read it fails as it does in many."""
    client = limited(CLIENT, max_message_size=2)
    *pieces, close = feed(client, bytes.fromhex(stream), cut=cut)
    assert payload_of(pieces) == got
    assert isinstance(close, CloseConnection)
    assert close.code == code


def test_that_bound_was_found_first_with_one_byte() -> None:
    """Found by `tests/properties/test_any_cutting.py`: 1009 in one read, 1007 byte by byte."""
    for cut in (False, True):
        client = limited(CLIENT, max_message_size=1)
        (close,) = feed(client, bytes.fromhex("017d82") + bytes(124), cut=cut)
        assert isinstance(close, CloseConnection)
        assert close.code == 1007


# Fragments ---------------------------------------------------------------------------------------


@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("count", [1, 9, 10])
def test_as_many_fragments_as_allowed(role: ConnectionType, cut: bool, compressed: bool, count: int) -> None:
    connection = limited(role, max_fragments=10)
    payloads = [HELLO + TAIL] * (count - 1) + [HELLO] if compressed else [b"Hello"] * count
    stream = message(connection, *payloads, compressed=compressed)
    assert joined(feed(connection, stream * 2, cut=cut)) == [b"Hello" * count] * 2


@pytest.mark.requirement("R6455-10.4-01")
@roles
@any_cut
@compressed_or_not
@pytest.mark.parametrize("payload", [b"", b"\x00" + TAIL], ids=["empty", "not empty"])
def test_a_fragment_too_many_is_refused_on_its_header(
    role: ConnectionType, cut: bool, compressed: bool, payload: bytes
) -> None:
    """Empty fragments count: each costs as much as another."""
    connection = limited(role, max_fragments=10)
    stream = message(connection, *[payload] * 10, compressed=compressed, finished=False)
    events = feed(connection, stream, cut=cut)
    assert connection.protocol_error is None
    assert not any(isinstance(event, CloseConnection) for event in events)
    head = wire.peer_frame(connection.client, wire.CONTINUATION, length=100)
    assert_too_big(connection, feed(connection, head, cut=cut))


def test_one_fragment_means_unfragmented() -> None:
    connection = limited(SERVER, max_fragments=1)
    stream = message(connection, b"a") + message(connection, b"b")
    assert joined(feed(connection, stream)) == [b"a", b"b"]
    assert_too_big(connection, feed(connection, message(connection, b"a", b"b")))


@roles
@pytest.mark.parametrize(("count", "good"), [(1000, True), (2000, False)])
def test_blocks_that_end_a_stream_are_bounded(role: ConnectionType, count: int, good: bool) -> None:
    """Each block with BFINAL=1 costs a zlib object; no sender has a use for a thousand in one message."""
    connection = Connection(role, [agreed()])
    events = feed(connection, message(connection, b"\x03\x00" * count + HELLO, compressed=True) * 2)
    if good:
        assert joined(events) == [b"Hello"] * 2
    else:
        *_, event = events
        assert isinstance(event, CloseConnection)
        assert event.code == 1007


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
