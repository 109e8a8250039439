"""The opening handshake on a stream of HTTP/2 or HTTP/3: an extended CONNECT (RFC 8441, RFC 9220).

A program's HTTP/2 or HTTP/3 library turns bytes into header sections and data, and back. `StreamHandshake`
takes and gives these. What follows the handshake is the stream's data in either direction: a `Connection`.

A message that breaks a rule of HTTP is malformed: a stream error (RFC 9113 8.1.1, RFC 9114 4.1.2), before
which a server may answer. So a server's `RemoteProtocolError` has the `RejectConnection` to send while the
request is not answered. On a client, and once the stream is accepted, `event_hint` is None: the program
resets the stream with `HTTP2_PROTOCOL_ERROR` or `H3_MESSAGE_ERROR`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, overload

from .authority import written_host
from .errors import LocalTypeError, LocalValueError, RemoteProtocolError
from .events import AcceptConnection, Event, RejectConnection, RejectData, Request
from .handshake_fields import PROVING, RESERVED, collected, judge_lines, refused, single
from .handshake_messages import judge_content, judge_version, written_target
from .handshake_stages import Handshake
from .header_grammar import is_field_value, is_protocol, is_token
from .states import ConnectionType, Input, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Limits
    from .typing import Headers

    GivenHeaders = Iterable[tuple[bytes, bytes]]

# With these a stream is reset: where a WebSocket ends abnormally (RFC 8441 5, RFC 9220 3) ...
HTTP2_CANCEL = 0x8  # R8441-5-10
H3_REQUEST_CANCELLED = 0x10C  # R9220-3-04
# ... and where a message is malformed (RFC 9113 8.1.1, RFC 9114 4.1.2).
HTTP2_PROTOCOL_ERROR = 0x1  # R9113-8.1.1-01
H3_MESSAGE_ERROR = 0x10E  # R9114-4.1.2-01

_SCHEMES = ("https", "http")
_IN_REQUEST = frozenset({b":method", b":protocol", b":scheme", b":authority", b":path"})
_IN_RESPONSE = frozenset({b":status"})
# They are about one connection of HTTP/1.1 (RFC 9113 8.2.2, RFC 9114 4.2).
_OF_HTTP1 = frozenset({b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"transfer-encoding"})
_PATH = re.compile(rb"/[!\"$-~]*")  # visible ASCII without a fragment
_LENGTH = re.compile(rb"[0-9]{1,20}")  # as many digits as h11 takes
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_OVERHEAD = 32  # bytes that each field counts for besides name and value (RFC 9113 6.5.2, RFC 9114 4.2.2)


def asks_for_websocket(headers: GivenHeaders) -> bool:
    """Tell whether a request is one for `StreamHandshake`: CONNECT with the `:protocol` websocket.

    This judges nothing. All other requests are for the program's HTTP code: a CONNECT with a `:protocol` that
    it does not know gets 501 (RFC 9220 3).

    :param headers: the request's header section, pseudo-headers included, as pairs of bytes.
    """
    given = list(headers)
    return (b":method", b"CONNECT") in given and any(  # R8441-4-03, R9110-7.8-07
        name == b":protocol" and value.lower() == b"websocket" for name, value in given
    )


class StreamHandshake(Handshake[Any]):
    """The opening handshake of one WebSocket on a stream of HTTP/2 or HTTP/3, up to its `connection`.

    While there is no connection, a program ends its side of the stream with what `send` returned if then
    `state is ConnectionState.CLOSED`.

    :param connection_type: which side this is.
    :param scheme: of a client's request: `"https"` for wss, `"http"` for ws (RFC 8441 5).
    :param limits: bounds on what the peer may send.
    """

    # R8441-5-06
    _reserved = RESERVED - PROVING  # the library neither writes nor judges what proves a handshake
    _reserved_in_rejection = RESERVED - {b"content-length", b"sec-websocket-version"}

    scheme: str
    """The request's scheme. A server may compare it with what it knows of the connection."""

    def __init__(
        self, connection_type: ConnectionType, *, scheme: str = "https", limits: Limits | None = None
    ) -> None:
        super().__init__(connection_type, limits=limits)
        if scheme not in _SCHEMES:
            raise LocalValueError(f"The scheme must be 'https' (for wss) or 'http' (for ws), not {scheme!r}")
        self.scheme = scheme

    if TYPE_CHECKING:

        @overload
        def send(self, event: RejectData) -> bytes: ...

        @overload
        def send(self, event: Request | AcceptConnection | RejectConnection) -> Headers: ...

        @overload
        def send(self, event: Event) -> Any: ...  # what an error's `event_hint` is

        def send(self, event: Event) -> Any:
            """Return the header section that says `event` to the peer, of `RejectData` the data."""

    def _own_fields(self, headers: Headers, *, rejecting: bool = False) -> Headers:
        own = super()._own_fields(headers, rejecting=rejecting)
        for name, value in own:
            if _is_of_http1(name.lower(), value):  # R8441-5-04, R9113-8.2.2-01
                raise LocalValueError(f"{name!r}: {value!r} has no place on a stream (RFC 9113 8.2.2)")
        return own

    def _written_request(self, event: Request, fields: Headers) -> Headers:
        """Write an extended CONNECT (RFC 8441 4, 5)."""
        path = written_target(event.target)
        if not path.startswith(b"/"):
            raise LocalValueError(f"{event.target!r} is not a path with its query (RFC 9113 8.3.1)")
        pseudo = [
            (b":method", b"CONNECT"),
            (b":protocol", b"websocket"),  # R8441-4-01, R8441-5-01, -02
            (b":scheme", self.scheme.encode()),  # R8441-4-02, R8441-5-03
            (b":authority", written_host(event.host)),  # R8441-5-05, R9113-8.3.1-07, R9114-4.3.1-04
            (b":path", path),
        ]
        return pseudo + _in_lower_case(fields)  # R8441-5-07, R9113-8.2-01

    def _written_acceptance(self, fields: Headers) -> Headers:
        return [(b":status", b"200"), *_in_lower_case(fields)]  # R9113-8.3.2-01, R9114-4.3.2-01

    def _written_rejection(self, event: RejectConnection, fields: Headers) -> Headers:
        if event.status_code < 300:
            raise LocalValueError(f"A response with the status {event.status_code} accepts (RFC 8441 5)")
        return [(b":status", b"%d" % event.status_code), *_in_lower_case(fields)]

    def _written_body(self, body: bytes, *, last: bool) -> bytes:  # noqa: ARG002 - the stream's end says so
        return body

    def receive_headers(self, headers: GivenHeaders) -> None:
        """Take in a header section of the stream: each one, of interim responses and trailers, too.

        :param headers: the section, pseudo-headers included, as pairs of bytes.
        :raises RemoteProtocolError: where the peer broke the protocol; `event_hint` is the response to send,
            None where the stream is to be reset.
        :raises LocalProtocolError: after the end of the handshake, and for what is not pairs of bytes.
        """
        if self._stage is Stage.ACCEPTED:  # R9113-8.5-03
            self.failed = True
            raise RemoteProtocolError("A header section behind the handshake (RFC 9113 8.5, RFC 9114 4.4)")
        self._next_stage(Input.RECEIVE_BYTES)
        try:
            if self.client:
                self._receive_response(headers)
            elif self._stage is Stage.INITIAL:
                self._receive_request(headers)
            elif self._stage is Stage.REQUESTED:
                # R9113-8.1-04, R9114-4.1-02
                raise refused("A second header section in a request (RFC 9113 8.5, RFC 9114 4.4)")
        except RemoteProtocolError as error:
            self._fail(error)
            raise

    def _receive_data(self, data: bytes | None) -> None:
        waiting = self._stage in (Stage.INITIAL, Stage.REQUESTED)
        if self.client and waiting:
            # R9113-8.1-02
            raise refused("Data, or the end, before the response (RFC 9113 8.1, RFC 9114 4.1)")
        if self.client and self._stage is Stage.BODY:
            if data != b"":
                self._receive_body(data or b"")
        elif data is not None and self._stage is Stage.INITIAL:
            raise refused("Data before the request (RFC 9113 8.1, RFC 9114 4.1)")  # R9114-4.1-01
        elif data is not None and waiting:
            self._receive_early(data)

    def _fail(self, error: RemoteProtocolError) -> None:
        if self.client:  # R9113-8.1.1-02, R9114-4.1.2-02
            error.event_hint = None  # a client has nothing to answer
        super()._fail(error)

    def _receive_request(self, section: GivenHeaders) -> None:
        """Judge a request (RFC 8441 4, 5; RFC 9220 3)."""
        pseudo, headers = _read(section, _IN_REQUEST, self._limits)
        protocol = pseudo.get(b":protocol")
        if protocol is None:
            # R9113-8.5-01, R9114-4.4-01
            if pseudo.get(b":method") == b"CONNECT" and (b":scheme" in pseudo or b":path" in pseudo):
                raise refused("CONNECT with ':scheme' or ':path', without ':protocol' (RFC 9113 8.5)")
            raise refused("The request is not an extended CONNECT: it lacks ':protocol' (RFC 8441 4)", 501)
        if _required(pseudo, b":method") != b"CONNECT":
            raise refused(f"':protocol' with the method {pseudo[b':method']!r} (RFC 8441 4)")
        scheme = _required(pseudo, b":scheme").lower().decode("latin-1")
        if scheme not in _SCHEMES:
            raise refused(f"':scheme' must be https or http, not {scheme!r} (RFC 8441 5)")
        path = _required(pseudo, b":path")
        if not _PATH.fullmatch(path):  # R9113-8.3.1-04, R9114-4.3.1-03
            raise refused(f"':path' must be a path with its query, not {path!r} (RFC 9113 8.3.1)")
        authority = _required(pseudo, b":authority")
        fields = collected(headers)
        host = single(fields, "Host")
        if host is not None and host.lower() != authority.lower():  # R9113-8.3.1-03, R9114-4.3.1-01
            raise refused(f"Host {host!r} is not ':authority' {authority!r} (RFC 9113 8.3.1, RFC 9114 4.3.1)")
        if not is_protocol(protocol):
            raise refused(f"':protocol' {protocol!r} is not the name of a protocol (RFC 9110 7.8)")
        # R9220-3-02
        if protocol.lower() != b"websocket":  # names of protocols have no case (RFC 9110 7.8)
            raise refused(f"':protocol' {protocol!r} is not websocket (RFC 9220 3)", 501)
        judge_content(fields)
        judge_version(fields, 400)  # 426 needs Upgrade (RFC 9110 15.5.22), which has no place here
        # R9113-8.2.3-01, R9114-4.2.1-01
        if b"cookie" in fields:  # RFC 9113 8.2.3, RFC 9114 4.2.1: one for the application
            headers = [field for field in headers if field[0] != b"cookie"]
            headers.append((b"cookie", b"; ".join(fields[b"cookie"])))
        self._receive_offers(headers, fields, authority, path.decode("ascii"))  # R9113-8.3.1-06, R9220-3-01
        self.scheme = scheme

    def _receive_response(self, section: GivenHeaders) -> None:
        """Take any 2xx for the acceptance (RFC 8441 5, RFC 9113 8.5), skip interim responses."""
        if self._stage is Stage.INITIAL:
            raise refused("The server answered before it was asked (RFC 9113 8.1, RFC 9114 4.1)")
        if self._stage is Stage.BODY:
            # R9113-8.1-03, R9114-4.3-02
            _read(section, frozenset(), self._limits)  # trailers: nothing in them matters
            return
        pseudo, headers = _read(section, _IN_RESPONSE, self._limits)
        written = _required(pseudo, b":status")
        if not _STATUS.fullmatch(written):  # R9113-8.1.1-03, R9113-8.3.2-01, R9114-4.1.2-03
            raise refused(f"':status' must be three digits, not {written!r} (RFC 9113 8.3.2)")
        status = int(written)
        if status == 101:  # R9113-8.6-01, R9114-4.5-01
            raise refused("101 has no place on a stream (RFC 9113 8.6, RFC 9114 4.5)")
        if status < 200:
            self._receive_interim()  # R9113-8.1-01
        elif status < 300:  # R8441-5-08, R9113-8.5-02
            self._receive_answer(headers, collected(headers))  # R9110-9.3.6-02
        else:
            self._receive_rejection(status, headers)

    def _receive_rejection(self, status: int, headers: Headers) -> None:
        length = single(collected(headers), "Content-Length")
        if length is not None and status != 304:  # which has the length of another response (RFC 9110 8.6)
            if not _LENGTH.fullmatch(length):
                raise refused(f"Content-Length must be a number, not {length!r} (RFC 9110 8.6)")
            self._body_left = int(length)
        self._receive(Input.RECEIVE_REJECT_HEAD, RejectConnection(status, headers, has_body=True))

    def _receive_body(self, data: bytes) -> None:
        if self._body_left is not None:
            self._body_left -= len(data)
            if self._body_left < 0 or (self._body_left and not data):
                raise refused(
                    "The body is not as long as Content-Length says (RFC 9113 8.1.1, RFC 9114 4.1.2)"
                )
        super()._receive_body(data)


