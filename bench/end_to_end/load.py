"""The load generator: sends frames made beforehand, and compares every echoed byte with the expected one."""

from __future__ import annotations

import base64
import hashlib
import os
import selectors
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.end_to_end.server_process import ServerProcess

STALL_TIMEOUT = 10.0
"""The server has failed after so many seconds without a byte from it."""

RECEIVE_BYTES = 2**18

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88
NORMAL_CLOSURE = (1000).to_bytes(2, "big")


@dataclass(frozen=True)
class Scenario:
    """A load: on each connection messages of one size, always the same number in flight."""

    size: int
    """Bytes of payload; up to 1 KiB it is text, above binary."""
    connections: int
    in_flight: int
    """Messages sent on a connection and not yet echoed."""

    @property
    def is_text(self) -> bool:
        """Whether the messages are text."""
        return self.size <= 2**10

    def __str__(self) -> str:
        size = f"{self.size} bytes" if self.size < 2**10 else f"{self.size // 2**10} KiB"
        connections = f"{self.connections} connection{'s' * (self.connections != 1)}"
        return f"{size}, {connections}, {self.in_flight} in flight"


def frame(first_byte: int, payload: bytes, key: bytes = b"") -> bytes:
    """Write a frame (RFC 6455 5.2), masked where there is a key."""
    size, mask_bit = len(payload), 0x80 if key else 0
    if size < 126:
        head = bytes([first_byte, mask_bit | size])
    elif size < 2**16:
        head = bytes([first_byte, mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first_byte, mask_bit | 127]) + size.to_bytes(8, "big")
    if key:
        mask = (key * (size // 4 + 1))[:size]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
    return head + key + payload


def accept_of(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


class Script:
    """The bytes that a connection sends, over and over, and those that have to come back.

    Both are longer than one round by as much as is read or written at once, so that no slice needs two parts.

    :param bare: whether what is sent comes back as it is.
    """

    def __init__(self, scenario: Scenario, *, bare: bool) -> None:
        first_byte = TEXT if scenario.is_text else BINARY
        count = max(16, scenario.in_flight)
        payloads = [_payload(scenario) for _ in range(count)]
        sent = [frame(first_byte, payload, os.urandom(4)) for payload in payloads]
        echoed = sent if bare else [frame(first_byte, payload) for payload in payloads]
        self.in_flight = scenario.in_flight
        self.sent_size, self.echo_size = len(sent[0]), len(echoed[0])
        self.sent_round, self.echo_round = count * self.sent_size, count * self.echo_size
        self.outgoing = memoryview(b"".join(islice(cycle(sent), count + scenario.in_flight)))
        spare = RECEIVE_BYTES // self.echo_size + 1
        self.expected = b"".join(islice(cycle(echoed), count + spare))


def _payload(scenario: Scenario) -> bytes:
    data = os.urandom(scenario.size)
    return base64.b64encode(data)[: scenario.size] if scenario.is_text else data


class Connection:
    """One connection of the load generator."""

    def __init__(self, server: ServerProcess, script: Script) -> None:
        self._server = server
        self._script = script
        self.sent = self.received = 0
        """Bytes after the handshake."""
        self.waits_to_send = False
        self.socket = socket.create_connection(server.address, STALL_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._handshake()
        except BaseException:
            self.socket.close()
            raise
        self.socket.settimeout(0)

    def _handshake(self) -> None:
        key = base64.b64encode(os.urandom(16))
        host = f"{self._server.address[0]}:{self._server.address[1]}".encode()
        self.socket.sendall(
            b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: " + key + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        response = b""
        while not response.endswith(b"\r\n\r\n"):
            more = self.socket.recv(1)
            if not more:
                raise self._server.failure("ended a connection in its handshake")
            response += more
        if not response.startswith(b"HTTP/1.1 101") or accept_of(key) not in response:
            raise self._server.failure(f"answered the handshake with {response[:80]!r}")
        if b"sec-websocket-extensions" in response.lower():
            raise self._server.failure("negotiated an extension that nobody offered")

    @property
    def echoed(self) -> int:
        """How many messages have come back."""
        return self.received // self._script.echo_size

    @property
    def drained(self) -> bool:
        """Whether all that was sent has come back."""
        return self.received * self._script.sent_size == self.sent * self._script.echo_size

    def fill(self) -> bool:
        """Send until enough is in flight; tell whether the socket took it all."""
        script = self._script
        room = (self.echoed + script.in_flight) * script.sent_size - self.sent
        return room <= 0 or self._send(room) == room

    def finish_message(self) -> bool:
        """Send the rest of a message that was begun; tell whether the socket took it."""
        rest = -self.sent % self._script.sent_size
        return not rest or self._send(rest) == rest

    def _send(self, size: int) -> int:
        begin = self.sent % self._script.sent_round
        try:
            count = self.socket.send(self._script.outgoing[begin : begin + size])
        except BlockingIOError:
            return 0
        self.sent += count
        return count

    def receive(self, buffer: memoryview) -> None:
        """Read once, and compare."""
        try:
            count = self.socket.recv_into(buffer)
        except BlockingIOError:
            return
        if not count:
            raise self._server.failure(f"ended a connection after {self.echoed} messages")
        begin = self.received % self._script.echo_round
        if not self._script.expected.startswith(buffer[:count], begin):
            raise self._server.failure(f"sent another message {self.echoed + 1} back than it had got")
        self.received += count

    def close(self) -> None:
        """Shake hands on the end."""
        self.socket.settimeout(STALL_TIMEOUT)
        self.socket.sendall(frame(CLOSE, NORMAL_CLOSURE, os.urandom(4)))
        answer = self.socket.recv(RECEIVE_BYTES)
        if answer[:1] != bytes([CLOSE]):
            raise self._server.failure(f"answered a Close with {answer[:20]!r}")


class Load:
    """All connections to one server."""

    def __init__(
        self, server: ServerProcess, connections: Sequence[Connection], selector: selectors.BaseSelector
    ) -> None:
        self._server = server
        self._connections = connections
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._selector = selector
        for connection in connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    @property
    def echoed(self) -> int:
        """How many messages have come back."""
        return sum(connection.echoed for connection in self._connections)

    def run(self, seconds: float) -> None:
        """Keep so many messages in flight for a time, then wait until all have come back."""
        until = time.perf_counter() + seconds
        self._exchange(Connection.fill, lambda: time.perf_counter() >= until)
        self._exchange(Connection.finish_message, self._drained)

    def _drained(self) -> bool:
        return all(connection.drained for connection in self._connections)

    def _exchange(self, send: Callable[[Connection], bool], ended: Callable[[], bool]) -> None:
        """Send on every connection, and again whenever something came back."""
        for connection in self._connections:
            self._watch(connection, took_all=send(connection))
        while not ended():
            for connection, events in self._ready():
                if events & selectors.EVENT_READ:
                    connection.receive(self._buffer)
                self._watch(connection, took_all=send(connection))

    def close(self) -> None:
        """Close all connections, with the closing handshake."""
        for connection in self._connections:
            connection.close()

    def _ready(self) -> list[tuple[Connection, int]]:
        ready = self._selector.select(STALL_TIMEOUT)
        if not ready:
            raise self._server.failure(f"sent nothing for {STALL_TIMEOUT:g} s")
        return [(key.data, events) for key, events in ready]

    def _watch(self, connection: Connection, *, took_all: bool) -> None:
        """Wait for room in a socket's buffer only where it is full."""
        if connection.waits_to_send is took_all:
            connection.waits_to_send = not took_all
            wanted = selectors.EVENT_READ if took_all else selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(connection.socket, wanted, connection)


@contextmanager
def connected(server: ServerProcess, scenario: Scenario) -> Iterator[Load]:
    """Connect to a server; at the end no socket is left open."""
    script = Script(scenario, bare=server.peer.bare)
    connections: list[Connection] = []
    try:
        for _ in range(scenario.connections):
            connections.append(Connection(server, script))  # noqa: PERF401  # those that are open have to be closed
        with selectors.DefaultSelector() as selector:
            yield Load(server, connections, selector)
    except OSError as error:
        raise server.failure(f"failed on a connection ({error.strerror or error})") from error
    finally:
        for connection in connections:
            connection.socket.close()
