"""The closing handshake, failing the connection, and the end of file (RFC 6455 5.5.1, 7)."""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple, cast

import pytest

from tests.marks import roles
from tests.oracle.handshake_bytes import accepted, asked_server, asking_client, rejection, response
from tests.oracle.handshake_bytes import failed as failed_client
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Ending, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

OPEN = ConnectionState.OPEN
LOCAL_CLOSING = ConnectionState.LOCAL_CLOSING
REMOTE_CLOSING = ConnectionState.REMOTE_CLOSING
CLOSED = ConnectionState.CLOSED


class Violation(NamedTuple):
    """A frame that fails the connection, with the close code that says so."""

    opcode: int
    payload: bytes
    code: int = 1002
    fin: bool = True
    rsv: int = 0


VIOLATIONS = {
    "reserved-bit": Violation(wire.TEXT, b"x", rsv=wire.RSV3),
    "unknown-opcode": Violation(0x3, b"x"),
    "continuation-of-nothing": Violation(wire.CONTINUATION, b"x"),
    "fragmented-ping": Violation(wire.PING, b"x", fin=False),
    "close-of-one-byte": Violation(wire.CLOSE, b"x"),
    "close-code-1005": Violation(wire.CLOSE, wire.close_payload(1005)),
    "reason-no-utf8": Violation(wire.CLOSE, wire.close_payload(1000, b"\xff"), 1007),
    "text-no-utf8": Violation(wire.TEXT, b"\xff", 1007),
}
each_violation = pytest.mark.parametrize("name", VIOLATIONS)


def violation(role: ConnectionType, name: str) -> tuple[bytes, int]:
    one = VIOLATIONS[name]
    return peer(role, one.opcode, one.payload, fin=one.fin, rsv=one.rsv), one.code


