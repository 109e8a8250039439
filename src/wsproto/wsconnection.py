"""The main class: the opening handshake, then the connection, behind one interface."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .connection import Connection
from .errors import LocalProtocolError
from .handshake import H11Handshake
from .states import ConnectionState, ConnectionType, Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .events import Event
    from .limits import Limits
    from .typing import BytesLike, Headers


class WSConnection(Connection):
    """A WebSocket connection over HTTP/1.1, from the opening handshake to the closing one (RFC 6455 4 to 7).

    It is a `Connection` that begins with a handshake. Once open, the methods of its base do the work: a call
    in between would cost each read and each message a tenth more.

    :param connection_type: which side this is.
    :param limits: bounds on what the peer may send.
    """

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        # The base begins when the handshake is complete.
        self._handshake: H11Handshake | None = H11Handshake(connection_type, limits=limits)
        self._begin_with = connection_type, limits
        self.client: bool = self._handshake.client
        self._state = self._handshake.state
        self._eof = False
        self._waiting = deque()

    def _after(self, handshake: H11Handshake) -> None:
        """Take over what a call has made of the handshake: its events, in the end its agreement."""
        self._state = handshake.state
        self._events.extend(handshake.events())
        if handshake.agreement is None:
            return
        extensions, trailing_data, eof = handshake.agreement
        connection_type, limits = self._begin_with
        del self._begin_with
        self._handshake = None  # and with it the HTTP parser
        super().__init__(connection_type, extensions, limits=limits)
        self._waiting = self._waiting or None  # an empty one would only take memory
        # By the base's own method: what a subclass counts in its own has gone through that already.
        if trailing_data:  # R6455-4.1-50
            super().receive_data(trailing_data)
        if eof:
            super().receive_data(None)

    @property
    def handshake(self) -> H11Handshake | None:
        """The opening handshake; None once it is complete."""
        return self._handshake

    @property
    def connection(self) -> Connection | None:
        """This object once the opening handshake is complete, None before; wsproto 1.3 has another object."""
        return self if self._handshake is None else None

    @property
    def ending(self) -> Ending:
        """Whether this side is to end the TCP connection now, and how: the server first (RFC 6455 7.1.1).

        So a client waits for the server's end of file; where the opening handshake failed, it need not.
        """
        if self.client and self._state is ConnectionState.CLOSED and not self._eof:
            if self._handshake is None:
                return Ending.NONE
            if self._handshake.failed:
                return Ending.RESET
        return super().ending

    def can_send(self, event_type: type[Event] | Event) -> bool:
        """Tell whether an event is permitted in the present state.

        :param event_type: the class of the event, or the event itself.
        """
        return (self._handshake.can_send if self._handshake else super().can_send)(event_type)

    def initiate_upgrade_connection(self, headers: Headers, path: bytes | str) -> None:
        """Take in a request that a server has read and parsed already.

        :param headers: its header fields.
        :param path: its target.
        :raises RemoteProtocolError: for a request that may not be accepted.
        :raises LocalProtocolError: on a client, or after a request.
        """
        if self._handshake is None:
            raise LocalProtocolError(f"Cannot initiate an upgrade connection in state {self.state.name}")
        handshake = self._handshake
        try:
            handshake.initiate_upgrade_connection(headers, path)
        finally:
            self._after(handshake)

    def _send_otherwise(self, event: Event) -> bytes:
        handshake = self._handshake
        if handshake is None:
            return super()._send_otherwise(event)
        data = handshake.send(event)
        self._after(handshake)
        return data

    def _receive_otherwise(self, data: BytesLike | None) -> None:
        handshake = self._handshake
        if handshake is None:
            super()._receive_otherwise(data)
            return
        self._eof = self._eof or data is None
        try:
            handshake.receive_data(data)
        finally:
            self._after(handshake)

    def _all_events(self) -> Iterator[Event]:
        """Yield what waits, then what the connection has, which may open in the meantime."""
        while self._waiting:
            yield self._waiting.popleft()
        if self._handshake is None:
            yield from super()._all_events()
