"""Drives the Sans-I/O layer of websockets as its guide "Integrate the Sans-I/O layer" says.

After `receive_data` one takes `events_received` and `data_to_send`. Text comes and goes as bytes there:
neither the decoding nor the encoding that its user does is counted.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, cast

import websockets
from websockets import frames, speedups
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bench import handshakes
from bench.drivers import interface
from bench.messages import Message
from tooling.frames import CLOSE, CONTINUATION, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame
    from websockets.http11 import Request

    from bench.drivers.interface import Once, Timed
    from bench.workloads import Material, Role

    Call = tuple[Callable[[bytes, bool], None], bytes, bool]

URI = parse_uri("ws://example.com/")


def identity() -> dict[str, str]:
    """Return the version and file that were imported, and whether masking is the C extension's."""
    compiled = vars(frames)["apply_mask"] is speedups.apply_mask
    return {
        "version": version("websockets"),
        "file": str(websockets.__file__),
        "helpers": "masking in C" if compiled else "no C extension",
    }


def _server(*, deflate: bool) -> ServerProtocol:
    return ServerProtocol(max_size=None, extensions=[ServerPerMessageDeflateFactory()] if deflate else None)


def _client(*, deflate: bool) -> ClientProtocol:
    return ClientProtocol(
        URI, max_size=None, extensions=[ClientPerMessageDeflateFactory()] if deflate else None
    )


def _accepted(server: ServerProtocol, request: bytes) -> bytes:
    server.receive_data(request)
    event = cast("Request", server.events_received()[0])
    server.send_response(server.accept(event))
    return b"".join(server.data_to_send())


def _requested(client: ClientProtocol) -> bytes:
    client.send_request(client.connect())
    return b"".join(client.data_to_send())


class Endpoint(interface.Endpoint):
    """A `ServerProtocol` or `ClientProtocol` that is open."""

    def __init__(self, role: Role, *, deflate: bool) -> None:
        super().__init__(role, deflate=deflate)
        self.protocol: ServerProtocol | ClientProtocol
        if role == "server":
            server = self.protocol = _server(deflate=deflate)
            _accepted(server, handshakes.request(deflate=deflate))
        else:
            client = self.protocol = _client(deflate=deflate)
            client.receive_data(handshakes.response(_requested(client), deflate=deflate))
            client.events_received()
            client.data_to_send()

    def receive(self, material: Material) -> Timed:
        """Loop over reads, events and bytes to send."""
        receive_data, events_received = self.protocol.receive_data, self.protocol.events_received
        data_to_send, reads = self.protocol.data_to_send, material.reads

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for read in reads:
                    receive_data(read)
                    events_received()
                    data_to_send()

        return run

    answer_pings = receive  # the protocol answers by itself

    def received(self, material: Material) -> list[Message]:
        """Do it once, and join the frames."""
        messages = []
        opcode, parts = 0, b""
        for read in material.reads:
            self.protocol.receive_data(read)
            for frame in cast("list[Frame]", self.protocol.events_received()):
                if frame.opcode >= CLOSE:
                    messages.append(Message(int(frame.opcode), bytes(frame.data)))
                    continue
                opcode = opcode if frame.opcode == CONTINUATION else int(frame.opcode)
                parts += frame.data
                if frame.fin:
                    messages.append(Message(opcode, parts))
                    parts = b""
        return messages

    def send(self, material: Material) -> Timed:
        """Send each message, or its fragments, and take the bytes."""
        data_to_send, calls = self.protocol.data_to_send, self._calls(material)

        def run(repeat: int) -> None:
            for _ in range(repeat):
                for send, piece, last in calls:
                    send(piece, last)
                    data_to_send()

        return run

    def sent(self, material: Material) -> bytes:
        """Do it once."""
        output = b""
        for send, piece, last in self._calls(material):
            send(piece, last)
            output += b"".join(self.protocol.data_to_send())
        return output

    def _calls(self, material: Material) -> list[Call]:
        calls: list[Call] = []
        for opcode, payload in material.messages:
            send: Callable[[bytes, bool], None] = (
                self.protocol.send_text if opcode == TEXT else self.protocol.send_binary
            )
            size = material.fragment or len(payload)
            starts = range(0, len(payload), size)
            for start in starts:
                calls.append((send, payload[start : start + size], start == starts[-1]))
                send = self.protocol.send_continuation
        return calls

    def answered(self, material: Material) -> bytes:
        """Do it once."""
        output = b""
        for read in material.reads:
            self.protocol.receive_data(read)
            output += b"".join(self.protocol.data_to_send())
            self.protocol.events_received()
        return output

    def answer_close(self, material: Material) -> Once:
        """Take the answer that the protocol makes by itself."""
        protocol, (read,) = self.protocol, material.reads

        def run() -> bytes:
            protocol.receive_data(read)
            protocol.events_received()
            return b"".join(protocol.data_to_send())

        return run

    def begin_close(self, material: Material) -> Once:
        """Send a Close and take its answer."""
        protocol, (read,) = self.protocol, material.reads

        def run() -> bytes:
            protocol.send_close(1000, "done")
            output = b"".join(protocol.data_to_send())
            protocol.receive_data(read)
            protocol.events_received()
            protocol.data_to_send()
            return output

        return run


def shake_hands(*, deflate: bool) -> Callable[[], tuple[bytes, bytes]]:
    """Join a client and a server."""

    def run() -> tuple[bytes, bytes]:
        client, server = _client(deflate=deflate), _server(deflate=deflate)
        request = _requested(client)
        response = _accepted(server, request)
        client.receive_data(response)
        client.events_received()
        client.data_to_send()
        return request, response

    return run


def accept(request: bytes) -> Once:
    """Accept a request."""

    def run() -> bytes:
        return _accepted(_server(deflate=True), request)

    return run
