"""Measures import time in fresh interpreters, and lists the modules that importing the library loads."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from bench.processes import environment
from bench.results import Loaded
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.peers import Peer

TIME_LIMIT = 60.0
#: The folder comes last, where an installed package would be found too.
PROGRAM = """
import os, sys, time
if hasattr(os, "sched_setaffinity"):  # as in the worker
    os.sched_setaffinity(0, {{max(os.sched_getaffinity(0))}})
sys.path += {sources!r}
start = time.process_time()
import {modules}
print(time.process_time() - start)
"""


def import_times(
    sites: Mapping[Peer, tuple[Path, list[str]]], rounds: int, progress: Callable[[str], None]
) -> dict[str, list[float]]:
    """Return the CPU seconds of each import, round by round; a site is an interpreter and further folders."""
    for peer, (python, sources) in sites.items():
        _run(peer, python, sources)  # writes the bytecode
    times: dict[str, list[float]] = {peer.name: [] for peer in sites}
    for number in range(rounds):
        progress(f"import, round {number + 1} of {rounds}")
        for peer, (python, sources) in sites.items():
            times[peer.name].append(float(_run(peer, python, sources).stdout))
    return times


def loaded(peer: Peer, python: Path, sources: Sequence[str]) -> list[Loaded]:
    """List the modules that the import loads, importers first."""
    lines = _run(peer, python, sources, "-X", "importtime").stderr.splitlines()
    rows = [
        (len(found[3]) // 2, found[4], int(found[1]))
        for line in lines
        if (found := re.match(r"import time:\s*(\d+) \|\s*(\d+) \|( +)(\S+)$", line))
    ]
    modules: list[Loaded] = []
    importers: list[str] = []
    for depth, name, microseconds in reversed(rows):
        del importers[depth:]
        importers += [""] * (depth - len(importers))
        modules.append(Loaded(name, microseconds, importers[-1] if importers else ""))
        importers.append(name)
    wanted = {peer.imports[0]}
    kept = []
    for module in modules:
        if module.name in wanted or module.importer in wanted:
            wanted.add(module.name)
            kept.append(module)
    return kept


def _run(peer: Peer, python: Path, sources: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(sources=list(sources), modules=", ".join(peer.imports))
    variables = environment()
    del variables["PYTHONPATH"]
    try:
        return subprocess.run(
            [str(python), *options, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            stdin=subprocess.DEVNULL,
            env=variables,
        )
    except subprocess.CalledProcessError as error:
        raise CommandError(f"cannot import {peer.title}: {error.stderr.strip().splitlines()[-1]}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"importing {peer.title} took more than {TIME_LIMIT:.0f} s") from None
