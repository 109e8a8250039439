"""The engine kosoku: Autobahn's own case files on a current Python, in `harness.engines.kosoku_worker`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from harness.engines.at_once import merged
from harness.engines.suite import Suite
from harness.engines.workers import work
from tooling.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.engines.suite import Step

WORKER = "harness.engines.kosoku_worker"


class KosokuSuite(Suite):
    """kosoku 0.1, in a worker process for each role; against a server in as many as cases are run at once.

    In one process, cases that run at once disturb each other: 13.2.1 is an ERROR then.
    """

    def __init__(self, jobs: int = 1) -> None:
        self._jobs = jobs

    def version(self) -> str:
        """Return name and version, or raise `MissingError`."""
        try:
            return f"kosoku {version('kosoku')}"
        except PackageNotFoundError:
            raise MissingError("kosoku is not installed: python -m pip install 'kosoku>=0.1,<0.2'") from None

    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Run cases against a server."""
        if self._jobs == 1:
            return work("kosoku", [WORKER, "server", url, *cases], log)
        shares = [cases[number :: self._jobs] for number in range(min(self._jobs, len(cases)))]
        return merged(
            [
                work("kosoku", [WORKER, "server", url, *share], log.with_stem(f"{log.stem}-{number}"))
                for number, share in enumerate(shares, 1)
            ]
        )

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Serve cases to a client."""
        return work("kosoku", [WORKER, "client", *cases], log)
