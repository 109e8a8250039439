"""The measurements, and the shape of the JSON file.

{
  "format": 1,                          raised when a reader of the old shape would fail
  "started": "2026-01-31T12:00:00+00:00", "python": "3.11.7", "machine": "Linux x86_64, 2 CPUs",
  "rounds": 5, "seconds": 1.0,          of each scenario and server; the length of a round
  "scenarios": [
    {
      "size": 32, "connections": 1, "inFlight": 16,       bytes; messages in flight on a connection
      "servers": {
        "wsproto": {
          "title": "this library", "releases": "wsproto 1.4.0",
          "messagesPerSecond": {"median": 1.0, "lowest": 1.0, "highest": 1.0},
          "cpuPerMessage": {...},       seconds of the server, user and system
          "generatorCpuPerMessage": {...},
          "serverBusy": 0.9, "generatorBusy": 0.5,        CPU time over time, median
          "cpuRatio": {...},            this library's cpuPerMessage over this server's, round by round;
                                        null for the library itself
          "samples": [{"seconds": 1.0, "messages": 1, "serverCpu": 1.0, "generatorCpu": 0.5,
                           "othersCpu": 0.1}, ...]    of everything else on the machine
        }
      }
    }
  ]
}
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.end_to_end.peers import LIBRARY
from tooling.written import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.end_to_end.load import Scenario

FORMAT = 1

NEARLY = 0.9


@dataclass(frozen=True)
class Spread:
    """A figure of all rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sum up."""
        ordered = sorted(values)
        return cls(median(ordered), ordered[0], ordered[-1])


@dataclass(frozen=True)
class Sample:
    """A round against one server; times are in seconds."""

    seconds: float
    messages: int
    server_cpu: float
    generator_cpu: float
    others_cpu: float
    """The CPU time of everything else on the machine."""


@dataclass
class Measured:
    """A server in a scenario."""

    scenario: Scenario
    name: str
    title: str
    releases: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> Spread:
        """Messages a second."""
        return Spread.of(sample.messages / sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> Spread:
        """Seconds of the server's CPU time for a message."""
        return Spread.of(sample.server_cpu / sample.messages for sample in self.samples)

    @property
    def generator_cpu(self) -> Spread:
        """Seconds of the load generator's CPU time for a message."""
        return Spread.of(sample.generator_cpu / sample.messages for sample in self.samples)

    @property
    def server_busy(self) -> float:
        """The part of the time in which the server used a CPU."""
        return median(sample.server_cpu / sample.seconds for sample in self.samples)

    @property
    def generator_busy(self) -> float:
        """The part of the time in which the load generator used a CPU."""
        return median(sample.generator_cpu / sample.seconds for sample in self.samples)

    @property
    def held_back(self) -> bool:
        """Whether the load generator was about as busy as the server, which could then have done more."""
        return self.generator_busy > NEARLY * self.server_busy

    def cpu_ratio(self, library: Measured) -> Spread:
        """Compare with the library, round by round: below 1 the library is cheaper."""
        pairs = zip(library.samples, self.samples, strict=True)
        return Spread.of(
            (ours.server_cpu / ours.messages) / (theirs.server_cpu / theirs.messages)
            for ours, theirs in pairs
        )


@dataclass(frozen=True)
class Results:
    """All that was measured."""

    started: str
    python: str
    machine: str
    rounds: int
    seconds: float
    measured: list[Measured]

    def scenarios(self) -> dict[Scenario, list[Measured]]:
        """Return what was measured by scenario, in the order of measuring."""
        found: dict[Scenario, list[Measured]] = {}
        for measured in self.measured:
            found.setdefault(measured.scenario, []).append(measured)
        return found

    @property
    def others(self) -> float:
        """How many CPUs everything else on the machine kept busy meanwhile: 0 is a quiet machine."""
        return median(
            sample.others_cpu / sample.seconds for measured in self.measured for sample in measured.samples
        )

    def ratio(self, measured: Measured) -> Spread | None:
        """Compare the library with a server; None for the library itself."""
        if measured.name == LIBRARY.name:
            return None
        library = next(
            other
            for other in self.measured
            if (other.scenario, other.name) == (measured.scenario, LIBRARY.name)
        )
        return measured.cpu_ratio(library)

    def report(self) -> dict[str, Any]:
        """Return the content of the JSON file."""
        return {
            "format": FORMAT,
            "started": self.started,
            "python": self.python,
            "machine": self.machine,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "scenarios": [
                {
                    "size": scenario.size,
                    "connections": scenario.connections,
                    "inFlight": scenario.in_flight,
                    "servers": {measured.name: self._server(measured) for measured in found},
                }
                for scenario, found in self.scenarios().items()
            ],
        }

    def _server(self, measured: Measured) -> dict[str, Any]:
        ratio = self.ratio(measured)
        return {
            "title": measured.title,
            "releases": measured.releases,
            "messagesPerSecond": vars(measured.rate),
            "cpuPerMessage": vars(measured.cpu),
            "generatorCpuPerMessage": vars(measured.generator_cpu),
            "serverBusy": measured.server_busy,
            "generatorBusy": measured.generator_busy,
            "cpuRatio": ratio and vars(ratio),
            "samples": [
                {
                    "seconds": sample.seconds,
                    "messages": sample.messages,
                    "serverCpu": sample.server_cpu,
                    "generatorCpu": sample.generator_cpu,
                    "othersCpu": sample.others_cpu,
                }
                for sample in measured.samples
            ],
        }


def write_json(path: Path, results: Results) -> None:
    """Write the JSON file."""
    write_text(path, json.dumps(results.report(), indent=1) + "\n")
