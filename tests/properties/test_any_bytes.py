"""The only error that receiving can raise is RemoteProtocolError."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import (
    CLIENT,
    SERVER,
    agreed,
    requesting_client,
    upgrade_request,
    upgrade_response,
)
from tests.oracle.strategies import (
    any_frames,
    changed_heads,
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
from wsproto.events import CloseConnection, Message
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, ParseFailed
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable


def swallow(connection: Connection | WSConnection, pieces: Iterable[bytes]) -> None:
    """Receive `pieces`, then end of file, and judge what comes; an open connection ends in one Close."""
    closes = 0
    for piece in pieces:
        if connection.state is ConnectionState.CLOSED:
            break
        connection.receive_data(piece)
        for event in connection.events():
            closes += isinstance(event, CloseConnection)
            if isinstance(event, Message):
                assert type(event.data) in {str, bytes}
    assert closes <= 1
    if connection.protocol_error is not None:
        assert isinstance(connection.protocol_error, RemoteProtocolError)
        assert connection.state is ConnectionState.REMOTE_CLOSING
        assert closes == 1
    still_open = connection.state is ConnectionState.OPEN
    connection.receive_data(None)
    last = [event for event in connection.events() if isinstance(event, CloseConnection)]
    assert last == [CloseConnection(1006)] * still_open


def swallow_handshake(connection: WSConnection, pieces: Iterable[bytes]) -> None:
    """The same for a handshake, which a violation ends by raising."""
    try:
        swallow(connection, pieces)
    except RemoteProtocolError as error:
        if not connection.client:
            assert error.event_hint is not None  # noqa: PT017 - what is raised is judged, not expected
            assert connection.send(error.event_hint).startswith(b"HTTP/1.1 4")  # noqa: PT017


@given(roles, st.booleans(), st.lists(st.binary(max_size=60), max_size=8))
def test_of_an_open_connection(role: ConnectionType, deflate: bool, pieces: list[bytes]) -> None:
    swallow(Connection(role, [agreed()] if deflate else []), pieces)


@given(roles, st.booleans(), some_limits, st.lists(any_frames(), max_size=8), st.data())
def test_in_the_shape_of_frames(
    role: ConnectionType, deflate: bool, limits: Limits, frames: list[bytes], data: st.DataObject
) -> None:
    pieces = data.draw(cuttings(b"".join(frames)))
    swallow(Connection(role, [agreed()] if deflate else [], limits=limits), pieces)


@given(roles, st.booleans(), some_limits, st.data())
def test_in_an_order_that_frames_may_have(
    role: ConnectionType, deflate: bool, limits: Limits, data: st.DataObject
) -> None:
    stream = data.draw(odd_streams(client=role is not SERVER, deflate=deflate))
    swallow(Connection(role, [agreed()] if deflate else [], limits=limits), data.draw(cuttings(stream)))


@pytest.mark.requirement("R6455-10.7-01", "R6455-10.7-03")
@given(roles, st.booleans(), st.data())
def test_of_a_stream_with_some_bytes_changed(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    stream = data.draw(peer_streams(client=role is not SERVER, deflate=deflate))
    changed = data.draw(mutated(stream.data))
    swallow(Connection(role, [agreed()] if deflate else []), data.draw(cuttings(changed)))


@given(roles, st.binary(max_size=200))
def test_of_compressed_payloads(role: ConnectionType, payload: bytes) -> None:
    connection = Connection(role, [agreed()])
    one = wire.peer_frame(connection.client, wire.BINARY, payload, rsv=wire.RSV1)
    swallow(connection, [one * 2])


@given(roles, st.binary(max_size=200))
def test_of_the_frame_codec_by_itself(role: ConnectionType, data: bytes) -> None:
    protocol = FrameProtocol(role is not SERVER, [agreed()])
    protocol.receive_bytes(data)
    try:
        list(protocol.received_frames())
    except ParseFailed as error:
        assert error.code in {1002, 1007}  # noqa: PT017


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_to_a_server_that_waits_for_a_request(data: bytes, places: list[int]) -> None:
    swallow_handshake(WSConnection(SERVER), cut_at(data, places))


REQUEST = upgrade_request(["permessage-deflate; client_max_window_bits", "x-foo; a=1"])


@pytest.mark.requirement("R6455-10.7-01", "R6455-10.7-04")
@given((mutated(REQUEST) | changed_heads(REQUEST)).flatmap(cuttings))
def test_to_a_server_whose_request_was_changed(pieces: list[bytes]) -> None:
    swallow_handshake(WSConnection(SERVER), pieces)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_to_a_client_that_waits_for_a_response(data: bytes, places: list[int]) -> None:
    client, _ = requesting_client([PerMessageDeflate()])
    swallow_handshake(client, cut_at(data, places))


@given(st.data())
def test_to_a_client_whose_response_was_changed(data: st.DataObject) -> None:
    client, request = requesting_client([PerMessageDeflate()])
    response = upgrade_response(request, "permessage-deflate; server_max_window_bits=10")
    tail = wire.frame(wire.TEXT, b"Hello")
    swallow_handshake(client, data.draw(mutated(response + tail).flatmap(cuttings)))


@given(st.one_of(st.binary(min_size=1, max_size=60), st.just(REQUEST), st.just(b"HTTP/1.1 200 OK\r\n\r\n")))
def test_to_a_client_that_has_not_asked(data: bytes) -> None:
    """Whatever a server says then breaks the protocol (RFC 6455 4.1)."""
    client = WSConnection(CLIENT)
    with pytest.raises(RemoteProtocolError):
        client.receive_data(data)
    assert client.state is ConnectionState.CLOSED
    assert list(client.events()) == []


@given(
    st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early Hints\r\n", b"HTTP/1.1 401 No\r\n"]),
    st.data(),
)
def test_to_a_client_that_is_rejected(head: bytes, data: st.DataObject) -> None:
    client, _ = requesting_client([])
    response = head + b"Content-Length: 5\r\nX-Test: 1\r\n\r\nHello"
    swallow_handshake(client, data.draw(mutated(response).flatmap(cuttings)))


FUZZED = (
    test_of_an_open_connection,
    test_in_the_shape_of_frames,
    test_in_an_order_that_frames_may_have,
    test_of_a_stream_with_some_bytes_changed,
    test_of_compressed_payloads,
    test_of_the_frame_codec_by_itself,
    test_to_a_server_that_waits_for_a_request,
    test_to_a_server_whose_request_was_changed,
    test_to_a_client_that_has_not_asked,
    test_to_a_client_that_waits_for_a_response,
    test_to_a_client_whose_response_was_changed,
    test_to_a_client_that_is_rejected,
)
