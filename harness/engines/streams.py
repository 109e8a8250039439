"""Section H, the harness's own cases of HTTP/2 and HTTP/3: no bridge is between them and the testee."""

from __future__ import annotations

import weakref
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.engines.at_once import at_once
from harness.engines.suite import Listening, Suite
from harness.extra.case import MAX_MESSAGE_SIZE
from harness.extra.exchange import TIMEOUT
from harness.streams import STREAMS
from harness.streams.driver import Play, Target
from harness.streams.fuzzing_server import ReportsAsked, StreamFuzzingServer
from harness.transports.carriage import Carriage, Way
from harness.transports.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from harness.engines.suite import Step
    from harness.results import CaseReport
    from harness.roles import Role
    from harness.streams.codes import Transport
    from harness.transports.bridge import Files

LARGEST = str(16 * MAX_MESSAGE_SIZE)
"""Bytes in the longest message that a testee is told to take."""

JOBS = 4
"""Cases that are played at once: most of their time is waiting."""

ALONE = ("H.8.",)
"""Cases that are played alone: they measure what comes meanwhile, or send much."""


@dataclass(frozen=True)
class Straight(Carriage):
    """The way without a bridge."""

    shown: Files | None = None

    @contextmanager
    def files(self) -> Iterator[Files | None]:
        """Give the suite's own certificate."""
        yield self.shown

    @asynccontextmanager
    async def way(self, role: Role, url: str, files: Files | None, log: Path) -> AsyncIterator[Way]:  # noqa: ARG002
        """Give the address itself."""
        yield Way(url)


class StreamSuite(Suite):
    """The cases of `harness.streams`, in this process."""

    label = "streams-"
    testee_options = ("--max-message-size", LARGEST)
    client_options = ("--modes",)

    def __init__(  # noqa: PLR0913  # what a testee, or a server that runs already, needs
        self,
        agent: str,
        transport: Transport,
        timeout: float = TIMEOUT,
        *,
        tls: bool = False,
        target: Target | None = None,
        jobs: int = JOBS,
    ) -> None:
        self._agent, self._timeout, self._target, self._jobs = agent, timeout, target, jobs
        self._transport: Transport = transport
        files = None
        if transport == "h3" or tls:  # QUIC has TLS; HTTP/2 is plain TCP otherwise, by prior knowledge
            stack = ExitStack()
            files = stack.enter_context(certificate())
            weakref.finalize(self, stack.close)
        self._files = files
        self.carriage = Straight(transport, shown=files)
        """The way to the testee."""

    def version(self) -> str:
        """Say how many cases there are."""
        return f"{sum(self._transport in case.transports for case in STREAMS.values())} cases of section H"

    def _target_at(self, url: str) -> Target:
        """Return the server under test, which a testee names as `ws://HOST:PORT`."""
        scheme = "https" if self._files else "http"
        authority = str(self._files.authority) if self._files else None
        return self._target or Target(self._transport, f"{scheme}://{urlsplit(url).netloc}/", authority)

    async def still_serves(self, url: str) -> bool:
        """Tell whether a server takes a connection, and says its settings."""
        try:
            (await self._target_at(url).connect(None, self._timeout)).end()
        except OSError:
            return False
        return True

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Run cases against a server."""
        target = self._target_at(url)

        async def play(name: str) -> CaseReport:
            return await Play(STREAMS[name], target, self._agent, self._timeout).run()

        async with aclosing(at_once(cases, self._jobs, play, lambda name: name.startswith(ALONE))) as steps:
            async for step in steps:
                yield step

    async def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        """Serve cases to a client until it asks for the reports."""
        files = (str(self._files.certificate), str(self._files.key)) if self._files else None
        server = StreamFuzzingServer(
            {name: STREAMS[name] for name in cases},
            self._transport,
            files=files,
            agent=self._agent,
            timeout=self._timeout,
        )
        url = await server.listen()
        try:
            yield Listening(url)
            while not isinstance(happened := await server.happening(), ReportsAsked):
                yield happened
        finally:
            await server.stop()
