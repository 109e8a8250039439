"""Has the fuzzer for endpoints look for each planted fault of `faulty_echo`, and writes what it found.

`python -m tests.harness.planted_in_echo --markdown docs/planted-faults-endpoint.md` takes some minutes. The
exit code is 0 where nothing is found in the server without a fault, and four of five faults are found.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from tests.harness.faulty_echo import FAULTS, GOOD
from tooling.written import write_text

ROOT = Path(__file__).parents[2]
ENOUGH = 0.8
"""The part of the faults that has to be found."""


def fuzz(fault: str, seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Fuzz the server with a fault until something is found; give the report, with the seconds it took."""
    server = f"{shlex.quote(sys.executable)} -m tests.harness.faulty_echo --port {{port}} --fault {fault}"
    options = ["--seconds", str(seconds), "--seed", str(seed), "--report", str(folder)]
    command = [sys.executable, "-m", "harness", "fuzz", "--command", server, *options]
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [*command, *(["-x"] if fault != GOOD else [])], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode > 1:
        raise click.ClickException(f"{fault}: {done.stderr.strip()}")
    report: dict[str, Any] = json.loads((folder / "findings.json").read_text())
    return {**report, "took": time.monotonic() - began}


def row(fault: str, report: dict[str, Any] | None) -> str:
    """Write a row of the table."""
    does, section = FAULTS[fault]
    if report is None or not report["findings"]:
        return f"| `{fault}` | {does} | {section} | not found | | | |"
    found = report["findings"][0]
    came = found["came"].replace("|", "\\|").replace(shlex.quote(sys.executable), "python")
    return (
        f"| `{fault}` | {does} | {section} | {came[:120]} | {found['section']} "
        f"| {report['connections']} | {report['took']:.1f} |"
    )


def page(rows: dict[str, str], found: int, good: dict[str, Any], seconds: float, seed: int) -> str:
    """Write the page."""
    count = f"{len(good['findings'])} things were found" if good["findings"] else "nothing was found"
    return f"""# Planted faults in an echo server

{found} of {len(rows)} faults found within {seconds:g} s each. In the same server without a fault {count} in
{good["sequences"]} sequences, {seconds:g} s.

`python -m harness fuzz --command ...` fuzzes an echo server (`tests/harness/faulty_echo.py`) that is right
but for one fault, and stops at the first finding; the seconds include the start of both processes, a second
play with more patience, and making the finding smaller. Python {platform.python_version()}, seed {seed},
{os.cpu_count()} CPUs. Written by `python -m tests.harness.planted_in_echo --markdown
docs/planted-faults-endpoint.md`.

| fault | the server | breaks | found | by the rule of | connections | seconds |
|---|---|---|---|---|--:|--:|
{chr(10).join(rows.values())}
"""


@click.command()
@click.option("--seconds", type=float, default=60.0, show_default=True, help="For each fault, at most.")
@click.option("--seed", type=int, default=20_261, show_default=True)
@click.option("--only", multiple=True, type=click.Choice([GOOD, *FAULTS]), help="These faults alone.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Where the page goes.")
def main(seconds: float, seed: int, only: tuple[str, ...], markdown: Path | None) -> None:
    """Fuzz each faulty server."""
    rows: dict[str, str] = {}
    found = 0
    good: dict[str, Any] = {"sequences": 0, "findings": []}
    with tempfile.TemporaryDirectory() as folder:
        for fault in only or (GOOD, *FAULTS):
            report = fuzz(fault, seconds, seed, Path(folder) / fault)
            came = [finding["came"] for finding in report["findings"]]
            click.echo(f"{fault}: {came[0] if came else 'nothing found'} ({report['took']:.1f} s)")
            if fault == GOOD:
                good = report
                continue
            found += bool(came)
            rows[fault] = row(fault, report)
    click.echo(f"{found} of {len(rows)} faults found, {len(good['findings'])} findings in the good server")
    if markdown:
        write_text(markdown, page(rows, found, good, seconds, seed))
    sys.exit(1 if good["findings"] or found < ENOUGH * len(rows) else 0)


if __name__ == "__main__":
    main()
