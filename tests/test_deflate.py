"""permessage-deflate on messages (RFC 7692 6, 7.2): what is read, what is written, and what is refused."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.marks import any_cut, roles
from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    HELLO_AGAIN,
    HELLO_FINAL,
    SERVER,
    Deflater,
    accepted_client,
    accepting_server,
    compressed_text,
    connect,
    from_peer,
    inflating_by,
    joined,
    message_pieces,
    payload_of,
)
from tests.oracle.inflating import DYNAMIC, FIXED, STORED, TAIL, Inflater
from tests.oracle.receiving import feed, receive, receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits, deflate
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate, set_zlib_backend
from wsproto.frame_protocol import FrameProtocol, Opcode, RsvBits
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event


NO_TAKEOVER = "client_no_context_takeover; server_no_context_takeover"
takeover = pytest.mark.parametrize("parameters", ["", NO_TAKEOVER], ids=["takeover", "no takeover"])

STORED_HELLO = bytes.fromhex("000500faff48656c6c6f00")
TWO_BLOCKS = bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", ""))

#: zlib makes one dynamic block of it.
VARIED = "".join(random.Random(1).choices("abcdefgh ", weights=range(9, 0, -1), k=4000)).encode()
#: No run of three bytes comes twice, so that what is compressed well refers to another message.
NOISE = random.Random(2).randbytes(40_000)


def failure(connection: Connection, events: list[Event]) -> int:
    """The code of the one failure that `events` end with."""
    *_, event = events
    assert isinstance(event, CloseConnection)
    assert connection.protocol_error is not None
    assert connection.state is ConnectionState.REMOTE_CLOSING
    assert sum(isinstance(one, CloseConnection) for one in events) == 1
    return event.code


def binary(connection: Connection, payload: bytes, *, fin: bool = True) -> bytes:
    return from_peer(connection, wire.BINARY, payload, fin=fin, rsv=wire.RSV1)


# The worked examples of RFC 7692 7.2.3 -----------------------------------------------------------


def test_the_examples_as_the_rfc_prints_them() -> None:
    client = connect(CLIENT)
    stream = bytes.fromhex("c107f248cdc9c907004103f248cd8004c9c90700c10b000500faff48656c6c6f00")
    assert joined(feed(client, stream)) == ["Hello"] * 3


@pytest.mark.requirement("R7692-7.2.2-01")
@pytest.mark.requirement("R7692-7.2.1-02", rows="*two blocks|*empty block*|*another|*final one")
@pytest.mark.requirement("R7692-7.2.1-03", rows="*fixed block|*stored block|*dynamic*")
@pytest.mark.requirement("R7692-7.2.1-04", rows="*BFINAL|*final*")
@pytest.mark.requirement("R7692-7.2.3.1-01", rows="*7.2.3.1*")
@pytest.mark.requirement("R7692-7.2.3.3-01", rows="*7.2.3.3*")
@pytest.mark.requirement("R7692-7.2.3.4-01", rows="*7.2.3.4*")
@pytest.mark.requirement("R7692-7.2.3.5-01", rows="*7.2.3.5*")
@pytest.mark.requirement("R7692-7.2.3.6-01", rows="*7.2.3.6*")
@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param(HELLO, "Hello", id="7.2.3.1 one fixed block"),
        pytest.param(STORED_HELLO, "Hello", id="7.2.3.3 a stored block"),
        pytest.param(HELLO_FINAL, "Hello", id="7.2.3.4 BFINAL"),
        pytest.param(TWO_BLOCKS, "Hello", id="7.2.3.5 two blocks"),
        pytest.param(b"\x00", "", id="7.2.3.6 empty"),
        pytest.param(Deflater().message(VARIED), VARIED.decode(), id="a dynamic block"),
        pytest.param(
            STORED_HELLO[:-1] + HELLO + TAIL + Deflater().message(VARIED),
            "HelloHello" + VARIED.decode(),
            id="stored, fixed, dynamic",
        ),
        pytest.param(b"\x00" + TAIL + b"\x00" + TAIL + HELLO, "Hello", id="empty blocks first"),
        pytest.param(HELLO + TAIL + b"\x00", "Hello", id="a whole tail, then an empty block"),
        pytest.param(HELLO_FINAL[:-1] * 3 + b"\x00", "Hello" * 3, id="three final blocks"),
        pytest.param(HELLO_FINAL[:-1] + HELLO, "HelloHello", id="a final block, then another"),
        pytest.param(HELLO + TAIL + HELLO_FINAL, "HelloHello", id="a block, then a final one"),
        pytest.param(b"\x03\x00\x00", "", id="an empty final block"),
        pytest.param(b"\x03\x00" * 5 + HELLO, "Hello", id="empty final blocks first"),
        pytest.param(b"\x01\x05\x00\xfa\xffHello\x00", "Hello", id="a stored final block"),
    ],
)
@roles
@any_cut
@takeover
def test_blocks_of_every_kind_are_read(
    role: ConnectionType, cut: bool, parameters: str, payload: bytes, text: str
) -> None:
    """Whatever the blocks of a message, it is read whole, and so is the one behind it."""
    connection = connect(role, parameters)
    stream = compressed_text(connection, payload) + compressed_text(connection, HELLO)
    assert joined(feed(connection, stream * 2, cut=cut)) == [text, "Hello"] * 2


@roles
@pytest.mark.parametrize("most", range(1, 12))
@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (HELLO_FINAL, "Hello"),
        (HELLO_FINAL[:-1] + HELLO, "HelloHello"),
        (HELLO_FINAL[:-1] * 3 + b"\x00", "Hello" * 3),
        (b"\x4b\x04\x00" + b"\x00", "a"),
        (b"\x01\x05\x00\xfa\xffHello\x00", "Hello"),
    ],
)
def test_final_blocks_in_pieces_of_any_size(
    role: ConnectionType, most: int, payload: bytes, text: str
) -> None:
    """Where a piece ends with a BFINAL block, zlib gives what it has not read twice; it was read twice."""
    connection = connect(role, limits=Limits(max_inflated_size=most))
    stream = compressed_text(connection, payload) + compressed_text(connection, HELLO)
    assert joined(feed(connection, stream)) == [text, "Hello"]


@roles
@any_cut
def test_the_tail_behind_a_final_block_of_a_full_piece_is_dropped(role: ConnectionType, cut: bool) -> None:
    """The piece is full before zlib has read the end of the block, and the tail has nothing to complete."""
    connection = connect(role, limits=Limits(max_inflated_size=5))
    stream = compressed_text(connection, HELLO_FINAL[:-1]) + compressed_text(connection, HELLO)
    assert joined(feed(connection, stream, cut=cut)) == ["Hello", "Hello"]


@roles
def test_a_final_block_that_ends_inside_the_tail_of_a_bounded_piece(role: ConnectionType) -> None:
    """Two bytes of the tail are left behind such a block, and they are no block."""
    connection = connect(role, limits=Limits(max_inflated_size=1))
    feed(connection, compressed_text(connection, b"\x13\x08"))
    assert connection.protocol_error is not None


@pytest.mark.requirement("R7692-7.2.2-03", rows="*client")
@pytest.mark.requirement("R7692-7.2.2-05", rows="*server")
@pytest.mark.requirement("R7692-6.2-02", "R7692-7.2.3.2-01")
@roles
@any_cut
def test_a_second_message_may_refer_to_the_first(role: ConnectionType, cut: bool) -> None:
    connection = connect(role)
    stream = (
        compressed_text(connection, HELLO)
        + from_peer(connection, wire.TEXT, b"not compressed")
        + from_peer(connection, wire.BINARY, HELLO)
        + compressed_text(connection, HELLO_AGAIN)
    )
    assert joined(feed(connection, stream, cut=cut)) == ["Hello", "not compressed", HELLO, "Hello"]


@roles
@pytest.mark.parametrize("parameters", ["client_no_context_takeover", "server_no_context_takeover"])
@pytest.mark.requirement("R7692-7.2.2-02", rows="server_no_context_takeover-client")
@pytest.mark.requirement("R7692-7.2.2-03", rows="client_no_context_takeover-client")
@pytest.mark.requirement("R7692-7.2.2-04", rows="client_no_context_takeover-server")
@pytest.mark.requirement("R7692-7.2.2-05", rows="server_no_context_takeover-server")
def test_the_other_direction_s_takeover_does_not_reset_the_inflater(
    role: ConnectionType, parameters: str
) -> None:
    connection = connect(role, parameters)
    resets = parameters.startswith("server" if role is CLIENT else "client")
    peer = Deflater(takeover=not resets)
    for _ in range(3):
        stream = compressed_text(connection, peer.message(b"Hello"))
        assert joined(feed(connection, stream)) == ["Hello"]


@roles
def test_without_takeover_a_message_that_refers_to_the_one_before_is_1007(role: ConnectionType) -> None:
    connection = connect(role, NO_TAKEOVER)
    assert joined(receive(connection, compressed_text(connection, HELLO))) == ["Hello"]
    assert failure(connection, receive(connection, compressed_text(connection, HELLO_AGAIN))) == 1007


@pytest.mark.parametrize("hint", [True, False])
@pytest.mark.requirement("R7692-7.2.1-09", "R7692-7.2.1-11", "R7692-7.2.2-10", "R7692-7.2.3.2-01")
def test_a_client_keeps_to_the_answer_rather_than_to_its_hint(hint: bool) -> None:
    client, _ = accepted_client("permessage-deflate", [PerMessageDeflate(client_no_context_takeover=hint)])
    inflater = Inflater(takeover=True)
    for _ in range(3):
        sent = wire.decode_frame(client.send(TextMessage("Hello")))
        assert inflater.message(sent.payload).data == b"Hello"


# Empty messages and fragments --------------------------------------------------------------------


@pytest.mark.requirement("R7692-7.2.3.6-01")
@roles
@any_cut
@takeover
def test_empty_messages_repeatedly(role: ConnectionType, cut: bool, parameters: str) -> None:
    connection = connect(role, parameters)
    empty = compressed_text(connection, b"\x00")
    events = feed(connection, empty * 3 + compressed_text(connection, HELLO) + empty * 2, cut=cut)
    assert joined(events) == ["", "", "", "Hello", "", ""]
    assert all(piece.data or piece.message_finished for piece in message_pieces(events))


@pytest.mark.zlib_output
@pytest.mark.requirement("R7692-7.2.3.6-01")
@roles
@takeover
def test_an_empty_message_is_sent_as_one_zero(role: ConnectionType, parameters: str) -> None:
    connection = connect(role, parameters)
    inflater = Inflater(takeover=not parameters)
    for text in ("", "", "Hello", "", "Hello"):
        sent = wire.decode_frame(connection.send(TextMessage(text)))
        assert inflater.message(sent.payload).data == text.encode()
        if sent.rsv and not text:
            assert sent.payload == b"\x00"


def fragments(connection: Connection, *payloads: bytes, between: bytes = b"") -> bytes:
    """A compressed text message in fragments, RSV1 on the first one."""
    last = len(payloads) - 1
    return between.join(
        from_peer(
            connection,
            wire.CONTINUATION if index else wire.TEXT,
            payload,
            fin=index == last,
            rsv=0 if index else wire.RSV1,
        )
        for index, payload in enumerate(payloads)
    )


@pytest.mark.requirement("R7692-6.2-01", "R7692-6-02")
@roles
@any_cut
@takeover
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((HELLO[:3], HELLO[3:]), id="as the RFC cuts it"),
        pytest.param((b"", HELLO), id="nothing in the first"),
        pytest.param((HELLO, b""), id="nothing in the last"),
        pytest.param((HELLO_FINAL[:-1], b""), id="nothing behind a final block"),
        pytest.param((b"", b"", HELLO[:4], b"", b"", HELLO[4:], b""), id="several with nothing"),
        pytest.param(tuple(HELLO[index : index + 1] for index in range(7)), id="one byte each"),
    ],
)
def test_a_message_in_fragments(
    role: ConnectionType, cut: bool, parameters: str, pieces: tuple[bytes, ...]
) -> None:
    connection = connect(role, parameters)
    stream = fragments(connection, *pieces)
    events = feed(connection, stream + stream + compressed_text(connection, HELLO), cut=cut)
    assert joined(events) == ["Hello"] * 3


@roles
def test_a_message_in_two_fragments_at_every_place(role: ConnectionType) -> None:
    data = VARIED[:300]
    payload = Deflater().message(data)
    for place in range(len(payload) + 1):
        connection = connect(role)
        stream = fragments(connection, payload[:place], payload[place:])
        assert joined(feed(connection, stream)) == [data.decode()]


@roles
def test_two_reads_cut_at_every_place(role: ConnectionType) -> None:
    probe = connect(role)
    payload = Deflater().message("Grüße \U0001f40d".encode() * 3)
    stream = compressed_text(probe, payload) + fragments(probe, HELLO[:3], HELLO[3:])
    for place in range(len(stream) + 1):
        connection = connect(role)
        events = receive_cut(connection, [stream[:place], stream[place:]])
        assert joined(events) == ["Grüße \U0001f40d" * 3, "Hello"]


def test_pieces_of_a_compressed_frame_come_as_they_can_be_read() -> None:
    """Half of a long frame gives about half of its data: no more than 16 KiB wait for others."""
    client = connect(CLIENT)
    data = random.Random(3).randbytes(200_000)
    stream = binary(client, Deflater().message(data))
    events = receive(client, stream[: len(stream) // 2])
    assert 100_000 - 2**14 < len(payload_of(events)) <= 100_000
    assert not any(piece.frame_finished for piece in message_pieces(events))
    events += receive(client, stream[len(stream) // 2 :])
    assert joined(events) == [data]


@roles
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("fragmented", [False, True])
def test_an_empty_payload_marked_as_compressed_spoils_nothing(
    role: ConnectionType, whole: bool, fragmented: bool
) -> None:
    """Such a message is not even an empty block (RFC 7692 7.2.3.6): it is read as empty."""
    connection = connect(role)
    stream = compressed_text(connection, HELLO) * whole
    stream += fragments(connection, HELLO[:3], HELLO[3:]) * fragmented
    stream += compressed_text(connection, b"") + compressed_text(connection, HELLO)
    assert joined(feed(connection, stream)) == ["Hello"] * (whole + fragmented) + ["", "Hello"]


@roles
@takeover
def test_fragments_that_fill_several_events(role: ConnectionType, parameters: str) -> None:
    """All of a fragment is given before the next one comes, wherever its bits end."""
    data = VARIED[:100] + b"a" * 300
    payload = Deflater().message(data)
    for place in range(1, len(payload)):
        bounded, unbounded = connect(role, parameters, limits=Limits(max_inflated_size=7)), connect(role)
        begun = from_peer(bounded, wire.TEXT, payload[:place], fin=False, rsv=wire.RSV1)
        last = from_peer(bounded, wire.CONTINUATION, payload[place:])
        first_part = payload_of(receive(unbounded, begun))
        for _ in range(2):
            events = receive(bounded, begun)
            assert payload_of(events) == first_part
            assert joined(events + receive(bounded, last)) == [data.decode()]


# Control frames between fragments: wsproto#205 ---------------------------------------------------


@pytest.mark.requirement("R6455-5.4-08", "R7692-6-01")
@roles
@any_cut
@pytest.mark.parametrize("control", [wire.PING, wire.PONG], ids=["ping", "pong"])
@pytest.mark.parametrize("body", [b"", b"abc", HELLO], ids=["empty", "text", "deflate data"])
@takeover
def test_a_control_frame_between_compressed_fragments_touches_nothing(
    role: ConnectionType, cut: bool, control: int, body: bytes, parameters: str
) -> None:
    connection = connect(role, parameters)
    between = from_peer(connection, control, body)
    stream = fragments(connection, HELLO[:3], HELLO[3:5], HELLO[5:], between=between)
    stream += compressed_text(connection, HELLO)
    expected = (Ping if control == wire.PING else Pong)(body)
    assert joined(feed(connection, stream, cut=cut)) == [expected, expected, "Hello", "Hello"]


@roles
@any_cut
def test_a_control_frame_between_plain_fragments_does_not_make_them_compressed(
    role: ConnectionType, cut: bool
) -> None:
    connection = connect(role)
    stream = (
        compressed_text(connection, HELLO)
        + from_peer(connection, wire.BINARY, HELLO[:3], fin=False)
        + from_peer(connection, wire.PING, b"p")
        + from_peer(connection, wire.CONTINUATION, HELLO[3:])
        + compressed_text(connection, HELLO_AGAIN)
    )
    assert joined(feed(connection, stream, cut=cut)) == ["Hello", Ping(b"p"), HELLO, "Hello"]


@pytest.mark.requirement("R7692-6-01", "R7692-6.1-03")
@roles
@takeover
def test_a_control_frame_sent_between_compressed_fragments_touches_nothing(
    role: ConnectionType, parameters: str
) -> None:
    connection = connect(role, parameters)
    inflater = Inflater(takeover=not parameters)
    for _ in range(2):
        output = connection.send(TextMessage("Hel", message_finished=False))
        output += connection.send(Ping(b"p"))
        output += connection.send(TextMessage("lo w", message_finished=False))
        output += connection.send(Pong(b"q"))
        output += connection.send(TextMessage("orld"))
        frames = wire.decode_frames(output)
        assert [(frame.opcode, frame.rsv, frame.fin) for frame in frames] == [
            (wire.TEXT, wire.RSV1, False),
            (wire.PING, 0, True),
            (wire.CONTINUATION, 0, False),
            (wire.PONG, 0, True),
            (wire.CONTINUATION, 0, True),
        ]
        assert [frames[1].payload, frames[3].payload] == [b"p", b"q"]
        message = b"".join(frames[index].payload for index in (0, 2, 4))
        assert inflater.message(message).data == b"Hello world"


def test_the_ping_between_fragments_byte_for_byte() -> None:
    client = connect(CLIENT)
    stream = bytes.fromhex("4103f248cd89008004c9c90700c105f200110000")
    assert joined(feed(client, stream)) == [Ping(b""), "Hello", "Hello"]
    server = connect(SERVER)
    stream = bytes.fromhex("418300000000f248cd898000000000808400000000c9c90700c18500000000f200110000")
    assert joined(feed(server, stream)) == [Ping(b""), "Hello", "Hello"]


# Reserved bits -----------------------------------------------------------------------------------


@pytest.mark.requirement("R7692-6.1-04", "R7692-6-01")
@roles
@pytest.mark.parametrize("opcode", [wire.PING, wire.PONG, wire.CLOSE])
@pytest.mark.parametrize("inside", [False, True], ids=["between messages", "inside a message"])
def test_rsv1_on_a_control_frame_is_refused(role: ConnectionType, opcode: int, inside: bool) -> None:
    connection = connect(role)
    if inside:
        feed(connection, from_peer(connection, wire.TEXT, HELLO[:3], fin=False, rsv=wire.RSV1))
    header = wire.peer_frame(connection.client, opcode, rsv=wire.RSV1, length=5)
    assert failure(connection, feed(connection, header)) == 1002


@pytest.mark.requirement("R7692-6.1-04")
@roles
@pytest.mark.parametrize("first", [0, wire.RSV1], ids=["plain message", "compressed message"])
@pytest.mark.parametrize("fin", [False, True])
def test_rsv1_on_a_continuation_is_refused(role: ConnectionType, first: int, fin: bool) -> None:
    connection = connect(role)
    feed(connection, from_peer(connection, wire.BINARY, HELLO[:3], fin=False, rsv=first))
    header = wire.peer_frame(connection.client, wire.CONTINUATION, fin=fin, rsv=wire.RSV1, length=5)
    assert failure(connection, feed(connection, header)) == 1002


@pytest.mark.requirement("R7692-5-11", "R6455-5.2-03")
@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY])
def test_rsv1_that_nobody_negotiated_is_refused_on_the_header(role: ConnectionType, opcode: int) -> None:
    connection = Connection(role)
    header = wire.peer_frame(connection.client, opcode, rsv=wire.RSV1, length=5)[:2]
    assert failure(connection, feed(connection, header)) == 1002


@roles
@pytest.mark.parametrize("rsv", [wire.RSV2, wire.RSV3, wire.RSV1 | wire.RSV2, wire.RSV1 | wire.RSV3, 7])
def test_deflate_permits_no_other_bit(role: ConnectionType, rsv: int) -> None:
    connection = connect(role)
    header = wire.peer_frame(connection.client, wire.TEXT, rsv=rsv, length=5)
    assert failure(connection, feed(connection, header)) == 1002


# What cannot be inflated -------------------------------------------------------------------------


@roles
@any_cut
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff" * 8, id="ones"),
        pytest.param(b"\x07", id="block type 3"),
        pytest.param(b"Hello, this is plain text", id="plain text"),
        pytest.param(b"\x00\x05\x00\xfa\xfeHello\x00", id="lengths of a stored block differ"),
        pytest.param(HELLO_AGAIN, id="a reference before the first byte"),
        pytest.param(zlib.compress(b"Hello"), id="with a zlib header"),
        pytest.param(HELLO + TAIL + b"\xff\xff", id="good, then bad"),
        pytest.param(HELLO_FINAL[:-1] + b"\xff\xff", id="a final block, then bad"),
        pytest.param(b"\x01\x00\x00\xff\xff\x07", id="an empty final block, then bad"),
    ],
)
def test_garbage_is_1007(role: ConnectionType, cut: bool, payload: bytes) -> None:
    connection = connect(role)
    assert failure(connection, feed(connection, compressed_text(connection, payload), cut=cut)) == 1007


@roles
@any_cut
def test_a_message_that_only_its_tail_makes_invalid_is_1007(role: ConnectionType, cut: bool) -> None:
    """One byte of the length of a stored block; the tail gives the other, and a complement that is none."""
    connection = connect(role)
    stream = from_peer(connection, wire.TEXT, b"\x00\x01", fin=False, rsv=wire.RSV1)
    stream += from_peer(connection, wire.CONTINUATION)
    assert failure(connection, feed(connection, stream, cut=cut)) == 1007


@roles
def test_garbage_in_a_later_fragment_is_1007(role: ConnectionType) -> None:
    connection = connect(role)
    stream = fragments(connection, HELLO + TAIL, b"", b"\xff\xff\xff", b"")
    assert failure(connection, feed(connection, stream)) == 1007


#: A stored block of 20,000 bytes, of which a unit of 16 KiB holds 16,379, then a block of no type.
A_LONG_BLOCK_THEN_BAD = b"\x00\x20\x4e\xdf\xb1" + b"x" * 20_000 + b"\x07"


@pytest.mark.zlib_output
@roles
@pytest.mark.parametrize("read", [1, 1000, 2**14, 2**20])
@pytest.mark.parametrize(
    ("most", "text"),
    [
        pytest.param(2**20, 16_379, id="a unit fails as one"),
        pytest.param(1000, 19_000, id="up to a full event"),
    ],
)
def test_the_text_before_garbage_is_the_same_in_any_reads(
    role: ConnectionType, read: int, most: int, text: int
) -> None:
    connection = connect(role, limits=Limits(max_inflated_size=most))
    stream = compressed_text(connection, A_LONG_BLOCK_THEN_BAD)
    reads = [stream[start : start + read] for start in range(0, len(stream), read)]
    events = receive_cut(connection, reads)
    assert failure(connection, events) == 1007
    assert payload_of(events[:-1]) == b"x" * text


@any_cut
def test_of_garbage_in_a_short_frame_nothing_comes(cut: bool) -> None:
    """Found by `tests/properties/test_any_cutting.py`: in one read the first byte did not come."""
    client = connect(CLIENT)
    events = feed(client, bytes.fromhex("c1 0c 00 01 00 fe ff 00 01 00 fe ff 30 00"), cut=cut)
    assert [type(event) for event in events] == [CloseConnection]
    assert failure(client, events) == 1007


@pytest.mark.zlib_output
@any_cut
def test_a_reference_beyond_the_window_to_its_own_unit_is_forgiven(cut: bool) -> None:
    """And one beyond the message before is not: zlib has let go of those bytes."""
    client = connect(CLIENT, "server_max_window_bits=9")
    peer = Deflater(window_bits=15)
    data = NOISE[:600]
    assert joined(feed(client, binary(client, peer.message(data + data)), cut=cut)) == [data + data]
    peer.message(NOISE[600:1200])
    assert failure(client, feed(client, binary(client, peer.message(data)), cut=cut)) == 1007


@roles
def test_after_a_failed_inflate_all_input_is_dropped(role: ConnectionType) -> None:
    connection = connect(role)
    events = feed(connection, compressed_text(connection, b"\xff\xff"))
    assert failure(connection, events) == 1007
    assert feed(connection, compressed_text(connection, HELLO)) == []
    (event,) = events
    assert isinstance(event, CloseConnection)
    assert wire.decode_frame(connection.send(event.response())).close_code == 1007
    assert connection.state is ConnectionState.CLOSED


# UTF-8 is judged after inflating -----------------------------------------------------------------


@pytest.mark.requirement("R7692-6.1-05")
@roles
@any_cut
@pytest.mark.parametrize(
    ("data", "before"),
    [
        pytest.param(b"\xff", b"", id="at once"),
        pytest.param(b"Hello \xff world", b"Hello ", id="in the middle"),
        pytest.param(b"Hello \xe2\x82", b"Hello ", id="cut off at the end"),
        pytest.param(b"Hello \xed\xa0\x80", b"Hello ", id="a surrogate"),
        pytest.param(b"Hello \xc0\xaf", b"Hello ", id="overlong"),
        pytest.param(b"Hello \xf4\x90\x80\x80", b"Hello ", id="too big"),
    ],
)
def test_compressed_text_that_is_no_utf_8(
    role: ConnectionType, cut: bool, data: bytes, before: bytes
) -> None:
    connection = connect(role)
    events = feed(connection, compressed_text(connection, Deflater().message(data)), cut=cut)
    assert failure(connection, events) == 1007
    assert payload_of(events) == before


@pytest.mark.requirement("R7692-6.1-05")
@roles
def test_the_compressed_bytes_need_be_no_utf_8(role: ConnectionType) -> None:
    connection = connect(role)
    with pytest.raises(UnicodeDecodeError):
        HELLO.decode()
    assert joined(feed(connection, compressed_text(connection, HELLO))) == ["Hello"]


@roles
@any_cut
def test_a_code_point_may_be_split_between_compressed_fragments(role: ConnectionType, cut: bool) -> None:
    text = "€\U0001f40d" * 20
    compressor = zlib.compressobj(wbits=-15)
    payloads = [
        compressor.compress(bytes([byte])) + compressor.flush(zlib.Z_SYNC_FLUSH) for byte in text.encode()
    ]
    payloads[-1] = payloads[-1][:-4]
    connection = connect(role)
    assert joined(feed(connection, fragments(connection, *payloads), cut=cut)) == [text]


@roles
def test_compressed_binary_need_be_no_utf_8(role: ConnectionType) -> None:
    connection = connect(role)
    assert joined(feed(connection, binary(connection, Deflater().message(b"\xff\xfe")))) == [b"\xff\xfe"]


# What is sent ------------------------------------------------------------------------------------


@pytest.mark.zlib_output
@pytest.mark.requirement(
    "R7692-6.1-01", "R7692-6.1-03", "R7692-7.2.1-01", "R7692-7.2.3.1-01", "R7692-7.2.3.2-01"
)
@roles
def test_hello_is_sent_as_the_rfc_prints_it(role: ConnectionType) -> None:
    connection = connect(role)
    frames = [wire.decode_frame(connection.send(TextMessage("Hello"))) for _ in range(2)]
    assert [(frame.opcode, frame.rsv, frame.fin, frame.payload) for frame in frames] == [
        (wire.TEXT, wire.RSV1, True, HELLO),
        (wire.TEXT, wire.RSV1, True, HELLO_AGAIN),
    ]
    assert all((frame.mask is not None) == (role is CLIENT) for frame in frames)


@pytest.mark.requirement("R7692-7.2.1-08", "R7692-7.1.1.2-03", rows="client_no_context_takeover-client")
@pytest.mark.requirement("R7692-7.2.1-10", rows="server_no_context_takeover-server")
@pytest.mark.requirement("R7692-7.2.1-09", rows="-client|server_no_context_takeover-client")
@pytest.mark.requirement("R7692-7.2.1-11", rows="-server|client_no_context_takeover-server")
@pytest.mark.zlib_output
@roles
@pytest.mark.parametrize(
    "parameters", ["", "client_no_context_takeover", "server_no_context_takeover", NO_TAKEOVER]
)
def test_each_message_starts_anew_only_where_this_side_agreed_to(
    role: ConnectionType, parameters: str
) -> None:
    connection = connect(role, parameters)
    own = f"{'client' if role is CLIENT else 'server'}_no_context_takeover"
    payloads = [wire.decode_frame(connection.send(TextMessage("Hello"))).payload for _ in range(3)]
    if own in parameters:
        assert payloads == [HELLO] * 3
    else:
        assert payloads[:2] == [HELLO, HELLO_AGAIN]
        assert len(payloads[2]) < len(HELLO)


@pytest.mark.requirement("R7692-6.1-01", "R7692-6.1-03", "R7692-7.2.1-06", "R7692-7.2.3.1-01")
@roles
@takeover
@pytest.mark.parametrize(
    "texts",
    [
        ["He", "llo"],
        ["", "Hello"],
        ["Hello", ""],
        ["", "", ""],
        ["Hello " * 500, "Hello " * 500, "World"],
        list("Grüße"),
    ],
    ids=repr,
)
def test_fragments_are_sent_as_one_compressed_message(
    role: ConnectionType, parameters: str, texts: list[str]
) -> None:
    connection = connect(role, parameters)
    inflater = Inflater(takeover=not parameters)
    for _ in range(2):
        output = b"".join(
            connection.send(TextMessage(text, message_finished=index == len(texts) - 1))
            for index, text in enumerate(texts)
        )
        frames = wire.decode_frames(output)
        assert [frame.rsv for frame in frames] == [wire.RSV1] + [0] * (len(texts) - 1)
        assert [frame.fin for frame in frames] == [False] * (len(texts) - 1) + [True]
        message = inflater.message(b"".join(frame.payload for frame in frames))
        assert message.data == "".join(texts).encode()


@pytest.mark.requirement("R7692-7.2.1-05")
@roles
def test_what_is_sent_ends_in_an_empty_block_without_its_tail(role: ConnectionType) -> None:
    connection = connect(role)
    inflater = Inflater()
    for data in (b"Hello", VARIED, NOISE, b"", bytes(100_000)):
        sent = wire.decode_frame(connection.send(BytesMessage(data)))
        message = inflater.message(sent.payload)
        assert message.data == data
        assert message.block_types[-1] == STORED
        assert message.final_blocks == 0


@roles
def test_text_that_repeats_itself_is_made_small(role: ConnectionType) -> None:
    connection = connect(role)
    sent = wire.decode_frame(connection.send(TextMessage("Hello, world! " * 1000)))
    assert len(sent.payload) < 200


@pytest.mark.parametrize(
    "data", [b"Hello", bytearray(b"Hello"), memoryview(b"Hello")], ids=lambda data: type(data).__name__
)
def test_any_bytes_like_payload_is_compressed(data: bytes | bytearray | memoryview) -> None:
    sent = wire.decode_frame(connect(SERVER).send(BytesMessage(data)))
    assert (sent.opcode, sent.rsv, sent.payload) == (wire.BINARY, wire.RSV1, HELLO)


# Windows -----------------------------------------------------------------------------------------


def own_window(role: ConnectionType, bits: int) -> str:
    return f"{'client' if role is CLIENT else 'server'}_max_window_bits={bits}"


def peer_window(role: ConnectionType, bits: int) -> str:
    return f"{'server' if role is CLIENT else 'client'}_max_window_bits={bits}"


@pytest.mark.requirement("R7692-7.2.1-07", "R7692-5-13")
@pytest.mark.requirement("R7692-7.2.1-12", rows="*client")
@pytest.mark.requirement("R7692-7.2.1-14", rows="*server")
@roles
@pytest.mark.parametrize("bits", range(9, 16))
def test_what_is_sent_keeps_to_the_agreed_window(role: ConnectionType, bits: int) -> None:
    """Each message comes again from within the window, and from beyond it."""
    connection = connect(role, own_window(role, bits))
    window = 2**bits
    near, far = NOISE[: window // 4], NOISE[: window + window // 4]
    inflater = Inflater()
    distances = []
    for data in (near, near, far, far):
        sent = wire.decode_frame(connection.send(BytesMessage(data)))
        message = inflater.message(sent.payload)
        assert message.data == data
        distances.append(message.longest_distance)
    assert max(distances) <= window
    assert distances[1] == window // 4


@roles
@pytest.mark.parametrize("bits", range(9, 16))
def test_the_peer_s_window_does_not_bound_this_side(role: ConnectionType, bits: int) -> None:
    connection = connect(role, peer_window(role, bits))
    inflater = Inflater()
    half = NOISE[: 2**14]
    messages = [
        inflater.message(wire.decode_frame(connection.send(BytesMessage(half))).payload) for _ in range(2)
    ]
    assert [message.data for message in messages] == [half, half]
    assert messages[1].longest_distance == 2**14


@pytest.mark.requirement("R7692-7.2.2-06", rows="*client")
@pytest.mark.requirement("R7692-7.2.2-08", rows="*server")
@roles
@any_cut
@pytest.mark.parametrize("bits", range(9, 16))
def test_all_of_the_agreed_window_can_be_read(role: ConnectionType, cut: bool, bits: int) -> None:
    if cut and bits > 12:
        bits = 12  # a byte at a time shows no more with a bigger window, and takes long
    connection = connect(role, peer_window(role, bits))
    peer = Deflater(window_bits=bits)
    data = NOISE[: 2**bits - 300]
    for _ in range(2):
        stream = binary(connection, peer.message(data))
        assert joined(feed(connection, stream, cut=cut)) == [data]


@pytest.mark.requirement("R7692-7.2.2-03", "R7692-7.2.2-07", rows="*client")
@pytest.mark.requirement("R7692-7.2.2-05", "R7692-7.2.2-09", rows="*server")
@roles
@pytest.mark.parametrize("other", [9, 15])
def test_without_an_agreement_the_window_is_32_kib(role: ConnectionType, other: int) -> None:
    connection = connect(role, own_window(role, other))
    peer = Deflater(window_bits=15)
    data = NOISE[: 2**15 - 300]
    again = peer.message(data), peer.message(data)
    assert len(again[1]) < 1000
    for payload in again:
        assert joined(feed(connection, binary(connection, payload))) == [data]


def window_of_8() -> tuple[bytes, bytes]:
    """Two messages of one text whose references reach back no more than 2^8 bytes."""
    text = NOISE[:200]
    peer = Deflater(window_bits=9)
    payloads = peer.message(text), peer.message(text)
    inflater = Inflater()
    assert [inflater.message(payload).longest_distance for payload in payloads] == [0, 200]
    return payloads


@pytest.mark.requirement("R7692-7.2.2-06", "R7692-7.2.2-08")
@any_cut
def test_a_window_of_8_can_be_read_by_a_client(cut: bool) -> None:
    client, _ = accepted_client(
        "permessage-deflate; server_max_window_bits=8", [PerMessageDeflate(server_max_window_bits=8)]
    )
    for payload in window_of_8():
        stream = wire.frame(wire.BINARY, payload, rsv=wire.RSV1)
        events = receive_cut(client, single_bytes(stream) if cut else [stream])
        assert joined(events) == [NOISE[:200]]


@any_cut
def test_a_window_of_8_can_be_read_by_a_server(cut: bool) -> None:
    server, answer = accepting_server(["permessage-deflate; client_max_window_bits=8"], [PerMessageDeflate()])
    assert answer == "permessage-deflate; client_max_window_bits=8"
    for payload in window_of_8():
        stream = wire.frame(wire.BINARY, payload, rsv=wire.RSV1, mask=wire.MASK)
        events = receive_cut(server, single_bytes(stream) if cut else [stream])
        assert joined(events) == [NOISE[:200]]
    assert wire.decode_frame(server.send(TextMessage("Hello"))).payload == HELLO


@pytest.mark.requirement("R7692-7.2.1-12", "R7692-7.2.1-13")
@pytest.mark.parametrize(
    ("settings", "answer", "bound"),
    [
        pytest.param(None, "client_max_window_bits=9", 9, id="the answer bounds"),
        pytest.param(9, "", 9, id="its own setting bounds"),
        pytest.param(9, "client_max_window_bits=12", 9, id="its own is smaller"),
        pytest.param(12, "client_max_window_bits=9", 9, id="the answer is smaller"),
        pytest.param(None, "", 15, id="neither"),
    ],
)
def test_a_client_deflates_with_the_smaller_of_its_setting_and_the_answer(
    settings: int | None, answer: str, bound: int
) -> None:
    element = f"permessage-deflate; {answer}" if answer else "permessage-deflate"
    client, _ = accepted_client(element, [PerMessageDeflate(client_max_window_bits=settings)])
    inflater = Inflater()
    distance = 0
    for data in (NOISE[: 2**14], NOISE[: 2**14], NOISE[:200], NOISE[:200]):
        message = inflater.message(wire.decode_frame(client.send(BytesMessage(data))).payload)
        assert message.data == data
        distance = max(distance, message.longest_distance)
    assert 200 <= distance <= 2**bound
    assert (distance > 2**12) == (bound == 15)


def test_a_server_deflates_with_its_own_setting() -> None:
    server, answer = accepting_server(["permessage-deflate"], [PerMessageDeflate(server_max_window_bits=9)])
    assert answer == "permessage-deflate; server_max_window_bits=9"
    inflater = Inflater()
    for data in (NOISE[:2000], NOISE[:2000]):
        message = inflater.message(wire.decode_frame(server.send(BytesMessage(data))).payload)
        assert message.data == data
        assert message.longest_distance <= 2**9


# Settings ----------------------------------------------------------------------------------------


def settled(role: ConnectionType, **settings: int) -> Connection:
    extension = PerMessageDeflate(**settings)  # type: ignore[arg-type]
    extension.finalize("permessage-deflate")
    return Connection(role, [extension])


@pytest.mark.requirement("R7692-6.1-02", "R7692-6-02")
@roles
@pytest.mark.parametrize(
    ("text", "rsv"),
    [
        ("", 0),
        ("1234567", 0),
        ("12345678", wire.RSV1),
        ("123456789", wire.RSV1),
        ("ääää", wire.RSV1),
        ("äää1", 0),
    ],
)
def test_a_message_not_worth_compressing_is_sent_as_it_is(role: ConnectionType, text: str, rsv: int) -> None:
    """The size counts bytes, and a message of just that size is worth it."""
    connection = settled(role, min_compress_size=8)
    sent = wire.decode_frame(connection.send(TextMessage(text)))
    assert sent.rsv == rsv
    if not rsv:
        assert sent.payload == text.encode()


@pytest.mark.zlib_output
@roles
def test_a_message_sent_as_it_is_leaves_the_window_alone(role: ConnectionType) -> None:
    connection = settled(role, min_compress_size=5)
    frames = [wire.decode_frame(connection.send(TextMessage(text))) for text in ("Hello", "Hi!!", "Hello")]
    assert [(frame.rsv, frame.payload) for frame in frames] == [
        (wire.RSV1, HELLO),
        (0, b"Hi!!"),
        (wire.RSV1, HELLO_AGAIN),
    ]


@roles
def test_fragments_of_a_message_are_all_compressed_or_none(role: ConnectionType) -> None:
    connection = settled(role, min_compress_size=6)
    inflater = Inflater()
    for texts in (["Hello", " world"], ["Hello world", "!"], ["", "Hello world"], ["H", "i"]):
        frames = wire.decode_frames(
            b"".join(
                connection.send(TextMessage(text, message_finished=index == len(texts) - 1))
                for index, text in enumerate(texts)
            )
        )
        payload = b"".join(frame.payload for frame in frames)
        assert [frame.rsv for frame in frames[1:]] == [0]
        data = inflater.message(payload).data if frames[0].rsv else payload
        assert data == "".join(texts).encode()


def test_messages_left_uncompressed_are_read_by_the_peer() -> None:
    sender, receiver = settled(CLIENT, min_compress_size=100), connect(SERVER)
    for text in ("Hello", "Hello" * 50, "Hi", "Hello" * 50):
        assert joined(receive(receiver, sender.send(TextMessage(text)))) == [text]


@pytest.mark.zlib_output
@pytest.mark.parametrize(("level", "kind"), [(0, STORED), (1, DYNAMIC), (9, DYNAMIC), (-1, DYNAMIC)])
def test_the_compression_level(level: int, kind: int) -> None:
    sent = wire.decode_frame(settled(SERVER, compression_level=level).send(BytesMessage(VARIED)))
    message = Inflater().message(sent.payload)
    assert message.data == VARIED
    assert message.block_types[0] == kind


@pytest.mark.zlib_output
def test_a_higher_level_compresses_better() -> None:
    sizes = {
        level: len(settled(SERVER, compression_level=level).send(BytesMessage(VARIED))) for level in (0, 1, 9)
    }
    assert sizes[9] < sizes[1] < sizes[0]


@pytest.mark.parametrize("level", range(1, 10))
def test_every_memory_level_gives_what_can_be_read(level: int) -> None:
    sender, receiver = settled(CLIENT, memory_level=level), connect(SERVER)
    for data in (VARIED, NOISE, VARIED):
        assert joined(receive(receiver, sender.send(BytesMessage(data)))) == [data]


def test_fixed_blocks_are_what_short_messages_become() -> None:
    sent = wire.decode_frame(connect(SERVER).send(TextMessage("Hello")))
    assert Inflater().message(sent.payload).block_types == [FIXED, STORED]


@roles
@pytest.mark.parametrize(("count", "good"), [(1024, True), (1025, False)])
def test_blocks_that_end_a_stream_are_bounded(role: ConnectionType, count: int, good: bool) -> None:
    """Each block with BFINAL=1 costs a zlib object; no sender has a use for a thousand in one message."""
    connection = connect(role)
    stream = from_peer(connection, wire.BINARY, b"\x03\x00" * count + HELLO, rsv=wire.RSV1)
    events = feed(connection, stream * 2)
    if good:
        assert joined(events) == [b"Hello"] * 2
    else:
        *_, event = events
        assert isinstance(event, CloseConnection)
        assert event.code == 1007


def test_what_zlib_was_asked_for_directly_is_taken_on() -> None:
    """So the compiled core inflates; where more has to be done, it hands on what it got."""
    inflater = deflate.Inflater(15, context_takeover=True)
    assert inflater.direct is None  # there is no context yet
    assert inflater.inflate(HELLO, 100, fin=True) == b"Hello"
    assert inflater.direct is not None
    inflated = inflater.direct(HELLO_AGAIN + TAIL, 100)
    assert inflater.inflate(HELLO_AGAIN, 100, inflated, fin=True) == b"Hello"
    inflated = inflater.direct(HELLO_AGAIN + TAIL, 3)
    assert inflater.inflate(HELLO_AGAIN, 3, inflated, fin=True) == b"Hel"
    assert inflater.pending
    assert inflater.direct is None
    assert inflater.inflate(b"", 100, fin=False) == b"lo"


class OtherError(Exception):
    """What a module raises that is not zlib."""


def never(*_arguments: int) -> None:
    raise OtherError


@pytest.fixture
def _usual_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test sets, the others compress as before."""
    backend = deflate._Backend  # noqa: SLF001 - nothing else says which one it is
    for name in ("module", "errors"):
        monkeypatch.setattr(backend, name, getattr(backend, name))


