"""mitmproxy between a client and a server: it relays both ways, and injects messages of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

import websockets.exceptions
import websockets.sync.client
import websockets.sync.server
from downstream_exchange import CLIENT_CLOSE, Abilities, Exchange, run_check
from downstream_peers import (
    HOST,
    TIMEOUT_SECONDS,
    Closes,
    Data,
    own_client,
    own_server,
    same,
    serve_websockets,
    websockets_client,
    websockets_server,
)
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from downstream_exchange import OpenServer
    from mitmproxy.http import HTTPFlow

LONG = "0123456789" * 1000  # mitmproxy cuts what it injects into frames of 4,000 bytes
INJECTED: list[Data] = ["injected", b"\x00\xffinjected", "", b"", LONG, LONG.encode()]
#: A message that the proxy drops, and what it injects towards the sender instead.
SECRET, INSTEAD = "a secret", "ssssssh"
#: The beginning of a text, and a binary message before its end; and the failure as mitmproxy's tests know it.
INTERRUPTED = b"\x01\x81\x00\x00\x00\x00a" + b"\x82\x81\x00\x00\x00\x00b"
FAILURE = (1002, "expected CONTINUATION, got <Opcode.BINARY: 2>")
#: What the client offers; the server takes it.
OFFERS: dict[str, list[ClientPerMessageDeflateFactory] | None] = {
    "plain": None,
    "compressed": [ClientPerMessageDeflateFactory(client_max_window_bits=True)],
    "compressed with every parameter": [ClientPerMessageDeflateFactory(True, True, 12, 12)],
}


class Proxy:
    """mitmproxy in a thread, in front of one server; and the addon that mitmproxy calls in that thread."""

    def __init__(self, server_port: int) -> None:
        self.flows: queue.Queue[HTTPFlow] = queue.Queue()  # one for each connection
        self._options = {
            "mode": [f"reverse:http://{HOST}:{server_port}"],
            "listen_host": HOST,
            "listen_port": 0,
        }
        self._started: queue.Queue[int | BaseException] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._master: Any = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run()], daemon=True)

    def __enter__(self) -> int:
        """Start it; gives the port."""
        self._thread.start()
        started = self._started.get(timeout=TIMEOUT_SECONDS)
        if isinstance(started, BaseException):
            raise started
        return started

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._master.shutdown)
        self._thread.join(TIMEOUT_SECONDS)

    def inject(self, flow: HTTPFlow, message: Data, *, to_client: bool) -> None:
        """Inject a message by mitmproxy's command."""
        command = ("inject.websocket", flow, to_client, encoded(message), isinstance(message, str))
        self._loop.call_soon_threadsafe(self._master.commands.call, *command)

    async def _run(self) -> None:
        try:
            self._master = DumpMaster(Options(**self._options), with_termlog=False, with_dumper=False)
            self._master.addons.add(self)
            await self._master.run()
        except BaseException as error:
            self._started.put(error)
            raise

    def running(self) -> None:
        self._started.put(self._master.addons.get("proxyserver").listen_addrs()[0][1])

    def websocket_start(self, flow: HTTPFlow) -> None:
        self.flows.put(flow)

    def websocket_message(self, flow: HTTPFlow) -> None:
        assert flow.websocket is not None
        message = flow.websocket.messages[-1]
        if message.content == SECRET.encode():
            message.drop()
            self.inject(flow, INSTEAD, to_client=message.from_client)


