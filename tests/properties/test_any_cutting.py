"""However the same bytes are cut into reads, the joined events are the same, and they are the right ones."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests import wire
from tests.deflating import (
    CLIENT,
    ROLES,
    SERVER,
    agreed,
    joined,
    requesting_client,
    upgrade_request,
    upgrade_response,
)
from tests.judging import by_frame, finished_frames
from tests.strategies import any_frames, cuttings, mutated, odd_streams, peer_streams, some_limits
from wsproto import Connection, ConnectionState, ConnectionType, Limits, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, RejectData, Request
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from wsproto.events import Event

roles = st.sampled_from(ROLES)
#: What is said of data that is not DEFLATE.
CORRUPT = {
    f"The extension permessage-deflate refused {what}" for what in ("a frame's payload", "the end of a frame")
}


@given(roles, st.booleans(), st.data())
def test_a_stream_gives_its_messages(role: ConnectionType, deflate: bool, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate))
    connection = Connection(role, [agreed()] if deflate else [])
    events = wire.receive_cut(connection, data.draw(cuttings(stream.data)))
    assert joined(events) == stream.expected
    assert connection.protocol_error is None


@given(roles, st.data())
def test_a_stream_may_stand_in_the_trailing_data(role: ConnectionType, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=False))
    place = data.draw(st.integers(0, len(stream.data)))
    connection = Connection(role, None, stream.data[:place])
    events = [*connection.events(), *wire.receive(connection, stream.data[place:])]
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
    role: ConnectionType, deflate: bool, stream: bytes, pieces: list[bytes], limits: Limits | None = None
) -> None:
    whole, cut = (Connection(role, [agreed()] if deflate else [], limits=limits) for _ in range(2))
    in_one, in_pieces = by_frame(wire.receive(whole, stream)), by_frame(wire.receive_cut(cut, pieces))
    errors = {str(cut.protocol_error), str(whole.protocol_error)}
    if errors & CORRUPT:
        # zlib keeps to itself what it inflated in the call that failed: how much of that frame comes before
        # the failure depends on the reads, and so does what is wrong with it where something else is as well.
        in_one, in_pieces = without_failed_frame(in_one), without_failed_frame(in_pieces)
    else:
        assert len(errors) == 1
    assert in_pieces == in_one
    assert cut.state is whole.state
    assert (cut.protocol_error is None) == (whole.protocol_error is None)


def without_failed_frame(events: list[Event]) -> list[Event]:
    """Leave out what came of a frame that did not end, and which fault it has."""
    *before, close = events
    assert isinstance(close, CloseConnection)
    assert close.code in {1007, 1009}
    return finished_frames(before)


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
        for event in wire.receive(server, piece):
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
    accepted, *events = wire.receive_cut(client, data.draw(cuttings(response + stream.data)))
    assert isinstance(accepted, AcceptConnection)
    assert joined(events) == stream.expected


BODIES = st.sampled_from(
    [b"Content-Length: 5\r\n\r\nHello", b"Transfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n"]
)


@given(BODIES, st.data())
def test_a_rejection_and_its_body(body: bytes, data: st.DataObject) -> None:
    client, _ = requesting_client([])
    rejected, *pieces = wire.receive_cut(client, data.draw(cuttings(b"HTTP/1.1 403 Forbidden\r\n" + body)))
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
    events = wire.receive_cut(connection, data.draw(cuttings(stream.data[:place])))
    closed = any(isinstance(event, CloseConnection) for event in events)
    assert wire.receive(connection, None) == ([] if closed else [CloseConnection(1006)])
    assert wire.receive(connection, None) == []


FUZZED = (
    test_a_stream_gives_its_messages,
    test_a_stream_may_stand_in_the_trailing_data,
    test_the_memory_that_was_read_into_may_be_used_again,
    test_of_a_stream_with_some_bytes_changed,
    test_of_odd_frames,
    test_of_any_frames,
    test_of_text_that_may_be_no_utf_8,
    test_events_given_up_midway_lose_nothing,
    test_a_request_and_early_data,
    test_a_response_and_what_follows_it,
    test_a_rejection_and_its_body,
    test_end_of_file_anywhere,
)
