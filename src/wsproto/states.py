r"""The state machine of a connection: every state, every input, every transition.

A connection lives twice: first as an HTTP exchange, then as frames.

The opening handshake. A client sends a request and waits, a server waits for one and answers. The answer is
101, and the connection is OPEN, or it is some other response with or without a body. Public states are
coarser than the stages of this exchange (`STATE_OF_STAGE`): all that comes before the answer is CONNECTING.
End of file ends the handshake of a client, and of a server that has no request yet; a server that has one may
still answer. After a 101 the connection judges end of file, and the stage stays as it is.

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

A table maps a state and an input to the next state. What is not in it is not permitted: where the
application asks for it, that is a `LocalProtocolError`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar


class ConnectionType(Enum):
    """Which of the two roles this side plays (RFC 6455 4.1, 4.2)."""

    CLIENT = 1
    SERVER = 2


class _Keys(Enum):
    """Keys of the tables: members are single objects, so identity serves as hash.

    Enum's own hash is a function in Python, which would cost each look-up 0.25 microseconds.
    """

    if TYPE_CHECKING:  # type checkers read the assignment as a field, which cannot be hashed

        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__


class ConnectionState(_Keys):
    """What has happened on a connection so far (RFC 6455 4.1, 7.1)."""

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


class Ending(Enum):
    """Whether this side is to end the transport now, and how (RFC 6455 7.1.1)."""

    NONE = 0
    """Not now."""
    END = 1
    """In order, after all that was sent: FIN over TCP and HTTP/3, END_STREAM over HTTP/2."""
    RESET = 2
    """At once: what was sent need not arrive any more, and nothing more is read."""


class Stage(_Keys):
    """How far the opening handshake has come."""

    INITIAL = auto()  # no request yet
    REQUESTED = auto()  # the request was sent or received
    REFUSED = auto()  # the client's request broke the protocol; only a rejection can follow
    BODY = auto()  # a rejection's head was sent or received, its body is under way
    ACCEPTED = auto()
    ENDED = auto()


class Input(_Keys):
    """What moves a connection, during its opening handshake or after it."""

    SEND_REQUEST = auto()
    SEND_ACCEPT = auto()
    SEND_REJECT = auto()  # a rejection without a body
    SEND_REJECT_HEAD = auto()  # a rejection whose body follows
    SEND_BODY = auto()
    SEND_BODY_END = auto()
    SEND_MESSAGE = auto()  # a message, or its first fragment
    SEND_CONTINUATION = auto()  # a further fragment of a message
    SEND_PING = auto()
    SEND_PONG = auto()
    SEND_CLOSE = auto()
    RECEIVE_REQUEST = auto()
    RECEIVE_BYTES = auto()
    RECEIVE_LATE_BYTES = auto()  # bytes after end of file
    RECEIVE_INTERIM = auto()  # a 1xx response other than 101, which says nothing final (RFC 9110 15.2)
    RECEIVE_ACCEPT = auto()
    RECEIVE_REJECT = auto()  # a 1xx response that answers the handshake all the same
    RECEIVE_REJECT_HEAD = auto()
    RECEIVE_BODY = auto()
    RECEIVE_BODY_END = auto()
    RECEIVE_CLOSE = auto()
    RECEIVE_VIOLATION = auto()  # a message or frame that breaks the protocol
    RECEIVE_EOF = auto()


_State = ConnectionState
_Place = TypeVar("_Place", ConnectionState, Stage)


def _table(*arrows: tuple[_Place, _Place, list[Input]]) -> dict[_Place, dict[Input, _Place]]:
    """Make a table of arrows: from where, to where, and the inputs that lead there."""
    table: dict[_Place, dict[Input, _Place]] = {}
    for before, after, inputs in arrows:
        table.setdefault(before, {}).update(dict.fromkeys(inputs, after))
    return table


CONNECTION = _table(
    (_State.OPEN, _State.OPEN, [Input.SEND_MESSAGE, Input.SEND_CONTINUATION]),  # R6455-5.1-07
    (_State.OPEN, _State.OPEN, [Input.SEND_PING, Input.SEND_PONG, Input.RECEIVE_BYTES]),
    (_State.OPEN, _State.LOCAL_CLOSING, [Input.SEND_CLOSE]),
    (_State.OPEN, _State.REMOTE_CLOSING, [Input.RECEIVE_CLOSE, Input.RECEIVE_VIOLATION]),  # R6455-7.1.3-01
    (_State.OPEN, _State.CLOSED, [Input.RECEIVE_EOF]),
    # R6455-5.5.2-04, R6455-5.5.3-03
    (_State.LOCAL_CLOSING, _State.LOCAL_CLOSING, [Input.SEND_PING, Input.SEND_PONG, Input.RECEIVE_BYTES]),
    # R6455-5.5.1-16, R6455-7.1.4-01
    (_State.LOCAL_CLOSING, _State.CLOSED, [Input.RECEIVE_CLOSE, Input.RECEIVE_VIOLATION, Input.RECEIVE_EOF]),
    (_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.SEND_CONTINUATION]),  # R6455-5.5.1-10, -11
    (_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.RECEIVE_BYTES, Input.RECEIVE_LATE_BYTES]),
    (_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.RECEIVE_EOF]),
    (_State.REMOTE_CLOSING, _State.CLOSED, [Input.SEND_CLOSE]),  # R6455-5.5.1-07
    (_State.CLOSED, _State.CLOSED, [Input.RECEIVE_EOF]),
)

CLIENT_HANDSHAKE = _table(
    (Stage.INITIAL, Stage.REQUESTED, [Input.SEND_REQUEST]),
    (Stage.INITIAL, Stage.INITIAL, [Input.RECEIVE_BYTES]),
    (Stage.INITIAL, Stage.ENDED, [Input.RECEIVE_VIOLATION, Input.RECEIVE_EOF]),
    (Stage.REQUESTED, Stage.REQUESTED, [Input.RECEIVE_BYTES, Input.RECEIVE_INTERIM]),
    (Stage.REQUESTED, Stage.ACCEPTED, [Input.RECEIVE_ACCEPT]),
    (Stage.REQUESTED, Stage.BODY, [Input.RECEIVE_REJECT_HEAD]),
    (Stage.REQUESTED, Stage.ENDED, [Input.RECEIVE_REJECT, Input.RECEIVE_VIOLATION, Input.RECEIVE_EOF]),
    (Stage.BODY, Stage.BODY, [Input.RECEIVE_BYTES, Input.RECEIVE_BODY]),
    (Stage.BODY, Stage.ENDED, [Input.RECEIVE_BODY_END, Input.RECEIVE_VIOLATION, Input.RECEIVE_EOF]),
    (Stage.ACCEPTED, Stage.ACCEPTED, [Input.RECEIVE_EOF]),
    (Stage.ENDED, Stage.ENDED, [Input.RECEIVE_EOF]),
)

SERVER_HANDSHAKE = _table(
    (Stage.INITIAL, Stage.INITIAL, [Input.RECEIVE_BYTES]),
    (Stage.INITIAL, Stage.REQUESTED, [Input.RECEIVE_REQUEST]),
    (Stage.INITIAL, Stage.REFUSED, [Input.RECEIVE_VIOLATION]),
    (Stage.INITIAL, Stage.ENDED, [Input.RECEIVE_EOF]),
    (Stage.REQUESTED, Stage.ACCEPTED, [Input.SEND_ACCEPT]),
    (Stage.REQUESTED, Stage.ENDED, [Input.SEND_REJECT]),
    (Stage.REQUESTED, Stage.BODY, [Input.SEND_REJECT_HEAD]),
    (Stage.REQUESTED, Stage.REQUESTED, [Input.RECEIVE_BYTES, Input.RECEIVE_EOF]),
    (Stage.REQUESTED, Stage.REFUSED, [Input.RECEIVE_VIOLATION]),
    (Stage.REFUSED, Stage.ENDED, [Input.SEND_REJECT]),
    (Stage.REFUSED, Stage.BODY, [Input.SEND_REJECT_HEAD]),
    (Stage.REFUSED, Stage.REFUSED, [Input.RECEIVE_BYTES, Input.RECEIVE_EOF]),
    (Stage.BODY, Stage.BODY, [Input.SEND_BODY, Input.RECEIVE_BYTES, Input.RECEIVE_EOF]),
    (Stage.BODY, Stage.ENDED, [Input.SEND_BODY_END]),
    (Stage.ACCEPTED, Stage.ACCEPTED, [Input.RECEIVE_EOF]),
    (Stage.ENDED, Stage.ENDED, [Input.RECEIVE_EOF]),
)

_ANSWERED = {Stage.BODY: _State.REJECTING, Stage.ACCEPTED: _State.OPEN, Stage.ENDED: _State.CLOSED}
STATE_OF_STAGE = dict.fromkeys(Stage, _State.CONNECTING) | _ANSWERED