@pytest.mark.usefixtures("_usual_backend")
@roles
def test_another_module_may_fail_with_its_own_error(role: ConnectionType) -> None:
    before = connect(role)
    assert joined(receive(before, compressed_text(before, HELLO))) == ["Hello"]
    other: dict[str, Any] = {**vars(zlib), "error": OtherError, "decompressobj": never}
    set_zlib_backend(SimpleNamespace(**other))
    connection = connect(role)
    assert failure(connection, receive(connection, compressed_text(connection, HELLO))) == 1007
    assert failure(before, receive(before, compressed_text(before, b"\x07"))) == 1007


@pytest.mark.usefixtures("_usual_backend")
def test_a_module_that_cannot_compress_is_refused() -> None:
    with pytest.raises(
        LocalProtocolError, match="it lacks compressobj, decompressobj, error, Z_BEST"
    ) as error:
        set_zlib_backend(SimpleNamespace(Z_DEFAULT_COMPRESSION=-1))
    assert isinstance(error.value, TypeError)
    client = connect(CLIENT)
    assert joined(receive(client, compressed_text(client, HELLO))) == ["Hello"]


def test_what_waits_to_be_inflated_is_not_copied_with_each_piece() -> None:
    """A program may call the hooks with a payload of any size."""
    extension: Any = PerMessageDeflate()
    whole = random.Random(1).randbytes(2**23)
    extension.accept("permessage-deflate")
    deflater = zlib.compressobj(0, wbits=-15)
    payload = deflater.compress(whole) + deflater.flush(zlib.Z_SYNC_FLUSH)[:-4]
    proto = FrameProtocol(client=False, extensions=[])
    extension.frame_inbound_header(proto, Opcode.BINARY, RsvBits(True, False, False), len(payload))
    inflated = [extension.frame_inbound_payload_data(proto, payload)]
    tracemalloc.start()
    piece = extension.frame_inbound_payload_data(proto, b"")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22
    while piece:
        inflated.append(piece)
        piece = extension.frame_inbound_payload_data(proto, b"")
    inflated.append(extension.frame_inbound_complete(proto, True) or b"")
    assert b"".join(inflated) == whole


