"""Reads the output of libFuzzer and atheris, line by line.

#2   INITED cov: 81 ft: 81 corp: 1/1b exec/s: 0 rss: 47Mb
#7   NEW    cov: 93 ft: 94 corp: 2/2b lim: 64 exec/s: 0 rss: 47Mb ...
artifact_prefix='...'; Test unit written to crashes/crash-06d945942aa2...
stat::number_of_executed_units: 60979
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fuzz.target import INPUT

NOTHING: Final = ("INFO:", "WARNING: Failed to find", "Dictionary:", "stat::", "#")
"""The beginnings of the lines that say nothing about an end."""

TAIL: Final = 40
"""Lines that are kept for the case that a target dies."""

_PULSE: Final = re.compile(r"#(?P<executions>\d+)\s+\w+\s+cov: (?P<edges>\d+) ft: \d+ corp: (?P<corpus>\d+)/")
_ARTIFACT: Final = re.compile(r"Test unit written to (?P<path>.+)$")
_PRINTED: Final = re.compile(r"(?:Base64: |" + INPUT + r")(?P<text>[A-Za-z0-9+/=]+)$")
_EXECUTIONS: Final = re.compile(r"stat::number_of_executed_units:\s+(?P<executions>\d+)$")


@dataclass
class Monitor:
    """Takes the lines of one libFuzzer process, and so knows its progress and its findings."""

    executions: int = 0
    edges: int = 0
    """Edges of the control flow that were reached: libFuzzer's `cov`."""
    corpus: int = 0
    """Inputs that libFuzzer keeps, since each reaches something that no other does."""
    fuzzing: bool = False
    """Whether the corpus has been read and the fuzzing has begun."""
    artifacts: list[Path] = field(default_factory=list)
    printed: dict[str, bytes] = field(default_factory=dict)
    """The inputs that it printed, by the SHA-1 that ends an artifact's name."""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))

    def feed(self, line: str) -> None:
        """Take in a line, without its end."""
        self.tail.append(line)
        if found := _PULSE.match(line):
            self.fuzzing = True
            self.executions = int(found["executions"])
            self.edges = int(found["edges"])
            self.corpus = int(found["corpus"])
        elif found := _ARTIFACT.search(line):
            self.artifacts.append(Path(found["path"]))
        elif found := _PRINTED.match(line):
            data = base64.b64decode(found["text"])
            self.printed[_sha1(data)] = data
        elif found := _EXECUTIONS.match(line):
            self.executions = int(found["executions"])

    def content_of(self, artifact: Path) -> bytes | None:
        """Return the bytes of an artifact, also where its disk took them not at all or in part."""
        sha1 = artifact.name.rpartition("-")[2]
        try:
            data = artifact.read_bytes()
        except OSError:
            return self.printed.get(sha1)
        return data if _sha1(data) == sha1 else self.printed.get(sha1)

    @property
    def last_words(self) -> str:
        """The last line with any text, for a target that died without an explanation."""
        said = [line for line in self.tail if line.strip() and not line.startswith(NOTHING)]
        return said[-1].strip() if said else ""


def _sha1(data: bytes) -> str:
    """Return the hash by which libFuzzer names an artifact."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


_EXECUTED: Final = re.compile(r"Executed .+ in (?P<milliseconds>\d+) ms$")


def executed(line: str) -> bool:
    """Tell whether a line says that an input, given by name, has been executed."""
    return _EXECUTED.match(line) is not None
