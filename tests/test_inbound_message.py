"""The message under way, in any reads: its text (RFC 6455 8.1), and its bounds at n-1, n and n+1 (10.4)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.bounds import BOUND, assert_too_big, compressed_or_not, limited, message
from tests.marks import any_cut, roles
from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    SERVER,
    Deflater,
    from_peer,
    joined,
    payload_of,
)
from tests.oracle.inflating import TAIL
from tests.oracle.receiving import feed
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.inbound_message import LONGEST, unjudged
from wsproto.limits import Limits

if TYPE_CHECKING:
    from wsproto.frame_protocol import CloseReason

# Text ----------------------------------------------------------------------------------------

TEXT = "a\N{EURO SIGN}\U0001f600"


@roles
def test_a_code_point_may_be_cut_between_fragments_and_reads(role: ConnectionType) -> None:
    data = TEXT.encode()
    client = role is ConnectionType.CLIENT
    for place in range(len(data) + 1):
        stream = wire.peer_frame(client, wire.TEXT, data[:place], fin=False)
        stream += wire.peer_frame(client, wire.CONTINUATION, data[place:])
        for cut in (False, True):
            assert joined(feed(Connection(role), stream, cut=cut)) == [TEXT]


@pytest.mark.parametrize("fin", [True, False], ids=["at the end", "under way"])
@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"ab\xff", "ab"),
        (b"\xff", ""),
        (b"ab\xed\xa0\x80", "ab"),
        (b"\xed\xa0\x80", ""),
        (b"\xc0\x80", ""),
        (b"ab\xf4\x90\x80\x80", "ab"),
    ],
)
@roles
@any_cut
def test_the_text_before_a_byte_that_is_wrong_is_not_lost(
    role: ConnectionType, cut: bool, payload: bytes, text: str, fin: bool
) -> None:
    stream = wire.peer_frame(role is ConnectionType.CLIENT, wire.TEXT, payload, fin=fin)
    *pieces, close = feed(Connection(role), stream, cut=cut)
    assert "".join(piece.data for piece in pieces if isinstance(piece, TextMessage)) == text
    assert isinstance(close, CloseConnection)
    assert close.code == 1007


@roles
@pytest.mark.parametrize("text", ["\ud7ff", "\ue000"], ids=ascii)
def test_what_comes_of_a_surrogate_fails_and_what_is_next_to_one_does_not(
    role: ConnectionType, text: str
) -> None:
    client, data = role is ConnectionType.CLIENT, text.encode()
    frame = wire.peer_frame(client, wire.TEXT, data)
    for place in range(len(frame) + 1):
        events = feed(Connection(role), frame[:place], frame[place:])
        assert [piece.frame_finished for piece in events if isinstance(piece, TextMessage)] == [True]
        assert joined(events) == [text]
    begun = wire.peer_frame(client, wire.TEXT, b"ab\xed\xa0", fin=False)
    first, close = feed(Connection(role), begun)
    assert first == TextMessage("ab", frame_finished=False, message_finished=False)
    assert isinstance(close, CloseConnection)


@roles
@any_cut
def test_a_code_point_that_does_not_end_fails_with_its_message(role: ConnectionType, cut: bool) -> None:
    connection = Connection(role)
    first = from_peer(connection, wire.TEXT, b"a\xe2\x82", fin=False)
    *pieces, close = feed(connection, first, from_peer(connection, wire.CONTINUATION), cut=cut)
    assert "".join(piece.data for piece in pieces if isinstance(piece, TextMessage)) == "a"
    assert isinstance(close, CloseConnection)
    assert close.code == 1007


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


class Counting(PerMessageDeflate):
    """Counts what it inflates."""

    inflated = 0

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        result = super().frame_inbound_payload_data(proto, data)
        assert isinstance(result, bytes)
        self.inflated += len(result)
        return result


@roles
def test_no_more_is_inflated_than_shows_a_message_too_big(role: ConnectionType) -> None:
    extension = Counting()
    extension.finalize("permessage-deflate")
    connection = Connection(role, [extension], limits=Limits(max_message_size=10))
    pieces = deflated_pieces([bytes(5), bytes(100)])
    assert_too_big(connection, feed(connection, message(connection, *pieces, compressed=True)))
    assert extension.inflated == 11


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


@roles
@pytest.mark.parametrize("size", [BOUND, BOUND + 1])
def test_a_frame_is_judged_on_its_header(role: ConnectionType, size: int) -> None:
    connection = Connection(role, limits=Limits(max_frame_size=BOUND))
    events = feed(connection, wire.peer_frame(role is ConnectionType.CLIENT, wire.BINARY, length=size))
    assert [event.code for event in events if isinstance(event, CloseConnection)] == [1009] * (size > BOUND)


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


@pytest.mark.parametrize(
    ("limits", "rest_size", "passes"),
    [
        (Limits(), None, (True, 0, 0, -1, -1, -1)),
        (Limits(max_frame_size=7), None, (True, 0, 0, 7, -1, -1)),
        (Limits(max_message_size=1, max_fragments=9), None, (True, 0, 0, -1, 1, 9)),
        (Limits(9, 8, 7), None, (True, 0, 0, 9, 8, 7)),
        (Limits(max_frame_size=2**80), None, (True, 0, 0, 2**63 - 1, -1, -1)),
        (Limits(max_frame_size=2**63 - 2), None, (True, 0, 0, 2**63 - 2, -1, -1)),
        (Limits(max_fragments=0), None, (False, 0, 0, -1, -1, -1)),
        (Limits(), 0, (False, 0, 2**20, -1, -1, -1)),
        (Limits(max_inflated_size=5), 2**14, (False, 2**14, 5, -1, -1, -1)),
        (Limits(max_inflated_size=2**80), 2**14, (False, 2**14, sys.maxsize, -1, -1, -1)),
        (Limits(max_frame_size=7), 2**14, (False, 0, 2**20, -1, -1, -1)),
    ],
    ids=str,
)
def test_what_may_pass_unjudged(limits: Limits, rest_size: int | None, passes: tuple[int, ...]) -> None:
    assert unjudged(limits.on_messages, rest_size, limits.max_inflated_size) == passes
    assert LONGEST == 2**63 - 1
