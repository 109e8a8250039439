"""The parts of an extra case."""

from __future__ import annotations

import csv
from dataclasses import KW_ONLY, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.extra.expectations import Echoes
from harness.extra.frames import Frame
from harness.extra.heads import REQUEST, RESPONSE
from tooling.frames import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.extra.expectations import Expectation
    from harness.extra.heads import Head
    from harness.extra.steps import Step
    from harness.roles import Role

REQUIREMENTS = Path(__file__).resolve().parents[2] / "tests" / "requirements.csv"

HELLO = Frame(TEXT, b"Hello")

MAX_MESSAGE_SIZE = 2**20
"""Bytes in the longest message that a testee is told to take: its argument `--max-message-size`."""


TRUSTED = "trusted"
"""The certificate that a client under test has to take."""


@dataclass(frozen=True)
class Case:
    """A case: the bytes that the harness sends, the answer that it expects, and the rule of the RFC.

    In `deflate`, `{testee}` and `{harness}` stand for the names that RFC 7692 gives their sides, `client` or
    `server`: the same text is an offer to a server and an answer to a client.
    """

    title: str
    requirement: str
    """Its row in `requirements.csv`, for both roles or for the testee as server."""
    expect: Expectation
    _: KW_ONLY
    name: str = ""
    """Its number, which its place in its group gives."""
    client_requirement: str = ""
    """The row for the testee as client, where that differs."""
    unmet: str = "FAILED"
    """The verdict where the peer does not do as expected: NON-STRICT where the RFC does not demand it."""
    why: str = ""
    """The reason where `unmet` is not FAILED."""
    roles: tuple[Role, ...] = ("server", "client")

    request: Head = REQUEST
    """The request that goes to a server."""
    body: bytes = b""
    """Bytes that follow the head of either side, in one piece with it."""
    behind: Head | None = None
    """A second request, which follows that in one piece with it."""
    before: bytes = b""
    """Bytes that stand before the request, in one piece with it."""
    flood: bytes = b""
    """Bytes that follow the head of either side, over and over, until the peer answers or ends."""
    eof: bool = False
    """Whether the harness ends its direction behind the head."""
    reset: bool = False
    """Whether it resets the connection behind the request."""
    response: Head = RESPONSE
    """The answer that goes to a client."""
    interim: bytes = b""
    """Bytes that go to a client before the answer."""
    unasked: bytes = b""
    """Bytes that go to a client before its request, where it has the case's mode."""
    late: float = 0.0
    """Seconds that pass between a client's request and the answer."""
    deflate: str = ""
    """Sec-WebSocket-Extensions, as it is sent; a good answer gets the parameters that the offer demands."""
    fits: str = ""
    """The offer that a server's answer has to fit, where `deflate` holds several."""
    optional: bool = False
    """Whether a client may treat the answer as one that it does not support (RFC 7692 7)."""

    send: tuple[Step, ...] | Callable[[int], tuple[Step, ...]] = (HELLO,)
    """The frames and steps behind the heads; a function gets the size of the window, as a power of two."""
    at_once: bool = False
    """Whether the frames go out in one piece with the head."""
    byte_by_byte: bool = False
    """Whether the head goes out a byte at a time."""
    chop: int = 0
    """The number of bytes in each piece in which frames go out, where there is one."""
    every_cut: bool = False
    """Whether the frames go out again and again, each time in two pieces, cut one byte further on."""
    mode: str = ""
    """The path that tells the testee what to do beside echoing; `harness.testee.modes` has them."""
    certificate: str = TRUSTED
    """The certificate of the server, where the mode is `/tls`: one of `certificates.Certificates`."""
    without_tls: bool = False
    """Whether the harness comes without TLS to a server's port for TLS."""
    begins_close: bool = False
    """Whether the testee is to send the first Close."""
    answers_close: bool = True
    """Whether the harness answers that."""
    listen: float = 0.0
    """Seconds that the harness, as server, lets pass between both Closes and its end of TCP."""
    another: Expectation = field(default_factory=lambda: Echoes("Hello"))
    """The expectation of the further connections that the steps open."""
    watch_memory: bool = False

    @property
    def over_tls(self) -> bool:
        """Whether it is played over TLS."""
        return self.mode_name == "tls"

    @property
    def mode_name(self) -> str:
        """The name of the mode that it needs, or nothing."""
        return self.mode.partition("?")[0].split("/")[1] if self.mode else ""

    def requirement_for(self, role: Role) -> dict[str, str]:
        """Return the row of `requirements.csv` for the testee in a role."""
        return requirements()[(self.client_requirement if role == "client" else "") or self.requirement]


@cache
def requirements() -> dict[str, dict[str, str]]:
    """Read the requirements of the RFCs: rows by id."""
    with REQUIREMENTS.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


of_server = partial(Case, roles=("server",))
"""Makes a case for a server under test."""

of_client = partial(Case, roles=("client",))
"""Makes a case for a client under test."""
