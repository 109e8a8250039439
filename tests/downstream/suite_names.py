"""A pytest plugin: example.com is this machine, for a suite that mocks its sockets alone."""

from __future__ import annotations

import socket
from typing import Any

resolve = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    """Resolve a name as usual, but for example.com."""
    return resolve("127.0.0.1" if host == "example.com" else host, *arguments, **options)


socket.getaddrinfo = getaddrinfo
