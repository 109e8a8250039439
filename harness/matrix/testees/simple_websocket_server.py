# /// script
# dependencies = ["simple-websocket", "wsproto", "werkzeug"]
# ///
"""simple-websocket's server, over the published wsproto, behind the WSGI server that Flask brings."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

from simple_websocket import ConnectionClosed, Server
from simple_websocket.errors import ConnectionError as HandshakeError
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from contract import HOST, ready, server_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            connection = Server.accept(environ, max_message_size=arguments.max_message_size)
        except (HandshakeError, RuntimeError, ValueError):
            refused: Iterable[bytes] = Response(status=400)(environ, start_response)
            return refused
        try:
            while True:
                connection.send(connection.receive())
        except ConnectionClosed:
            # It was the WebSocket's: no response, and no request behind it. werkzeug knows this error.
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError from None

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(HOST, arguments.port, application, threaded=True)
    ready(server.port)
    server.serve_forever()


main()
