"""The interface of an engine, which plays Autobahn's part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.results import CaseReport


@dataclass(frozen=True)
class Listening:
    """The suite accepts clients at this URL."""

    url: str


@dataclass(frozen=True)
class Begun:
    """A case has begun."""

    case: str


@dataclass(frozen=True)
class Ended:
    """A case has its verdict."""

    case: str
    report: CaseReport


@dataclass(frozen=True)
class Finished:
    """The suite has ended, and used that much CPU time: seconds, user and system."""

    cpu_time: float


Step = Listening | Begun | Ended | Finished


class Suite(ABC):
    """An engine. Closing one of its generators ends what it started."""

    label = ""
    """The beginning of the names of its logs, where it runs beside another engine."""

    testee_options: Sequence[str] = ()
    """Additional arguments for the testee."""

    client_options: Sequence[str] = ()
    """Further ones for a client."""

    options: str = ""
    """The options of `run` that choose it, after a space; empty for the default engine."""

    @abstractmethod
    def version(self) -> str:
        """Return name and version for the report; raises `MissingError` where the engine is not installed."""

    @abstractmethod
    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Run cases against the server at `url`: `Begun` and `Ended` for each, at last `Finished`."""

    async def still_serves(self, url: str) -> bool:  # noqa: ARG002
        """Tell whether a server takes a connection as the cases make one; over TCP another check knows it."""
        return True

    @abstractmethod
    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Serve cases to a client: `Listening`, then the same, `Ended` at the latest when the client asks."""
