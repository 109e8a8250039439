"""Files that are written whole or not at all: an interrupted command leaves the old one."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from errno import EACCES
from pathlib import Path
from typing import TYPE_CHECKING

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_writable(file: Path | None) -> None:
    """Check before an hour of work that the file can be written afterwards; make the folder for it.

    :raises CommandError: where it cannot.
    """
    if file is None:
        return
    with _said_of(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))


def write_text(file: Path, text: str) -> None:
    """Write a text file; see `write_bytes`."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file, and make the folder for it.

    :raises CommandError: where that is not possible.
    """
    with _said_of(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            unfinished.chmod(0o644)
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


@contextmanager
def _said_of(file: Path) -> Iterator[None]:
    """Say what is wrong as one line that names the file."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from error
