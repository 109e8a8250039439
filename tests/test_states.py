"""Every state of a connection with every input, against a table written from the specification.

Close sent / received   no               yes
no                      OPEN             REMOTE_CLOSING
yes                     LOCAL_CLOSING    CLOSED
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.marks import roles
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, states
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
from wsproto.utilities import LocalProtocolError

OPEN = ConnectionState.OPEN
LOCAL_CLOSING = ConnectionState.LOCAL_CLOSING
REMOTE_CLOSING = ConnectionState.REMOTE_CLOSING
CLOSED = ConnectionState.CLOSED

#: Ways into each state: steps that `reach` takes.
PATHS: dict[str, tuple[ConnectionState, list[str]]] = {
    "open": (OPEN, []),
    "open, message begun": (OPEN, ["begin"]),
    "local closing": (LOCAL_CLOSING, ["send close"]),
    "local closing, message begun": (LOCAL_CLOSING, ["begin", "send close"]),
    "remote closing": (REMOTE_CLOSING, ["receive close"]),
    "remote closing, message begun": (REMOTE_CLOSING, ["begin", "receive close"]),
    "remote closing by a violation": (REMOTE_CLOSING, ["receive violation"]),
    "remote closing, then end of file": (REMOTE_CLOSING, ["receive close", "receive eof"]),
    "closed from this side": (CLOSED, ["send close", "receive close"]),
    "closed by the peer": (CLOSED, ["receive close", "send close"]),
    "closed by the peer, message begun": (CLOSED, ["begin", "receive close", "send close"]),
    "closed by end of file": (CLOSED, ["receive eof"]),
    "closed by end of file after our close": (CLOSED, ["send close", "receive eof"]),
    "closed by a violation after our close": (CLOSED, ["send close", "receive violation"]),
    "closed after a violation": (CLOSED, ["receive violation", "send close"]),
}

#: What may be sent, and the state after it. What is not here is a LocalProtocolError.
SENDS: dict[str, Event] = {
    "text": TextMessage("x"),
    "binary": BytesMessage(b"x"),
    "str": Message("x"),
    "bytes": Message(b"x"),
    "text fragment": TextMessage("x", message_finished=False),
    "ping": Ping(b"x"),
    "pong": Pong(b"x"),
    "close": CloseConnection(1000, "x"),
    "request": Request("h", "/"),
    "accept": AcceptConnection(),
    "reject": RejectConnection(),
    "reject data": RejectData(b"x"),
    "event": Event(),
}
TEXTS = {"text", "str", "text fragment"}
SENT: dict[ConnectionState, dict[str, ConnectionState]] = {
    OPEN: {
        "text": OPEN,
        "binary": OPEN,
        "str": OPEN,
        "bytes": OPEN,
        "text fragment": OPEN,
        "ping": OPEN,
        "pong": OPEN,
        "close": LOCAL_CLOSING,
    },
    LOCAL_CLOSING: {"ping": LOCAL_CLOSING, "pong": LOCAL_CLOSING},
    REMOTE_CLOSING: {"close": CLOSED},
    CLOSED: {},
}

#: What may arrive: (bytes, or None for end of file).
ARRIVALS: dict[str, tuple[int, bytes] | None] = {
    "text": (wire.TEXT, b"x"),
    "binary": (wire.BINARY, b"x"),
    "ping": (wire.PING, b"x"),
    "pong": (wire.PONG, b"x"),
    "close": (wire.CLOSE, wire.close_payload(1001, "x")),
    "violation": (0xB, b""),
    "eof": None,
}
#: The state after it and the event that it gives: a class, a close code, or None for nothing.
ARRIVED: dict[ConnectionState, dict[str, tuple[ConnectionState, type[Event] | int | None]]] = {
    OPEN: {
        "text": (OPEN, TextMessage),
        "binary": (OPEN, BytesMessage),
        "ping": (OPEN, Ping),
        "pong": (OPEN, Pong),
        "close": (REMOTE_CLOSING, 1001),
        "violation": (REMOTE_CLOSING, 1002),
        "eof": (CLOSED, 1006),
    },
    LOCAL_CLOSING: {
        "text": (LOCAL_CLOSING, TextMessage),
        "binary": (LOCAL_CLOSING, BytesMessage),
        "ping": (LOCAL_CLOSING, Ping),
        "pong": (LOCAL_CLOSING, Pong),
        "close": (CLOSED, 1001),
        "violation": (CLOSED, 1002),
        "eof": (CLOSED, 1006),
    },
    REMOTE_CLOSING: dict.fromkeys(ARRIVALS, (REMOTE_CLOSING, None)),
    CLOSED: {"eof": (CLOSED, None)},
}

paths = pytest.mark.parametrize("path", PATHS)


def arrival(role: ConnectionType, name: str) -> bytes | None:
    one = ARRIVALS[name]
    return None if one is None else wire.peer_frame(role is ConnectionType.CLIENT, *one)


def reach(role: ConnectionType, path: str) -> Connection:
    connection = Connection(role)
    for step in PATHS[path][1]:
        if step == "begin":
            connection.send(SENDS["text fragment"])
        elif step == "send close":
            connection.send(SENDS["close"])
        else:
            receive(connection, arrival(role, step.removeprefix("receive ")))
    return connection


def expected_after_sending(path: str, name: str) -> ConnectionState | None:
    """The state after sending, None where sending is refused."""
    state = PATHS[path][0]
    if path.endswith("message begun"):
        if name in TEXTS and state is not CLOSED and state is not LOCAL_CLOSING:
            return state  # RFC 6455 5.5.1: the rest of the message may precede the answering Close
        if name in {"binary", "bytes"}:
            return None  # RFC 6455 5.4: not inside the text message that was begun
    return SENT[state].get(name)


@pytest.mark.requirement("R6455-5.5.1-12", "R6455-7.1.3-01")
@roles
@paths
def test_each_path_ends_in_its_state(role: ConnectionType, path: str) -> None:
    assert reach(role, path).state is PATHS[path][0]


@pytest.mark.requirement("R6455-5.1-07", "R6455-5.5.1-06", "R6455-5.5.1-11", "R6455-6.1-02", "R6455-6.1-03")
@roles
@pytest.mark.parametrize(
    ("path", "name"), list(itertools.product(PATHS, SENDS)), ids=lambda value: value.replace(" ", "-")
)
def test_sending(role: ConnectionType, path: str, name: str) -> None:
    connection = reach(role, path)
    expected = expected_after_sending(path, name)
    if expected is None:
        with pytest.raises(LocalProtocolError):
            connection.send(SENDS[name])
        assert connection.state is PATHS[path][0]
    else:
        (sent,) = wire.decode_frames(connection.send(SENDS[name]))
        assert (sent.mask is not None) is (role is ConnectionType.CLIENT)
        assert connection.state is expected


@pytest.mark.requirement("R6455-7.1.7-07", "R6455-5.5.1-07")
@roles
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (path, name)
        for path, name in itertools.product(PATHS, ARRIVALS)
        # Nothing can arrive after the end of file but another end of file.
        if name == "eof" or not path.startswith("remote closing, then end of file")
    ],
    ids=lambda value: value.replace(" ", "-"),
)
def test_receiving(role: ConnectionType, path: str, name: str) -> None:
    connection = reach(role, path)
    state = PATHS[path][0]
    if name not in ARRIVED[state]:
        with pytest.raises(LocalProtocolError):
            connection.receive_data(arrival(role, name))
        assert list(connection.events()) == []
        assert connection.state is state
        return
    expected_state, expected = ARRIVED[state][name]
    events = receive(connection, arrival(role, name))
    assert [event.code if isinstance(event, CloseConnection) else type(event) for event in events] == (
        [] if expected is None else [expected]
    )
    assert connection.state is expected_state


@roles
@pytest.mark.parametrize(
    "path", [path for path in PATHS if "closed" not in path and "end of file" not in path]
)
def test_no_bytes_change_nothing(role: ConnectionType, path: str) -> None:
    connection = reach(role, path)
    assert receive(connection, b"") == []
    assert connection.state is PATHS[path][0]


@roles
@paths
def test_each_event_comes_once(role: ConnectionType, path: str) -> None:
    connection = reach(role, path)
    assert list(connection.events()) == []
    assert connection.state is PATHS[path][0]


@roles
@pytest.mark.parametrize(
    ("path", "name"),
    # The type of a message that was begun is a matter of the event, not of its class.
    [
        (path, name)
        for path, name in itertools.product(PATHS, SENDS)
        if not (path.endswith("message begun") and name in {"binary", "bytes"})
    ],
    ids=lambda value: value.replace(" ", "-"),
)
def test_can_send_foretells_what_send_does(role: ConnectionType, path: str, name: str) -> None:
    connection = reach(role, path)
    assert connection.can_send(type(SENDS[name])) is (expected_after_sending(path, name) is not None)


# The values and the arrows, one by one ---------------------------------------------------------------------

ARROWS = {
    "CONNECTION": """
        CLOSED RECEIVE_EOF CLOSED
        LOCAL_CLOSING RECEIVE_BYTES LOCAL_CLOSING
        LOCAL_CLOSING RECEIVE_CLOSE CLOSED
        LOCAL_CLOSING RECEIVE_EOF CLOSED
        LOCAL_CLOSING RECEIVE_VIOLATION CLOSED
        LOCAL_CLOSING SEND_PING LOCAL_CLOSING
        LOCAL_CLOSING SEND_PONG LOCAL_CLOSING
        OPEN RECEIVE_BYTES OPEN
        OPEN RECEIVE_CLOSE REMOTE_CLOSING
        OPEN RECEIVE_EOF CLOSED
        OPEN RECEIVE_VIOLATION REMOTE_CLOSING
        OPEN SEND_CLOSE LOCAL_CLOSING
        OPEN SEND_CONTINUATION OPEN
        OPEN SEND_MESSAGE OPEN
        OPEN SEND_PING OPEN
        OPEN SEND_PONG OPEN
        REMOTE_CLOSING RECEIVE_BYTES REMOTE_CLOSING
        REMOTE_CLOSING RECEIVE_EOF REMOTE_CLOSING
        REMOTE_CLOSING RECEIVE_LATE_BYTES REMOTE_CLOSING
        REMOTE_CLOSING SEND_CLOSE CLOSED
        REMOTE_CLOSING SEND_CONTINUATION REMOTE_CLOSING
    """,
    "CLIENT_HANDSHAKE": """
        ACCEPTED RECEIVE_EOF ACCEPTED
        BODY RECEIVE_BODY BODY
        BODY RECEIVE_BODY_END ENDED
        BODY RECEIVE_BYTES BODY
        BODY RECEIVE_EOF ENDED
        BODY RECEIVE_VIOLATION ENDED
        ENDED RECEIVE_EOF ENDED
        INITIAL RECEIVE_BYTES INITIAL
        INITIAL RECEIVE_EOF ENDED
        INITIAL RECEIVE_VIOLATION ENDED
        INITIAL SEND_REQUEST REQUESTED
        REQUESTED RECEIVE_ACCEPT ACCEPTED
        REQUESTED RECEIVE_BYTES REQUESTED
        REQUESTED RECEIVE_EOF ENDED
        REQUESTED RECEIVE_INTERIM REQUESTED
        REQUESTED RECEIVE_REJECT ENDED
        REQUESTED RECEIVE_REJECT_HEAD BODY
        REQUESTED RECEIVE_VIOLATION ENDED
    """,
    "SERVER_HANDSHAKE": """
        ACCEPTED RECEIVE_EOF ACCEPTED
        BODY RECEIVE_BYTES BODY
        BODY RECEIVE_EOF BODY
        BODY SEND_BODY BODY
        BODY SEND_BODY_END ENDED
        ENDED RECEIVE_EOF ENDED
        INITIAL RECEIVE_BYTES INITIAL
        INITIAL RECEIVE_EOF ENDED
        INITIAL RECEIVE_REQUEST REQUESTED
        INITIAL RECEIVE_VIOLATION REFUSED
        REFUSED RECEIVE_BYTES REFUSED
        REFUSED RECEIVE_EOF REFUSED
        REFUSED SEND_REJECT ENDED
        REFUSED SEND_REJECT_HEAD BODY
        REQUESTED RECEIVE_BYTES REQUESTED
        REQUESTED RECEIVE_EOF REQUESTED
        REQUESTED RECEIVE_VIOLATION REFUSED
        REQUESTED SEND_ACCEPT ACCEPTED
        REQUESTED SEND_REJECT ENDED
        REQUESTED SEND_REJECT_HEAD BODY
    """,
}


@pytest.mark.parametrize("name", ARROWS)
def test_the_arrows_are_these_and_no_others(name: str) -> None:
    """From where, by which input, to where."""
    table: Any = getattr(states, name)
    arrows = {f"{here.name} {what.name} {to.name}" for here, row in table.items() for what, to in row.items()}
    assert arrows == {" ".join(line.split()) for line in ARROWS[name].splitlines() if line.strip()}


def test_the_values_that_users_may_have_stored() -> None:
    assert {kind.name: kind.value for kind in states.ConnectionType} == {"CLIENT": 1, "SERVER": 2}
    assert {state.name: state.value for state in states.ConnectionState} == {
        "CONNECTING": 0,
        "OPEN": 1,
        "REMOTE_CLOSING": 2,
        "LOCAL_CLOSING": 3,
        "CLOSED": 4,
        "REJECTING": 5,
    }
    assert {ending.name: ending.value for ending in states.Ending} == {"NONE": 0, "END": 1, "RESET": 2}


def test_the_public_state_of_each_stage() -> None:
    assert {stage.name: state.name for stage, state in states.STATE_OF_STAGE.items()} == {
        "INITIAL": "CONNECTING",
        "REQUESTED": "CONNECTING",
        "REFUSED": "CONNECTING",
        "BODY": "REJECTING",
        "ACCEPTED": "OPEN",
        "ENDED": "CLOSED",
    }
