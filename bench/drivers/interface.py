"""The interface of a driver.

Each action is prepared first, and returns the function to time: the loop that a program on that library would
have, and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.messages import Message
    from bench.workloads import Material, Role

    Timed = Callable[[int], None]
    """Does as many passes as its argument says."""
    Once = Callable[[], bytes]
    """Does its work once, and returns the bytes that the library wrote."""


class UnsupportedError(Exception):
    """The implementation cannot do this in memory; the message says why, in a few words."""


class Endpoint(ABC):
    """One end of an open connection: the handshake is over when it is made."""

    no_idle = ""
    """The reason why an idle connection cannot be weighed; empty where it can."""
    no_peak = ""
    """The reason why the memory for a message cannot be measured; empty where it can."""

    def __init__(self, role: Role, *, deflate: bool) -> None:
        self.role = role
        self.deflate = deflate

    @abstractmethod
    def receive(self, material: Material) -> Timed:
        """Hand over the reads, and take the result of each."""

    @abstractmethod
    def received(self, material: Material) -> list[Message]:
        """Do it once, and return the results, joined to whole messages."""

    @abstractmethod
    def send(self, material: Material) -> Timed:
        """Send the messages."""

    @abstractmethod
    def sent(self, material: Material) -> bytes:
        """Do it once, and return the bytes written."""

    @abstractmethod
    def answer_pings(self, material: Material) -> Timed:
        """Receive pings and answer each."""

    @abstractmethod
    def answered(self, material: Material) -> bytes:
        """Do it once, and return the bytes written."""

    @abstractmethod
    def answer_close(self, material: Material) -> Once:
        """Receive a Close and answer it."""

    @abstractmethod
    def begin_close(self, material: Material) -> Once:
        """Send a Close and receive its answer."""


class Driver(Protocol):
    """A module of this package."""

    Endpoint: type[Endpoint]

    @staticmethod
    def identity() -> dict[str, str]:
        """Return the `version` and `file` that were imported, and the helpers in C that it uses."""
        ...

    @staticmethod
    def shake_hands(*, deflate: bool) -> Callable[[], tuple[bytes, bytes]]:
        """Make a client and a server, and join them; the function gives the request and the response."""
        ...

    @staticmethod
    def accept(request: bytes) -> Once:
        """Make a server and accept a request, with permessage-deflate."""
        ...
