"""Source archives that are the same bytes whenever they are made: setuptools writes the time into them."""

from __future__ import annotations

import gzip
import tarfile
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_reproducible(archive: Path, epoch: int) -> None:
    """Write a `.tar.gz` anew: members by name, with one time, no owner, and the plainest of permissions.

    :param epoch: seconds since 1970, as in `SOURCE_DATE_EPOCH`.
    """
    fresh = archive.with_suffix(".fresh")
    with (
        tarfile.open(archive) as old,
        fresh.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, epoch
            plain.mode = 0o755 if member.mode & 0o100 else 0o644
            new.addfile(plain, old.extractfile(member) if member.isfile() else None)
    fresh.replace(archive)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a source archive below `folder`; return the folder that it has."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    return sha256(file.read_bytes()).hexdigest()