def peer(role: ConnectionType, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    return wire.peer_frame(role is ConnectionType.CLIENT, opcode, payload, fin=fin, rsv=rsv)


def peer_close(role: ConnectionType, code: int = 1000, reason: str = "") -> bytes:
    return peer(role, wire.CLOSE, wire.close_payload(code, reason))


def failed(role: ConnectionType) -> Connection:
    connection = Connection(role)
    receive(connection, violation(role, "unknown-opcode")[0])
    return connection


@pytest.mark.requirement("R6455-5.5.1-07", "R6455-5.5.1-12", "R6455-7.1.2-02", "R6455-7.1.3-01")
@roles
def test_the_peer_closes_first(role: ConnectionType) -> None:
    connection = Connection(role)
    (event,) = receive(connection, peer_close(role, 1001, "away"))
    assert event == CloseConnection(1001, "away")
    assert (connection.state, connection.ending) == (REMOTE_CLOSING, Ending.NONE)
    answer = wire.decode_frame(connection.send(CloseConnection(1001, "away").response()))
    assert (answer.opcode, answer.payload) == (wire.CLOSE, wire.close_payload(1001, "away"))
    assert (connection.state, connection.ending) == (CLOSED, Ending.END)


@pytest.mark.requirement("R6455-7.1.2-01", "R6455-7.1.3-01", "R6455-5.5.1-12", "R6455-7.1.5-01")
@roles
def test_this_side_closes_first(role: ConnectionType) -> None:
    connection = Connection(role)
    sent = wire.decode_frame(connection.send(CloseConnection(1000, "done")))
    assert (sent.opcode, sent.payload) == (wire.CLOSE, wire.close_payload(1000, "done"))
    assert (connection.state, connection.ending) == (LOCAL_CLOSING, Ending.NONE)
    assert receive(connection, peer_close(role, 1000, "done")) == [CloseConnection(1000, "done")]
    assert (connection.state, connection.ending) == (CLOSED, Ending.END)
    assert connection.protocol_error is None


@pytest.mark.requirement("R6455-5.5.1-16")
def test_both_sides_close_at_once() -> None:
    client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    from_client = client.send(CloseConnection(1000, "client"))
    from_server = server.send(CloseConnection(1001, "server"))
    assert receive(client, from_server) == [CloseConnection(1001, "server")]
    assert receive(server, from_client) == [CloseConnection(1000, "client")]
    assert (client.state, server.state) == (CLOSED, CLOSED)


@pytest.mark.requirement("R6455-7.1.4-01")
def test_a_client_and_a_server_close_in_two_steps() -> None:
    client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    (event,) = receive(server, client.send(CloseConnection(4000, "bye")))
    assert isinstance(event, CloseConnection)
    assert receive(client, server.send(event.response())) == [CloseConnection(4000, "bye")]
    assert (client.state, server.state) == (CLOSED, CLOSED)
    assert receive(client, None) == receive(server, None) == []


@roles
def test_only_the_first_close_counts(role: ConnectionType) -> None:
    connection = Connection(role)
    events = receive(connection, peer_close(role, 1000, "first") + peer_close(role, 1001, "second"))
    assert events == [CloseConnection(1000, "first")]
    assert receive(connection, peer_close(role, 1002, "third")) == []
    assert connection.state is REMOTE_CLOSING


@pytest.mark.requirement("R6455-7.1.5-01")
@roles
def test_what_follows_a_close_in_the_same_read_is_dropped(role: ConnectionType) -> None:
    for state, connection in ((REMOTE_CLOSING, Connection(role)), (CLOSED, Connection(role))):
        if state is CLOSED:
            connection.send(CloseConnection(1000))
        tail = peer(role, wire.TEXT, b"late") + peer(role, 0xB)
        assert receive(connection, peer_close(role) + tail) == [CloseConnection(1000, "")]
        assert connection.state is state
        assert connection.protocol_error is None
        assert list(connection.events()) == []


@pytest.mark.requirement("R6455-5.5.2-02")
@roles
def test_a_ping_before_a_close_in_one_read_is_answered_while_open(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.PING, b"?") + peer_close(role))
    events = connection.events()
    ping = next(events)
    assert ping == Ping(b"?")
    assert connection.state is OPEN
    assert wire.decode_frame(connection.send(Pong(b"?"))).opcode == wire.PONG
    assert next(events) == CloseConnection(1000, "")
    assert connection.state is REMOTE_CLOSING
    with pytest.raises(LocalProtocolError):
        connection.send(Pong(b"?"))


@roles
def test_a_close_sent_between_two_events_of_one_read_makes_the_peers_close_final(
    role: ConnectionType,
) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"x") + peer_close(role))
    events = connection.events()
    assert next(events) == TextMessage("x")
    connection.send(CloseConnection(1000))
    assert connection.state is LOCAL_CLOSING
    assert list(events) == [CloseConnection(1000, "")]
    assert connection.state is CLOSED


