"""What a connection does most, while it is open: the fast path before its rules. src/core has it in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core import twin
from .events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from .states import ConnectionState

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator

    from .codec import Decoder, Encoder
    from .errors import ParseFailed
    from .typing import BytesLike

_OPEN = ConnectionState.OPEN
# Sending these in `OPEN` changes no state, so that its look-up can be skipped: 0.1 of 0.3 microseconds.
_CHANGE_NOTHING = frozenset({TextMessage, BytesMessage, Ping, Pong})


@twin
class ConnectionFront:
    """The methods of a connection that every read and every message take."""

    _decoder: Decoder
    _encoder: Encoder
    _state: ConnectionState
    _eof: bool  # the transport ended, and what came before has not all been read
    _waiting: deque[Event] | None = None  # to be yielded before anything more is read; mostly not there

    # What the methods below do where the connection is not open, or not with bytes and messages alone.
    _send_otherwise: Callable[[Event], bytes]
    _receive_otherwise: Callable[[BytesLike | None], None]
    _all_events: Callable[[], Iterator[Event]]
    _conclude: Callable[[CloseConnection | ParseFailed | None], Event | None]

    def send(self, event: Event) -> bytes:
        """Return the bytes of `event`, to be sent to the peer.

        :raises LocalProtocolError: where the state does not permit it or it cannot be written as a frame;
            then nothing has changed.
        """
        if self._state is _OPEN and type(event) in _CHANGE_NOTHING:
            return self._encoder.send(event)  # R6455-2.1-01, R6455-6.1-01, -04
        return self._send_otherwise(event)

    def receive_data(self, data: BytesLike | None) -> None:
        """Take in `data`, the bytes that the transport received; None stands for end of file.

        After the peer's Close, or a failure, data is dropped.

        :raises LocalProtocolError: for data after end of file, or once the connection is closed.
        """
        if self._state is _OPEN and data is not None and not self._eof:
            self._decoder.receive_bytes(data)
        else:
            self._receive_otherwise(data)

    def events(self) -> Iterator[Event]:
        """Yield what has happened, reading as it goes: the state changes with the event that changes it.

        A frame that breaks the protocol is one `CloseConnection` with the code to answer with.
        """
        return self._decoder.events(self._conclude) if self._waiting is None else self._all_events()
