"""The only error that sending can raise is LocalProtocolError, and a refused send leaves no trace."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, SERVER, agreed, from_peer, upgrade_request, upgrade_response
from tests.oracle.handshake_bytes import read_head
from tests.oracle.receiving import receive
from tests.oracle.strategies import ANY_EVENTS, HANDSHAKE_EVENTS, OPEN_EVENTS, roles
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsproto.events import Event


Call = Union["Event", tuple[int, bytes, bool], None]
Result = tuple[object, ConnectionState, str]


@contextmanager
def foreseeable_randomness() -> Iterator[None]:
    """Make keys and nonces the same in every such block."""
    source = Random(6455)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsproto.masking.random_bytes", source.randbytes)
        patch.setattr("wsproto.utilities.generate_nonce", lambda: b"AAAAAAAAAAAAAAAAAAAAAA==")
        yield


def attempt(connection: Connection | WSConnection, event: Event) -> bytes | None:
    """The bytes of `event`, or None where it was refused, which leaves the state as it was."""
    state, error = connection.state, connection.protocol_error
    try:
        data = connection.send(event)
    except LocalProtocolError:
        assert (connection.state, connection.protocol_error) == (state, error)
        return None
    assert type(data) is bytes
    return data


def played(connection: Connection, script: list[Call]) -> list[Result]:
    """What comes of each call: the bytes sent or None, or the events received; and the state after it."""
    results: list[Result] = []
    for call in script:
        result: object
        if call is None or isinstance(call, tuple):
            data = None if call is None else from_peer(connection, call[0], call[1], fin=call[2])
            try:
                result = receive(connection, data)
            except LocalProtocolError as error:  # bytes behind the end
                result = str(error)
        else:
            result = attempt(connection, call)
        results.append((result, connection.state, str(connection.protocol_error)))
    return results


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
#: What is refused by its content or by what is under way, and what shows whether that left a trace.
near_misses = st.sampled_from(
    [
        *[BytesMessage(b"begun", message_finished=False), TextMessage("of the other kind")] * 3,
        BytesMessage(b"ended"),
        TextMessage("\ud800"),
        Ping(bytes(126)),
        CloseConnection(1004),
        CloseConnection(1000, "\ud800"),
    ]
)
any_call = st.one_of(OPEN_EVENTS, near_misses, near_misses, HANDSHAKE_EVENTS, peer_acts)
#: At the end, where nothing else would show what a refused call left behind.
PROBES: list[Call] = [BytesMessage(b"ended"), BytesMessage(b"ended"), Ping(b"p")]
calls = st.lists(any_call, min_size=3, max_size=12).map(lambda script: script + PROBES)


@given(roles, st.booleans(), calls)
def test_a_refused_send_leaves_no_trace(role: ConnectionType, deflate: bool, script: list[Call]) -> None:
    """A second connection, spared the refused calls, writes the same bytes: same keys, same compression."""

    with foreseeable_randomness():
        results = played(Connection(role, [agreed()] if deflate else []), script)
    accepted = [place for place, (result, *_) in enumerate(results) if result is not None]
    with foreseeable_randomness():
        spared = played(Connection(role, [agreed()] if deflate else []), [script[one] for one in accepted])
    assert spared == [results[one] for one in accepted]


@given(roles, st.lists(ANY_EVENTS, max_size=8))
def test_can_send_says_what_send_refuses_by_its_state(role: ConnectionType, events: list[Event]) -> None:
    """What `can_send` denies is refused; what it grants is refused for its content only."""
    connection = Connection(role)
    for event in events:
        permitted = connection.can_send(type(event))
        data = attempt(connection, event)
        assert permitted or data is None


def assert_written_by_the_rules(data: bytes) -> None:
    """A head is written, and nothing that was smuggled into a text makes a line of its own."""
    head, rest = read_head(data)
    assert rest == b""
    assert not head.all(b"X")


@pytest.mark.requirement("R6455-4.1-04", "R6455-4.1-19")
@given(st.lists(ANY_EVENTS, max_size=6))
def test_a_client_s_refused_events_do_not_spoil_its_handshake(events: list[Event]) -> None:
    client = WSConnection(CLIENT)
    event, request = first_accepted(client, [*events, Request("example.com", "/")])
    with foreseeable_randomness():
        assert request == WSConnection(CLIENT).send(event)
    assert_written_by_the_rules(request)
    client.receive_data(upgrade_response(request, None))
    assert [type(event) for event in client.events()] == [AcceptConnection]
    assert client.state is ConnectionState.OPEN


@given(st.booleans(), st.lists(ANY_EVENTS, max_size=6))
def test_a_server_s_refused_events_do_not_spoil_its_handshake(early: bool, events: list[Event]) -> None:
    server, spared = WSConnection(SERVER), WSConnection(SERVER)
    if early:
        assert [attempt(server, event) for event in events] == [None] * len(events)
    for connection in (server, spared):
        assert [type(event) for event in receive(connection, upgrade_request([]))] == [Request]
    event, response = first_accepted(server, [*events, AcceptConnection()])
    assert response == spared.send(event)
    assert server.state is spared.state
    assert_written_by_the_rules(response)


def first_accepted(connection: WSConnection, events: list[Event]) -> tuple[Event, bytes]:
    """Send `events` until one is not refused, with foreseeable nonces."""
    with foreseeable_randomness():
        for event in events:
            data = attempt(connection, event)
            if data is not None:
                return event, data
    raise AssertionError("The last event was refused too")


@given(st.lists(ANY_EVENTS, min_size=1, max_size=4))
def test_a_server_that_refused_a_request_still_answers_it(events: list[Event]) -> None:
    server = WSConnection(SERVER)
    with pytest.raises(RemoteProtocolError) as refusal:
        receive(server, b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n")
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
