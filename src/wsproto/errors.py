"""The two errors of this library, local and remote, and their kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .close_codes import CloseReason

if TYPE_CHECKING:
    from .event_base import Event


class ProtocolError(Exception):
    """Base of the two errors of this library."""


class LocalProtocolError(ProtocolError):
    """This side tried something that the protocol does not permit. Nothing was sent, nothing has changed."""


class LocalValueError(LocalProtocolError, ValueError):
    """A `LocalProtocolError` about a value, which older callers catch as `ValueError`."""


class LocalTypeError(LocalProtocolError, TypeError):
    """A `LocalProtocolError` about a type, which older callers catch as `TypeError`."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol: the connection fails (RFC 6455 7.1.7).

    :param message: what was wrong, and which rule it breaks.
    :param event_hint: the event that tells the peer so, or None. Every error that `receive_data`
        raises has one, except where a stream of HTTP/2 or HTTP/3 is to be reset. A server can send it.
    """

    event_hint: Event | Any  # `Any`, so that `send(error.event_hint)` needs no check for None

    def __init__(self, message: str, event_hint: Event | None = None) -> None:
        super().__init__(message)
        self.event_hint = event_hint


class ParseFailed(RemoteProtocolError):  # noqa: N818 - the name that users know
    """A frame breaks the protocol: the connection fails (RFC 6455 7.1.7).

    :param message: what was wrong, and which rule it breaks.
    :param code: the close code that tells the peer so; `event_hint` becomes the whole `CloseConnection`.
    """

    def __init__(self, message: str, code: int = CloseReason.PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code  # R6455-5.1-03, -06, R6455-7.4.1-07