def _in_lower_case(fields: Headers) -> Headers:
    return [(name.lower(), value) for name, value in fields]  # RFC 9113 8.2


def _is_of_http1(name: bytes, value: bytes) -> bool:
    return name in _OF_HTTP1 or (name == b"te" and value.lower() != b"trailers")


def _read(
    headers: GivenHeaders, known: frozenset[bytes], limits: Limits
) -> tuple[dict[bytes, bytes], Headers]:
    """Return the pseudo-headers of a section, only `known` ones, and its fields (RFC 9113 8.2, 8.3)."""
    try:
        given = [(bytes(memoryview(name)), bytes(memoryview(value))) for name, value in headers]
    except (TypeError, ValueError) as error:
        raise LocalTypeError(f"A header section must be pairs of bytes, not {headers!r}: {error}") from error
    size = sum(len(name) + len(value) + _OVERHEAD for name, value in given)
    if size > limits.max_handshake_size:  # R9114-4.2.2-01
        raise refused(f"A header section of {size} bytes, at most {limits.max_handshake_size}", 431)
    judge_lines(given, size, limits)
    pseudo: dict[bytes, bytes] = {}
    fields: Headers = []
    for name, value in given:
        if not is_field_value(value):  # R9113-8.2.1-03, -04, -05, R9114-4.2-01
            raise refused(f"{value!r} cannot be the value of {name!r} (RFC 9113 8.2.1, RFC 9114 4.2)")
        if name.startswith(b":"):
            misplaced = "repeated" if name in pseudo else "behind a field" if fields else ""
            # R9113-8.3-01, -02, -03, R9114-4.3-01
            if fault := misplaced if name in known else "unknown":
                raise refused(f"Pseudo-header {name!r} is {fault} (RFC 9113 8.3)")
            pseudo[name] = value
        # R9113-8.2.1-01, -02, R9113-8.2.2-02, -03, R9114-4.2-01, -02
        elif not is_token(name) or name != name.lower() or _is_of_http1(name, value):
            raise refused(f"{name!r}: {value!r} has no place on a stream (RFC 9113 8.2, RFC 9114 4.2)")
        else:
            fields.append((name, value))
    return pseudo, fields


def _required(pseudo: dict[bytes, bytes], name: bytes) -> bytes:
    value = pseudo.get(name)
    if not value:
        raise refused(f"Pseudo-header {name!r} is missing or empty (RFC 8441 4, RFC 9113 8.3)")
    return value
