"""Section H: WebSockets over HTTP/2 and HTTP/3 (RFC 8441, RFC 9220), by cases of the harness's own.

The cases are data (`case`, `steps`, `expectations`), in the tables `requests`, `tunnels` and `clients`; one
`player` plays them, over a wire for each transport, which sends whatever a case says.
"""
