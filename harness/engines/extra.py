"""The extra section X: cases of the harness's own, beside whatever engine runs Autobahn's."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cases import weight
from harness.endpoints.fuzzing_server import CaseBegun, FuzzingServer, ReportsAsked
from harness.engines.at_once import at_once
from harness.engines.suite import Begun, Ended, Listening, Suite
from harness.extra import EXTRA
from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.certificates import Certificates
from harness.extra.driver import Play
from harness.extra.exchange import TIMEOUT
from harness.extra.expectations import Echoes
from harness.extra.frames import text
from harness.extra.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

    from harness.engines.suite import Step
    from harness.results import CaseReport


_QUESTION = "modes?"
_ASK = Case("A question", "R6455-6.2-01", Echoes(_QUESTION), send=(text(_QUESTION),))


class ExtraSuite(Suite):
    """The cases of `harness.extra`, in this process."""

    label = "extra-"
    testee_options = ("--max-message-size", str(MAX_MESSAGE_SIZE))
    client_options = ("--modes",)

    def __init__(
        self,
        agent: str,
        timeout: float = TIMEOUT,
        *,
        place: Place | None = None,
        cases: Mapping[str, Case] = EXTRA,
        jobs: int = 1,
    ) -> None:
        """Play the cases.

        :param place: of a server that wants more of a request than an address says.
        :param cases: by name, as they fit the server.
        :param jobs: cases that are played at once.
        """
        self._agent = agent
        self._timeout = timeout
        self._place = place
        self._cases = cases
        self._jobs = jobs

    def version(self) -> str:
        """Say how many cases there are."""
        return f"{len(self._cases)} extra cases"

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Run cases against a server."""
        place = self._place or Place.of(url)
        chosen = {name: self._cases[name] for name in cases}
        modes: set[str] = set()
        if any(case.mode for case in chosen.values()) and place.target in {"", "/"}:
            modes = await modes_of(place, self._timeout)
        certificates: Certificates | None = None
        secured = ""
        if "tls" in modes and any(case.over_tls for case in chosen.values()):
            certificates = Certificates()
            secured = await _told(place, certificates.server_mode(), self._timeout)

        async def play(name: str) -> CaseReport:
            case = chosen[name]
            if case.mode_name not in {"", *modes}:
                return Play(case, "server", self._agent).unplayed()
            playing = Play(case, "server", self._agent, self._timeout, certificates)
            return await playing.against_server(secured if case.over_tls else place)

        try:
            steps = at_once(cases, self._jobs, play, lambda name: _is_alone(name, chosen[name]))
            async with aclosing(steps):
                async for step in steps:
                    yield step
        finally:
            if certificates:
                certificates.close()

    async def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Serve cases to a client until it asks for the reports."""
        server = FuzzingServer(cases, self._timeout, again=False)
        listener = await asyncio.get_running_loop().create_server(server.protocol, "127.0.0.1", 0)
        try:
            yield Listening(f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
            while not isinstance(happened := await server.happening(), ReportsAsked):
                if isinstance(happened, CaseBegun):
                    yield Begun(happened.case)
                else:
                    yield Ended(happened.case, happened.report)
            happened.written.set()
        finally:
            listener.close()
            await server.stop()


def _is_alone(name: str, case: Case) -> bool:
    """Tell whether a case takes the server's whole attention, or has its memory watched."""
    return case.watch_memory or weight(name) > 1


async def modes_of(place: str | Place, timeout: float = TIMEOUT) -> set[str]:
    """Ask a server for its modes; one that has none sends the question back, or refuses the path."""
    answer = await _told(place, "/modes", timeout)
    return set() if answer == _QUESTION else set(answer.split())


async def _told(place: str | Place, path: str, timeout: float) -> str:
    """Return the first message that a server sends on a path, or the question that it should echo."""
    place = Place.of(place) if isinstance(place, str) else place
    play = Play(_ASK, "server", "", timeout)
    await play.against_server(replace(place, target=path))
    return next((event[1].decode(errors="replace") for event in play.seen.messages), _QUESTION)
