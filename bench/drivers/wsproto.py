"""Drives this library, and the published one of the same name and interface."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bench import handshakes
from bench.drivers import interface
from bench.messages import Message
from tooling.frames import BINARY, CLOSE, PING, PONG, TEXT
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.drivers.interface import Once, Timed
    from bench.workloads import Material, Role


def identity() -> dict[str, str]:
    """Return the version and file that were imported."""
    module = import_module("wsproto")
    helpers = "reader and writer in C" if getattr(module, "compiled", False) else "pure Python"
    return {"version": module.__version__, "file": str(module.__file__), "helpers": helpers}


class Endpoint(interface.Endpoint):
    """A `WSConnection` that is open."""

    def __init__(self, role: Role, *, deflate: bool) -> None:
        super().__init__(role, deflate=deflate)
        if role == "server":
            self.connection = WSConnection(ConnectionType.SERVER)
            self.connection.receive_data(handshakes.request(deflate=deflate))
            list(self.connection.events())
            self.connection.send(AcceptConnection(extensions=_extensions(deflate=deflate)))
        else:
            self.connection = WSConnection(ConnectionType.CLIENT)
            request = self.connection.send(Request("example.com", "/", _extensions(deflate=deflate)))
            self.connection.receive_data(handshakes.response(request, deflate=deflate))
            list(self.connection.events())

    def receive(self, material: Material) -> Timed:
        """Loop over reads and events, as the guide has it."""
        receive_data, events, reads = self.connection.receive_data, self.connection.events, material.reads

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for read in reads:
                    receive_data(read)
                    list(events())

        return run

    def received(self, material: Material) -> list[Message]:
        """Do it once, and join the pieces."""
        events: list[Event] = []
        for read in material.reads:
            self.connection.receive_data(read)
            events += self.connection.events()
        return _joined(events)

    def send(self, material: Material) -> Timed:
        """Make an event of each message or fragment, and send it."""
        send = self.connection.send
        kind, pieces = _pieces(material)

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for piece, last in pieces:
                    send(kind(piece, True, last))  # noqa: FBT003  # as users write it

        return run

    def sent(self, material: Material) -> bytes:
        """Do it once."""
        kind, pieces = _pieces(material)
        return b"".join(self.connection.send(kind(piece, message_finished=last)) for piece, last in pieces)

    def answer_pings(self, material: Material) -> Timed:
        """Send the response of each ping."""
        receive_data, events, reads = self.connection.receive_data, self.connection.events, material.reads
        send = self.connection.send

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for read in reads:
                    receive_data(read)
                    for event in events():
                        send(event.response())  # type: ignore[attr-defined]

        return run

    def answered(self, material: Material) -> bytes:
        """Do it once."""
        output = b""
        for read in material.reads:
            self.connection.receive_data(read)
            for event in self.connection.events():
                if isinstance(event, Ping):
                    output += self.connection.send(event.response())
        return output

    def answer_close(self, material: Material) -> Once:
        """Send the response of a Close."""
        connection, (read,) = self.connection, material.reads

        def run() -> bytes:
            connection.receive_data(read)
            (event,) = connection.events()
            return connection.send(event.response())  # type: ignore[attr-defined]

        return run

    def begin_close(self, material: Material) -> Once:
        """Send a Close and take its answer."""
        connection, (read,) = self.connection, material.reads

        def run() -> bytes:
            output = connection.send(CloseConnection(1000, "done"))
            connection.receive_data(read)
            list(connection.events())
            return output

        return run


def _extensions(*, deflate: bool) -> list[Extension]:
    return [PerMessageDeflate()] if deflate else []


def _pieces(material: Material) -> tuple[Callable[..., Event], list[tuple[str | bytes, bool]]]:
    """Return the class of the events, and what each carries: data, and whether it ends its message."""
    pieces: list[tuple[str | bytes, bool]] = []
    for opcode, payload in material.messages:
        if opcode == TEXT:
            pieces.append((payload.decode(), True))
            continue
        size = material.fragment or len(payload)
        starts = range(0, len(payload), size)
        pieces += [(payload[start : start + size], start == starts[-1]) for start in starts]
    return (TextMessage if material.messages[0].opcode == TEXT else BytesMessage), pieces


def _joined(events: Iterable[Event]) -> list[Message]:
    messages = []
    text, binary = "", b""
    for event in events:
        if isinstance(event, TextMessage):
            text += event.data
            if event.message_finished:
                messages.append(Message(TEXT, text.encode()))
                text = ""
        elif isinstance(event, BytesMessage):
            binary += event.data
            if event.message_finished:
                messages.append(Message(BINARY, binary))
                binary = b""
        elif isinstance(event, (Ping, Pong)):
            messages.append(Message(PING if isinstance(event, Ping) else PONG, bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            messages.append(Message(CLOSE, event.code.to_bytes(2, "big") + (event.reason or "").encode()))
        else:
            raise TypeError(f"an event that nobody sent: {event!r}")
    return messages


def shake_hands(*, deflate: bool) -> Callable[[], tuple[bytes, bytes]]:
    """Join a client and a server."""

    def run() -> tuple[bytes, bytes]:
        client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
        request = client.send(Request("example.com", "/", _extensions(deflate=deflate)))
        server.receive_data(request)
        list(server.events())
        response = server.send(AcceptConnection(extensions=_extensions(deflate=deflate)))
        client.receive_data(response)
        list(client.events())
        return request, response

    return run


def accept(request: bytes) -> Once:
    """Accept a request."""

    def run() -> bytes:
        server = WSConnection(ConnectionType.SERVER)
        server.receive_data(request)
        list(server.events())
        return server.send(AcceptConnection(extensions=[PerMessageDeflate()]))

    return run
