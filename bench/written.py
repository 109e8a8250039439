"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.errors import BenchError


def check_writable(file: Path | None) -> None:
    """Find out before an hour of measuring whether the file can be written afterwards."""
    if file is not None and not os.access(file.parent if not file.exists() else file, os.W_OK):
        raise BenchError(f"{file} cannot be written")


def write(file: Path, text: str) -> None:
    """Write a text file."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
        temporary.chmod(0o644)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
