"""The main class: the opening handshake, then the connection, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .handshake import H11Handshake
from .utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from .connection import Connection
    from .events import Event
    from .limits import Limits
    from .states import ConnectionState, ConnectionType
    from .typing import BytesLike, Headers
    from .utilities import RemoteProtocolError


class WSConnection:
    """A WebSocket connection over HTTP/1.1, from the opening handshake to the end of the closing one.

    :param connection_type: which side this is.
    :param limits: bounds on what the peer may send.
    """

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        # At least one of the two is there, and both until the handshake's last event is yielded.
        self._handshake: H11Handshake | None = H11Handshake(connection_type, limits=limits)
        self._connection: Connection | None = None
        self.client = self._handshake.client

    @property
    def _layer(self) -> H11Handshake | Connection:
        """What speaks for the connection at present."""
        return self._connection or cast("H11Handshake", self._handshake)

    @property
    def state(self) -> ConnectionState:
        """What has happened on the connection so far."""
        return self._layer.state

    @property
    def protocol_error(self) -> RemoteProtocolError | None:
        """How the peer broke the protocol after the handshake, where it did."""
        return None if self._connection is None else self._connection.protocol_error

    def can_send(self, event_type: type[Event]) -> bool:
        """Tell whether an event of this class is permitted in the present state."""
        return self._layer.can_send(event_type)

    def initiate_upgrade_connection(self, headers: Headers, path: bytes | str) -> None:
        """Take in a request that a server has read and parsed already.

        :param headers: its header fields.
        :param path: its target.
        :raises RemoteProtocolError: for a request that may not be accepted.
        :raises LocalProtocolError: on a client, or after a request.
        """
        if self._handshake is None:
            raise LocalProtocolError(f"Cannot initiate an upgrade connection in state {self.state}")
        self._handshake.initiate_upgrade_connection(headers, path)

    def send(self, event: Event) -> bytes:
        """Return the bytes that say `event` to the peer.

        :raises LocalProtocolError: where the state does not permit it or it cannot be written; then nothing
            has changed.
        """
        connection = self._connection
        if connection is not None:
            return connection.send(event)
        handshake = cast("H11Handshake", self._handshake)
        data = handshake.send(event)
        self._connection = handshake.connection
        return data

    def receive_data(self, data: BytesLike | None) -> None:
        """Take in what the transport received; None stands for end of file.

        :raises RemoteProtocolError: where the peer broke the opening handshake; `event_hint` is a response
            that says so.
        :raises LocalProtocolError: for data once the connection is closed.
        """
        connection = self._connection
        if connection is not None:
            connection.receive_data(data)
            return
        handshake = cast("H11Handshake", self._handshake)
        handshake.receive_data(data)
        self._connection = handshake.connection

    def events(self) -> Generator[Event, None, None]:
        """Yield what has happened, reading as it goes: the state changes with the event that changes it."""
        if self._handshake is None and self._connection is not None:
            return self._connection.events()
        return self._all_events()

    def _all_events(self) -> Generator[Event, None, None]:
        """Yield what the handshake has left to say, then what the connection has."""
        if self._handshake is not None:
            yield from self._handshake.events()
        if self._connection is not None:
            self._handshake = None  # and with it the HTTP parser
            yield from self._connection.events()
