"""Reports that the matrix keeps: what has been played once is not played again while nothing has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import CaseReport

HARNESS = Path(__file__).resolve().parents[1]

JUDGES = (
    "extra/*.py",
    "engines/*.py",
    "endpoints/fuzzing_server.py",
    "setup_runner.py",
    "../tooling/frames.py",
)
"""The files of the harness that a verdict may depend on."""

OF_STREAMS = ("streams/*.py", "transports/*.py")
"""Those of a verdict over HTTP/2 and HTTP/3 besides."""


def harness_fingerprint(*settings: object, streams: bool = False) -> str:
    """Return what changes with the cases, with what plays them, and with these settings."""
    digest = hashlib.sha256(repr(settings).encode())
    for pattern in (*JUDGES, *(OF_STREAMS if streams else ())):
        for file in sorted(HARNESS.glob(pattern)):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


@dataclass
class Kept:
    """The reports on a role of an implementation, in a file."""

    file: Path
    key: str
    """Changes with all that they depend on: reports under another one are not taken."""
    reports: dict[str, CaseReport] = field(default_factory=dict)
    duration: float = 0.0
    """Seconds that all of them took."""

    @classmethod
    def read(cls, file: Path, key: str) -> Kept:
        """Read what there is; nothing where it is of something else, or damaged."""
        try:
            content: Any = json.loads(file.read_bytes())
        except (OSError, ValueError):
            content = {}
        match content:
            case {"key": found, "reports": dict(reports), "duration": int() | float() as duration}:
                if found == key:
                    return cls(file, key, reports, duration)
        return cls(file, key)

    def missing(self, cases: Sequence[str]) -> list[str]:
        """List the cases that are still to be played."""
        return [case for case in cases if case not in self.reports]

    def add(self, reports: dict[str, CaseReport], duration: float) -> None:
        """Keep more reports."""
        if not reports:
            return
        self.reports.update(reports)
        self.duration += duration
        self.file.parent.mkdir(parents=True, exist_ok=True)
        content = {"key": self.key, "duration": round(self.duration, 3), "reports": self.reports}
        write_text(self.file, json.dumps(content) + "\n")
