r"""The state machine of a connection: every state, every input, every transition.

A connection lives twice: first as an HTTP exchange, then as frames.

The opening handshake. A client sends a request and waits, a server waits for one and answers. The answer is
101, and the connection is OPEN, or it is some other response with or without a body. Public states are
coarser than the stages of this exchange (`STATE_OF_STAGE`): all that comes before the answer is CONNECTING.
End of file ends a client's handshake, a server's before the request; behind that, a server's answer may still
be on its way out. Once the answer is 101 it is the connection's to judge, and changes nothing here.

The closing handshake. Each side sends one Close and receives one. So there are two axes, and four states:

                        Close not received       Close received
    Close not sent      OPEN                     REMOTE_CLOSING
    Close sent          LOCAL_CLOSING            CLOSED

Along each axis a connection only moves forward. A frame that breaks the protocol counts as the peer's Close,
since nothing is read after it (RFC 6455 7.1.7). End of file counts as both, unless the peer's Close has
arrived: then it changes nothing, for the answering Close may still be on its way out.

What each state permits to send: data in OPEN (5.1), and in REMOTE_CLOSING the rest of a message that was
begun (5.5.1); ping and pong until the peer's Close has arrived (5.5.2, 5.5.3); Close once. What each state
does with bytes that arrive: OPEN and LOCAL_CLOSING read them, REMOTE_CLOSING drops them, CLOSED refuses them.

Both tables map a state and an input to the next state. What is not in them is not permitted: where the
application asks for it, that is a `LocalProtocolError`.
"""

from __future__ import annotations

from enum import Enum, auto


class ConnectionType(Enum):
    """Which of the two roles this side plays."""

    CLIENT = 1
    SERVER = 2


class ConnectionState(Enum):
    """What has happened on a connection so far."""

    CONNECTING = 0
    """The opening handshake is under way."""
    OPEN = 1
    """Neither side has sent a Close."""
    REMOTE_CLOSING = 2
    """The peer has sent a Close, or failed the connection; this side has not answered."""
    LOCAL_CLOSING = 3
    """This side has sent a Close, the peer has not answered."""
    CLOSED = 4
    """Both have sent a Close, the transport is lost, or the handshake came to nothing."""
    REJECTING = 5
    """The handshake was answered with a rejection, whose body is under way."""

    # Members are single objects, so identity serves as hash; Enum's own is a function in Python, which would
    # cost each look-up in the tables 0.25 microseconds.
    __hash__ = object.__hash__


class Input(Enum):
    """What moves a connection after its opening handshake."""

    SEND_MESSAGE = auto()
    """A message, or its first fragment."""
    SEND_CONTINUATION = auto()
    """A further fragment of a message."""
    SEND_PING = auto()
    SEND_PONG = auto()
    SEND_CLOSE = auto()
    RECEIVE_BYTES = auto()
    RECEIVE_LATE_BYTES = auto()
    """Bytes after end of file."""
    RECEIVE_CLOSE = auto()
    RECEIVE_VIOLATION = auto()
    """A frame that breaks the protocol."""
    RECEIVE_EOF = auto()

    __hash__ = object.__hash__


class Stage(Enum):
    """How far the opening handshake has come."""

    INITIAL = auto()
    """No request yet."""
    REQUESTED = auto()
    """The request was sent or received."""
    REFUSED = auto()
    """The client's request broke the protocol; only a rejection can follow."""
    BODY = auto()
    """A rejection's head was sent or received, its body is under way."""
    ACCEPTED = auto()
    ENDED = auto()

    __hash__ = object.__hash__


class HandshakeInput(Enum):
    """What moves the opening handshake."""

    SEND_REQUEST = auto()
    SEND_ACCEPT = auto()
    SEND_REJECT = auto()
    """A rejection without a body."""
    SEND_REJECT_HEAD = auto()
    """A rejection whose body follows."""
    SEND_BODY = auto()
    SEND_BODY_END = auto()
    RECEIVE_REQUEST = auto()
    RECEIVE_BYTES = auto()
    RECEIVE_INTERIM = auto()
    """A 1xx response other than 101, which says nothing final (RFC 9110 15.2)."""
    RECEIVE_ACCEPT = auto()
    RECEIVE_REJECT_HEAD = auto()
    RECEIVE_BODY = auto()
    RECEIVE_BODY_END = auto()
    RECEIVE_VIOLATION = auto()
    RECEIVE_EOF = auto()

    __hash__ = object.__hash__


_State = ConnectionState

