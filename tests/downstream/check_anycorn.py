"""anycorn as server, over HTTP/1.1: a fork of hypercorn on anyio."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anycorn import serve
from anycorn.config import Config
from asgi_echo import EchoApplication
from downstream_exchange import CLIENT_CLOSE, Abilities, check_server, run_check
from downstream_peers import HOST, Closes

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def anycorn_server(closes: Closes) -> Iterator[int]:
    """Run anycorn in a thread; gives the port."""
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # anycorn closes it
    config.graceful_timeout = 1
    config.errorlog = None
    application: Any = EchoApplication(
        closes
    )  # anycorn has a type for each message, the application has none
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    running = serve(application, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=loop.run_until_complete, args=(running,), daemon=True)
    thread.start()
    yield port
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


# ASGI has no words for fragments and pings; anycorn tells an application the code of a Close, not its reason.
abilities = Abilities(server_fragments=False, server_pings=False, told=(CLIENT_CLOSE[0], None))
run_check("anycorn", check_server(anycorn_server, abilities))
