"""Whatever the events, sending raises LocalProtocolError alone, and a refused send leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import wire
from tests.deflating import CLIENT, ROLES, SERVER, agreed, from_peer, upgrade_request, upgrade_response
from tests.strategies import ANY_EVENTS, HANDSHAKE_EVENTS, OPEN_EVENTS
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event

roles = st.sampled_from(ROLES)


def sent(connection: Connection | WSConnection, event: Event) -> list[wire.WireFrame] | None:
    """The frames of `event` without their masks, or None where it was refused."""
    try:
        data = connection.send(event)
    except LocalProtocolError:
        return None
    assert type(data) is bytes
    return [
        wire.WireFrame(frame.opcode, frame.payload, frame.fin, frame.rsv)
        for frame in wire.decode_frames(data)
    ]


#: What the peer does between the application's calls.
peer_acts = st.sampled_from(
    [
        (wire.TEXT, b"Hello", True),
        (wire.BINARY, b"x", False),
        (wire.PING, b"p", True),
        (wire.CLOSE, b"\x03\xe8", True),
        (3, b"", True),
        None,
    ]
)
calls = st.lists(st.one_of(OPEN_EVENTS, OPEN_EVENTS, OPEN_EVENTS, HANDSHAKE_EVENTS, peer_acts), max_size=12)


@given(roles, st.booleans(), calls)
def test_a_refused_send_leaves_no_trace(
    role: ConnectionType, deflate: bool, script: list[Event | tuple[int, bytes, bool] | None]
) -> None:
    """A second connection, which is spared the refused calls, does just the same."""
    one, two = (Connection(role, [agreed()] if deflate else []) for _ in range(2))
    for call in script:
        if call is None or isinstance(call, tuple):
            if one.state is ConnectionState.CLOSED:
                continue
            data = None if call is None else from_peer(one, call[0], call[1], fin=call[2])
            try:
                events = wire.receive(one, data)
            except LocalProtocolError:  # bytes behind the end of file
                continue
            assert events == wire.receive(two, data)
        else:
            state = one.state
            frames = sent(one, call)
            if frames is None:
                assert one.state is state
            else:
                assert sent(two, call) == frames
        assert one.state is two.state
        assert (one.protocol_error is None) == (two.protocol_error is None)


@given(roles, st.lists(ANY_EVENTS, max_size=8))
def test_can_send_says_what_send_refuses_by_its_state(role: ConnectionType, events: list[Event]) -> None:
    """What `can_send` denies is refused; what it grants is refused for its content only."""
    connection = Connection(role)
    for event in events:
        permitted = connection.can_send(type(event))
        frames = sent(connection, event)
        assert permitted or frames is None


@given(st.lists(ANY_EVENTS, max_size=6))
def test_a_client_s_refused_events_do_not_spoil_its_handshake(events: list[Event]) -> None:
    client = WSConnection(CLIENT)
    request = None
    for event in events:
        state = client.state
        try:
            request = client.send(event)
        except LocalProtocolError:
            assert client.state is state
        else:
            assert isinstance(event, Request)
            assert request.count(b"\r\n\r\n") == 1
            assert request.endswith(b"\r\n\r\n")
            break
    if request is None:
        request = client.send(Request("example.com", "/"))
    client.receive_data(upgrade_response(request, None))
    assert [type(event) for event in client.events()] == [AcceptConnection]
    assert client.state is ConnectionState.OPEN


@given(st.booleans(), st.lists(ANY_EVENTS, max_size=6))
def test_a_server_s_refused_events_do_not_spoil_its_handshake(asked: bool, events: list[Event]) -> None:
    server = WSConnection(SERVER)
    request = upgrade_request([])
    if asked:
        server.receive_data(request)
        list(server.events())
    for event in events:
        state = server.state
        try:
            response = server.send(event)
        except LocalProtocolError:
            assert server.state is state
        else:
            assert asked
            assert response.startswith(b"HTTP/1.1 ")
            return
    if not asked:
        server.receive_data(request)
        list(server.events())
    assert server.send(AcceptConnection()).startswith(b"HTTP/1.1 101 ")
    assert server.state is ConnectionState.OPEN


@given(st.lists(ANY_EVENTS, min_size=1, max_size=4))
def test_a_server_that_refused_a_request_still_answers_it(events: list[Event]) -> None:
    server = WSConnection(SERVER)
    with pytest.raises(RemoteProtocolError) as refusal:
        wire.receive(server, b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    hint = refusal.value.event_hint
    assert hint is not None
    for event in events:
        try:
            server.send(event)
        except LocalProtocolError:
            continue
        return
    assert server.send(hint).startswith(b"HTTP/1.1 4")


FUZZED = (
    test_a_refused_send_leaves_no_trace,
    test_can_send_says_what_send_refuses_by_its_state,
    test_a_client_s_refused_events_do_not_spoil_its_handshake,
    test_a_server_s_refused_events_do_not_spoil_its_handshake,
    test_a_server_that_refused_a_request_still_answers_it,
)
