"""The opening handshake over HTTP/1.1 (RFC 6455 4): heads with GET, Upgrade, the key, 101.

`handshake_stages` has what all transports share, `stream_handshake` what HTTP/2 and HTTP/3 add.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import utilities
from .authority import read_host, written_host
from .errors import LocalProtocolError, RemoteProtocolError
from .events import RejectConnection, Request
from .handshake_fields import (
    FRAMING,
    RESERVED,
    UPGRADING,
    WEBSOCKET_VERSION,
    Fields,
    collected,
    list_of,
    refused,
    required,
    single,
)
from .handshake_messages import (
    ABSOLUTE,
    client_extensions_handshake,
    judge_content,
    judge_version,
    server_extensions_handshake,
    written_target,
)
from .handshake_stages import Handshake
from .http_exchange import HTTPExchange, RequestHead, ResponseHead, rewritten_request, written_head
from .states import ConnectionType, Input, Stage
from .utilities import generate_accept_token

if TYPE_CHECKING:
    from .limits import Limits
    from .typing import Headers

__all__ = ["WEBSOCKET_VERSION", "H11Handshake", "client_extensions_handshake", "server_extensions_handshake"]

_UPGRADE = (b"Upgrade", b"websocket")  # R6455-4.1-25, R6455-4.2.2-14
_CONNECTION = (b"Connection", b"Upgrade")  # R6455-4.1-27, R6455-4.2.2-15
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


class H11Handshake(Handshake[bytes]):
    """The opening handshake of one connection over HTTP/1.1 (RFC 6455 4), up to its `agreement`.

    :param connection_type: which side this is.
    :param limits: bounds on what the peer may send.
    """

    _reserved = RESERVED
    # A rejection frames its own body, and its connection-level fields are its own.
    _reserved_in_rejection = RESERVED - FRAMING - UPGRADING - {b"sec-websocket-version"}

    _key: bytes  # set, as the next one, once the stage is REQUESTED
    _expects_continue: bool  # on a server: whether the client sent `Expect: 100-continue`
    _last_interim: RejectConnection | None = None  # the answer, should the transport end after it

    def __init__(self, connection_type: ConnectionType, *, limits: Limits | None = None) -> None:
        super().__init__(connection_type, limits=limits)
        self._exchange = HTTPExchange(client=self.client, limits=self._limits)

    def _written_request(self, event: Request, fields: Headers) -> bytes:
        host, target = (b"Host", written_host(event.host)), written_target(event.target)
        self._key = utilities.generate_nonce()
        headers = [
            host,  # R6455-4.1-23, R9110-7.2-01, -02
            _UPGRADE,  # R6455-4.1-24
            _CONNECTION,  # R6455-4.1-26
            (b"Sec-WebSocket-Key", self._key),  # R6455-4.1-28
            *fields,
        ]
        return written_head(b"GET %b HTTP/1.1" % target, headers)  # R6455-4.1-20, -21

    def _written_acceptance(self, fields: Headers) -> bytes:
        token = (b"Sec-WebSocket-Accept", generate_accept_token(self._key))
        first = b"HTTP/1.1 100 Continue\r\n\r\n" if self._expects_continue else b""  # R9110-7.8-04
        headers = [
            _UPGRADE,  # R9110-7.8-05, R9110-15.2.2-01
            _CONNECTION,
            token,
            *fields,
        ]
        return first + written_head(b"HTTP/1.1 101 Switching Protocols", headers)  # R6455-4.2.2-13

    def _written_rejection(self, event: RejectConnection, fields: Headers) -> bytes:
        if event.status_code == 426:  # R9110-15.5.22-01
            _add_upgrade(fields)
        # R6455-4.2.2-03, -04, -06, -08, R6455-10.2-02, R9112-4-03
        return self._exchange.send_head(event.status_code, fields, has_body=event.has_body)

    def _written_body(self, body: bytes, *, last: bool) -> bytes:
        return self._exchange.send_body(body, last=last)

    def initiate_upgrade_connection(self, headers: Headers, path: bytes | str) -> None:
        """Take in a request that a server has read and parsed already.

        :param headers: its header fields.
        :param path: its target.
        :raises RemoteProtocolError: for a request that may not be accepted.
        :raises LocalProtocolError: on a client, after a request, or while one is being received.
        """
        if self.client:
            raise LocalProtocolError("Cannot initiate an upgrade connection when acting as the client")
        self._next_stage(Input.RECEIVE_REQUEST)
        if self._exchange.trailing_data:
            raise LocalProtocolError("Cannot initiate an upgrade connection when a request is being received")
        try:
            data = rewritten_request(path, headers)  # R6455-4.2-01
        except RemoteProtocolError as error:
            self._fail(error)
            raise
        self.receive_data(data)

    def _receive_data(self, data: bytes | None) -> None:
        if not self.client:
            if data is not None:
                self._receive_request(data)
        elif data is None:
            self._receive_eof()
        elif self._stage is Stage.INITIAL:
            raise refused("The server sent data before the request (RFC 6455 4.1)")  # R9112-9.2-01, -02
        else:
            self._exchange.receive(data)
            self._read_response()

    def _receive_eof(self) -> None:
        """Judge end of file (RFC 6455 7.2.1): a client has to have its answer by then."""
        if self._stage is Stage.BODY:
            self._exchange.receive_eof()  # where a body without a length ends
            self._read_response()
        elif self._stage in (Stage.INITIAL, Stage.REQUESTED):
            if self._last_interim is None or self._exchange.trailing_data:
                raise refused(
                    "The connection ended before the opening handshake was complete (RFC 6455 7.2.1)"
                )
            self._events.append(self._last_interim)

    def _receive_request(self, data: bytes) -> None:
        """Read a client's request; what comes after it waits until it is answered."""
        if self._stage is Stage.INITIAL:
            self._exchange.receive(data)
            head = self._exchange.next()
            if not isinstance(head, RequestHead):  # R9110-5.3-01
                return
            self._judge_request(head)
            data = self._exchange.trailing_data
        if self._stage is Stage.REQUESTED:
            self._receive_early(data)

    def _judge_request(self, request: RequestHead) -> None:
        """Judge the head of a client's request (RFC 6455 4.2.1)."""
        if request.method != b"GET":  # R6455-4.2.1-02, R9110-9.1-01
            raise refused("Request method must be GET")
        # R6455-4.2.1-02, R9110-2.5-01, R9110-7.8-02, R9110-15.2-03
        if not b"1.1" <= request.http_version < b"2":
            version = request.http_version.decode("ascii")
            raise refused(f"HTTP version must be 1.1, not {version} (RFC 6455 4.2.1)")
        fields = collected(request.headers)
        judge_content(fields)
        _upgrade_protocols(fields)
        judge_version(fields, 426)
        self._key = required(fields, "Sec-WebSocket-Key")
        if not _KEY.fullmatch(self._key):  # R6455-4.2.1-07
            raise refused(f"Sec-WebSocket-Key {self._key!r} is not 16 bytes in base64 (RFC 6455 4.2.1)")
        target, host = _read_target(request.target, required(fields, "Host"))
        # RFC 9110 7.8: a 100 response then comes before the 101.
        expected = b",".join(fields.get(b"expect", ())).lower().split(b",")  # RFC 9110 10.1.1
        self._expects_continue = b"100-continue" in (element.strip(b" \t") for element in expected)
        self._receive_offers(request.headers, fields, host, target)

    def _read_response(self) -> None:
        while self._stage in (Stage.REQUESTED, Stage.BODY):
            found = self._exchange.next()
            if isinstance(found, ResponseHead):
                self._receive_response_head(found)
            elif isinstance(found, bytes):
                self._receive_body(found)
            else:
                return

    def _receive_response_head(self, response: ResponseHead) -> None:
        """Accept a 101, skip any other interim response (RFC 9110 15.2), take a final one as a rejection."""
        status = response.status_code
        if status == 101:
            self._receive_acceptance(response)  # R6455-4.1-41
        elif status < 200:  # R9110-15.2-01, -02
            self._receive_interim()
            self._last_interim = RejectConnection(status, response.headers, has_body=False)
            if b"sec-websocket-accept" in dict(response.headers):
                # It answers the handshake: nothing else will follow, and both sides would wait.
                self._receive(Input.RECEIVE_REJECT, self._last_interim)
        else:
            rejection = RejectConnection(status, response.headers, has_body=True)
            self._receive(Input.RECEIVE_REJECT_HEAD, rejection)  # R6455-4.1-42, R6455-4.4-02, R6455-11.3.5-01

    def _receive_acceptance(self, response: ResponseHead) -> None:
        """Judge a response with the status 101 (RFC 6455 4.1)."""
        if response.http_version < b"1.1":  # R6455-4.1-48
            raise refused("A 101 response must be HTTP/1.1 (RFC 6455 4.2.2)")
        fields = collected(response.headers)
        protocols = _upgrade_protocols(fields)
        # R6455-4.1-43
        if protocols != [b"websocket"]:  # RFC 6455 4.1, RFC 9110 7.8: the one that was asked for, alone
            protocols.remove(b"websocket")
            others = b", ".join(protocols).decode("ascii")
            raise refused(f"Bad header 'Upgrade': websocket is beside {others} (RFC 6455 4.1)")
        if single(fields, "Sec-WebSocket-Accept") != generate_accept_token(self._key):  # R6455-4.1-45
            raise refused("Bad accept token")
        self._receive_answer(response.headers, fields, self._exchange.trailing_data)


