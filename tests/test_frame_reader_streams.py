"""Streams that once went wrong in a core, or might have: each by its bytes, for both cores."""

from __future__ import annotations

from typing import Any

import pytest

from tests.marks import roles
from tests.oracle.deflating import CLIENT, from_peer
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.frame_protocol import FrameDecoder, ParseFailed


@roles
def test_nothing_may_be_received_twice_before_events(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(b"")
    connection.receive_data(b"")
    assert list(connection.events()) == []
    assert receive(connection, from_peer(connection, wire.TEXT, b"a")) == [TextMessage("a")]


@roles
@pytest.mark.parametrize("opcode", [wire.TEXT, wire.BINARY])
def test_a_rest_of_no_bytes_ends_a_message(role: ConnectionType, opcode: int) -> None:
    connection = Connection(role)
    kind: Any = TextMessage if opcode == wire.TEXT else BytesMessage
    data: Any = "a" if opcode == wire.TEXT else b"a"
    first = from_peer(connection, opcode, b"a", fin=False)
    assert receive(connection, first) == [kind(data, message_finished=False)]
    assert receive(connection, from_peer(connection, wire.CONTINUATION)) == [kind(data[:0])]
    head, rest = first[:-1], first[-1:]
    assert receive(connection, head) == []
    assert receive(connection, b"") == []
    assert receive(connection, rest) == [kind(data, message_finished=False)]


@roles
def test_a_code_point_over_four_fragments(role: ConnectionType) -> None:
    connection = Connection(role)
    pieces = [b"\xf0", b"\x9f", b"\x98", b"\x80"]
    events = []
    for number, piece in enumerate(pieces):
        opcode = wire.CONTINUATION if number else wire.TEXT
        events += receive(connection, from_peer(connection, opcode, piece, fin=number == 3))
    assert [event.data for event in events if isinstance(event, TextMessage)] == ["", "", "", "\U0001f600"]


@roles
@pytest.mark.parametrize("payload", [b"\xed\xa0", b"a\xed\xbf", b"\xed\xa0\x80"])
def test_a_surrogate_fails_before_its_third_byte(role: ConnectionType, payload: bytes) -> None:
    """CPython's decoder would wait for it."""
    connection = Connection(role)
    *text, close = receive(connection, from_peer(connection, wire.TEXT, payload, fin=False))
    assert isinstance(close, CloseConnection)
    assert close.code == 1007
    assert "".join(one.data for one in text if isinstance(one, TextMessage)) == payload[:-2].decode(
        errors="ignore"
    )


@roles
def test_a_length_of_2_63_minus_1_behind_a_fragment(role: ConnectionType) -> None:
    """Found by reading: the size of the message overflowed."""
    connection = Connection(role)
    first = from_peer(connection, wire.BINARY, b"a", fin=False)
    head = wire.peer_frame(role is CLIENT, wire.CONTINUATION, b"bc", length=2**63 - 1)
    events = receive(connection, first + head)
    assert [event.data for event in events if isinstance(event, BytesMessage)] == [b"a", b"bc"]
    decoder: Any = connection._decoder
    assert decoder._message.size == 2**63 - 1
    assert decoder._message.remaining == 2**63 - 3


@roles
def test_a_second_iterator_may_come_to_the_end(role: ConnectionType) -> None:
    """Found by the target `cores`: in Python, the first one then asked for the failure once more."""
    connection = Connection(role)
    stream = from_peer(connection, wire.TEXT, b"", fin=False)
    connection.receive_data(stream + from_peer(connection, wire.CONTINUATION, b"\x00\x80"))
    first = connection.events()
    assert next(first) == TextMessage("", message_finished=False)
    *_, close = connection.events()
    assert isinstance(close, CloseConnection)
    connection.send(close)
    assert list(first) == []


@roles
@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_reads_wait_to_be_read_as_one(role: ConnectionType, size: int, buffer: type[bytes]) -> None:
    """A frame of a server has three bytes here, one of a client seven."""
    decoder = FrameDecoder(role is CLIENT)
    stream = b"".join(wire.peer_frame(role is CLIENT, wire.TEXT, letter) for letter in (b"a", b"b", b"c"))
    for at in range(0, len(stream), size):
        decoder.receive_bytes(buffer(stream[at : at + size]))
    assert not decoder.drained
    assert list(decoder.events()) == [TextMessage("a"), TextMessage("b"), TextMessage("c")]
    assert decoder.drained


@roles
@pytest.mark.parametrize("fin", [True, False], ids=["close", "failure"])
def test_what_comes_behind_the_last_frame_is_dropped(role: ConnectionType, fin: bool) -> None:
    """A Close in fragments breaks the protocol (RFC 6455 5.4)."""
    decoder = FrameDecoder(role is CLIENT)
    decoder.receive_bytes(wire.peer_frame(role is CLIENT, wire.CLOSE, wire.close_payload(1000), fin=fin))
    if fin:
        assert list(decoder.events()) == [CloseConnection(1000, "")]
    else:
        with pytest.raises(ParseFailed):
            list(decoder.events())
    decoder.receive_bytes(wire.peer_frame(role is CLIENT, wire.TEXT, b"late"))
    assert list(decoder.events()) == []
    assert decoder.drained


@roles
@pytest.mark.parametrize(("size", "events"), [(0, []), (1, []), (100, [Ping(b"p")])])
def test_the_end_of_file_comes_behind_what_was_read(
    role: ConnectionType, size: int, events: list[Event]
) -> None:
    connection = Connection(role)
    connection.receive_data(from_peer(connection, wire.PING, b"p")[:size])
    assert receive(connection, None) == [*events, CloseConnection(1006)]


@roles
def test_a_header_in_two_reads_is_read_as_one(role: ConnectionType) -> None:
    stream = from_peer(Connection(role), wire.TEXT, b"a")
    for place in range(1, len(stream)):
        connection = Connection(role)
        assert receive(connection, stream[:place]) == []
        assert receive(connection, stream[place:]) == [TextMessage("a")]


@roles
def test_the_end_of_file_behind_part_of_a_header_closes_at_once(role: ConnectionType) -> None:
    """All that can be read has been read: nobody has to ask for events first."""
    connection = Connection(role)
    assert receive(connection, b"\x81") == []
    connection.receive_data(None)
    assert connection.state is ConnectionState.CLOSED


@roles
def test_the_first_fragment_counts_as_one(role: ConnectionType) -> None:
    connection = Connection(role, limits=Limits(max_fragments=2))
    stream = from_peer(connection, wire.BINARY, b"a", fin=False) + from_peer(connection, wire.CONTINUATION)
    assert [type(event) for event in receive(connection, stream * 2)] == [BytesMessage] * 4
