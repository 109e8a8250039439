"""hypercorn as server: over HTTP/1.1, and over HTTP/2 (RFC 8441) with this project's example client."""

from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asgi_echo import EchoApplication
from downstream_exchange import Abilities, Exchange, check_server, run_check
from downstream_peers import HOST, Closes, own_client, pinged_client, same
from hypercorn.asyncio import serve
from hypercorn.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

PING_SECONDS = 0.2
HTTP2_CLIENT = Path(__file__).resolve().parents[2] / "examples" / "http2_client.py"


@contextmanager
def hypercorn_server(closes: Closes) -> Iterator[int]:
    """Run hypercorn in a thread; gives the port."""
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # hypercorn closes it
    config.websocket_ping_interval = PING_SECONDS
    config.graceful_timeout = 1
    config.errorlog = None
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    application: Any = EchoApplication(
        closes
    )  # hypercorn has a type for each message, the application has none
    running = serve(application, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=loop.run_until_complete, args=(running,), daemon=True)
    thread.start()
    yield port
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


class Http2Exchange(Exchange):
    """The example client over HTTP/2: texts of more than a flow control window, a ping, a close."""

    def run(self) -> None:
        """Run the example, and compare what it prints."""
        self.step = "WebSocket over HTTP/2"
        closes: Closes = queue.Queue()
        texts = ["hello", "x" * 100_000]
        with self.open_server(closes) as port:
            command = [sys.executable, str(HTTP2_CLIENT), HOST, str(port), *texts]
            client = subprocess.run(  # noqa: S603  (a list of arguments, made here)
                command, capture_output=True, text=True, timeout=20, check=False
            )
            same("", client.stderr, "the error output of examples/http2_client.py")
            expected = [
                "connected",
                *(f"received {text!r}" for text in texts),
                "received pong b'still there?'",
            ]
            same([*expected, "closed with 1000 'bye'"], client.stdout.splitlines(), "its output")
            same(0, client.returncode, "its exit status")
            same(TOLD, closes.get(timeout=10), "what the server's application was told")
        self.done.append(self.step)


# ASGI has no words for fragments and pings; hypercorn tells an application 1006 for every client's Close.
TOLD = (1006, None)
abilities = Abilities(server_fragments=False, server_pings=False, told=TOLD)
exchanges = check_server(hypercorn_server, abilities)
exchanges.append(Exchange(pinged_client, hypercorn_server, abilities))
exchanges.append(Http2Exchange(own_client, hypercorn_server, abilities))
run_check("hypercorn", exchanges)
