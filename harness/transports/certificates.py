"""A certificate for the loopback interface, made for each run, and gone with it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.transports.bridge import LOOPBACK, Files

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def certificate() -> Iterator[Files]:
    """Make an authority and a certificate of it, as files."""
    import trustme  # noqa: PLC0415 - with cryptography behind it, an eighth of the harness's start

    authority = trustme.CA()
    shown = authority.issue_cert(LOOPBACK)
    with TemporaryDirectory(prefix="harness-tls-") as folder:
        files = Files(*(Path(folder, f"{name}.pem") for name in ("authority", "certificate", "key")))
        authority.cert_pem.write_to_path(str(files.authority))
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in shown.cert_chain_pems))
        shown.private_key_pem.write_to_path(str(files.key))
        yield files
