# /// script
# [tool.testee]
# title = "lighttpd"
# language = "C"
# needs = ["lighttpd"]
# debian = ["lighttpd"]
# transports = ["h2"]
# behind = "h1"
# ///
"""lighttpd, from HTTP/2 to HTTP/1.1."""

from contract import server_arguments
from proxy import stand

CONFIGURATION = """
server.modules = ("mod_proxy")
server.document-root = "$folder"
server.bind = "127.0.0.1"
server.port = $port
server.feature-flags = ("server.h2proto" => "enable", "server.h2c" => "enable")
server.stream-request-body = 2
server.stream-response-body = 2
proxy.server = ("" => (("host" => "127.0.0.1", "port" => $echo)))
proxy.header = ("upgrade" => "enable")
"""

stand(server_arguments(), "lighttpd -D -f $file", CONFIGURATION)
