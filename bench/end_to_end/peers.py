"""The servers that are measured, and the environment of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tooling.environments import make_environment
from tooling.peers import pinned

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Peer:
    """A server under measurement."""

    name: str
    title: str
    command: tuple[str, ...]
    """The module under `bench.end_to_end.servers`, and its arguments."""
    requirements: tuple[str, ...] = ()
    """The packages of its environment. Without any it runs in this one: it needs the checkout alone."""
    pure: bool = False
    """Whether it runs on this library without its compiled core."""
    bare: bool = False
    """Whether it knows no frames, and sends back what it gets, masked as it is."""

    def python(self) -> Path:
        """Return the interpreter of its environment, which is made on first use.

        Raises `MissingError` where that cannot be done.
        """
        return make_environment(self.requirements, _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


LIBRARY = Peer("wsproto", "this library", ("echo_wsproto",))
"""The server that the others are compared with."""

_UVICORN = pinned("uvicorn", "h11")

PEERS = {
    peer.name: peer
    for peer in (
        LIBRARY,
        Peer("wsproto-again", "this library again", ("echo_wsproto",)),
        Peer("wsproto-pure", "this library without its C", ("echo_wsproto",), pure=True),
        Peer("asyncio", "asyncio alone, without frames", ("echo_asyncio",), bare=True),
        Peer("websockets", "websockets", ("echo_websockets",), pinned("websockets")),
        Peer("aiohttp", "aiohttp", ("echo_aiohttp",), pinned("aiohttp")),
        Peer("picows", "picows (core interface)", ("echo_picows",), pinned("picows")),
        Peer("uvicorn-wsproto", "uvicorn on this library", ("echo_uvicorn", "wsproto"), _UVICORN),
        Peer(
            "uvicorn-websockets",
            "uvicorn on websockets",
            ("echo_uvicorn", "websockets"),
            (*_UVICORN, *pinned("websockets")),
        ),
        Peer(
            "uvicorn-websockets-sansio",
            "uvicorn on websockets, sans-I/O",
            ("echo_uvicorn", "websockets-sansio"),
            (*_UVICORN, *pinned("websockets")),
        ),
    )
}
"""The servers by name, in the order of the tables. All run on asyncio's own event loop.

The library a second time shows the noise: the distance of its ratio from 1.
"""
