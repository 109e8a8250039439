"""Counts instructions with valgrind: they do not depend on the load of the machine."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from bench.processes import Worker
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.peers import Peer
    from bench.rounds import Case

VALGRIND: Final = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
MISSING: Final = "valgrind is not installed, so no instructions were counted: apt-get install valgrind"
OPERATIONS: Final = 1000
"""Messages in the shorter of two runs; the longer has twice as many, and the start drops out."""
PARALLEL: Final = 2
#: Valgrind takes `rep movsb`, which copies many bytes at once, for an instruction a byte;
#: this lets glibc copy with vectors whatever the size.
COPY_BY_VECTORS: Final = {"GLIBC_TUNABLES": f"glibc.cpu.x86_rep_movsb_threshold={2**30}"}


def available() -> bool:
    """Tell whether valgrind is installed."""
    return shutil.which("valgrind") is not None


def count(
    sites: Mapping[Peer, tuple[Path, Path | None]], cases: Sequence[Case], progress: Callable[[str], None]
) -> list[dict[str, list[float]]]:
    """Return the instructions for a message, for each case and implementation."""
    operations = [len(case.workload.messages()) for case in cases]
    passes = [max(1, OPERATIONS // count) for count in operations]
    jobs = [(peer, longer) for peer in sites for longer in (None, *range(len(cases)))]
    totals: dict[tuple[Peer, int | None], int] = {}
    for peer, (python, source) in sites.items():
        with Worker(peer, python, source) as worker:  # so that all bytecode is written
            worker.ask("identity")
    for start in range(0, len(jobs), PARALLEL):
        together = jobs[start : start + PARALLEL]
        with ExitStack() as stack:
            workers = [
                stack.enter_context(Worker(peer, *sites[peer], prefix=("valgrind", *VALGRIND)))
                for peer, _ in together
            ]
            for worker, (_, longer) in zip(workers, together, strict=True):
                worker.post(_orders(cases, passes, longer))
            for worker, job in zip(workers, together, strict=True):
                totals[job] = total(worker)
                progress(f"instructions of {worker.peer.title}")
    return [
        {
            peer.name: [(totals[peer, index] - totals[peer, None]) / (passes[index] * operations[index])]
            for peer in sites
        }
        for index in range(len(cases))
    ]


def of_a_pass(
    peer: Peer, python: Path, source: Path | None, order: Mapping[str, object], passes: int
) -> float:
    """Return the instructions of one pass of an order to a worker.

    The worker runs twice, once with so many passes more: the difference leaves out the rest.
    """
    valgrind = ("valgrind", *VALGRIND)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(peer, python, source, prefix=valgrind, variables=COPY_BY_VECTORS))
            for _ in range(2)
        ]
        for worker, repeat in zip(workers, (1, 1 + passes), strict=True):
            worker.post([{**order, "repeat": repeat}])
        fewer, more = map(total, workers)
    return (more - fewer) / passes


def steps(peers: int, cases: int) -> int:
    """Say how many times `progress` is called."""
    return peers * (cases + 1)


def _orders(cases: Sequence[Case], passes: Sequence[int], longer: int | None) -> list[dict[str, object]]:
    """Tell a worker to do every case, one of them twice as long."""
    return [
        # One pass goes before: after it the interpreter has specialised the code and filled its caches.
        {
            "do": "passes",
            "name": case.workload.name,
            "role": case.role,
            "repeat": 1 + count * (2 if index == longer else 1),
        }
        for index, (case, count) in enumerate(zip(cases, passes, strict=True))
    ]


def total(worker: Worker) -> int:
    """Let a worker under valgrind end, and return the instructions of its life."""
    said = worker.finish()
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if found is None:
        raise CommandError(
            f"valgrind counted nothing for {worker.peer.title}: {(said.splitlines() or [''])[-1]}"
        )
    return int(found[1].replace(",", ""))
