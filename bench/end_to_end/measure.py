"""The rounds: every scenario against every server, one after the other, over and over."""

from __future__ import annotations

import os
import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import psutil

from bench.end_to_end.load import Scenario, connected
from bench.end_to_end.results import Measured, Results, Sample
from bench.end_to_end.server_process import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.end_to_end.peers import Peer
    from bench.end_to_end.server_process import ServerProcess

SCENARIOS = (
    Scenario(size=32, connections=1, in_flight=1),
    Scenario(size=32, connections=1, in_flight=16),
    Scenario(size=32, connections=64, in_flight=1),
    Scenario(size=32, connections=64, in_flight=16),
    Scenario(size=2**16, connections=1, in_flight=4),
    Scenario(size=2**16, connections=64, in_flight=4),
)


@dataclass(frozen=True)
class Effort:
    """The length of a measurement; times are in seconds."""

    rounds: int
    seconds: float
    warm_up: float
    least_cpu: float
    """A round goes on until the server has used that much: the system counts in steps of 10 ms."""


FULL = Effort(rounds=5, seconds=1.0, warm_up=0.2, least_cpu=0.2)
QUICK = Effort(rounds=3, seconds=0.3, warm_up=0.1, least_cpu=0.1)


def measure(
    peers: Sequence[Peer],
    effort: Effort,
    scenarios: Sequence[Scenario] = SCENARIOS,
    progress: Callable[[str], None] = lambda _: None,
) -> Results:
    """Measure every scenario against every server; `progress` gets the next step.

    Raises `CommandError` where a server does not start, fails, or echoes anything but its input.
    """
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with ExitStack() as stack:
        servers = []
        for peer in peers:
            progress(f"starting {peer.name}")
            servers.append(stack.enter_context(serving(peer)))
        measured = [found for scenario in scenarios for found in _rounds(scenario, servers, effort, progress)]
    return Results(
        started=started,
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        rounds=effort.rounds,
        seconds=effort.seconds,
        measured=measured,
    )


def _rounds(
    scenario: Scenario, servers: Sequence[ServerProcess], effort: Effort, progress: Callable[[str], None]
) -> list[Measured]:
    """Run all rounds of a scenario; each begins with another server, so that none always follows the same."""
    measured = [
        Measured(scenario, server.peer.name, server.peer.title, server.releases) for server in servers
    ]
    for number in range(effort.rounds):
        for index in range(len(servers)):
            turn = (index + number) % len(servers)
            server, found = servers[turn], measured[turn]
            progress(f"{scenario}: round {number + 1} of {effort.rounds}, {server.peer.name}")
            found.samples.append(_sample(scenario, server, effort))
    return measured


def _sample(scenario: Scenario, server: ServerProcess, effort: Effort) -> Sample:
    """Measure once. No message is on its way at the beginning and at the end."""
    with connected(server, scenario) as load:
        load.run(effort.warm_up)
        messages, server_before = load.echoed, server.cpu_time()
        clocks = (time.perf_counter, time.process_time, _machine_cpu_time)
        server_cpu, spent = 0.0, [0.0] * len(clocks)
        while server_cpu < effort.least_cpu:
            before = [clock() for clock in clocks]
            load.run(effort.seconds)
            spent = [
                total + clock() - begun for total, clock, begun in zip(spent, clocks, before, strict=True)
            ]
            server_cpu = server.cpu_time() - server_before  # outside the measured time: asking takes long
        seconds, generator_cpu, machine_cpu = spent
        load.close()
        return Sample(
            seconds=seconds,
            messages=load.echoed - messages,
            server_cpu=server_cpu,
            generator_cpu=generator_cpu,
            others_cpu=max(0.0, machine_cpu - server_cpu - generator_cpu),
        )


def _machine_cpu_time() -> float:
    """Return the seconds that all CPUs together were busy so far, for any process."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)  # iowait: on Linux alone
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user as well
    return float(sum(times) - idle - guests)
