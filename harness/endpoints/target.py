"""The server under test: its URL, and what it wants to be asked with."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.extra.heads import PROTOCOL
from harness.extra.place import Place
from harness.streams.driver import Target as StreamTarget
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.setups import Transport

PORTS = {"ws": 80, "wss": 443}

RULE = "give ws:// or wss://HOST:PORT/PATH?QUERY"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_TARGET = re.compile(r"/[!-z|~]*")  # visible ASCII without braces, which no URI has (RFC 3986 2)

OWN = {
    "host", "upgrade", "connection", "content-length", "transfer-encoding", "sec-websocket-key",
    "sec-websocket-version", "sec-websocket-accept", "sec-websocket-extensions",
}  # fmt: skip
"""The fields that the cases write, in lower case."""


@dataclass(frozen=True)
class Target:
    """A server, and how it is asked; `parse` makes one of what a user gives."""

    url: str
    place: Place
    fields: tuple[tuple[str, str], ...] = field(default=())
    over: StreamTarget | None = None
    """How it is asked over HTTP/2 or HTTP/3."""

    @property
    def is_plain(self) -> bool:
        """Whether its URL says all, so that an engine that knows only URLs can ask it."""
        return self.place.context is None and not self.fields and self.over is None

    def behind(self, bridge: str) -> Target:
        """Return the same server, as it is asked by HTTP/1.1 through a bridge at a URL."""
        own = Place.of(bridge)
        place = replace(self.place, host=own.host, port=own.port, context=None)
        return replace(self, place=place)

    @property
    def is_local(self) -> bool:
        """Whether its host is this machine, by its name."""
        return is_loopback(self.place.host)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, and reached over loopback."""
    if host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def parse(  # noqa: PLR0913  # what a user can give
    url: str,
    *,
    headers: Sequence[str] = (),
    subprotocols: Sequence[str] = (),
    origin: str = "",
    insecure: bool = False,
    authority: Path | None = None,
    transport: Transport = "h1",
) -> Target:
    """Read what a user gives; raises `CommandError`, which names the value and the rule.

    :param authority: file with the certificates of the authorities that are trusted.
    """
    scheme, host, port, netloc, target = _parts(url)
    if transport == "h3" and scheme == "ws":
        raise CommandError(f"{url!r} is without TLS, which HTTP/3 always has: give wss://")
    fields = [_field(header) for header in headers]
    if origin:
        fields.append(("Origin", _checked_value(origin, f"--origin {origin!r}")))
    for name in subprotocols:
        if not _TOKEN.fullmatch(name):
            raise CommandError(f"--subprotocol {name!r} is not a token (RFC 6455 4.1)")
    if subprotocols:
        fields.append((PROTOCOL, ", ".join(subprotocols)))
    context = None
    if scheme == "wss":
        made = _context(insecure=insecure, authority=authority)
        context = lambda: made  # noqa: E731  # as a client it may be shared
    elif insecure or authority:
        raise CommandError(f"{url!r} is without TLS: --insecure and --ca are for wss://")
    place = Place(
        host, port, netloc, target, tuple(fields), context, host.partition("%")[0], is_loopback(host)
    )
    over = None
    if transport != "h1":
        asked = f"{'https' if context else 'http'}://{netloc}{target}"
        pairs = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in fields)
        over = StreamTarget(transport, asked, str(authority) if authority else None, insecure, pairs)
    return Target(url, place, tuple(fields), over)


def _parts(url: str) -> tuple[str, str, int, str, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise CommandError(f"{url!r} is not the URL of a WebSocket server ({error}): {RULE}") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise CommandError(f"{url!r} is not the URL of a WebSocket server: {RULE}")
    if "@" in parts.netloc:
        raise CommandError(
            f"{url!r}: user info has no place in it (RFC 6455 3): give --header 'Authorization: …'"
        )
    if "#" in url:
        raise CommandError(f"{url!r}: a fragment has no place in it (RFC 6455 3)")
    if port == 0:
        raise CommandError(f"{url!r}: nobody listens on port 0")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target) or not parts.netloc.isascii():
        raise CommandError(f"{url!r}: host, path and query have to be ASCII, percent-encoded where need be")
    host = unquote(parts.hostname)  # the zone of a link-local address stands behind %25 (RFC 6874 2)
    name = f"[{host.partition('%')[0]}]" if ":" in host else host
    authority = f"{name}:{port}" if port else name
    return parts.scheme, host, port or PORTS[parts.scheme], authority, target


def _field(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise CommandError(f"--header {header!r} is not 'NAME: VALUE'")
    if name.lower() in OWN:
        raise CommandError(
            f"--header {header!r}: {name} is of the handshake, which the cases write themselves"
        )
    if name.lower() == PROTOCOL.lower():
        raise CommandError(f"--header {header!r}: give --subprotocol instead")
    return name, _checked_value(value.strip(" \t"), f"--header {header!r}")


def _checked_value(value: str, where: str) -> str:
    if not _VALUE.fullmatch(value):
        raise CommandError(f"{where}: a value has no control characters and none over U+00FF (RFC 9110 5.5)")
    return value


def _context(*, insecure: bool, authority: Path | None) -> ssl.SSLContext:
    if insecure and authority:
        raise CommandError("--insecure trusts any certificate, --ca those of a file: give one of them")
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if authority:
        try:
            context = ssl.create_default_context(cafile=authority)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if not isinstance(error, ssl.SSLError) else "it has no certificate in PEM"
            raise CommandError(f"--ca {str(authority)!r} cannot be read: {why}") from None
    context.set_alpn_protocols(["http/1.1"])  # a server that knows HTTP/2 has to be told
    return context
