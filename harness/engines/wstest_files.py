"""The files and lines of wstest, Autobahn's own program: its specs, its output, its reports.

It writes no report until the last case has ended (as a server: until the client asks), then `index.json`, and
after that a file per case. It exits with 0 whatever it found.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from harness.engines.workers import FIELDS
from harness.results import CaseReport
from harness.testee.commands import library
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

REPORTS = "reports"
"""The folder for wstest's reports, below its working directory."""

BEGUN = re.compile(r"Running test case ID (\S+) for agent")
LISTENS_NEXT = re.compile(r"Cases = \[")
WRITTEN = re.compile(r"Report generation complete")
UNREACHED = re.compile(r"Connection to \S+ failed .*")


def client_spec(url: str, cases: Sequence[str]) -> dict[str, Any]:
    """Make the spec of a fuzzing client that runs cases against the server at `url`.

    A case without a `*` means itself; wstest takes one with a `*` as a regular expression.
    """
    return {"outdir": REPORTS, "servers": [{"agent": library().name, "url": url}], "cases": list(cases)}


def server_spec(url: str, cases: Sequence[str]) -> dict[str, Any]:
    """Make the spec of a fuzzing server that is reached at `url`."""
    return {"outdir": REPORTS, "url": url, "cases": list(cases)}


def read_reports(read: Callable[[str], bytes], where: str) -> Iterator[tuple[str, CaseReport]]:
    """Yield each case with its report; `read` gives a file of the folder of reports, which `where` names.

    Raises `CommandError` where a file is missing or has another shape.
    """
    for agent, cases in _object(read, "index.json", where).items():
        if not isinstance(cases, dict):
            raise CommandError(f"{where}/index.json has for agent {agent} no object of cases: {cases!r:.80}")
        for case, entry in cases.items():
            match entry:
                case {"reportfile": str(name)}:
                    found = _object(read, name, where)
                    yield case, cast(CaseReport, {field: found[field] for field in FIELDS if field in found})
                case _:
                    raise CommandError(f"{where}/index.json, case {case}: no reportfile in {entry!r:.80}")


def _object(read: Callable[[str], bytes], name: str, where: str) -> Mapping[str, Any]:
    try:
        content = json.loads(read(name))
    except (OSError, KeyError):
        raise CommandError(f"wstest has not written {where}/{name}") from None
    except ValueError as error:
        raise CommandError(f"{where}/{name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CommandError(f"{where}/{name} is not an object: {content!r:.80}")
    return content


def version_of(reports: Iterable[CaseReport]) -> str:
    """Return the version that wstest names in the handshake of any case, or `unknown`."""
    for report in reports:
        for text in (report.get("httpRequest", ""), report.get("httpResponse", "")):
            if found := re.search(r"AutobahnTestSuite/([0-9.]+)", text):
                return found[1]
    return "unknown"


def duration_of(reports: Iterable[CaseReport]) -> float:
    """Return the seconds from the start of the first case to the end of the last."""
    spans = [(_time_of(report.get("started", "")), report.get("duration", 0) / 1000) for report in reports]
    return max((start + took for start, took in spans), default=0.0) - min(spans, default=(0.0, 0.0))[0]


def _time_of(started: str) -> float:
    try:
        return datetime.strptime(started, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    except ValueError:
        raise CommandError(f"{started!r} is not a time such as 2026-01-31T12:00:00.000Z") from None
