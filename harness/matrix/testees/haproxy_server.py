# /// script
# [tool.testee]
# title = "HAProxy"
# language = "C"
# needs = ["haproxy"]
# debian = ["haproxy"]
# transports = ["h2"]
# behind = "h1"
# ///
"""HAProxy, from HTTP/2 to HTTP/1.1."""

from contract import server_arguments
from proxy import stand

CONFIGURATION = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend suite
    bind 127.0.0.1:$port proto h2
    default_backend testee
backend testee
    server testee 127.0.0.1:$echo
"""

stand(server_arguments(), "haproxy -db -q -f $file", CONFIGURATION)
