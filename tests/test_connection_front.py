"""The methods of an open connection: what they take, and what they leave to the rules behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.marks import roles
from tests.oracle.deflating import CLIENT, SERVER
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError


@roles
def test_arguments_may_be_named(role: ConnectionType) -> None:
    connection = Connection(role)
    frame = wire.peer_frame(role is CLIENT, wire.TEXT, b"Hello")
    connection.receive_data(data=frame)
    assert list(connection.events()) == [TextMessage("Hello")]
    assert connection.send(event=Ping(b"p"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {}),
        ((b"", b""), {}),
        ((b"",), {"data": b""}),
        ((), {"other": b""}),
        ((), {"data": b"", "other": 1}),
    ],
)
@pytest.mark.parametrize("method", ["receive_data", "send"])
def test_any_other_arguments_are_a_type_error(
    method: str, arguments: tuple[bytes, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        getattr(Connection(SERVER), method)(*arguments, **named)


def test_events_take_no_argument() -> None:
    with pytest.raises(TypeError):
        Connection(SERVER).events(1)  # type: ignore[call-arg]


@roles
def test_what_changes_the_state_is_judged(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    assert connection.state is ConnectionState.LOCAL_CLOSING
    for event in (TextMessage("a"), BytesMessage(b"a")):
        with pytest.raises(LocalProtocolError, match="cannot be sent in state LOCAL_CLOSING"):
            connection.send(event)
    assert wire.decode_frame(connection.send(Ping(b"p"))).payload == b"p"


@roles
def test_a_class_of_a_programs_own_is_judged_as_its_base(role: ConnectionType) -> None:
    class OwnPing(Ping):
        """A Ping of its own."""

    assert wire.decode_frame(Connection(role).send(OwnPing(b"p"))).payload == b"p"


@roles
def test_what_waits_comes_first(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.PING, b"p"))
    connection.inject(TextMessage("injected"))
    assert list(connection.events()) == [TextMessage("injected"), Ping(b"p")]
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.PING, b"q"))
    assert list(connection.events()) == [Ping(b"q")]


@roles
def test_end_of_file_and_what_comes_behind_it_are_judged(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.TEXT, b"Hello"))
    connection.receive_data(None)
    with pytest.raises(LocalProtocolError, match="in state OPEN after end of file"):
        connection.receive_data(b"x")
    assert list(connection.events()) == [TextMessage("Hello"), CloseConnection(1006)]
    assert connection.state is ConnectionState.CLOSED
    with pytest.raises(LocalProtocolError, match="in state CLOSED"):
        connection.receive_data(b"x")


@roles
def test_what_comes_behind_a_close_is_judged(role: ConnectionType) -> None:
    connection = Connection(role)
    connection.send(CloseConnection(1000))
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.TEXT, b"late"))
    assert list(connection.events()) == [TextMessage("late")]
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.CLOSE, b"\x03\xe8"))
    assert list(connection.events()) == [CloseConnection(1000, "")]
    with pytest.raises(LocalProtocolError, match="in state CLOSED"):
        connection.receive_data(b"x")
