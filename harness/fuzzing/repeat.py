"""Repeats the cases that `harness fuzz` has found: `harness test URL --case FILE`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.endpoints.runner import LOG
from harness.fuzzing.campaign import LIMIT, PATIENT, Found, show
from harness.fuzzing.sequence import read_case
from harness.fuzzing.server import Server
from harness.run import run_until_signal
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.endpoints.endpoint import Endpoint
    from harness.fuzzing.sequence import CaseFile


def repeat_cases(  # noqa: PLR0913  # what a user can give
    endpoint: Endpoint,
    paths: Sequence[Path],
    folder: Path,
    limit: int | None,
    *,
    repeat: str,
    console: Console,
) -> ExitCode:
    """Play each case again, and say whether the server still does what was found.

    Raises `CommandError` where the server is asked over another transport than HTTP/1.1.

    :param paths: case files, or folders with them.
    :param repeat: the command that repeats a case, but for its file.
    """
    if endpoint.transport != "h1":
        raise CommandError(f"--case is for HTTP/1.1: it has no --transport {endpoint.transport}")
    cases = {file: read_case(file) for path in paths for file in _files(path)}
    server = Server(endpoint, folder / LOG, endpoint.timeout / PATIENT, limit or LIMIT)
    wrong = asyncio.run(run_until_signal(_play(server, cases, repeat, console)))
    say(console, f"{wrong} of {len(cases)} case{'s' * (len(cases) != 1)} found something")
    return ExitCode.BAD if wrong else ExitCode.GOOD


def _files(path: Path) -> list[Path]:
    """List the case files that a path means."""
    if not path.is_dir():
        return [path]
    if not (files := sorted(path.glob("*.json"))):
        raise CommandError(f"--case {str(path)!r}: the folder has no *.json")
    return files


async def _play(server: Server, cases: dict[Path, CaseFile], repeat: str, console: Console) -> int:
    wrong = 0
    try:
        for file, case in cases.items():
            fault = await server.verdict(case.sequence, PATIENT * server.patience)
            if fault is None:
                say(console, f"NOT FOUND: {file}: {case.found.get('came', 'the server did nothing wrong')}")
                continue
            wrong += 1
            same = (fault.rule, fault.shape) == (case.found.get("rule"), case.found.get("shape"))
            found = Found(fault, case.sequence, 0, repeats=True, file=str(file))
            say(console, f"{file}: {'as found' if same else 'another finding'}")
            show(console, found, wrong, repeat)
    finally:
        await server.endpoint.stop()
    return wrong
