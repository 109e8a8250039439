"""Measures which branches of wsproto the corpora reach by themselves: each input is replayed once."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import coverage
from coverage.exceptions import NoDataError

from fuzz.folders import shown
from fuzz.replay import Replay
from fuzz.worker import ROOT
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzz.folders import Target
    from fuzz.progress import Steps

TIME_LIMIT: Final = 60.0
"""Seconds for an input; measuring makes all slower."""


@dataclass(frozen=True)
class Covered:
    """The branches of a module, or of all, or those that one target reaches."""

    name: str
    branches: int
    covered: int
    missing: tuple[str, ...] = ()
    """Branches that no input takes, as `12->15`; a line below 0 is a way out of a function."""
    inputs: int = 0

    @property
    def percent(self) -> float:
        """The share of the branches that are covered, in percent; 100 where the module has none."""
        return 100.0 * self.covered / self.branches if self.branches else 100.0


@dataclass(frozen=True)
class Measured:
    """The coverage of the corpora."""

    modules: list[Covered]
    targets: list[Covered]
    total: Covered
    failing: list[Path]
    """Inputs that fail: `replay` explains them."""


def measure(targets: Sequence[Target], jobs: int, progress: Steps, html: Path | None = None) -> Measured:
    """Replay the corpora of the targets; raises `CommandError` where one is empty."""
    for target in targets:
        if not target.inputs():
            raise CommandError(f"{shown(target.corpus)} has no input: python -m fuzz seed {target.name}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, ThreadPoolExecutor(jobs) as pool:
        files = [Path(folder) / f".coverage.{target.name}" for target in targets]
        failing = pool.map(_replay, targets, files, [progress] * len(targets))
        failed = [file for found in failing for file in found]
        report = _report(files, html)
        alone = [
            _covered(
                (_report([file]) if len(files) > 1 else report)["totals"],
                target.name,
                inputs=len(target.inputs()),
            )
            for target, file in zip(targets, files, strict=True)
        ]
    modules = [
        _covered(
            found["summary"],
            Path(name).name,
            missing=tuple(f"{start}->{end}" for start, end in found["missing_branches"]),
        )
        for name, found in sorted(report["files"].items())
        if found["summary"]["num_branches"]
    ]
    inputs = sum(target.inputs for target in alone)
    return Measured(modules, alone, _covered(report["totals"], "total", inputs=inputs), failed)


def _replay(target: Target, file: Path, progress: Steps) -> list[Path]:
    """Replay the corpus of a target with the branches recorded in `file`; return the inputs that fail."""
    failing = []
    inputs = target.inputs()
    with Replay(target, TIME_LIMIT, file) as replay:
        for number, path in enumerate(inputs, 1):
            failure = replay.run(path.read_bytes())
            if failure is not None:
                if failure.ended_process:
                    raise CommandError(f"{shown(path)} ends the target: {failure.title}")
                failing.append(path)
                progress.say(f"{target.name}: {shown(path)} fails: {failure.title}")
            progress.step(target.name, number, len(inputs))
        replay.finish()
    return failing


def _report(files: Sequence[Path], html: Path | None = None) -> dict[str, Any]:
    """Return the report of coverage.py, as it writes it in JSON."""
    rules = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        measured = coverage.Coverage(data_file=f"{folder}/all", branch=True, config_file=False)
        for rule in ("report:exclude_lines", "report:exclude_also"):
            measured.set_option(rule, rules.get_option(rule))
        measured.combine(map(str, files), keep=True)
        report = Path(folder) / "report.json"
        try:
            measured.json_report(outfile=str(report))
        except NoDataError as error:
            raise CommandError("a target that is measured does not even import wsproto") from error
        if html is not None:
            measured.html_report(directory=str(html))
        content: dict[str, Any] = json.loads(report.read_bytes())
        return content


def _covered(sums: Mapping[str, int], name: str, **more: Any) -> Covered:
    return Covered(name, sums["num_branches"], sums["covered_branches"], **more)
