"""uvicorn with ws="wsproto", over HTTP/1.1, as server."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from asgi_echo import EchoApplication
from downstream_exchange import Abilities, Exchange, check_server, run_check
from downstream_peers import HOST, Closes, pinged_client

if TYPE_CHECKING:
    from collections.abc import Iterator

PING_SECONDS = 0.2


@contextmanager
def uvicorn_server(closes: Closes) -> Iterator[int]:
    """Run uvicorn in a thread; gives the port."""
    with socket.create_server((HOST, 0)) as listener:
        config = uvicorn.Config(
            EchoApplication(closes),
            ws="wsproto",
            lifespan="off",
            log_level="warning",
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=5.0,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)


abilities = Abilities(server_fragments=False, server_pings=False)  # ASGI has no words for them
exchanges = check_server(uvicorn_server, abilities)
exchanges.append(Exchange(pinged_client, uvicorn_server, abilities))
run_check("uvicorn", exchanges)
