"""The extra section X: cases of the harness's own, beside whatever engine runs Autobahn's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.endpoints.fuzzing_server import CaseBegun, FuzzingServer, ReportsAsked
from harness.engines.suite import Begun, Ended, Listening, Suite
from harness.extra import EXTRA
from harness.extra.case import MAX_MESSAGE_SIZE, Case
from harness.extra.certificates import Certificates
from harness.extra.driver import TIMEOUT, Play
from harness.extra.expectations import Echoes
from harness.extra.frames import text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.engines.suite import Step

_QUESTION = "modes?"
_ASK = Case("A question", "R6455-6.2-01", Echoes(_QUESTION), send=(text(_QUESTION),))


class ExtraSuite(Suite):
    """The cases of `harness.extra`, in this process."""

    label = "extra-"
    testee_options = ("--max-message-size", str(MAX_MESSAGE_SIZE))
    client_options = ("--modes",)

    def __init__(self, agent: str, timeout: float = TIMEOUT) -> None:
        self._agent = agent
        self._timeout = timeout

    def version(self) -> str:
        """Say how many cases there are."""
        return f"{len(EXTRA)} extra cases"

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Run cases against a server."""
        modes: set[str] | None = None
        certificates: Certificates | None = None
        secured = ""
        try:
            for name in cases:
                yield Begun(name)
                case = EXTRA[name]
                if case.mode and modes is None:
                    modes = await modes_of(url, self._timeout)
                if case.mode_name not in {"", *(modes or ())}:
                    yield Ended(name, Play(case, "server", self._agent).unplayed())
                    continue
                if case.over_tls and certificates is None:
                    certificates = Certificates()
                    secured = await _told(url, certificates.server_mode(), self._timeout)
                play = Play(case, "server", self._agent, self._timeout, certificates)
                yield Ended(name, await play.against_server(secured if case.over_tls else url))
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


async def modes_of(url: str, timeout: float = TIMEOUT) -> set[str]:
    """Ask a server for its modes; one that has none sends the question back, or refuses the path."""
    answer = await _told(url, "/modes", timeout)
    return set() if answer == _QUESTION else set(answer.split())


async def _told(url: str, path: str, timeout: float) -> str:
    """Return the first message that a server sends on a path, or the question that it should echo."""
    play = Play(replace(_ASK, request=_ASK.request.begin(f"GET {path} HTTP/1.1")), "server", "", timeout)
    await play.against_server(url)
    return next((event[1].decode(errors="replace") for event in play.seen.messages), _QUESTION)
