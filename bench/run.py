"""A whole run: measures the selected rows of all peers that take part."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import importing, instructions, rounds
from bench.peers import COPY, OURS, PURE, SOURCE, python_of
from bench.processes import Unsupported, Worker
from bench.results import Results, Row, row_of
from bench.selection import IMPORT, counting_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.peers import Peer
    from bench.progress import Progress
    from bench.rounds import Case, Pace
    from bench.selection import Idle, Selection

    FindPython = Callable[[Peer, Callable[[str], None]], Path]

IDLE_CONNECTIONS = {True: 1000, False: 10_000}
"""Connections that are opened to weigh one, in a quick run and in a full one."""
RESIDENT = " (resident)"


class Site(NamedTuple):
    """The place of an implementation: an interpreter, and a folder for code that is not installed there."""

    peer: Peer
    python: Path
    source: Path | None
    folder: Path
    """Where its module must come from."""


@dataclass(frozen=True)
class Order:
    """The rows, peers and pace that a user asked for."""

    selection: Selection
    peers: Sequence[Peer]
    pace: Pace
    quick: bool


def run(order: Order, progress: Progress, find_python: FindPython = python_of) -> Results:
    """Measure it all."""
    selection = order.selection
    begun = time.monotonic()
    with ExitStack() as stack:
        sites = stack.enter_context(_sites(order.peers, progress.say, find_python))
        results = Results(_machine(), dict(order.pace._asdict()), {})
        progress.expect(_steps(order, len(sites)))
        _identify(sites, results, progress)
        if selection.timed:
            results.rows += _timed(sites, order, progress)
        compared = [site for site in sites if site.peer is not COPY]
        if selection.counted:
            results.rows += _counted(compared, order, results, progress)
        for idle in selection.idle:
            results.rows.append(_idle(compared, idle, order, results, progress))
        for case in selection.peaks:
            results.rows.append(_peak(compared, case, progress))
        if selection.imports:
            results.rows.append(_imports(sites, order, results, progress))
    compiled = any(site.peer is PURE for site in sites)
    results.rows = [replace(row, compiled=compiled) for row in results.rows]
    results.pace["took"] = round(time.monotonic() - begun)
    return results


def _steps(order: Order, sites: int) -> int:
    selection = order.selection
    timed = rounds.steps(sites, len(selection.timed), order.pace)
    counted = instructions.steps(sites - 1, len(selection.counted)) if _counts(order) else 0
    memory = (len(selection.idle) + len(selection.peaks)) * (sites - 1)
    return timed + counted + memory + order.pace.rounds * selection.imports


@contextmanager
def _sites(
    peers: Sequence[Peer], say: Callable[[str], None], find_python: FindPython
) -> Iterator[list[Site]]:
    """Find everyone's interpreter; the copy of this library exists for the time of the run."""
    with tempfile.TemporaryDirectory(prefix="wsproto-copy-") as copy:
        folder = Path(copy)
        shutil.copytree(SOURCE / "wsproto", folder / "wsproto", ignore=shutil.ignore_patterns("__pycache__"))
        python = find_python(OURS, say)
        sites = [Site(OURS, python, SOURCE, SOURCE), Site(COPY, python, folder, folder)]
        if any(SOURCE.glob("wsproto/_core.*")):
            sites.append(Site(PURE, python, SOURCE, SOURCE))
        for peer in peers:
            python = find_python(peer, say)
            sites.append(Site(peer, python, None, python.parent.parent))
        yield sites


def _machine() -> dict[str, str]:
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _worker(site: Site) -> Worker:
    return Worker(site.peer, site.python, site.source)


def _identify(sites: Sequence[Site], results: Results, progress: Progress) -> None:
    """Check that each worker imported the right library, and say so."""
    for site in sites:
        with _worker(site) as worker:
            identity = worker.check_identity(site.folder)
        results.peers[site.peer.name] = {**identity, "file": _shown(identity["file"], site)}
        progress.say(f"{site.peer.name} {identity['version']}, {identity['helpers']}: {identity['file']}")


def _shown(file: str, site: Site) -> str:
    """Return a path without the folders of this machine."""
    return str(Path(file).resolve().relative_to(site.folder.resolve()))


def _timed(sites: Sequence[Site], order: Order, progress: Progress) -> list[Row]:
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(site)) for site in sites]
        measured = rounds.measure(workers, order.selection.timed, order.pace, progress.step)
    return [
        row_of(
            samples.case.label,
            f"µs per {samples.case.workload.per}",
            samples.costs,
            scale=1e6,
            unsupported=samples.unsupported,
        )
        for samples in measured
    ]


def _counts(order: Order) -> bool:
    return instructions.available() and bool(order.selection.counted) and not order.quick


def _counted(sites: Sequence[Site], order: Order, results: Results, progress: Progress) -> list[Row]:
    if not _counts(order):
        missing = "a quick run counts no instructions" if order.quick else instructions.MISSING
        results.notes.append(missing)
        progress.say(missing)
        return []
    cases = order.selection.counted
    found = instructions.count(
        {site.peer: (site.python, site.source) for site in sites}, cases, progress.step
    )
    return [
        row_of(counting_label(case), "instructions per message", counted)
        for case, counted in zip(cases, found, strict=True)
    ]


def _idle(sites: Sequence[Site], idle: Idle, order: Order, results: Results, progress: Progress) -> Row:
    """Weigh idle connections, each time in a fresh process."""
    where = {"role": idle.role, "deflate": idle.deflate, "count": IDLE_CONNECTIONS[order.quick]}
    traced, unsupported = _fresh(sites, idle.label, progress, "idle", **where, traced=True)
    with _worker(sites[0]) as worker:
        resident = worker.ask("idle", **where, traced=False)
    results.notes.append(
        f"{idle.label}: {traced[OURS.name][0]:.0f} bytes traced, {resident:.0f} of resident memory"
    )
    return row_of(idle.label, "bytes", traced, unsupported=unsupported)


def _peak(sites: Sequence[Site], case: Case, progress: Progress) -> Row:
    where = {"name": case.workload.name, "role": case.role}
    found, unsupported = _fresh(sites, case.label, progress, "peak", **where)
    return row_of(case.label, "× its size", found, unsupported=unsupported)


def _fresh(
    sites: Sequence[Site], label: str, progress: Progress, do: str, **where: object
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Ask a fresh process of each implementation the same."""
    found: dict[str, list[float]] = {}
    unsupported: dict[str, str] = {}
    for site in sites:
        progress.step(f"{label}: {site.peer.title}")
        with _worker(site) as worker:
            answer = worker.ask(do, **where)
        if isinstance(answer, Unsupported):
            unsupported[site.peer.name] = str(answer)
        else:
            found[site.peer.name] = [answer]
    return found, unsupported


def _imports(sites: Sequence[Site], order: Order, results: Results, progress: Progress) -> Row:
    where = {site.peer: (site.python, [str(site.source)] if site.source else []) for site in sites}
    times = importing.import_times(where, order.pace.rounds, progress.step)
    results.imports = importing.loaded(OURS, *where[OURS])
    return row_of(IMPORT, "ms", times, scale=1e3)
