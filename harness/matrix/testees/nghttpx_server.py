# /// script
# [tool.testee]
# title = "nghttpx"
# language = "C++"
# needs = ["nghttpx"]
# debian = ["nghttp2-proxy"]
# transports = ["h2"]
# behind = "h1"
# ///
"""nghttpx, the proxy of nghttp2, from HTTP/2 to HTTP/1.1."""

from contract import server_arguments
from proxy import stand

COMMAND = (
    "nghttpx --conf=$file --single-process --frontend='127.0.0.1,$port;no-tls' --backend='127.0.0.1,$echo'"
)

stand(server_arguments(), COMMAND)
