# /// script
# [tool.testee]
# title = "Apache httpd"
# language = "C"
# needs = ["apache2"]
# debian = ["apache2"]
# transports = ["h2"]
# behind = "h1"
# ///
"""Apache httpd, from HTTP/2 to HTTP/1.1, by mod_http2 and mod_proxy."""

from contract import server_arguments
from proxy import stand

CONFIGURATION = """
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
ServerName localhost
Listen 127.0.0.1:$port
PidFile $folder/pid
DefaultRuntimeDir $folder
ErrorLog /dev/stderr
Protocols h2c http/1.1
H2WebSockets on
ProxyPass / http://127.0.0.1:$echo/ upgrade=websocket
"""

stand(server_arguments(), "apache2 -D FOREGROUND -f $file", CONFIGURATION)
