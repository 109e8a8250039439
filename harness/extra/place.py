"""Where a server under test is, and what every request to it has to have: path, fields, TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.extra.certificates import HOST
from harness.extra.heads import PROTOCOL
from harness.extra.memory import MemoryWatch
from harness.extra.tls_wire import TlsWire
from harness.extra.wire import Wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from harness.extra.heads import Head

_START = re.compile(r"(?P<method>\S+) (?P<absolute>http://\{host\})?/(?P<rest>\S*)(?P<tail>.*)", re.DOTALL)
"""A request line as the cases have it."""


@dataclass(frozen=True)
class Place:
    """A server's address, and how it is asked."""

    host: str
    port: int
    authority: str
    """What stands in the Host field."""
    target: str = ""
    """The path and query that every request asks for; empty where each case has its own."""
    fields: tuple[tuple[str, str], ...] = ()
    """Fields that every request has besides."""
    context: Callable[[], ssl.SSLContext] | None = None
    """Makes the settings of TLS for one connection; None without TLS."""
    server_name: str = HOST
    """The name for which the server has to have a certificate."""
    is_here: bool = True
    """Whether the server may be a process of this machine, whose memory can be watched."""

    @classmethod
    def of(cls, url: str) -> Place:
        """Return the place of `ws://HOST:PORT`, where each case asks for the path that it likes."""
        server = urlsplit(url)
        return cls(unquote(server.hostname or ""), server.port or 80, server.netloc)

    def wire(self) -> Wire:
        """Make the end of one connection."""
        return TlsWire(self.context(), server_name=self.server_name) if self.context else Wire()

    def watch(self) -> MemoryWatch | None:
        """Return a watch over the server's process; None where this process sees none."""
        return MemoryWatch.of_listener(self.port) if self.is_here else None

    def asked(self, request: Head) -> Head:
        """Return a case's request for this target, with the fields that it needs.

        What a case puts into the path goes into the query, where the server lets it pass. A case's own list
        of subprotocols stays; another field of its own gives way.
        """
        found = _START.fullmatch(request.start) if self.target else None
        if found:
            scheme = "https" if self.context else "http"
            before = f"{scheme}://{{host}}" if found["absolute"] else ""
            rest = found["rest"] and f"{'&' if '?' in self.target else '?'}{found['rest']}"
            request = request.begin(f"{found['method']} {before}{self.target}{rest}{found['tail']}")
        if not request.fields:  # it has no end
            return request
        mine = tuple(
            field
            for field in self.fields
            if not (field[0].lower() == PROTOCOL.lower() and request.values(PROTOCOL))
        )
        for name, _ in mine:
            request = request.drop(name)
        host = tuple(field for field in request.fields[:1] if field[0].lower() == "host")
        return replace(request, fields=(*host, *mine, *request.fields[len(host) :]))
