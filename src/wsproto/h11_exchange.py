"""h11's part of an HTTP/1.1 exchange: heads that are not regular, bodies, and responses that reject.

The one module that imports h11; `http_exchange` brings it in when there is something for it to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from .errors import LocalValueError, RemoteProtocolError
from .handshake_fields import refused
from .http1_upgrade import RequestHead, ResponseHead, written_head

if TYPE_CHECKING:
    from .typing import Headers

# What h11 is told of a client's request, which is written elsewhere: that it asks for an upgrade.
_ANY_UPGRADE = h11.Request(
    method="GET", target="/", headers=[("Host", "h"), ("Connection", "upgrade"), ("Upgrade", "websocket")]
)


class H11Exchange:
    """One request and its response; of what it cannot read yet, h11 may hold `max_size` bytes."""

    def __init__(self, *, client: bool, max_size: int, head_read: bytes) -> None:
        self._h11 = h11.Connection(h11.CLIENT if client else h11.SERVER, max_incomplete_event_size=max_size)
        if client:  # its request is sent already
            self._h11.send(_ANY_UPGRADE)
            self._h11.send(h11.EndOfMessage())
        elif head_read:  # without h11
            self._h11.receive_data(head_read)
            self._h11.next_event()

    @property
    def trailing_data(self) -> bytes:
        """What was received and not read."""
        return self._h11.trailing_data[0]

    def receive(self, data: bytes) -> None:
        """Take in what the transport received; `b""` is end of file."""
        self._h11.receive_data(data)

    def next(self) -> RequestHead | ResponseHead | bytes | None:
        """Read the next thing, as `HTTPExchange.next` does."""
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise _bad_http(error) from error
        if isinstance(event, h11.Request):
            return RequestHead(event.method, event.target, event.http_version, list(event.headers))
        if isinstance(event, (h11.InformationalResponse, h11.Response)):
            return ResponseHead(event.status_code, event.http_version, list(event.headers))
        if isinstance(event, h11.Data):
            return bytes(event.data)
        return b"" if isinstance(event, h11.EndOfMessage) else None

    def send_head(self, status_code: int, headers: Headers, *, has_body: bool) -> bytes:
        """Return the head of a response."""
        try:
            response = h11.Response(status_code=status_code, headers=headers)
        except h11.LocalProtocolError as error:
            raise LocalValueError(f"The response {status_code} cannot be sent: {error}") from error
        return self._send(response, last=not has_body)

    def send_body(self, data: bytes, *, last: bool) -> bytes:
        """Return a piece of the body of a response."""
        return self._send(h11.Data(data=data), last=last)

    def _send(self, event: h11.Event, *, last: bool) -> bytes:
        events = [event, h11.EndOfMessage()] if last else [event]
        return b"".join(self._h11.send(event) or b"" for event in events)

    @staticmethod
    def rewritten_request(target: bytes | str, headers: Headers) -> bytes:
        """Return the head of a request that somebody else has parsed."""
        try:
            request = h11.Request(method=b"GET", target=target, headers=headers)
        except (h11.LocalProtocolError, TypeError, ValueError) as error:
            raise _bad_http(error) from error
        return written_head(b"GET %b HTTP/1.1" % request.target, list(request.headers))


def _bad_http(error: Exception) -> RemoteProtocolError:
    """Turn an error of h11 into ours, whose text existing users compare with.

    The traceback goes: its frames refer to h11's error, a circle that would keep the callers' frames, and
    with them the connection, until the garbage is collected.
    """
    error.__traceback__ = None
    return refused("Missing header, 'Host'" if "Missing mandatory Host" in str(error) else "Bad HTTP message")
