"""A virtual environment for each peer, made on first use and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench.peers import ROOT
from commands.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.peers import Peer

CACHE: Final = ROOT / ".bench"
TIME_LIMIT: Final = 300.0
"""Seconds that making a virtual environment or installing into it may take."""


def python_of(peer: Peer, say: Callable[[str], None], cache: Path = CACHE) -> Path:
    """Give the interpreter of the peer's environment; it is made if it is not there."""
    asked = "\n".join([sys.version, *peer.requirements])
    folder = cache / f"{peer.requirements[0]}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.is_file():
        say(f"installing {' '.join(peer.requirements)} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], folder)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([str(python), *install, *peer.requirements], folder)
        ready.touch()
    return python


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT, stdin=subprocess.DEVNULL
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or error.stdout.strip() or f"exit code {error.returncode}").splitlines()
        raise CommandError(f"cannot make {folder}: {said[-1]}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"cannot make {folder}: pip took more than {TIME_LIMIT:.0f} s") from None
