"""The results of a campaign, in the shape of `fuzz/report/results.json`.

{
  "format": 1,                      raised when a reader of the old shape would fail
  "started": "2026-01-31T12:00:00+00:00",
  "python": "3.11.7", "atheris": "3.0.0", "library": "1.4.0", "system": "Linux ...", "cores": 2,
  "seconds": 60, "jobs": 2,         what was asked for
  "interrupted": false,             whether it was ended before its time
  "clean": true,                    nothing was found, and every target ran to its end
  "targets": [
    {
      "name": "frames_server", "title": "...",
      "status": "clean",            or: crashed, died, hung, not started, not kept, interrupted
      "problem": "",                why a target died or did not start
      "seconds": 60.1,              of fuzzing, from where the corpus had been read
      "executions": 210000,
      "rate": 3494.2,               executions in a second of processor time, on one core; null: unknown
      "baseline": 9120.4,           the same of the empty input, without mutation
      "edges": 812, "corpus": 340, "newInputs": 12,
      "growth": [[0.4, 640], ...],  seconds and edges
      "findings": [{...}]           crashes: `Finding`
    }
  ]
}
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from typing import Literal

Status = Literal["clean", "crashed", "died", "hung", "not started", "not kept", "interrupted"]


@dataclass(frozen=True)
class Finding:
    """An input that a target fails on."""

    kind: str
    """The kind of failure that libFuzzer saw: `crash`, `timeout`, `oom`."""
    file: str
    """The file with the minimised input; where it could not be kept, the name that it would have."""
    title: str
    """The exception, in one line."""
    place: str
    size: int
    original_size: int
    """Bytes, after minimising and before."""
    hex: str
    frames: list[str]
    """Its frames, where the target speaks frames."""
    choices: list[str]
    """What its first bytes choose."""
    drawn: list[str]
    """The values that Hypothesis draws from it."""
    traceback: str
    test: str
    """A pytest case."""
    command: str
    """The command that reproduces it; it holds an input that could not be kept."""
    original: str = ""
    """The file with the input before it was minimised; empty where that is the same."""
    not_kept: str = ""
    """Why the input is in no file; empty where it is."""


@dataclass
class TargetResult:
    """The result of one target."""

    name: str
    title: str
    status: Status = "clean"
    problem: str = ""
    seconds: float = 0.0
    executions: int = 0
    rate: float | None = None
    """Executions in a second of processor time, since the corpus was read."""
    baseline: float | None = None
    edges: int = 0
    corpus: int = 0
    new_inputs: int = 0
    growth: list[tuple[float, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Results:
    """The results of a campaign."""

    seconds: int
    jobs: int
    targets: list[TargetResult] = field(default_factory=list)
    interrupted: bool = False
    started: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    python: str = field(default_factory=platform.python_version)
    atheris: str = field(default_factory=lambda: _version("atheris"))
    library: str = field(default_factory=lambda: _version("wsproto"))
    system: str = field(default_factory=lambda: f"{platform.system()} {platform.machine()}")
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)

    @property
    def crashes(self) -> int:
        """The number of inputs that fail."""
        return sum(len(target.findings) for target in self.targets)

    @property
    def failed(self) -> list[TargetResult]:
        """The targets that did not run to their end and left no input that says why."""
        return [
            target
            for target in self.targets
            if target.status in {"died", "hung", "not started", "not kept"} and not target.findings
        ]

    @property
    def clean(self) -> bool:
        """Whether nothing was found and every target ran to its end."""
        return all(target.status == "clean" for target in self.targets)

    def as_json(self) -> str:
        """Return the text of `results.json`."""
        content = {"format": 1, "clean": self.clean, **asdict(self, dict_factory=_camel)}
        return json.dumps(content, indent=1) + "\n"


def _camel(fields: list[tuple[str, object]]) -> dict[str, object]:
    return {_camel_case(name): value for name, value in fields}


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
