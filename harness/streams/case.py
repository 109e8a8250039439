"""The parts of a case of section H."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from harness.extra.case import requirements

if TYPE_CHECKING:
    from harness.roles import Role
    from harness.streams.codes import Transport
    from harness.streams.expectations import Expectation
    from harness.streams.steps import Steps

Owner = Literal["handshake", "glue", "library"]

OWNERS: dict[Owner, str] = {
    "handshake": "the handshake's rules (of this library, StreamHandshake)",
    "glue": "the program between the HTTP library and the WebSocket",
    "library": "the HTTP library below (of the examples, h2 or aioquic)",
}
"""Who decides how a case goes."""

BOTH: tuple[Transport, ...] = ("h2", "h3")


@dataclass(frozen=True)
class Case:
    """A case: the steps of the harness, the expected answer, and the rule of an RFC for either transport."""

    title: str
    h2: str
    """Its row in `requirements.csv` over HTTP/2."""
    h3: str
    """Its row over HTTP/3; empty where one transport alone has the case."""
    expect: Expectation
    steps: Steps
    _: KW_ONLY
    role: Role = "server"
    of: Owner = "handshake"
    unmet: str = "FAILED"
    """The verdict where the peer does not do as expected."""
    lenient_over: tuple[Transport, ...] = BOTH
    """The transports that have the verdict `unmet`; over the other one it is FAILED."""
    why: str = ""
    """The reason where `unmet` is not FAILED."""
    settings: tuple[tuple[int, int], ...] = ()
    """What the harness says in its first SETTINGS, beside what it always says."""
    advertises: bool = True
    """Whether the harness, as server, says that it takes extended CONNECT."""
    hold: bool = False
    """Whether the peer may only send what the case gives it room for."""
    window: int | None = None
    """The window of each stream, where it is not the usual one."""
    closes: bool = True
    """Whether the harness closes the WebSocket behind the steps, where it is open."""
    served: Literal["", "stream", "connection"] = "stream"
    """What is served afterwards: another stream, where the connection may still be there; a connection."""
    apart: bool = False
    """Whether a client has to come with a connection of its own for it."""
    kept: bool = False
    """Whether a client has to keep the connection, on which other streams may be."""
    mode: str = ""
    """The path that tells a client what to do beside echoing, where it has that mode."""

    @property
    def transports(self) -> tuple[Transport, ...]:
        """The transports that have it."""
        return tuple(name for name in BOTH if self.row(name))

    @property
    def roles(self) -> tuple[Role, ...]:
        """The role of the testee."""
        return (self.role,)

    @property
    def over_tls(self) -> bool:
        """Whether it is about TLS."""
        return False

    def row(self, transport: Transport) -> str:
        """Return the id of its requirement."""
        return self.h2 if transport == "h2" else self.h3

    def unmet_over(self, transport: Transport) -> str:
        """Return the verdict where the peer does not do as expected."""
        return self.unmet if transport in self.lenient_over else "FAILED"

    def requirement_for(self, transport: Transport) -> dict[str, str]:
        """Return the row of `requirements.csv`."""
        return requirements()[self.row(transport)]


of_client = partial(Case, role="client")
"""Makes a case for a client under test."""