def test_what_is_passed_in_waits_behind_what_came_before() -> None:
    """A program may call the hooks with more before it has taken all of what they have."""
    extension: Any = PerMessageDeflate()
    whole = random.Random(4).randbytes(2**22)
    extension.accept("permessage-deflate")
    payload = Deflater(level=0).message(whole)
    proto = FrameProtocol(client=False, extensions=[])
    extension.frame_inbound_header(proto, Opcode.BINARY, RsvBits(True, False, False), len(payload))
    parts = [payload[:-1000], payload[-1000:-500], payload[-500:]]
    inflated = [extension.frame_inbound_payload_data(proto, part) for part in parts]
    while piece := extension.frame_inbound_payload_data(proto, b""):
        inflated.append(piece)
    assert b"".join(inflated) + (extension.frame_inbound_complete(proto, True) or b"") == whole


class TakesIn:
    """A `decompressobj` that takes in what it does not use yet, and gives it back with a later call."""

    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(window_bits)
        self._calls = 0
        self._taken_in = self.unconsumed_tail = b""

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, limit: int) -> bytes:
        inflated = self._zlib.decompress(self._taken_in + data, limit)
        self._calls += 1
        rest = self._zlib.unconsumed_tail, b""
        self._taken_in, self.unconsumed_tail = rest if self._calls % 2 else rest[::-1]
        return inflated


@pytest.mark.usefixtures("_usual_backend")
@roles
@any_cut
def test_a_module_may_give_back_more_than_it_was_given(role: ConnectionType, cut: bool) -> None:
    """As isal does."""
    other: dict[str, Any] = {**vars(zlib), "decompressobj": TakesIn}
    set_zlib_backend(SimpleNamespace(**other))
    with inflating_by(20):
        connection = connect(role, limits=Limits(max_inflated_size=3))
        stream = binary(connection, Deflater(level=0).message(VARIED))
        assert joined(feed(connection, stream * 2, cut=cut)) == [VARIED] * 2
        inflater = deflate.Inflater(15, context_takeover=True)  # with more than a connection passes in
        inflated = inflater.inflate(Deflater(level=0).message(VARIED), 3, fin=True)
        while inflater.pending:
            inflated += inflater.inflate(b"", 3, fin=False)
        assert inflated == VARIED