class Injections(Exchange):
    """Messages that mitmproxy injects in each direction, between those that it relays; and a failure."""

    def run(self) -> None:
        """Go through connections with and without compression; both ends are `websockets`."""
        received: queue.Queue[Data] = queue.Queue()
        with noting_server(received) as server_port:
            proxy = Proxy(server_port)
            with proxy as port:
                url = f"ws://{HOST}:{port}/"
                for name, offer in OFFERS.items():
                    with websockets.sync.client.connect(url, compression=None, extensions=offer) as client:
                        same(bool(offer), bool(client.protocol.extensions), "permessage-deflate negotiated")
                        self.inject(name, proxy, client, received)
                with websockets.sync.client.connect(url, compression=None) as client:
                    self.fail(client, received)

    def fail(self, client: websockets.sync.client.ClientConnection, received: queue.Queue[Data]) -> None:
        """Send what breaks the protocol: both ends hear of it."""
        self.step = "a message inside another"
        client.socket.sendall(INTERRUPTED)
        told = received.get(timeout=TIMEOUT_SECONDS)
        same(closed_with(*FAILURE), told, "what the server was told at the end")
        try:
            raise AssertionError(f"a message came instead of Close: {client.recv(timeout=TIMEOUT_SECONDS)!r}")
        except websockets.exceptions.ConnectionClosed:
            same(FAILURE, (client.close_code, client.close_reason), "what the client was told at the end")
        self.done.append(self.step)

    def inject(
        self,
        name: str,
        proxy: Proxy,
        client: websockets.sync.client.ClientConnection,
        received: queue.Queue[Data],
    ) -> None:
        """Inject over one connection, to a server that notes what it receives, and echoes."""

        def relay(message: Data) -> None:
            client.send(message)
            same(message, received.get(timeout=TIMEOUT_SECONDS), "what the server received")
            same(message, client.recv(timeout=TIMEOUT_SECONDS), "the echo")

        flow = proxy.flows.get(timeout=TIMEOUT_SECONDS)
        self.step = f"inject to the server, {name}"
        relay("before")
        for message in INJECTED:
            proxy.inject(flow, message, to_client=False)
            same(message, received.get(timeout=TIMEOUT_SECONDS), "what the server received")
            same(message, client.recv(timeout=TIMEOUT_SECONDS), "the echo of what was injected")
        self.done.append(self.step)
        self.step = f"inject to the client, {name}"
        for message in INJECTED:
            proxy.inject(flow, message, to_client=True)
            same(message, client.recv(timeout=TIMEOUT_SECONDS), "what the client received")
        client.send(SECRET)
        same(INSTEAD, client.recv(timeout=TIMEOUT_SECONDS), "what came in place of an answer")
        relay("after")  # and the server has received nothing else
        client.close(*CLIENT_CLOSE)
        told = received.get(timeout=TIMEOUT_SECONDS)
        same(closed_with(*CLIENT_CLOSE), told, "what the server was told at the end")
        assert flow.websocket is not None
        noted = [
            (not message.from_client, message.is_text, message.content)
            for message in flow.websocket.messages
            if message.injected
        ]
        texts = [(isinstance(message, str), encoded(message)) for message in INJECTED]
        expected = [(to_client, *text) for to_client in (False, True) for text in texts]
        same([*expected, (True, True, INSTEAD.encode())], noted, "what mitmproxy noted")
        same(CLIENT_CLOSE, (client.close_code, client.close_reason), "the end of the connection")
        self.done.append(self.step)


def encoded(message: Data) -> bytes:
    """Give the bytes of a message."""
    return message.encode() if isinstance(message, str) else message


def closed_with(code: int | None, reason: str | None) -> str:
    """Say how a connection ended, among the messages that a server has received."""
    return f"closed with {code} {reason!r}"


@contextlib.contextmanager
def noting_server(received: queue.Queue[Data]) -> Iterator[int]:
    """Serve an echo that notes each message, and the end; gives the port."""

    def serve(connection: websockets.sync.server.ServerConnection) -> None:
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            for message in connection:
                received.put(message)
                connection.send(message)
        received.put(closed_with(connection.close_code, connection.close_reason))

    with serve_websockets(serve) as port:
        yield port


def behind_mitmproxy(open_server: OpenServer) -> OpenServer:
    """Give a server that is reached by way of mitmproxy."""

    @contextlib.contextmanager
    def behind(closes: Closes) -> Iterator[int]:
        with open_server(closes) as server_port, Proxy(server_port) as port:
            yield port

    behind.__name__ = f"{open_server.__name__} behind mitmproxy"
    return behind


logging.basicConfig(level=logging.ERROR)  # mitmproxy logs what goes wrong in it
run_check(
    "mitmproxy",
    [
        Exchange(websockets_client, behind_mitmproxy(websockets_server), Abilities()),
        Exchange(own_client, behind_mitmproxy(own_server), Abilities()),
        Injections(websockets_client, behind_mitmproxy(websockets_server), Abilities()),
    ],
)
