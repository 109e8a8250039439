"""The HTTP/1.1 of an opening handshake as h11 reads and writes it: all that `http_head` leaves to it.

That is a request that is out of the ordinary, one that comes in several reads, and a response that rejects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from .errors import LocalValueError, RemoteProtocolError
from .handshake_fields import refused
from .http_head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from .limits import Limits
    from .typing import Headers

# What h11 is told of a client's request, which is written elsewhere: that it asks for an upgrade.
_ANY_UPGRADE = h11.Request(
    method="GET", target="/", headers=[("Host", "h"), ("Connection", "upgrade"), ("Upgrade", "websocket")]
)


class H11Exchange:
    """One request and its response.

    :param client: whether this is the client's side, whose request is sent already.
    :param limits: bounds on what the peer may send.
    :param head_read: on a server, the request where it was read already.
    """

    def __init__(self, *, client: bool, limits: Limits, head_read: bytes = b"") -> None:
        self._client = client
        self._limits = limits
        self._received = b""  # of which h11 has got what is before _offset
        self._offset = 0
        self._held = 0  # bytes that h11 can make nothing of yet, at most
        self._line_left: int | None = limits.max_header_line_size  # of the first line, None at its end
        self._h11 = h11.Connection(
            h11.CLIENT if client else h11.SERVER, max_incomplete_event_size=limits.max_handshake_size
        )
        if client:
            self._h11.send(_ANY_UPGRADE)
            self._h11.send(h11.EndOfMessage())
        elif head_read:
            self._h11.receive_data(head_read)
            self._h11.next_event()

    @property
    def trailing_data(self) -> bytes:
        """What was received and not read."""
        return self._h11.trailing_data[0] + self._received[self._offset :]

    def receive(self, data: bytes) -> None:
        """Take in what the transport received, once `next` has read all that came before."""
        self._received = data
        self._offset = 0

    def receive_eof(self) -> None:
        """Take in that no more bytes will come."""
        self._h11.receive_data(b"")

    def next(self) -> RequestHead | ResponseHead | bytes | None:
        """Read the next thing: a head, a piece of a body, `b""` for a body's end, or None for want of bytes.

        :raises RemoteProtocolError: where the peer's message is not HTTP, or is beyond the limits.
        """
        try:
            event = self._h11.next_event()
            while event is h11.NEED_DATA:
                if self._offset == len(self._received):
                    return None
                self._h11.receive_data(self._next_piece())
                event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise bad_http(error) from error
        if isinstance(event, h11.Request):
            return RequestHead(event.method, event.target, event.http_version, list(event.headers))
        if isinstance(event, (h11.InformationalResponse, h11.Response)):
            return ResponseHead(event.status_code, event.http_version, list(event.headers))
        if isinstance(event, h11.Data):
            return bytes(event.data)
        return b"" if isinstance(event, h11.EndOfMessage) else None

    def _next_piece(self) -> bytes:
        """Return as much of what was received as h11 may hold: a fault is found where it is byte by byte.

        :raises RemoteProtocolError: where that is nothing (RFC 9112 3 for the first line, RFC 6585 5).
        """
        limits = self._limits
        if self._held >= limits.max_handshake_size:
            self._held = len(self._h11.trailing_data[0])
        start = self._offset
        stop = min(len(self._received), start + limits.max_handshake_size - self._held)
        if start == stop:
            raise refused(
                f"Head, chunk line or trailer section of more than {limits.max_handshake_size} bytes", 431
            )
        if self._line_left is not None:
            if self._received.find(b"\n", start, start + self._line_left + 1) >= 0:
                self._line_left = None
            else:
                stop = min(stop, start + self._line_left)
                if start == stop:
                    raise refused(
                        f"First line of more than {limits.max_header_line_size} bytes",
                        431 if self._client else 414,
                    )
                self._line_left -= stop - start
        self._held += stop - start
        self._offset = stop
        return self._received[start:stop]

    def send_head(self, status_code: int, headers: Headers, *, has_body: bool) -> bytes:
        """Return the head of a response.

        :raises LocalProtocolError: for a field that cannot be written.
        """
        try:
            response = h11.Response(status_code=status_code, headers=headers)
        except h11.LocalProtocolError as error:
            raise LocalValueError(f"The response {status_code} cannot be sent: {error}") from error
        return self._send(response, last=not has_body)

    def send_body(self, data: bytes, *, last: bool) -> bytes:
        """Return a piece of the body of a response; that it has its length is for the caller to see to."""
        return self._send(h11.Data(data=data), last=last)

    def _send(self, event: h11.Event, *, last: bool) -> bytes:
        events = [event, h11.EndOfMessage()] if last else [event]
        return b"".join(self._h11.send(event) or b"" for event in events)


def checked_request(target: bytes | str, headers: Headers) -> RequestHead:
    """Return a request that somebody else has parsed, held to the grammar of HTTP (RFC 9110 5, RFC 9112 3.2).

    :raises RemoteProtocolError: where it does not follow it.
    """
    try:
        request = h11.Request(method=b"GET", target=target, headers=headers)
    except (h11.LocalProtocolError, TypeError, ValueError) as error:
        raise bad_http(error) from error
    return RequestHead(request.method, request.target, request.http_version, list(request.headers))


def bad_http(error: Exception) -> RemoteProtocolError:
    """Turn an error of h11 into ours, whose text existing users compare with."""
    return refused("Missing header, 'Host'" if "Missing mandatory Host" in str(error) else "Bad HTTP message")