def _read_target(received: bytes, host: bytes) -> tuple[str, bytes]:
    """Return the resource name, and the host; a target that is a whole URI has its own (RFC 9112 3.2.2)."""
    target = received.decode("ascii")  # visible ASCII is all that the readers of a head let through
    if "#" in target:
        raise refused(f"Request target {target!r} has a fragment (RFC 6455 3)")
    if target.startswith("/"):
        return target, host
    absolute = re.fullmatch(ABSOLUTE, target)
    if absolute is None or not absolute[1]:  # RFC 9110 4.2.1: no authority, no http URI
        raise refused(f"Bad request target {target!r} (RFC 9112 3.2)")
    read_host(host)  # which is judged all the same (RFC 9112 3.2)
    authority, rest = absolute.groups()
    # R6455-4.2.1-03, R9112-3.2.2-01, -02
    return rest if rest.startswith("/") else "/" + rest, authority.encode("ascii")


def _upgrade_protocols(fields: Fields) -> list[bytes]:
    """Return what `Upgrade` names, in lower case; both headers have to be in order (RFC 6455 4.1, 4.2.1)."""
    if fields.get(b"upgrade") == [b"websocket"] and fields.get(b"connection") == [b"Upgrade"]:
        return [b"websocket"]  # as nearly every peer writes them: 2 of 20 microseconds less
    if b"upgrade" not in map(bytes.lower, list_of(fields, "Connection")):  # R6455-4.1-44, R6455-4.2.1-06
        raise refused("Missing header, 'Connection: Upgrade'")
    protocols = [protocol.lower() for protocol in list_of(fields, "Upgrade")]
    if b"websocket" not in protocols:  # R6455-4.1-43, R6455-4.2.1-05, R9110-7.8-03
        raise refused("Missing header, 'Upgrade: websocket'")
    return protocols


def _add_upgrade(fields: Headers) -> None:
    """Add what a 426 needs and lacks (RFC 9110 15.5.22, 7.8)."""
    given = [
        (name.lower(), option.strip(b" \t").lower()) for name, value in fields for option in value.split(b",")
    ]
    if b"upgrade" not in dict(given):
        fields.append(_UPGRADE)
    if (b"connection", b"upgrade") not in given:  # R9110-7.8-01
        fields.append(_CONNECTION)
