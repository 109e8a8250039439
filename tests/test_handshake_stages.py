"""Every stage of the opening handshake with every input (what is not permitted is an error)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.handshake_bytes import (
    KEY,
    asked_server,
    asking_client,
    rejection,
    request,
    response,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionState, ConnectionType, Limits, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension
from wsproto.handshake import H11Handshake
from wsproto.stream_handshake import StreamHandshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTING, OPEN, CLOSED, REJECTING = (
    ConnectionState.CONNECTING,
    ConnectionState.OPEN,
    ConnectionState.CLOSED,
    ConnectionState.REJECTING,
)

SENDABLE: list[Event] = [
    Request("localhost", "/"),
    AcceptConnection(),
    RejectConnection(),
    RejectData(b""),
    Message("a"),
    TextMessage("a"),
    BytesMessage(b"a"),
    Ping(),
    Pong(),
    CloseConnection(1000),
]
DATA = {Message, TextMessage, BytesMessage, Ping, Pong, CloseConnection}
ANSWERS = {AcceptConnection, RejectConnection}


def new_client() -> WSConnection:
    return WSConnection(ConnectionType.CLIENT)


def requested_client() -> WSConnection:
    return asking_client()[0]


def interim_client() -> WSConnection:
    client = requested_client()
    feed(client, b"HTTP/1.1 103 Early Hints\r\n\r\n")
    return client


def half_answered_client() -> WSConnection:
    client, key = asking_client()
    feed(client, response(key)[:-1])
    return client


def open_client() -> WSConnection:
    client, key = asking_client()
    feed(client, response(key))
    return client


def rejecting_client() -> WSConnection:
    client = requested_client()
    feed(client, rejection(b"403 Forbidden", (b"Content-Length", b"5")))
    return client


def rejecting_client_until_eof() -> WSConnection:
    client = requested_client()
    feed(client, rejection(b"403 Forbidden"))
    return client


def rejected_client() -> WSConnection:
    client = requested_client()
    feed(client, rejection(b"403 Forbidden", (b"Content-Length", b"0")))
    return client


def interim_rejected_client() -> WSConnection:
    client = requested_client()
    feed(client, b"HTTP/1.1 100 Continue\r\n\r\n", None)
    return client


def unanswered_client() -> WSConnection:
    client = requested_client()
    with pytest.raises(RemoteProtocolError):
        feed(client, None)
    return client


def failed_client() -> WSConnection:
    client = requested_client()
    with pytest.raises(RemoteProtocolError):
        feed(client, response(KEY))
    return client


def new_server() -> WSConnection:
    return WSConnection(ConnectionType.SERVER)


def half_asked_server() -> WSConnection:
    server = new_server()
    feed(server, request()[:-1])
    return server


def refusing_server() -> WSConnection:
    server = new_server()
    with pytest.raises(RemoteProtocolError):
        feed(server, request({b"Upgrade": []}))
    return server


def open_server() -> WSConnection:
    server = asked_server()
    server.send(AcceptConnection())
    return server


def rejecting_server() -> WSConnection:
    server = asked_server()
    server.send(RejectConnection(403, has_body=True))
    return server


def rejected_server() -> WSConnection:
    server = asked_server()
    server.send(RejectConnection(403))
    return server


def rejected_with_body_server() -> WSConnection:
    server = rejecting_server()
    server.send(RejectData(b"x"))
    return server


def refused_server() -> WSConnection:
    server = refusing_server()
    server.send(RejectConnection())
    return server


def ended_server() -> WSConnection:
    server = new_server()
    feed(server, None)
    return server


#: A way to bring a connection to a stage, the public state there, and what it may send there.
STAGES: list[tuple[Callable[[], WSConnection], ConnectionState, set[type[Event]]]] = [
    (new_client, CONNECTING, {Request}),
    (requested_client, CONNECTING, set()),
    (interim_client, CONNECTING, set()),
    (half_answered_client, CONNECTING, set()),
    (open_client, OPEN, DATA),
    (rejecting_client, REJECTING, set()),
    (rejecting_client_until_eof, REJECTING, set()),
    (rejected_client, CLOSED, set()),
    (interim_rejected_client, CLOSED, set()),
    (unanswered_client, CLOSED, set()),
    (failed_client, CLOSED, set()),
    (new_server, CONNECTING, set()),
    (half_asked_server, CONNECTING, set()),
    (asked_server, CONNECTING, ANSWERS),
    (refusing_server, CONNECTING, {RejectConnection}),
    (open_server, OPEN, DATA),
    (rejecting_server, REJECTING, {RejectData}),
    (rejected_server, CLOSED, set()),
    (rejected_with_body_server, CLOSED, set()),
    (refused_server, CLOSED, set()),
    (ended_server, CLOSED, set()),
]
STATE_OF = {make: state for make, state, _ in STAGES}

SENDS = [(make, event, type(event) in permitted) for make, _, permitted in STAGES for event in SENDABLE]
SEND_IDS = [f"{make.__name__}-{type(event).__name__}" for make, event, _ in SENDS]


@pytest.mark.parametrize(("make", "state"), STATE_OF.items(), ids=[make.__name__ for make in STATE_OF])
def test_each_stage_has_its_state(make: Callable[[], WSConnection], state: ConnectionState) -> None:
    assert make().state is state


@pytest.mark.requirement("R6455-4.1-40", "R6455-6.1-02")
@pytest.mark.parametrize(("make", "event", "permitted"), SENDS, ids=SEND_IDS)
def test_send(make: Callable[[], WSConnection], event: Event, permitted: bool) -> None:
    connection = make()
    assert connection.can_send(type(event)) is permitted
    if permitted:
        assert type(connection.send(event)) is bytes
    else:
        with pytest.raises(LocalProtocolError):
            connection.send(event)
        assert connection.state is STATE_OF[make]


@pytest.mark.parametrize(
    "make",
    [make for make, _, permitted in STAGES if permitted],
    ids=lambda make: getattr(make, "__name__", ""),
)
def test_what_is_no_event_cannot_be_sent(make: Callable[[], WSConnection]) -> None:
    connection = make()
    for thing in (None, "text", b"bytes", Request, object(), Event()):
        with pytest.raises(LocalProtocolError):
            connection.send(thing)  # type: ignore[arg-type]
    assert connection.state is STATE_OF[make]


AFTER_SEND: list[tuple[Callable[[], WSConnection], Event, ConnectionState]] = [
    (new_client, Request("localhost", "/"), CONNECTING),
    (asked_server, AcceptConnection(), OPEN),
    (asked_server, RejectConnection(), CLOSED),
    (asked_server, RejectConnection(has_body=True), REJECTING),
    (refusing_server, RejectConnection(), CLOSED),
    (refusing_server, RejectConnection(has_body=True), REJECTING),
    (rejecting_server, RejectData(b"x", body_finished=False), REJECTING),
    (rejecting_server, RejectData(b"x", body_finished=True), CLOSED),
]


@pytest.mark.parametrize(("make", "event", "state"), AFTER_SEND)
def test_state_after_sending(make: Callable[[], WSConnection], event: Event, state: ConnectionState) -> None:
    connection = make()
    connection.send(event)
    assert connection.state is state


#: What each stage makes of the end of file: events or an error, and the state then.
AT_EOF: list[tuple[Callable[[], WSConnection], list[Event] | type[Exception], ConnectionState]] = [
    (new_client, RemoteProtocolError, CLOSED),
    (requested_client, RemoteProtocolError, CLOSED),
    (interim_client, [RejectConnection(103)], CLOSED),
    (half_answered_client, RemoteProtocolError, CLOSED),
    (open_client, [CloseConnection(1006)], CLOSED),
    (rejecting_client, RemoteProtocolError, CLOSED),
    (rejecting_client_until_eof, [RejectData(b"", body_finished=True)], CLOSED),
    (rejected_client, [], CLOSED),
    (interim_rejected_client, [], CLOSED),
    (unanswered_client, [], CLOSED),
    (failed_client, [], CLOSED),
    (new_server, [], CLOSED),
    (half_asked_server, [], CLOSED),
    (asked_server, [], CONNECTING),
    (refusing_server, [], CONNECTING),
    (open_server, [CloseConnection(1006)], CLOSED),
    (rejecting_server, [], REJECTING),
    (rejected_server, [], CLOSED),
    (rejected_with_body_server, [], CLOSED),
    (refused_server, [], CLOSED),
    (ended_server, [], CLOSED),
]
EOF_IDS = [make.__name__ for make, _, _ in AT_EOF]


def test_the_end_of_file_is_tried_in_each_stage() -> None:
    assert [make for make, _, _ in AT_EOF] == [make for make, _, _ in STAGES]


@pytest.mark.requirement("R6455-7.2.1-01", "R6455-7.2.1-02")
@pytest.mark.parametrize(("make", "outcome", "state"), AT_EOF, ids=EOF_IDS)
def test_end_of_file(
    make: Callable[[], WSConnection], outcome: list[Event] | type[Exception], state: ConnectionState
) -> None:
    connection = make()
    if isinstance(outcome, list):
        events = feed(connection, None)
        assert [(type(event), getattr(event, "code", None)) for event in events] == [
            (type(event), getattr(event, "code", None)) for event in outcome
        ]
    else:
        with pytest.raises(outcome) as caught:
            feed(connection, None)
        assert type(getattr(caught.value, "event_hint", None)) is RejectConnection
    assert connection.state is state
    assert feed(connection, None) == []
    assert connection.state is state


@pytest.mark.parametrize(
    "make",
    [make for make, state, _ in STAGES if state is CLOSED],
    ids=lambda make: getattr(make, "__name__", ""),
)
def test_bytes_after_the_end_are_refused(make: Callable[[], WSConnection]) -> None:
    connection = make()
    with pytest.raises(LocalProtocolError):
        connection.receive_data(b"x")
    assert connection.state is CLOSED
    assert list(connection.events()) == []


@pytest.mark.parametrize(
    "make",
    [make for make, _, _ in STAGES if make is not rejecting_client_until_eof],
    ids=lambda make: getattr(make, "__name__", ""),
)
def test_a_read_of_nothing_changes_nothing(make: Callable[[], WSConnection]) -> None:
    connection = make()
    assert feed(connection, b"", b"") == []
    assert connection.state is STATE_OF[make]


def test_a_read_of_nothing_ends_a_body_that_ends_with_the_connection() -> None:
    """As in h11, and in the package whose name this one has."""
    client = rejecting_client_until_eof()
    assert feed(client, b"No.", b"") == [RejectData(b"No.", body_finished=False), RejectData(b"")]
    assert client.state is CLOSED
    assert feed(client, b"", None) == []


@pytest.mark.parametrize(
    "make", [asked_server, refusing_server, rejecting_server], ids=lambda make: make.__name__
)
def test_bytes_while_the_server_answers_are_no_event(make: Callable[[], WSConnection]) -> None:
    connection = make()
    assert feed(connection, request()) == []
    assert connection.state is STATE_OF[make]


@pytest.mark.parametrize("answer", [AcceptConnection(), RejectConnection(403)], ids=["accept", "reject"])
def test_a_server_can_answer_after_the_client_stopped_sending(answer: Event) -> None:
    server = asked_server()
    feed(server, None)
    assert server.send(answer) == asked_server().send(answer)


def test_bytes_after_the_end_of_file_are_refused() -> None:
    server = asked_server()
    feed(server, None)
    with pytest.raises(LocalProtocolError, match="RECEIVE_LATE_BYTES is not permitted to a server"):
        server.receive_data(b"\x89\x80mask")
    server.receive_data(b"")
    server.send(AcceptConnection())
    assert [type(event) for event in server.events()] == [CloseConnection]


def test_a_connection_accepted_after_the_end_of_file_is_lost() -> None:
    server = asked_server()
    feed(server, None)
    server.send(AcceptConnection())
    assert [event.code for event in server.events() if isinstance(event, CloseConnection)] == [1006]
    assert server.state is CLOSED
    assert feed(server, None) == []


def test_a_request_is_sent_once() -> None:
    client, key = asking_client()
    with pytest.raises(LocalProtocolError):
        client.send(Request("localhost", "/"))
    feed(client, response(key))
    assert client.state is OPEN


def test_a_second_request_of_the_peer_is_no_second_event() -> None:
    server = new_server()
    assert [type(event) for event in feed(server, request() + request())] == [Request]


@pytest.mark.parametrize(
    "make",
    [failed_client, refusing_server, new_client, rejected_client],
    ids=lambda make: getattr(make, "__name__", ""),
)
def test_events_give_nothing_more_after_the_last(make: Callable[[], WSConnection]) -> None:
    connection = make()
    assert list(connection.events()) == []
    assert list(connection.events()) == []


@pytest.mark.parametrize("role", ConnectionType)
def test_with_which_values_a_handshake_begins(role: ConnectionType) -> None:
    handshake = H11Handshake(role)
    assert handshake.failed is False
    assert (handshake.agreement, handshake.connection) == (None, None)


def test_the_first_interim_response_counts_as_one() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    handshake = H11Handshake(ConnectionType.CLIENT, limits=Limits(max_interim_responses=1))
    handshake.send(Request("localhost", "/"))
    handshake.receive_data(interim)
    with pytest.raises(RemoteProtocolError, match="More than 1 interim responses"):
        handshake.receive_data(interim)


def test_the_body_of_a_rejection_has_just_the_size_that_is_permitted() -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n"
    for size in (4, 3):
        handshake = H11Handshake(ConnectionType.CLIENT, limits=Limits(max_reject_body_size=size))
        handshake.send(Request("localhost", "/"))
        if size == 4:
            handshake.receive_data(head + b"body")
            assert list(handshake.events())[1:] == [RejectData(b"body", False), RejectData(b"", True)]
            continue
        with pytest.raises(RemoteProtocolError, match="with more than 3 bytes of body"):
            handshake.receive_data(head + b"body")
        assert list(handshake.events())[1:] == [RejectData(b"bod", False)]


def test_nothing_is_behind_the_answer_on_a_stream() -> None:
    handshake = StreamHandshake(ConnectionType.CLIENT)
    handshake.send(Request("localhost", "/"))
    handshake.receive_headers([(b":status", b"200")])
    assert handshake.agreement == ([], b"", False)


def test_early_data_has_just_the_size_that_is_permitted() -> None:
    handshake = H11Handshake(ConnectionType.SERVER, limits=Limits(max_early_data=3))
    handshake.receive_data(request() + b"ab")
    handshake.receive_data(b"c")
    with pytest.raises(RemoteProtocolError, match="More than 3 bytes before the handshake was answered"):
        handshake.receive_data(b"d")


def test_of_a_body_that_is_full_already_nothing_more_comes() -> None:
    handshake = H11Handshake(ConnectionType.CLIENT, limits=Limits(max_reject_body_size=3))
    handshake.send(Request("localhost", "/"))
    handshake.receive_data(rejection(b"404 Not Found", body=b"bod"))
    with pytest.raises(RemoteProtocolError, match="with more than 3 bytes of body"):
        handshake.receive_data(b"y")
    assert list(handshake.events())[1:] == [RejectData(b"bod", False)]


@pytest.mark.parametrize(
    ("data", "finished", "good"),
    [(b"1234", True, True), (b"123", False, True), (b"123", True, False), (b"12345", False, False)],
)
def test_the_body_that_a_server_sends_has_the_length_that_it_said(
    data: bytes, finished: bool, good: bool
) -> None:
    server = asked_server()
    server.send(RejectConnection(403, [(b"Content-Length", b"4")], has_body=True))
    if good:
        assert server.send(RejectData(data, finished)) == data
        if not finished:
            with pytest.raises(LocalProtocolError, match=r"2 bytes of body where Content-Length leaves 1"):
                server.send(RejectData(b"45", True))
    else:
        with pytest.raises(LocalProtocolError, match=r"bytes of body where Content-Length leaves 4"):
            server.send(RejectData(data, finished))


@pytest.mark.parametrize("kind", ["client", 1, None])
def test_a_handshake_is_of_one_of_the_two_types(kind: Any) -> None:
    with pytest.raises(LocalProtocolError, match="connection_type must be a ConnectionType"):
        H11Handshake(kind)


def test_an_event_that_holds_something_else_cannot_be_sent() -> None:
    numbers: Any = 5
    server = asked_server()
    with pytest.raises(LocalProtocolError, match="holds what cannot be sent"):
        server.send(AcceptConnection(extensions=numbers))
    assert server.state is CONNECTING


@pytest.mark.parametrize("error", [AttributeError, TypeError, ValueError])
def test_an_extension_that_cannot_be_asked_for_its_offer_cannot_be_sent(error: type[Exception]) -> None:
    class Failing(Extension):
        name = "x-a"

        def offer(self) -> bool | str:
            raise error

    client = WSConnection(ConnectionType.CLIENT)
    with pytest.raises(LocalProtocolError, match="holds what cannot be sent"):
        client.send(Request("localhost", "/", [Failing()]))
    assert client.state is CONNECTING


def test_a_handshake_tells_that_the_peer_has_failed_it() -> None:
    handshake = H11Handshake(ConnectionType.SERVER)
    assert handshake.failed is False
    with pytest.raises(RemoteProtocolError):
        handshake.receive_data(b"SSH-2.0-\r\n\r\n")
    assert handshake.failed is True
