"""Certificates and keys for the cases over TLS, made anew for each run, and gone with it."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from harness.extra.case import TRUSTED

if TYPE_CHECKING:
    import trustme

HOST = "localhost"
"""The name of every server: SNI has no place for an address (RFC 6066 3)."""

OTHER_NAME, STRANGE, EXPIRED, EARLY = (
    "for another name",
    "by an unknown issuer",
    "that has expired",
    "that is not valid yet",
)
"""Certificates that a client has to refuse."""


class Certificates:
    """An authority, and the certificates that servers show, each with its key, as files."""

    def __init__(self) -> None:
        import trustme  # noqa: PLC0415 - with cryptography behind it, an eighth of the harness's start

        authority, stranger = trustme.CA(), trustme.CA()
        past, future = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2001, 2098))
        self._authority = authority
        self._certificates = {
            TRUSTED: authority.issue_cert(HOST),
            OTHER_NAME: authority.issue_cert(f"{HOST}.example"),
            STRANGE: stranger.issue_cert(HOST),
            EXPIRED: authority.issue_cert(HOST, not_after=past),
            EARLY: authority.issue_cert(HOST, not_before=future, not_after=future.replace(year=2099)),
        }
        self._folder = TemporaryDirectory(prefix="harness-tls-")
        self._write("authority.pem", authority.cert_pem)
        self._write("certificate.pem", *self._certificates[TRUSTED].cert_chain_pems)
        self._write("key.pem", self._certificates[TRUSTED].private_key_pem)

    def _write(self, name: str, *blobs: trustme.Blob) -> None:
        Path(self._folder.name, name).write_bytes(b"".join(blob.bytes() for blob in blobs))

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def server_mode(self) -> str:
        """Return the path that has a server under test listen with TLS."""
        files = {"certificate": "certificate.pem", "key": "key.pem"}
        return f"/tls?{urlencode({key: Path(self._folder.name, name) for key, name in files.items()})}"

    def client_mode(self, port: int) -> str:
        """Return the path that has a client under test come to a port with TLS."""
        where = {"server": f"wss://{HOST}:{port}", "authority": Path(self._folder.name, "authority.pem")}
        return f"/tls?{urlencode(where)}"

    def trusting(self) -> ssl.SSLContext:
        """Make a client's context, which trusts the authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context

    def showing(self, certificate: str) -> ssl.SSLContext:
        """Make a server's context with one of the certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # which a client that leaves at once would leave unread: a reset
        self._certificates[certificate].configure_cert(context)
        return context
