"""Bytes in, events out: pieces, fragments, UTF-8, control frames in between (RFC 6455 5.4 to 5.6, 8.1)."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from tests.counting import READ, library_calls
from tests.marks import any_cut, pure_core, roles
from tests.oracle.deflating import CLIENT, HELLO, HELLO_AGAIN, SERVER, Deflater, agreed, from_peer
from tests.oracle.receiving import feed, read_through, receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameDecoder, Opcode, ParseFailed, RsvBits

data_opcodes = pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY], ids=["text", "binary"])


def peer(
    role: ConnectionType, opcode: int, payload: bytes = b"", *, fin: bool = True, length: int | None = None
) -> bytes:
    return wire.peer_frame(role is ConnectionType.CLIENT, opcode, payload, fin=fin, length=length)


def text(data: str, frame_finished: bool = True, message_finished: bool = True) -> TextMessage:
    return TextMessage(data, frame_finished, message_finished)


def binary(data: bytes, frame_finished: bool = True, message_finished: bool = True) -> BytesMessage:
    return BytesMessage(data, frame_finished, message_finished)


def header_size(role: ConnectionType) -> int:
    return 2 if role is ConnectionType.CLIENT else 6


# Pieces of a frame.


@roles
def test_what_has_come_of_a_frame_is_yielded(role: ConnectionType) -> None:
    data, head = peer(role, wire.BINARY, b"abcdef"), header_size(role)
    connection = Connection(role)
    assert receive(connection, data[:head]) == []
    assert receive(connection, data[head : head + 1]) == [binary(b"a", False, False)]
    assert receive(connection, data[head + 1 : head + 4]) == [binary(b"bcd", False, False)]
    assert receive(connection, b"") == []
    assert receive(connection, data[head + 4 :]) == [binary(b"ef")]


@roles
def test_the_pieces_of_a_fragment_do_not_finish_the_message(role: ConnectionType) -> None:
    data, head = peer(role, wire.BINARY, b"ab", fin=False), header_size(role)
    connection = Connection(role)
    assert receive(connection, data[: head + 1]) == [binary(b"a", False, False)]
    assert receive(connection, data[head + 1 :]) == [binary(b"b", True, False)]
    data = peer(role, wire.CONTINUATION, b"cd")
    assert receive(connection, data[: head + 1]) == [binary(b"c", False, False)]
    assert receive(connection, data[head + 1 :]) == [binary(b"d")]


@pytest.mark.requirement("R6455-5.6-01")
@roles
def test_text_pieces_never_split_a_code_point(role: ConnectionType) -> None:
    connection = Connection(role)
    pieces = [receive(connection, byte) for byte in single_bytes(peer(role, wire.TEXT, "Hé€😀!".encode()))]
    assert pieces[header_size(role) :] == [
        [text("H", False, False)],
        [],
        [text("é", False, False)],
        [],
        [],
        [text("€", False, False)],
        [],
        [],
        [],
        [text("😀", False, False)],
        [text("!")],
    ]


@roles
def test_the_last_code_point_of_a_frame_comes_with_its_end(role: ConnectionType) -> None:
    connection = Connection(role)
    data = peer(role, wire.TEXT, "aé".encode())
    assert receive(connection, data[:-1]) == [text("a", False, False)]
    assert receive(connection, data[-1:]) == [text("é")]


@pytest.mark.requirement("R6455-5.4-09")
@roles
@data_opcodes
def test_an_empty_piece_comes_only_to_finish_a_frame(role: ConnectionType, opcode: int) -> None:
    empty = "" if opcode == wire.TEXT else b""
    data = (
        peer(role, opcode, fin=False)
        + peer(role, wire.CONTINUATION, fin=False)
        + peer(role, wire.CONTINUATION)
        + peer(role, opcode)
    )
    events = [
        (event.data, event.frame_finished, event.message_finished)
        for event in receive_cut(Connection(role), single_bytes(data))
        if isinstance(event, (TextMessage, BytesMessage))
    ]
    assert events == [(empty, True, False), (empty, True, False), (empty, True, True), (empty, True, True)]


@roles
def test_a_frame_of_half_a_code_point_gives_an_empty_piece(role: ConnectionType) -> None:
    connection = Connection(role)
    assert receive(connection, peer(role, wire.TEXT, b"\xe2", fin=False)) == [text("", True, False)]
    assert receive(connection, peer(role, wire.CONTINUATION, b"\x82", fin=False)) == [text("", True, False)]
    assert receive(connection, peer(role, wire.CONTINUATION, b"\xac")) == [text("€")]


@pytest.mark.requirement("R6455-5.4-03", "R6455-6.2-01")
@roles
def test_the_last_byte_of_a_header_finishes_an_empty_frame(role: ConnectionType) -> None:
    connection = Connection(role)
    data = peer(role, wire.TEXT)
    assert receive(connection, data[:-1]) == []
    assert receive(connection, data[-1:]) == [text("")]


# Fragments.


@pytest.mark.requirement(
    "R6455-5.4-02", "R6455-5.4-06", "R6455-5.4-10", "R6455-5.4-11", "R6455-6.2-03", "R6455-6.2-04"
)
@roles
def test_fragments_are_of_the_first_ones_type(role: ConnectionType) -> None:
    data = (
        peer(role, wire.TEXT, b"a", fin=False)
        + peer(role, wire.CONTINUATION, b"b", fin=False)
        + peer(role, wire.CONTINUATION, b"c")
        + peer(role, wire.BINARY, b"d", fin=False)
        + peer(role, wire.CONTINUATION, b"e")
        + peer(role, wire.TEXT, b"f")
    )
    assert receive(Connection(role), data) == [
        text("a", True, False),
        text("b", True, False),
        text("c"),
        binary(b"d", True, False),
        binary(b"e"),
        text("f"),
    ]


@pytest.mark.requirement("R6455-5.6-01")
@roles
@pytest.mark.parametrize("cut", range(1, 11))
def test_a_code_point_may_be_split_between_fragments(role: ConnectionType, cut: int) -> None:
    payload = "é€😀ß".encode()
    data = peer(role, wire.TEXT, payload[:cut], fin=False) + peer(role, wire.CONTINUATION, payload[cut:])
    first, second = receive(Connection(role), data)
    whole = payload[:cut].decode(errors="ignore")
    assert first == text(whole, True, False)
    assert second == text("é€😀ß".removeprefix(whole))


@pytest.mark.requirement("R6455-5.4-04", "R6455-5.4-08", "R6455-6.2-02")
@roles
@pytest.mark.parametrize(
    ("opcode", "control"), [(wire.PING, Ping(b"p")), (wire.PONG, Pong(b"p"))], ids=["ping", "pong"]
)
def test_a_control_frame_between_fragments_touches_no_state_of_the_message(
    role: ConnectionType, opcode: int, control: Event
) -> None:
    between = peer(role, opcode, b"p")
    data = between.join(
        [
            peer(role, wire.TEXT, b"a\xe2", fin=False),
            peer(role, wire.CONTINUATION, b"\x82", fin=False),
            peer(role, wire.CONTINUATION, b"\xac"),
            peer(role, wire.BINARY, b"\xff", fin=False),
            peer(role, wire.CONTINUATION, b"\xfe"),
        ]
    )
    expected: list[Event] = [
        text("a", True, False),
        control,
        text("", True, False),
        control,
        text("€"),
        control,
        binary(b"\xff", True, False),
        control,
        binary(b"\xfe"),
    ]
    assert receive(Connection(role), data) == expected
    connection = Connection(role)
    events = receive_cut(connection, single_bytes(data))
    assert [event for event in events if isinstance(event, (Ping, Pong))] == [control] * 4
    assert connection.state is ConnectionState.OPEN


@roles
def test_a_control_frame_that_is_not_utf8_is_no_text(role: ConnectionType) -> None:
    data = (
        peer(role, wire.TEXT, b"\xc3", fin=False)
        + peer(role, wire.PING, b"\xff\xfe")
        + peer(role, wire.CONTINUATION, b"\xa9")
    )
    assert receive(Connection(role), data) == [text("", True, False), Ping(b"\xff\xfe"), text("é")]


@pytest.mark.requirement("R6455-5.5-01", "R6455-5.5.2-01")
@roles
@pytest.mark.parametrize("size", [0, 1, 124, 125])
def test_control_frames_come_whole(role: ConnectionType, size: int) -> None:
    payload = bytes(range(size))
    connection = Connection(role)
    data = peer(role, wire.PING, payload) + peer(role, wire.PONG, payload)
    assert receive_cut(connection, single_bytes(data)) == [Ping(payload), Pong(payload)]
    assert receive(connection, data) == [Ping(payload), Pong(payload)]


# UTF-8.

#: Each fails with its last byte and not before.
FIRST_BAD_BYTE = [
    b"\x80",
    b"\xbf",
    b"\xc0",
    b"\xc1",
    b"\xc3\x28",
    b"\xc3\xc3",
    b"\xe0\x80",
    b"\xe0\x9f",
    b"\xe1\x7f",
    b"\xe2\x82\x28",
    b"\xe2\x82\xc0",
    b"\xed\xa0",
    b"\xed\xaf",
    b"\xed\xbf",
    b"\xf0\x80",
    b"\xf0\x8f",
    b"\xf0\x9f\x28",
    b"\xf0\x9f\x98\x28",
    b"\xf4\x90",
    b"\xf4\xbf",
    b"\xf5",
    b"\xf8",
    b"\xfc",
    b"\xfe",
    b"\xff",
]
#: The beginnings of code points that no message may end with.
TRUNCATED = [
    b"\xc3",
    b"\xe2",
    b"\xe2\x82",
    b"\xed\x9f",
    b"\xf0",
    b"\xf0\x9f",
    b"\xf0\x9f\x98",
    b"\xf4\x8f\xbf",
]
GOOD_TEXT = "κόσμε"

bad_bytes = pytest.mark.parametrize("bad", FIRST_BAD_BYTE, ids=bytes.hex)
truncated = pytest.mark.parametrize("bad", TRUNCATED, ids=bytes.hex)


def assert_invalid(connection: Connection, events: list[Event]) -> None:
    assert [type(event) for event in events] == [CloseConnection]
    assert [event.code for event in events if isinstance(event, CloseConnection)] == [1007]
    assert connection.protocol_error is not None


@pytest.mark.requirement("R6455-8.1-01", "R6455-5.6-01", "R6455-7.4.1-09")
@roles
@bad_bytes
def test_invalid_utf8_fails_at_the_first_bad_byte(role: ConnectionType, bad: bytes) -> None:
    good = GOOD_TEXT.encode()
    data = peer(role, wire.TEXT, good + bad + b"more" * 10)
    connection = Connection(role)
    last = header_size(role) + len(good) + len(bad) - 1
    events = receive_cut(connection, single_bytes(data[:last]))
    assert "".join(event.data for event in events if isinstance(event, TextMessage)) == GOOD_TEXT
    assert not any(isinstance(event, CloseConnection) for event in events)
    assert_invalid(connection, receive(connection, data[last : last + 1]))


@pytest.mark.requirement("R6455-8.1-01")
@roles
@bad_bytes
@pytest.mark.parametrize("more", [b"", b"more", b"m" * 300], ids=["last", "short", "long"])
def test_the_text_before_the_first_bad_byte_is_delivered(
    role: ConnectionType, bad: bytes, more: bytes
) -> None:
    connection = Connection(role)
    events = receive(connection, peer(role, wire.TEXT, GOOD_TEXT.encode() + bad + more))
    assert events[0] == text(GOOD_TEXT, False, False)
    assert_invalid(connection, events[1:])


@pytest.mark.requirement("R6455-8.1-01")
@roles
@bad_bytes
def test_bad_utf8_with_nothing_before_it_delivers_nothing(role: ConnectionType, bad: bytes) -> None:
    for fin in (True, False):
        connection = Connection(role)
        assert_invalid(connection, receive(connection, peer(role, wire.TEXT, bad, fin=fin)))


@pytest.mark.requirement("R6455-8.1-01")
@roles
@truncated
def test_a_message_may_not_end_within_a_code_point(role: ConnectionType, bad: bytes) -> None:
    connection = Connection(role)
    events = receive(connection, peer(role, wire.TEXT, b"ok" + bad))
    assert events[0] == text("ok", False, False)
    assert_invalid(connection, events[1:])


@roles
@truncated
def test_a_message_may_not_end_within_a_code_point_in_its_last_fragment(
    role: ConnectionType, bad: bytes
) -> None:
    connection = Connection(role)
    assert receive(connection, peer(role, wire.TEXT, b"ok" + bad, fin=False)) == [text("ok", True, False)]
    assert_invalid(connection, receive(connection, peer(role, wire.CONTINUATION)))


@roles
@bad_bytes
def test_bad_utf8_split_between_fragments(role: ConnectionType, bad: bytes) -> None:
    connection = Connection(role)
    first = peer(role, wire.TEXT, b"ok" + bad[:-1], fin=False)
    assert receive(connection, first) == [text("ok", True, False)]
    rest = peer(role, wire.CONTINUATION, bad[-1:], fin=False, length=100)
    assert_invalid(connection, receive(connection, rest))


@roles
def test_a_message_starts_with_a_clean_decoder(role: ConnectionType) -> None:
    connection = Connection(role)
    receive(connection, peer(role, wire.TEXT, b"\xc3", fin=False) + peer(role, wire.CONTINUATION, b"\xa9"))
    assert_invalid(connection, receive(connection, peer(role, wire.TEXT, b"\xa9")))


@pytest.mark.requirement("R6455-5.6-01")
@roles
@pytest.mark.parametrize(
    "valid",
    [
        "\0",
        "\x7f",
        "\x80",
        "\u07ff",
        "\u0800",
        "\ud7ff",
        "\ue000",
        "\ufffe",
        "\uffff",
        "\U00010000",
        "\U0010ffff",
        "\ufeff",
    ],
    ids=ascii,
)
def test_the_edges_of_valid_utf8_are_accepted(role: ConnectionType, valid: str) -> None:
    data = peer(role, wire.TEXT, valid.encode())
    assert receive(Connection(role), data) == [text(valid)]
    events = receive_cut(Connection(role), single_bytes(data))
    assert events == [text(valid)]


@roles
@pytest.mark.parametrize("size", [1, 125, 126, 2**16])
def test_a_byte_order_mark_is_a_character(role: ConnectionType, size: int) -> None:
    whole = "\ufeff" + "a" * size
    assert receive(Connection(role), peer(role, wire.TEXT, whole.encode())) == [text(whole)]


@roles
@pytest.mark.parametrize("bad", [*FIRST_BAD_BYTE, *TRUNCATED], ids=bytes.hex)
def test_binary_messages_may_hold_anything(role: ConnectionType, bad: bytes) -> None:
    assert receive(Connection(role), peer(role, wire.BINARY, bad)) == [binary(bad)]


# The decoder by itself.


@roles
def test_the_decoder_yields_events_and_the_close(role: ConnectionType) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT, [])
    decoder.receive_bytes(peer(role, wire.TEXT, b"a") + peer(role, wire.PING, b"p")[:-1])
    assert list(decoder.events()) == [text("a")]
    decoder.receive_bytes(
        peer(role, wire.PING, b"p")[-1:] + peer(role, wire.CLOSE, wire.close_payload(1000, "x"))
    )
    assert list(decoder.events()) == [Ping(b"p"), CloseConnection(1000, "x")]


@roles
@pytest.mark.parametrize(("payload", "code"), [(b"x", 1007), (b"", 1002)])
def test_the_decoder_raises_parse_failed_with_the_code(
    role: ConnectionType, payload: bytes, code: int
) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT, [])
    bad = peer(role, wire.TEXT, b"\xff") if payload else peer(role, 0x7)
    decoder.receive_bytes(peer(role, wire.TEXT, b"a") + bad)
    events = decoder.events()
    assert next(events) == text("a")
    with pytest.raises(ParseFailed) as caught:
        next(events)
    assert caught.value.code == code


# The three ways to read a frame.

SIZES = [0, 1, 2, 3, 4, 125, 126, 127, 300, 65_535, 65_536, 70_001]


@roles
@data_opcodes
@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_size_is_read_whole_and_in_two_reads(
    role: ConnectionType, opcode: int, size: int
) -> None:
    whole = text("a" * size) if opcode == wire.TEXT else binary(b"a" * size)
    data = peer(role, opcode, b"a" * size)
    assert receive(Connection(role), data) == [whole]
    for place in range(1, min(len(data), header_size(role) + 12)):
        pieces = receive_cut(Connection(role), [data[:place], data[place:]])
        joined = [piece.data for piece in pieces if isinstance(piece, (TextMessage, BytesMessage))]
        assert whole.data[:0].join(joined) == whole.data  # type: ignore[arg-type]
        assert [type(piece) for piece in pieces] == [type(whole)] * len(pieces)


@roles
def test_the_decoder_keeps_what_comes_while_it_is_read(role: ConnectionType) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT)
    first, second = peer(role, wire.BINARY, b"a" * 300), peer(role, wire.PING, b"p")
    assert decoder.drained
    decoder.receive_bytes(first[:100])
    events = decoder.events()
    assert next(events) == binary(b"a" * (100 - 2 - header_size(role)), False, False)
    assert not decoder.drained
    decoder.receive_bytes(bytearray(first[100:]))
    decoder.receive_bytes(second + first[:1])
    assert list(events) == [binary(b"a" * (202 + header_size(role))), Ping(b"p")]
    assert decoder.drained
    decoder.receive_bytes(first[1:])
    assert list(decoder.events()) == [binary(b"a" * 300)]


@roles
def test_whole_frames_may_wait_in_reads_of_their_own(role: ConnectionType) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT)
    for letter in (b"a", b"b", b"c"):
        decoder.receive_bytes(peer(role, wire.TEXT, letter))
    assert list(decoder.events()) == [text("a"), text("b"), text("c")]
    assert decoder.drained


@roles
def test_the_decoder_concludes_at_the_end_of_file_and_reads_nothing_after_a_close(
    role: ConnectionType,
) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT)
    decoder.receive_eof()
    assert list(decoder.events()) == []
    assert list(decoder.events(lambda _end: Ping(b"the end"))) == [Ping(b"the end")]
    decoder.receive_bytes(peer(role, wire.CLOSE) + peer(role, wire.PING))
    assert list(decoder.events()) == [CloseConnection(1005, "")]
    decoder.receive_bytes(peer(role, wire.PING))
    assert list(decoder.events()) == []
    assert decoder.drained


@roles
@any_cut
@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (0x83, 0, "Unknown opcode 0x3"),
        (0xC2, 0, "Reserved bits that no extension defines"),
        (0x80, 0, "Continuation frame without a message to continue"),
        (0x09, 0, "Fragmented control frame"),
        (0x89, 126, "Control frame with more than 125 bytes of payload"),
    ],
)
def test_a_bad_header_fails_the_connection(
    role: ConnectionType, cut: bool, first: int, second: int, why: str
) -> None:
    data = bytes([first, second | (0 if role is ConnectionType.CLIENT else 0x80)]) + bytes(200)
    *events, close = feed(Connection(role), data, cut=cut)
    assert events == []
    assert isinstance(close, CloseConnection)
    assert close.code == 1002
    assert str(close.reason).startswith(why)


@roles
@any_cut
def test_a_message_does_not_begin_inside_of_another(role: ConnectionType, cut: bool) -> None:
    stream = peer(role, wire.TEXT, b"a", fin=False) + peer(role, wire.BINARY, bytes(200))
    first, close = feed(Connection(role), stream, cut=cut)
    assert first == text("a", True, False)
    assert isinstance(close, CloseConnection)
    assert close.reason == "expected CONTINUATION, got <Opcode.BINARY: 2>"


@roles
@any_cut
@pytest.mark.parametrize(
    "length", [bytes(2), b"\0\x7d", bytes(8), bytes(6) + b"\xff\xff", b"\x80" + bytes(7)], ids=bytes.hex
)
def test_a_length_that_is_too_long_or_not_the_shortest_fails(
    role: ConnectionType, cut: bool, length: bytes
) -> None:
    mask = 0 if role is ConnectionType.CLIENT else 0x80
    data = bytes([0x82, mask | (126 if len(length) == 2 else 127)]) + length
    [close] = feed(Connection(role), data, cut=cut)
    assert isinstance(close, CloseConnection)
    assert close.code == 1002


@roles
@any_cut
def test_the_mask_bit_is_that_of_the_peer_s_side(role: ConnectionType, cut: bool) -> None:
    other = ConnectionType.SERVER if role is ConnectionType.CLIENT else ConnectionType.CLIENT
    for size in (5, 300):
        [close] = feed(Connection(role), peer(other, wire.BINARY, bytes(size)), cut=cut)
        assert isinstance(close, CloseConnection)
        assert close.code == 1002
        assert "asked frame" in str(close.reason)


@roles
@any_cut
def test_the_extensions_get_each_frame(role: ConnectionType, cut: bool) -> None:
    """A message that is whole and one in fragments, the second of which refers to the first."""
    connection = Connection(role, [agreed()])
    stream = from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1)
    stream += from_peer(connection, wire.TEXT, HELLO_AGAIN[:2], rsv=wire.RSV1, fin=False)
    stream += from_peer(connection, wire.PING, b"p")
    stream += from_peer(connection, wire.CONTINUATION, HELLO_AGAIN[2:])
    stream += from_peer(connection, wire.TEXT, b"plain") + from_peer(connection, wire.CLOSE)
    events = feed(connection, stream, cut=cut)
    texts = "".join(event.data for event in events if isinstance(event, TextMessage))
    assert texts == "HelloHelloplain"
    assert [event for event in events if not isinstance(event, TextMessage)] == [
        Ping(b"p"),
        CloseConnection(1005, ""),
    ]


@roles
def test_a_whole_compressed_message_may_go_on_and_may_fail(role: ConnectionType) -> None:
    """One that fills an event of its own, and one of which the text is not UTF-8."""
    connection = Connection(role, [agreed()], limits=Limits(max_inflated_size=2))
    events = receive(connection, from_peer(connection, wire.TEXT, HELLO, rsv=wire.RSV1))
    assert events == [text("He", False, False), text("ll", False, False), text("o")]
    events = receive(connection, from_peer(connection, wire.TEXT, HELLO_AGAIN, rsv=wire.RSV1, fin=False))
    assert events == [text("He", False, False), text("ll", False, False), text("o", True, False)]
    connection = Connection(role, [agreed()])
    bad = Deflater().message(b"ok\xff")
    events = receive(connection, from_peer(connection, wire.TEXT, bad, rsv=wire.RSV1))
    assert events[0] == text("ok", False, False)
    assert_invalid(connection, events[1:])


@roles
@any_cut
def test_the_bounds_on_a_message_are_asked(role: ConnectionType, cut: bool) -> None:
    data = peer(role, wire.BINARY, b"a", fin=False) + peer(role, wire.CONTINUATION, b"b")
    assert feed(Connection(role, limits=Limits(max_fragments=2)), data, cut=cut)[-1] == binary(b"b")
    *_, close = feed(Connection(role, limits=Limits(max_fragments=1)), data, cut=cut)
    assert isinstance(close, CloseConnection)
    assert close.code == 1009


@roles
@any_cut
def test_what_an_extension_makes_of_a_message_is_bounded(role: ConnectionType, cut: bool) -> None:
    """Not what comes: seven bytes, then nothing."""
    connection = Connection(role, [agreed()], limits=Limits(max_message_size=5))
    stream = from_peer(connection, wire.BINARY, HELLO[:3], rsv=wire.RSV1, fin=False)
    stream += from_peer(connection, wire.CONTINUATION, HELLO[3:], fin=False)
    stream += from_peer(connection, wire.CONTINUATION)
    events = feed(connection, stream, cut=cut)
    assert b"".join(event.data for event in events if isinstance(event, BytesMessage)) == b"Hello"
    assert connection.protocol_error is None
    plain = Connection(role, limits=Limits(max_message_size=5))
    (close,) = receive(plain, peer(role, wire.BINARY, length=6))
    assert isinstance(close, CloseConnection)


@roles
def test_an_empty_frame_is_said_at_once_whatever_sees_it(role: ConnectionType) -> None:
    assert receive(Connection(role, [agreed()]), peer(role, wire.BINARY, fin=False)) == [
        binary(b"", True, False)
    ]


@roles
def test_the_rest_of_a_header_may_come_while_what_is_before_it_is_read(role: ConnectionType) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT)
    first, second = peer(role, wire.TEXT, b"a"), peer(role, wire.BINARY, b"b" * 300)
    decoder.receive_bytes(first + second[:3])
    events = decoder.events()
    assert next(events) == text("a")
    decoder.receive_bytes(second[3:])
    assert list(events) == [binary(b"b" * 300)]


# Whole messages behind each other: a wrong length would take in what comes next.


@roles
@data_opcodes
@pytest.mark.parametrize("size", [126, 127, 255, 256, 511, 65_535, 65_536, 65_537, 131_073])
def test_long_messages_that_come_in_one_read(role: ConnectionType, opcode: int, size: int) -> None:
    letters = "abc"
    stream = b"".join(peer(role, opcode, letter.encode() * size) for letter in letters)
    make = text if opcode == wire.TEXT else (lambda data: binary(data.encode()))
    assert receive(Connection(role), stream) == [make(letter * size) for letter in letters]
    # Behind a short one, so that they do not begin the buffer, and before what has not all come.
    mixed = peer(role, wire.PING, b"p") + stream + peer(role, wire.PONG, b"q") + b"\x81"
    expected = [Ping(b"p"), *(make(letter * size) for letter in letters), Pong(b"q")]
    assert receive(Connection(role), mixed) == expected


@roles
@pytest.mark.parametrize("size", [0, 5, 200, 70_000])
def test_a_failure_tells_what_to_answer(role: ConnectionType, size: int) -> None:
    decoder = FrameDecoder(role is ConnectionType.CLIENT)
    decoder.receive_bytes(peer(role, wire.BINARY, bytes(size)) + peer(role, 0x3))
    with pytest.raises(ParseFailed) as caught:
        list(decoder.events())
    assert caught.value.event_hint == CloseConnection(1002, "Unknown opcode 0x3 (RFC 6455 5.2)")
    assert decoder.drained


@roles
def test_what_inflates_goes_with_a_failure(role: ConnectionType) -> None:
    extension = agreed().for_connection()
    decoder = FrameDecoder(role is ConnectionType.CLIENT, [extension])
    state = extension.state
    gone = weakref.ref(state.inflater)
    decoder.receive_bytes(wire.peer_frame(role is ConnectionType.CLIENT, wire.TEXT, HELLO, rsv=wire.RSV1))
    assert list(decoder.events()) == [text("Hello")]
    assert gone() is state.inflater
    decoder.receive_bytes(peer(role, 0x3))
    with pytest.raises(ParseFailed):
        list(decoder.events())
    assert gone() is None


class SeesHeaders(Extension):
    """Notes the header of each frame that it sees."""

    name = "sees-headers"

    def __init__(self) -> None:
        self.seen: list[tuple[Opcode, int]] = []

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> RsvBits:
        assert proto is not None
        assert not any(rsv)
        self.seen.append((opcode, payload_length))
        return rsv


@roles
@any_cut
def test_an_extension_sees_each_header_once(role: ConnectionType, cut: bool) -> None:
    extension = SeesHeaders()
    decoder = FrameDecoder(role is ConnectionType.CLIENT, [extension])
    frames = [(Opcode.PING, b"ping"), (Opcode.TEXT, b"text"), (Opcode.PONG, b""), (Opcode.PONG, b"pong")]
    stream = b"".join(peer(role, opcode, payload) for opcode, payload in frames)
    for piece in single_bytes(stream) if cut else [stream]:
        decoder.receive_bytes(piece)
        list(decoder.events())
    assert extension.seen == [(opcode, len(payload)) for opcode, payload in frames]


# Messages that are read at once: calls are counted, not seconds.


@pure_core
@pytest.mark.parametrize(
    ("role", "size", "most"),
    [
        (CLIENT, 126, 1),
        (CLIENT, 1024, 1),
        (CLIENT, 65_535, 1),
        (CLIENT, 65_536, 1),
        # and its masking: of up to 1 KiB the repeated key, which is remembered by size, beyond it tables
        (SERVER, 126, 4),
        (SERVER, 1024, 4),
        (SERVER, 65_536, 7),
    ],
)
def test_a_message_in_one_frame_takes_three_calls_and_its_masking(
    role: ConnectionType, size: int, most: int
) -> None:
    connection = Connection(role)
    frame = from_peer(connection, wire.BINARY, bytes(size))
    assert library_calls(lambda: read_through(connection, frame, 2**20)) <= READ + 3 + most


@pure_core
@pytest.mark.parametrize(("role", "most"), [(CLIENT, 4), (SERVER, 7)])
@pytest.mark.parametrize("size", [600, 2**14])
def test_a_compressed_message_takes_six_calls_and_its_masking(
    role: ConnectionType, size: int, most: int
) -> None:
    connection = Connection(role, [agreed()])
    payload = Deflater(level=0).message(bytes(size - 6))
    assert len(payload) == size
    frame = from_peer(connection, wire.BINARY, payload, rsv=wire.RSV1)
    read_through(connection, frame, 2**20)  # makes the inflater
    assert library_calls(lambda: read_through(connection, frame, 2**20)) <= READ + 3 + most
