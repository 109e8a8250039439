"""A WebSocket echo server for HTTP/1.1 and HTTP/2 on one TLS port: ALPN says which (RFC 7301, RFC 9113 3.2).

    python alpn_server.py --certificate FILE [--key FILE] [--max-message-size BYTES] [HOST PORT]

Port 0 takes a free port; the first line of output names it. Ctrl-C or SIGTERM ends the server.
Needs the `h2` package.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asyncio_server import run, serve_http1
from command_line import server_arguments
from http2_server import serve_http2

if TYPE_CHECKING:
    import asyncio

    from wsproto.limits import Limits


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
    """Hold one connection, as the client has chosen; one without ALPN speaks HTTP/1.1."""
    tls = writer.get_extra_info("ssl_object")
    speaks_http2 = tls is not None and tls.selected_alpn_protocol() == "h2"
    await (serve_http2 if speaks_http2 else serve_http1)(reader, writer, limits)


def main() -> int:
    """Serve both; a client that knows both takes the first."""
    return run(serve, server_arguments(sys.argv[0], __doc__, alpn=["h2", "http/1.1"]))


if __name__ == "__main__":
    sys.exit(main())
