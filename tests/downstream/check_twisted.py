"""Twisted as server: twisted.web.websocket reads the request itself, `H11Handshake` judges it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from downstream_exchange import Abilities, check_server, run_check
from downstream_peers import ASK_CLOSE, HOST, SERVER_CLOSE, TIMEOUT_SECONDS, Closes
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.websocket import WebSocketProtocol, WebSocketResource, WebSocketTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twisted.python.failure import Failure
    from twisted.web.iweb import IRequest

loop: Any = reactor  # its type is a module


class Echo(WebSocketProtocol):
    """The exchange's server, as far as Twisted can say it."""

    def __init__(self, closes: Closes) -> None:
        self._closes = closes

    def negotiationStarted(self, transport: WebSocketTransport) -> None:  # noqa: N802 - Twisted's
        self._transport: Any = transport

    def negotiationFinished(self) -> None:  # noqa: N802
        pass

    def pongReceived(self, payload: bytes) -> None:  # noqa: N802
        pass

    def textMessageReceived(self, message: str) -> None:  # noqa: N802
        if message == ASK_CLOSE:
            self._transport.loseConnection(*SERVER_CLOSE)
        else:
            self._transport.sendTextMessage(message)

    def bytesMessageReceived(self, data: bytes) -> None:  # noqa: N802
        self._transport.sendBytesMessage(data)

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002, N802 - it does not tell the code
        self._closes.put(TOLD)


class Factory:
    """Makes the server of a connection."""

    def __init__(self, closes: Closes) -> None:
        self._closes = closes

    def buildProtocol(self, request: IRequest) -> Echo:  # noqa: ARG002, N802
        return Echo(self._closes)


@contextmanager
def twisted_server(closes: Closes) -> Iterator[int]:
    """Serve in the thread of the reactor; gives the port."""
    started: queue.Queue[Any] = queue.Queue()
    resource = Resource()
    resource.putChild(b"", WebSocketResource(Factory(closes)))
    loop.callFromThread(lambda: started.put(loop.listenTCP(0, Site(resource), interface=HOST)))
    listening = started.get(timeout=TIMEOUT_SECONDS)
    yield listening.getHost().port
    loop.callFromThread(listening.stopListening)


TOLD = (0, None)
threading.Thread(target=loop.run, kwargs={"installSignalHandlers": False}, daemon=True).start()
abilities = Abilities(compression=False, server_fragments=False, server_pings=False, told=TOLD)
run_check("twisted", check_server(twisted_server, abilities))