@pytest.mark.requirement("R6455-5.5.1-07")
@roles
def test_messages_before_the_peers_close_still_arrive_after_ours(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    assert receive(connection, peer(role, wire.TEXT, b"x") + peer(role, wire.PING, b"?")) == [
        TextMessage("x"),
        Ping(b"?"),
    ]
    assert wire.decode_frame(connection.send(Pong(b"?"))).payload == b"?"
    assert connection.state is LOCAL_CLOSING


@pytest.mark.requirement("R6455-5.5.1-10", "R6455-5.5.1-11")
@roles
def test_the_answer_may_wait_until_the_current_message_is_sent(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(TextMessage("a", message_finished=False))
    receive(connection, peer_close(role))
    rest = wire.decode_frame(connection.send(TextMessage("b", message_finished=False)))
    assert (rest.opcode, rest.fin, rest.payload) == (wire.CONTINUATION, False, b"b")
    last = wire.decode_frame(connection.send(TextMessage("c")))
    assert (last.opcode, last.fin, last.payload) == (wire.CONTINUATION, True, b"c")
    with pytest.raises(LocalProtocolError):
        connection.send(TextMessage("d"))
    assert connection.state is REMOTE_CLOSING
    connection.send(CloseConnection(1000))
    assert connection.state is CLOSED


@roles
def test_the_answer_may_come_before_the_current_message_is_finished(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(TextMessage("a", message_finished=False))
    receive(connection, peer_close(role))
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError):
        connection.send(TextMessage("b"))
    assert connection.state is CLOSED


@roles
def test_a_close_may_come_in_the_middle_of_a_message(role: ConnectionType) -> None:
    connection = Connection(role)
    assert receive(connection, peer(role, wire.TEXT, b"a", fin=False) + peer_close(role)) == [
        TextMessage("a", frame_finished=True, message_finished=False),
        CloseConnection(1000, ""),
    ]


# A violation by the peer.


@pytest.mark.requirement("R6455-7.1.7-01", rows="*client")
@pytest.mark.requirement("R6455-7.1.7-03", rows="*server")
@pytest.mark.requirement("R6455-7.1.7-05", "R6455-10.7-01", "R6455-10.7-03")
@roles
@each_violation
def test_a_violation_gives_one_close_to_send(role: ConnectionType, name: str) -> None:
    data, code = violation(role, name)
    connection = Connection(role)
    (event,) = receive(connection, data)
    assert type(event) is CloseConnection
    assert event.code == code
    assert event.reason
    assert connection.state is REMOTE_CLOSING
    answer = wire.decode_frame(connection.send(event.response()))
    assert (answer.opcode, answer.close_code, answer.close_reason) == (wire.CLOSE, code, event.reason)
    assert connection.state is CLOSED


@pytest.mark.requirement("R6455-7.1.7-07")
@roles
@each_violation
def test_after_a_violation_nothing_more_is_read(role: ConnectionType, name: str) -> None:
    data, _ = violation(role, name)
    connection = Connection(role)
    late = peer(role, wire.TEXT, b"late") + peer_close(role, 4000, "late")
    assert len(receive(connection, data + late)) == 1
    error = connection.protocol_error
    for more in (late, b"", data, b"\xff" * 500):
        assert receive(connection, more) == []
    assert connection.state is REMOTE_CLOSING
    assert connection.protocol_error is error
    assert receive(connection, None) == []


@pytest.mark.requirement("R6455-7.1.7-07")
@roles
@each_violation
def test_a_violation_after_our_close_ends_the_connection(role: ConnectionType, name: str) -> None:
    data, code = violation(role, name)
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    (event,) = receive(connection, data + peer_close(role))
    assert isinstance(event, CloseConnection)
    assert event.code == code
    assert connection.state is CLOSED
    assert isinstance(connection.protocol_error, RemoteProtocolError)
    with pytest.raises(LocalProtocolError):
        connection.send(event.response())
    assert receive(connection, None) == []


@roles
@each_violation
def test_what_came_before_a_violation_is_delivered(role: ConnectionType, name: str) -> None:
    connection = Connection(role)
    good = peer(role, wire.TEXT, b"good") + peer(role, wire.PING, b"?")
    events = receive(connection, good + violation(role, name)[0])
    assert events[:2] == [TextMessage("good"), Ping(b"?")]
    assert [type(event) for event in events[2:]] == [CloseConnection]


@roles
def test_the_state_changes_when_the_failure_is_yielded(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.PING, b"?") + violation(role, "unknown-opcode")[0])
    events = connection.events()
    assert next(events) == Ping(b"?")
    assert connection.state is OPEN
    assert str(connection.protocol_error) == "None"
    connection.send(Pong(b"?"))
    assert isinstance(next(events), CloseConnection)
    assert connection.state is REMOTE_CLOSING
    assert str(connection.protocol_error) != "None"
    assert list(events) == []


@roles
def test_protocol_error_tells_a_failure_from_a_close(role: ConnectionType) -> None:
    clean = Connection(role)
    assert clean.protocol_error is None
    receive(clean, peer_close(role, 1002, "a peer may say so"))
    assert clean.protocol_error is None
    broken = failed(role)
    assert isinstance(broken.protocol_error, RemoteProtocolError)
    assert str(broken.protocol_error)


@roles
def test_protocol_error_is_read_only(role: ConnectionType) -> None:
    connection = failed(role)
    with pytest.raises(AttributeError):
        connection.protocol_error = None  # type: ignore[misc]
    assert connection.protocol_error is not None


@roles
def test_protocol_error_outlives_the_answer(role: ConnectionType) -> None:
    connection = failed(role)
    error = connection.protocol_error
    connection.send(CloseConnection(1002))
    assert connection.state is CLOSED
    assert connection.protocol_error is error


@pytest.mark.requirement("R6455-10.7-03")
@roles
def test_a_failure_may_be_answered_with_another_close(role: ConnectionType) -> None:
    connection = failed(role)
    assert wire.decode_frame(connection.send(CloseConnection(1008, "own words"))).close_code == 1008
    assert connection.state is CLOSED


@roles
def test_input_after_a_failure_takes_no_memory(role: ConnectionType) -> None:
    connection = failed(role)
    chunk = b"\x00" * 2**16
    tracemalloc.start()
    try:
        for _ in range(64):
            connection.receive_data(chunk)
            assert list(connection.events()) == []
        for _ in range(64):
            connection.receive_data(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**15


@roles
def test_input_after_the_peers_close_takes_no_memory(role: ConnectionType) -> None:
    connection = Connection(role)
    receive(connection, peer_close(role))
    chunk = b"\x00" * 2**16
    tracemalloc.start()
    try:
        for _ in range(64):
            connection.receive_data(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**15


@pytest.mark.requirement("R6455-7.4.1-07", "R6455-7.4.1-09")
@roles
def test_the_library_fails_a_connection_with_1002_or_1007_only(role: ConnectionType) -> None:
    codes = set()
    for name in VIOLATIONS:
        (event,) = receive(Connection(role), violation(role, name)[0])
        codes.add(cast("CloseConnection", event).code)
    assert codes == {1002, 1007}


# The end of file.


@pytest.mark.requirement("R6455-7.1.5-03", "R6455-7.2.1-02", "R6455-7.1.4-01")
@roles
@pytest.mark.parametrize("closing", [False, True], ids=["open", "local-closing"])
def test_end_of_file_without_a_close_is_1006_once(role: ConnectionType, closing: bool) -> None:
    connection = Connection(role)
    if closing:
        connection.send(CloseConnection(1000))
    (event,) = receive(connection, None)
    assert type(event) is CloseConnection
    assert event.code == 1006
    assert connection.state is CLOSED
    assert receive(connection, None) == []
    assert list(connection.events()) == []
    assert connection.protocol_error is None


@pytest.mark.requirement("R6455-7.1.4-01")
@roles
def test_end_of_file_after_a_clean_close_gives_nothing(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    receive(connection, peer_close(role))
    assert receive(connection, None) == []
    assert receive(connection, None) == []
    assert connection.state is CLOSED


@roles
def test_end_of_file_after_the_peers_close_gives_nothing_and_the_answer_can_be_sent(
    role: ConnectionType,
) -> None:
    connection = Connection(role)
    (event,) = receive(connection, peer_close(role))
    assert receive(connection, None) == []
    assert connection.state is REMOTE_CLOSING
    connection.send(cast("CloseConnection", event).response())
    assert connection.state is CLOSED
    assert receive(connection, None) == []


@roles
def test_an_unread_close_wins_over_the_end_of_file(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"x") + peer_close(role, 1001, "away"))
    connection.receive_data(None)
    assert list(connection.events()) == [TextMessage("x"), CloseConnection(1001, "away")]
    assert connection.state is REMOTE_CLOSING


@roles
def test_unread_messages_come_before_the_end_of_file(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(peer(role, wire.TEXT, b"x"))
    connection.receive_data(None)
    events = connection.events()
    assert next(events) == TextMessage("x")
    assert connection.state is OPEN
    (event,) = events
    assert cast("CloseConnection", event).code == 1006
    assert connection.state is CLOSED


@roles
@pytest.mark.parametrize("cut", range(1, 8))
def test_end_of_file_within_a_frame_is_1006(role: ConnectionType, cut: int) -> None:
    connection = Connection(role)
    partial = peer(role, wire.BINARY, b"12345678")[:cut]
    events = receive(connection, partial) + receive(connection, None)
    assert [event.code for event in events if isinstance(event, CloseConnection)] == [1006]
    assert not any(isinstance(event, Message) and event.frame_finished for event in events)


@roles
def test_end_of_file_within_a_code_point_is_1006(role: ConnectionType) -> None:
    connection = Connection(role)
    events = receive(connection, peer(role, wire.TEXT, "é".encode())[:-1]) + receive(connection, None)
    assert [cast("CloseConnection", event).code for event in events] == [1006]


@roles
def test_end_of_file_within_a_fragmented_message_is_1006(role: ConnectionType) -> None:
    connection = Connection(role)
    events = receive(connection, peer(role, wire.BINARY, b"x", fin=False)) + receive(connection, None)
    assert events[0] == BytesMessage(b"x", frame_finished=True, message_finished=False)
    assert [cast("CloseConnection", event).code for event in events[1:]] == [1006]


@roles
def test_bytes_after_the_connection_is_closed_are_a_local_error(role: ConnectionType) -> None:
    for end in (peer_close(role), None):
        connection = Connection(role)
        connection.send(CloseConnection(1000))
        receive(connection, end)
        with pytest.raises(LocalProtocolError):
            connection.receive_data(peer(role, wire.TEXT, b"late"))
        assert connection.state is CLOSED
        assert list(connection.events()) == []


@roles
def test_bytes_after_the_end_of_file_are_a_local_error_and_give_nothing(role: ConnectionType) -> None:
    connection = Connection(role)
    receive(connection, None)
    with pytest.raises(LocalProtocolError):
        connection.receive_data(b"x")
    assert list(connection.events()) == []


@roles
def test_the_close_event_of_the_end_of_file_cannot_be_answered(role: ConnectionType) -> None:
    connection = Connection(role)
    first: list[Event] = receive(connection, None)
    assert cast("CloseConnection", first[0]).code == 1006
    with pytest.raises(LocalProtocolError):
        connection.send(cast("CloseConnection", first[0]).response())


@pytest.mark.requirement("R6455-5.5.1-06")
@roles
@pytest.mark.parametrize(
    "event", [TextMessage("x"), BytesMessage(b"x"), Message("x"), Message(b"")], ids=repr
)
def test_no_data_after_our_close(role: ConnectionType, event: Event) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError):
        connection.send(event)
    assert connection.state is LOCAL_CLOSING


@pytest.mark.requirement("R6455-5.5.1-06", "R6455-6.1-03")
@roles
def test_no_rest_of_a_message_after_our_close(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(TextMessage("a", message_finished=False))
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError):
        connection.send(TextMessage("b"))
    assert connection.state is LOCAL_CLOSING


@roles
def test_one_close_per_connection(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    with pytest.raises(LocalProtocolError):
        connection.send(CloseConnection(1000))
    receive(connection, peer_close(role))
    with pytest.raises(LocalProtocolError):
        connection.send(CloseConnection(1000))
    assert connection.state is CLOSED


@pytest.mark.requirement("R6455-5.5.2-04", rows="Ping*")
@pytest.mark.requirement("R6455-5.5.3-03", rows="Pong*")
@roles
@pytest.mark.parametrize(("event", "opcode"), [(Ping(b"?"), wire.PING), (Pong(b"!"), wire.PONG)], ids=repr)
def test_ping_and_pong_may_follow_our_close_until_the_peers(
    role: ConnectionType, event: Event, opcode: int
) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    assert wire.decode_frame(connection.send(event)).opcode == opcode
    assert connection.state is LOCAL_CLOSING
    receive(connection, peer_close(role))
    with pytest.raises(LocalProtocolError):
        connection.send(event)


@pytest.mark.requirement("R6455-5.5.1-05")
def test_a_clients_close_is_masked_and_a_servers_is_not() -> None:
    client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    assert wire.decode_frame(client.send(CloseConnection(1000))).mask is not None
    assert wire.decode_frame(server.send(CloseConnection(1000))).mask is None


def ending(connection: Connection) -> Ending:
    """As a call, so that a type checker does not take it for constant."""
    return connection.ending


@roles
def test_the_transport_is_to_be_ended_once_both_have_sent_a_close(role: ConnectionType) -> None:
    for first_here in (True, False):
        connection = Connection(role)
        assert ending(connection) is Ending.NONE
        if first_here:
            connection.send(CloseConnection(1000))
            assert ending(connection) is Ending.NONE
            receive(connection, peer_close(role))
        else:
            (close,) = receive(connection, peer_close(role))
            assert ending(connection) is Ending.NONE
            connection.send(cast(CloseConnection, close).response())
        assert ending(connection) is Ending.END


@roles
@each_violation
def test_the_transport_is_to_be_ended_behind_the_close_that_tells_of_a_violation(
    role: ConnectionType, name: str
) -> None:
    data, _ = violation(role, name)
    connection = Connection(role)
    (close,) = (event for event in receive(connection, data) if isinstance(event, CloseConnection))
    assert ending(connection) is Ending.NONE
    connection.send(close.response())
    assert ending(connection) is Ending.END
    closing = Connection(role)
    closing.send(CloseConnection(1000))
    receive(closing, data)
    assert ending(closing) is Ending.END


@roles
def test_the_transport_is_to_be_ended_at_the_peers_end_of_file(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(None)
    assert ending(connection) is Ending.END
    closing = Connection(role)
    closing.send(CloseConnection(1000))
    receive(closing, None)
    assert ending(closing) is Ending.END
    asked = Connection(role)
    (close,) = receive(asked, peer_close(role))
    asked.receive_data(None)
    assert ending(asked) is Ending.NONE, "the answer is still to be sent"
    asked.send(cast(CloseConnection, close).response())
    assert ending(asked) is Ending.END


@pytest.mark.requirement("R6455-7.1.1-03", "R6455-7.1.1-05", "R6455-7.1.1-06")
def test_over_tcp_a_server_ends_the_connection_first() -> None:
    """RFC 6455 7.1.1: so the client does not have to wait behind its own end."""
    server = asked_server()
    client, key = asking_client()
    server.send(AcceptConnection())
    accepted(client, response(key))
    for connection, role in ((server, ConnectionType.SERVER), (client, ConnectionType.CLIENT)):
        assert ending(connection) is Ending.NONE
        connection.send(CloseConnection(1000))
        receive(connection, peer_close(role))
    assert (ending(server), ending(client)) == (Ending.END, Ending.NONE)
    client.receive_data(None)
    assert ending(client) is Ending.END


def test_over_tcp_the_connection_is_ended_where_the_handshake_came_to_nothing() -> None:
    server = asked_server()
    server.send(RejectConnection(403))
    assert ending(server) is Ending.END
    unasked = WSConnection(ConnectionType.SERVER)
    unasked.receive_data(None)
    assert ending(unasked) is Ending.END

    client, _ = asking_client()
    client.receive_data(rejection(b"403 Forbidden", (b"Content-Length", b"2"), body=b"no"))
    assert ending(client) is Ending.END
    client, _ = asking_client()
    failed_client(client, b"HTTP/2")
    assert ending(client) is Ending.RESET
    client, _ = asking_client()
    failed_client(client, None)
    assert ending(client) is Ending.END, "the server has ended it already"


@roles
def test_nothing_but_a_close_in_parts_follows_the_peers_close(role: ConnectionType) -> None:
    connection = Connection(role)
    receive(connection, peer_close(role))
    for event in (TextMessage("a"), BytesMessage(b"a"), Ping(), Pong()):
        with pytest.raises(LocalProtocolError, match="cannot be sent in state REMOTE_CLOSING"):
            connection.send_parts(event)
