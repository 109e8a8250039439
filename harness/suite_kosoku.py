"""The engine kosoku: Autobahn's own case files on a current Python, in `harness.kosoku_worker`."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast

from harness import children
from harness.errors import HarnessError, MissingError
from harness.results import CaseReport
from harness.suite import Begun, Ended, Finished, Listening, Suite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.suite import Step

WORKER = "harness.kosoku_worker"


class KosokuSuite(Suite):
    """kosoku 0.1, in a worker process for each role."""

    def version(self) -> str:
        """Give name and version, or raise `MissingError`."""
        try:
            return f"kosoku {version('kosoku')}"
        except PackageNotFoundError:
            raise MissingError("kosoku is not installed: python -m pip install 'kosoku>=0.1,<0.2'") from None

    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Run cases against a server."""
        return self._work(["server", url, *cases], log)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Serve cases to a client."""
        return self._work(["client", *cases], log)

    async def _work(self, arguments: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        command = [sys.executable, "-m", WORKER, *arguments]
        async with children.start("kosoku", command, log) as worker:
            async for line in worker.lines():
                yield _step(json.loads(line))
            code = await worker.ended()
            if code:
                raise worker.death(code)
            yield Finished(worker.cpu_time or 0.0)


def _step(said: object) -> Step:
    match said:
        case {"listening": str(url)}:
            return Listening(url)
        case {"begun": str(case)}:
            return Begun(case)
        case {"ended": str(case), "report": dict(report)}:
            return Ended(case, cast(CaseReport, report))
    raise HarnessError(f"kosoku's worker said {said!r:.80}")