CONNECTION: dict[ConnectionState, dict[Input, ConnectionState]] = {
    _State.OPEN: {
        Input.SEND_MESSAGE: _State.OPEN,
        Input.SEND_CONTINUATION: _State.OPEN,
        Input.SEND_PING: _State.OPEN,
        Input.SEND_PONG: _State.OPEN,
        Input.SEND_CLOSE: _State.LOCAL_CLOSING,
        Input.RECEIVE_BYTES: _State.OPEN,
        Input.RECEIVE_CLOSE: _State.REMOTE_CLOSING,
        Input.RECEIVE_VIOLATION: _State.REMOTE_CLOSING,
        Input.RECEIVE_EOF: _State.CLOSED,
    },
    _State.LOCAL_CLOSING: {
        Input.SEND_PING: _State.LOCAL_CLOSING,
        Input.SEND_PONG: _State.LOCAL_CLOSING,
        Input.RECEIVE_BYTES: _State.LOCAL_CLOSING,
        Input.RECEIVE_CLOSE: _State.CLOSED,
        Input.RECEIVE_VIOLATION: _State.CLOSED,
        Input.RECEIVE_EOF: _State.CLOSED,
    },
    _State.REMOTE_CLOSING: {
        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,
        Input.SEND_CLOSE: _State.CLOSED,
        Input.RECEIVE_BYTES: _State.REMOTE_CLOSING,
        Input.RECEIVE_LATE_BYTES: _State.REMOTE_CLOSING,
        Input.RECEIVE_EOF: _State.REMOTE_CLOSING,
    },
    _State.CLOSED: {
        Input.RECEIVE_EOF: _State.CLOSED,
    },
}

CLIENT_HANDSHAKE: dict[Stage, dict[HandshakeInput, Stage]] = {
    Stage.INITIAL: {
        HandshakeInput.SEND_REQUEST: Stage.REQUESTED,
        HandshakeInput.RECEIVE_BYTES: Stage.INITIAL,
        HandshakeInput.RECEIVE_VIOLATION: Stage.ENDED,
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
    Stage.REQUESTED: {
        HandshakeInput.RECEIVE_BYTES: Stage.REQUESTED,
        HandshakeInput.RECEIVE_INTERIM: Stage.REQUESTED,
        HandshakeInput.RECEIVE_ACCEPT: Stage.ACCEPTED,
        HandshakeInput.RECEIVE_REJECT_HEAD: Stage.BODY,
        HandshakeInput.RECEIVE_VIOLATION: Stage.ENDED,
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
    Stage.BODY: {
        HandshakeInput.RECEIVE_BYTES: Stage.BODY,
        HandshakeInput.RECEIVE_BODY: Stage.BODY,
        HandshakeInput.RECEIVE_BODY_END: Stage.ENDED,
        HandshakeInput.RECEIVE_VIOLATION: Stage.ENDED,
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
    Stage.ACCEPTED: {
        HandshakeInput.RECEIVE_EOF: Stage.ACCEPTED,
    },
    Stage.ENDED: {
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
}

SERVER_HANDSHAKE: dict[Stage, dict[HandshakeInput, Stage]] = {
    Stage.INITIAL: {
        HandshakeInput.RECEIVE_BYTES: Stage.INITIAL,
        HandshakeInput.RECEIVE_REQUEST: Stage.REQUESTED,
        HandshakeInput.RECEIVE_VIOLATION: Stage.REFUSED,
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
    Stage.REQUESTED: {
        HandshakeInput.SEND_ACCEPT: Stage.ACCEPTED,
        HandshakeInput.SEND_REJECT: Stage.ENDED,
        HandshakeInput.SEND_REJECT_HEAD: Stage.BODY,
        HandshakeInput.RECEIVE_BYTES: Stage.REQUESTED,
        HandshakeInput.RECEIVE_VIOLATION: Stage.REFUSED,
        HandshakeInput.RECEIVE_EOF: Stage.REQUESTED,
    },
    Stage.REFUSED: {
        HandshakeInput.SEND_REJECT: Stage.ENDED,
        HandshakeInput.SEND_REJECT_HEAD: Stage.BODY,
        HandshakeInput.RECEIVE_BYTES: Stage.REFUSED,
        HandshakeInput.RECEIVE_EOF: Stage.REFUSED,
    },
    Stage.BODY: {
        HandshakeInput.SEND_BODY: Stage.BODY,
        HandshakeInput.SEND_BODY_END: Stage.ENDED,
        HandshakeInput.RECEIVE_BYTES: Stage.BODY,
        HandshakeInput.RECEIVE_EOF: Stage.BODY,
    },
    Stage.ACCEPTED: {
        HandshakeInput.RECEIVE_EOF: Stage.ACCEPTED,
    },
    Stage.ENDED: {
        HandshakeInput.RECEIVE_EOF: Stage.ENDED,
    },
}

STATE_OF_STAGE: dict[Stage, ConnectionState] = {
    Stage.INITIAL: ConnectionState.CONNECTING,
    Stage.REQUESTED: ConnectionState.CONNECTING,
    Stage.REFUSED: ConnectionState.CONNECTING,
    Stage.BODY: ConnectionState.REJECTING,
    Stage.ACCEPTED: ConnectionState.OPEN,
    Stage.ENDED: ConnectionState.CLOSED,
}
