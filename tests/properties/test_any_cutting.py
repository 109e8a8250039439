"""However the same bytes are cut into reads, the joined events are the same, and they are the right ones."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import (
    CLIENT,
    SERVER,
    Deflater,
    agreed,
    inflating_by,
    joined,
    requesting_client,
    upgrade_request,
    upgrade_response,
)
from tests.oracle.expected_events import Deflate
from tests.oracle.judging import Setting, assert_received_rightly, by_frame
from tests.oracle.receiving import receive, receive_cut
from tests.oracle.strategies import (
    REPEATED_BLOCKS,
    any_frames,
    cut_at,
    cuttings,
    mutated,
    odd_streams,
    peer_streams,
    roles,
    some_limits,
)
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, RejectData, Request
from wsproto.extensions import Extension, PerMessageDeflate

if TYPE_CHECKING:
    from wsproto.events import Event


@given(roles, st.booleans(), st.data())
def test_a_stream_gives_its_messages(role: ConnectionType, deflate: bool, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    connection = Connection(role, [agreed()] if deflate else [])
    events = receive_cut(connection, data.draw(cuttings(stream.data)))
    assert joined(events) == stream.expected
    assert connection.protocol_error is None


@given(roles, st.data())
def test_a_stream_may_stand_in_the_trailing_data(role: ConnectionType, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=False))
    place = data.draw(st.integers(0, len(stream.data)))
    connection = Connection(role, None, stream.data[:place])
    events = [*connection.events(), *receive(connection, stream.data[place:])]
    assert joined(events) == stream.expected


@given(roles, st.booleans(), st.data())
def test_the_memory_that_was_read_into_may_be_used_again(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    connection = Connection(role, [agreed()] if deflate else [])
    events: list[Event] = []
    for piece in data.draw(cuttings(stream.data)):
        memory = bytearray(piece)
        connection.receive_data(memory)
        memory[:] = bytes(len(memory))
        events += connection.events()
        if connection.state is ConnectionState.REMOTE_CLOSING:
            break
    assert joined(events) == stream.expected


def assert_cutting_tells_nothing(
    role: ConnectionType,
    deflate: bool | PerMessageDeflate,
    stream: bytes,
    pieces: list[bytes],
    limits: Limits | None = None,
) -> None:
    extensions: list[Extension] = [agreed() if deflate is True else deflate] if deflate else []
    whole, cut = (Connection(role, extensions, limits=limits) for _ in range(2))
    in_one, in_pieces = by_frame(receive(whole, stream)), by_frame(receive_cut(cut, pieces))
    assert in_pieces == in_one
    assert cut.state is whole.state
    assert str(cut.protocol_error) == str(whole.protocol_error)


@given(roles, st.booleans(), st.data())
def test_of_a_stream_with_some_bytes_changed(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    changed = data.draw(mutated(stream.data))
    assert_cutting_tells_nothing(role, deflate, changed, data.draw(cuttings(changed)))


@given(roles, st.booleans(), some_limits, st.data())
def test_of_odd_frames(role: ConnectionType, deflate: bool, limits: Limits, data: st.DataObject) -> None:
    stream = data.draw(odd_streams(client=role is CLIENT, deflate=deflate))
    assert_cutting_tells_nothing(role, deflate, stream, data.draw(cuttings(stream)), limits)


@given(roles, st.booleans(), st.lists(any_frames(), max_size=6), st.data())
def test_of_any_frames(role: ConnectionType, deflate: bool, frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames)
    assert_cutting_tells_nothing(role, deflate, stream, data.draw(cuttings(stream)))


#: Deflated with the largest window, whatever was agreed on.
DEFLATED = st.builds(
    lambda level, data: Deflater(level=level).message(data),
    st.sampled_from([0, 1, 9]),
    st.one_of(
        st.text(max_size=40).map(str.encode),
        st.builds(bytes.__mul__, st.binary(max_size=3), st.integers(1, 3000)),
        REPEATED_BLOCKS,
    ),
)


DEFLATES = st.builds(Deflate, st.sampled_from([8, 9, 15]), st.booleans(), st.integers(1, 40))


@given(DEFLATES, some_limits, DEFLATED, st.data())
def test_of_compressed_frames_in_units(
    deflate: Deflate, limits: Limits, message: bytes, data: st.DataObject
) -> None:
    """Data that is none, and what refers beyond the window: zlib is given the same, however it comes."""
    payload = data.draw(st.one_of(st.just(message), mutated(message)))
    parts = cut_at(payload, data.draw(st.lists(st.integers(0, len(payload)), max_size=2)))
    kind = data.draw(st.sampled_from([wire.TEXT, wire.BINARY]))
    opcodes = [kind, *[wire.CONTINUATION] * (len(parts) - 1)]
    stream = 2 * b"".join(
        wire.frame(opcode, part, fin=number == len(parts), rsv=wire.RSV1 if opcode else 0)
        for number, (opcode, part) in enumerate(zip(opcodes, parts, strict=True), 1)
    )
    parameters = f"server_max_window_bits={deflate.window_bits}"
    if not deflate.takeover:
        parameters += "; server_no_context_takeover"
    pieces = data.draw(cuttings(stream))
    with inflating_by(deflate.unit):
        assert_cutting_tells_nothing(CLIENT, agreed(parameters), stream, pieces, limits)
        assert_received_rightly(Setting(CLIENT, deflate, limits), pieces)


@pytest.mark.parametrize("wrong", [b"\x07", b"\x00\x01"], ids=["a block of no type", "wrong with its tail"])
@pytest.mark.parametrize("most", [1, 4, 10])
def test_of_compressed_data_that_goes_wrong_anywhere(wrong: bytes, most: int) -> None:
    limits = Limits(max_inflated_size=most)
    with inflating_by(8):
        for size in range(25):
            block = struct.pack("<BHH", 0, size, size ^ 0xFFFF) + bytes(size)
            stream = wire.frame(wire.TEXT, block + wrong, rsv=wire.RSV1)
            assert_received_rightly(Setting(CLIENT, Deflate(unit=8), limits), [stream])
            for place in range(len(stream)):
                assert_cutting_tells_nothing(CLIENT, True, stream, cut_at(stream, [place]), limits)


@given(roles, st.binary(max_size=40), st.data())
def test_of_text_that_may_be_no_utf_8(role: ConnectionType, payload: bytes, data: st.DataObject) -> None:
    stream = wire.peer_frame(role is CLIENT, wire.TEXT, payload)
    assert_cutting_tells_nothing(role, False, stream, data.draw(cuttings(stream)))


@given(roles, st.booleans(), st.data())
def test_events_given_up_midway_lose_nothing(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    connection = Connection(role, [agreed()] if deflate else [])
    connection.receive_data(stream.data)
    events: list[Event] = []
    while True:
        count = data.draw(st.integers(1, 3))
        taken = list(islice(connection.events(), count))
        if not taken:
            break
        events += taken
    assert joined(events) == stream.expected


@given(st.data())
def test_a_request_and_early_data(data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=False, deflate=True))
    pieces = data.draw(cuttings(upgrade_request(["permessage-deflate"]) + stream.data))
    server = WSConnection(SERVER)
    events: list[Event] = []
    for piece in pieces:
        if server.state.name == "CLOSED":
            break
        for event in receive(server, piece):
            if isinstance(event, Request):
                server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
                events += server.events()
            else:
                events.append(event)
    events += server.events()
    assert joined(events) == stream.expected


@given(st.data())
def test_a_response_and_what_follows_it(data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=True, deflate=True))
    client, request = requesting_client([PerMessageDeflate()])
    response = upgrade_response(request, "permessage-deflate")
    accepted, *events = receive_cut(client, data.draw(cuttings(response + stream.data)))
    assert isinstance(accepted, AcceptConnection)
    assert joined(events) == stream.expected


BODIES = st.sampled_from(
    [b"Content-Length: 5\r\n\r\nHello", b"Transfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n"]
)


@given(BODIES, st.data())
def test_a_rejection_and_its_body(body: bytes, data: st.DataObject) -> None:
    client, _ = requesting_client([])
    rejected, *pieces = receive_cut(client, data.draw(cuttings(b"HTTP/1.1 403 Forbidden\r\n" + body)))
    assert isinstance(rejected, RejectConnection)
    assert rejected.status_code == 403
    assert b"".join(piece.data for piece in pieces if isinstance(piece, RejectData)) == b"Hello"
    assert [piece.body_finished for piece in pieces if isinstance(piece, RejectData)][-1:] == [True]


@given(roles, st.booleans(), st.data())
def test_end_of_file_anywhere(role: ConnectionType, deflate: bool, data: st.DataObject) -> None:
    """RFC 6455 7.1.5: 1006 exactly where no Close came, once, and behind all that came."""
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    place = data.draw(st.integers(0, len(stream.data)))
    connection = Connection(role, [agreed()] if deflate else [])
    events = receive_cut(connection, data.draw(cuttings(stream.data[:place])))
    closed = any(isinstance(event, CloseConnection) for event in events)
    assert receive(connection, None) == ([] if closed else [CloseConnection(1006)])
    assert receive(connection, None) == []


FUZZED = (
    test_a_stream_gives_its_messages,
    test_a_stream_may_stand_in_the_trailing_data,
    test_the_memory_that_was_read_into_may_be_used_again,
    test_of_a_stream_with_some_bytes_changed,
    test_of_odd_frames,
    test_of_any_frames,
    test_of_compressed_frames_in_units,
    test_of_text_that_may_be_no_utf_8,
    test_events_given_up_midway_lose_nothing,
    test_a_request_and_early_data,
    test_a_response_and_what_follows_it,
    test_a_rejection_and_its_body,
    test_end_of_file_anywhere,
)
