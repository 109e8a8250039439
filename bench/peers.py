"""The implementations that are measured: this checkout, a copy of it, and peers in pinned versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tooling.environments import make_environment
from tooling.peers import pinned, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"


@dataclass(frozen=True)
class Peer:
    """One implementation."""

    name: str
    driver: str
    """The module of `bench.drivers`."""
    imports: tuple[str, ...]
    """The modules that a program imports to use it: import time is measured with these."""
    requirements: tuple[str, ...]
    """The packages that pip installs for it."""
    version: str = ""
    """The version that must be imported; empty where it is this checkout's."""
    pure: bool = False
    """Whether it is this library without its compiled core."""

    @property
    def title(self) -> str:
        """Name and version, for the head of a column."""
        return f"{self.name} {self.version}".rstrip()


def _pinned(name: str, *imports: str, needs: Sequence[str] = ()) -> Peer:
    """Return a peer in the version of `tooling/peers.txt`, whose driver has its name."""
    return Peer(name, name, imports or (name,), pinned(name, *needs), versions()[name])


#: This library needs nothing else.
_H11: Final = pinned("h11")
OURS: Final = Peer("ours", "wsproto", ("wsproto",), _H11)
#: The same code again, from a copy of its files: the distance of its ratios from 1 is noise.
COPY: Final = Peer("copy", "wsproto", ("wsproto",), _H11)
#: The same code without its compiled core: its ratio says what that gains.
PURE: Final = Peer("pure", "wsproto", ("wsproto",), _H11, pure=True)
PEERS: Final = (
    _pinned("wsproto", needs=["h11"]),
    _pinned("websockets", "websockets.client", "websockets.server"),
    _pinned("aiohttp", "aiohttp.http_websocket"),
    _pinned("picows"),
)


def python_of(peer: Peer, say: Callable[[str], None]) -> Path:
    """Return the interpreter of the peer's environment, which is made on first use."""
    return make_environment(peer.requirements, say)
