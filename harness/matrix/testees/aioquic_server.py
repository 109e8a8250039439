# /// script
# dependencies = ["aioquic", "wsproto"]
# [tool.testee]
# title = "aioquic's example"
# transports = ["h3"]
# build = """sh -c '\
#     {python} -m pip download -q --no-deps --no-binary :all: -d {folder} {pins[0]} \
#     && tar -xzf {folder}/aioquic-*.tar.gz -C {folder}'"""
# ///
"""The server among aioquic's examples, which its source distribution has, over the published wsproto."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration

from contract import HOST, ready, server_arguments, until_ended
from echo_application import echo

sys.path.append(str(next(Path(sys.prefix).glob("aioquic-*/examples"))))
example: Any = import_module("http3_server")


async def main() -> None:
    """Serve until ended."""
    arguments = server_arguments()
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN, max_datagram_frame_size=65536)
    configuration.load_cert_chain(arguments.certificate, arguments.key)
    example.application = echo
    server: Any = await serve(
        HOST, arguments.port, configuration=configuration, create_protocol=example.HttpServerProtocol
    )
    ready(server._transport.get_extra_info("sockname")[1])  # noqa: SLF001  # aioquic says it nowhere else
    await until_ended()


asyncio.run(main())
