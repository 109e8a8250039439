"""Which servers are measured, and the environment of each."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from commands.errors import MissingError

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".bench"
"""The folder of the environments, made when they are missing or what they hold changes."""

INSTALL_TIMEOUT = 600.0
"""Seconds."""


@dataclass(frozen=True)
class Peer:
    """A server under measurement."""

    name: str
    title: str
    command: tuple[str, ...]
    """The module under `bench.end_to_end.servers`, and its arguments."""
    requirements: tuple[str, ...] = ()
    """What its environment holds. Without any it runs in this one: only the checkout is needed."""

    @property
    def environment(self) -> Path:
        """The folder of its virtual environment, named after all that it depends on."""
        content = "\0".join([*self.requirements, sys.version])
        return ENVIRONMENTS / f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def python(self) -> str:
        """Give the interpreter to run it with; makes the environment where it is missing.

        Raises `MissingError` where that cannot be done.
        """
        if not self.requirements:
            return sys.executable
        folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
        python = self.environment / folder / f"python{suffix}"
        complete = self.environment / "complete"
        if not complete.exists():
            shutil.rmtree(self.environment, ignore_errors=True)
            venv.create(self.environment, with_pip=True)
            self._install(python)
            complete.touch()
        return str(python)

    def _install(self, python: Path) -> None:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run(
                [*command, *self.requirements],
                check=True,
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT,
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or ["pip failed without a word"]
            reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        except subprocess.TimeoutExpired:
            reason = f"no end within {INSTALL_TIMEOUT:g} s"
        else:
            return
        raise MissingError(f"cannot install {' '.join(self.requirements)} for {self.name}: {reason}")


LIBRARY = Peer("wsproto", "this library", ("echo_wsproto",))
"""What the others are compared with."""

_UVICORN = ("uvicorn==0.54.0", "h11==0.16.0")

PEERS = {
    peer.name: peer
    for peer in (
        LIBRARY,
        Peer("wsproto-again", "this library again", ("echo_wsproto",)),
        Peer("websockets", "websockets", ("echo_websockets",), ("websockets==17.4",)),
        Peer("aiohttp", "aiohttp", ("echo_aiohttp",), ("aiohttp==3.14.5",)),
        Peer("picows", "picows (core interface)", ("echo_picows",), ("picows==2.3.1",)),
        Peer("uvicorn-wsproto", "uvicorn on this library", ("echo_uvicorn", "wsproto"), _UVICORN),
        Peer(
            "uvicorn-websockets",
            "uvicorn on websockets",
            ("echo_uvicorn", "websockets"),
            (*_UVICORN, "websockets==17.4"),
        ),
        Peer(
            "uvicorn-websockets-sansio",
            "uvicorn on websockets, sans-I/O",
            ("echo_uvicorn", "websockets-sansio"),
            (*_UVICORN, "websockets==17.4"),
        ),
    )
}
"""The servers by name, in the order of the tables. All run on asyncio's own event loop.

The library a second time shows the noise: how far its ratio is from 1.
"""
