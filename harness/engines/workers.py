"""Engines that run in a process of their own: modules, each of which prints a JSON object a line.

The lines are the steps of `harness.engines.suite`: `{"listening": URL}`, `{"begun": CASE}`,
`{"ended": CASE, "report": {...}}`. A worker's messages to the user go to its standard error.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, cast, get_type_hints

from harness.engines.suite import Begun, Ended, Finished, Listening
from harness.results import CaseReport
from tooling import children
from tooling.errors import CommandError
from tooling.module import MODULE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from harness.engines.suite import Step

FIELDS = tuple(name for name in get_type_hints(CaseReport) if name not in {"status", "timing", "log"})
"""The names of all fields that Autobahn's report of a case may have."""


def say(**line: object) -> None:
    """Print a line, in the worker."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def work(
    name: str, module: Sequence[str], log: Path, *, is_suite: bool = True
) -> AsyncGenerator[Step, None]:
    """Run a worker and return its steps; closing the generator ends it.

    :param name: what errors call it.
    :param is_suite: whether the suite's CPU time is the worker's.
    """
    async with children.start(name, [*MODULE, *module], log) as worker:
        async for line in worker.lines():
            yield _step(name, json.loads(line))
        code = await worker.ended()
        if code:
            raise CommandError(str(worker.death(code)))  # no ChildError: those are of testees
        if is_suite:
            yield Finished(worker.cpu_time or 0.0)


def _step(name: str, said: object) -> Step:
    match said:
        case {"listening": str(url)}:
            return Listening(url)
        case {"begun": str(case)}:
            return Begun(case)
        case {"ended": str(case), "report": dict(report)}:
            return Ended(case, cast(CaseReport, report))
    raise CommandError(f"{name}'s worker said {said!r:.80}")
