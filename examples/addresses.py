"""Takes a ws or wss URL apart (RFC 6455 3), and opens the TCP or TLS connection to it.

Every error here names the value and the rule in one line.
"""

from __future__ import annotations

import re
import socket
import string
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    import ssl

DEFAULT_PORTS = {"ws": 80, "wss": 443}
NAME = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=-]+")  # RFC 3986 3.2.2, without percent-encoding
ZONE = re.compile(r"(?<=//\[)([^]%]*)%(?:25)?([^]]*)")  # RFC 6874 2 writes "%25"; a bare "%" is common


class AddressError(ValueError):
    """The text is not the address of a WebSocket server."""


@dataclass(frozen=True)
class Address:
    """The parts of a URL; `host` is ASCII, an IPv6 address stands without brackets and zone."""

    host: str
    port: int
    zone: str = ""
    target: str = "/"
    scheme: str = "ws"

    @property
    def node(self) -> str:
        """The host for the resolver: a link-local address needs its zone, the name of an interface."""
        return f"{self.host}%{self.zone}" if self.zone else self.host

    @property
    def authority(self) -> str:
        """Host and port for the Host header: the zone means nothing to the server (RFC 6874 4)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def connect(self, timeout: float, tls: ssl.SSLContext | None) -> socket.socket:
        """Open the TCP connection, and TLS on it, within about `timeout` seconds each.

        :raises OSError: where that fails, `ssl.SSLError` included.
        """
        sock = socket.create_connection((self.node, self.port), timeout)
        # A small frame leaves at once instead of waiting for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(sock, server_hostname=self.host) if tls else sock


def address_of_url(url: str) -> Address:
    """Take a WebSocket URL apart.

    :raises AddressError: for all that is not one.
    """
    if any(character <= " " or character == "\x7f" for character in url):
        raise AddressError(f"{url!r} has white space or a control character, which a URL cannot have")
    zoned = ZONE.search(url)
    try:
        parts = urlsplit(ZONE.sub(r"\1", url, count=1))  # which knows no zones, or not all
        port = parts.port
    except ValueError as error:
        raise AddressError(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressError(f"{url!r} begins with neither ws:// nor wss:// (RFC 6455 3)")
    if "@" in parts.netloc:
        raise AddressError(f"{url!r} has user info, which a WebSocket URL cannot have (RFC 6455 3)")
    if "#" in url:
        raise AddressError(f"{url!r} has a fragment, which a WebSocket URL cannot have (RFC 6455 3)")
    if port == 0:
        raise AddressError(f"{url!r} has the port 0, on which nobody listens")
    host, zone = host_and_zone((parts.hostname or "") + (f"%{unquote(zoned[2])}" if zoned else ""))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = quote(target, safe=string.punctuation)  # escapes all that is not ASCII (RFC 6455 11.1)
    return Address(host, port or DEFAULT_PORTS[parts.scheme], zone, target, parts.scheme)


def host_and_zone(text: str) -> tuple[str, str]:
    """Split a host's name, or its address, from the zone behind it: "fe80::1%eth0" (RFC 4007 11).

    :raises AddressError: for all that is not one.
    """
    if ":" not in text:
        return host_name(text), ""
    host, percent, zone = text.partition("%")
    try:
        IPv6Address(host)
    except AddressValueError as error:
        raise AddressError(f"{text!r} is not an IPv6 address: {error}") from None
    if percent and not NAME.fullmatch(zone):
        raise AddressError(f"{text!r} has a bad zone: the name or number of an interface belongs after '%'")
    return host, zone


def host_name(text: str) -> str:
    """Write a host's name in ASCII.

    :raises AddressError: for a bad label, and for one that Python's codec (IDNA 2003) would turn into
        another name: "straße" into "strasse".
    """
    try:
        name = text.encode("idna")
        changed = not text.isascii() and name.decode("idna") != text.lower()
    except UnicodeError as error:
        raise AddressError(f"{text!r} is not a host name or address: {error}") from None
    if changed:
        raise AddressError(f"{text!r} would become {name.decode()!r}: write its labels in their xn-- form")
    if not NAME.fullmatch(name.decode()):
        raise AddressError(f"{text!r} is not a host name or address")
    return name.decode()
