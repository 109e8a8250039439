"""Who is measured: this checkout, a copy of it, and its peers in pinned versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"


@dataclass(frozen=True)
class Peer:
    """One implementation."""

    name: str
    driver: str
    """The module of `bench.drivers`."""
    imports: tuple[str, ...]
    """What a program that uses it imports: its import time is measured with these."""
    requirements: tuple[str, ...]
    """What pip installs for it."""
    version: str = ""
    """The version that must be imported; empty where it is this checkout's."""

    @property
    def title(self) -> str:
        """Name and version, for the head of a column."""
        return f"{self.name} {self.version}".rstrip()


H11: Final = "h11==0.16.0"
OURS: Final = Peer("ours", "wsproto", ("wsproto",), (H11,))
#: The same code again, from a copy of its files: what its ratios differ from 1 by is noise.
COPY: Final = Peer("copy", "wsproto", ("wsproto",), (H11,))
PEERS: Final = (
    Peer("wsproto", "wsproto", ("wsproto",), ("wsproto==1.3.2", H11), "1.3.2"),
    Peer(
        "websockets", "websockets", ("websockets.client", "websockets.server"), ("websockets==17.4",), "17.4"
    ),
    Peer("aiohttp", "aiohttp", ("aiohttp.http_websocket",), ("aiohttp==3.14.5",), "3.14.5"),
    Peer("picows", "picows", ("picows",), ("picows==2.3.1",), "2.3.1"),
)
