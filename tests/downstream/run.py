"""Run the projects that are built on wsproto against this working tree: `make downstream`.

    python3 tests/downstream/run.py [--only PROJECT] [--suites [--markdown FILE]]

Makes virtual environments in `.downstream/`, in which `wsproto` is this project and the others are what
`requirements.txt` asks for, then runs each `check_*.py` in a process of its own, with a line for each, and
the published package's own tests. `--suites` runs the projects' own tests instead (some minutes); with
`--markdown` it then measures each project on the published wsproto and on this library, and writes the page.

Exit status: 0 when all passed, 1 when one failed, 2 for a wrong argument, 3 when there is no environment.
A project that needs a newer Python than there is on this machine is left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

from adoption import page
from downstream_environments import (
    FOLDER,
    HERE,
    MITMPROXY,
    PEERS,
    ROOT,
    EnvironmentMissingError,
    NoInterpreterError,
    run_limited,
)
from suites import SUITES, run_suite

SUITE_REQUIREMENTS = HERE / "suites-requirements.txt"
CHECK_SECONDS = 60
PROJECTS = {
    path.stem.removeprefix("check_").replace("_", "-"): path for path in sorted(HERE.glob("check_*.py"))
}
OUTCOMES: dict[str, tuple[bool, str]] = {}
"""What came of the projects' own tests: whether they passed, and a line."""
QUICK_SUITES = [suite.project for suite in SUITES if suite.quick]


def main() -> int:
    """Make the environment if need be, and run the checks."""
    parser = argparse.ArgumentParser(
        description="Run the projects built on wsproto against this working tree."
    )
    names = [*PROJECTS, *QUICK_SUITES]
    parser.add_argument("--only", choices=names, metavar="PROJECT", help=", ".join(names))
    parser.add_argument("--suites", action="store_true", help="run the projects' own tests")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write docs/adoption.md from the run")
    arguments = parser.parse_args()
    if arguments.markdown and (arguments.only or not arguments.suites):
        parser.error("--markdown is of a run with --suites, without --only")
    if arguments.suites:
        names = [suite.project for suite in SUITES]
    if arguments.only is not None:
        if arguments.only not in names:
            parser.error(f"there is no suite of {arguments.only}: choose from {', '.join(names)}")
        names = [arguments.only]
    try:
        failed = [name for name in names if not run(name, of_suites=arguments.suites)]
        if arguments.markdown:
            arguments.markdown.write_text(page(OUTCOMES), "utf-8")
    except EnvironmentMissingError as error:
        give_up(str(error))
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    return 0


def run(name: str, *, of_suites: bool) -> bool:
    """Run one project's check, or its own tests; gives whether they passed."""
    if of_suites:
        return suite_passes(name, PEERS.interpreter(SUITE_REQUIREMENTS))
    if name in QUICK_SUITES:
        return suite_passes(name, PEERS.interpreter())
    try:
        python = (MITMPROXY if name == "mitmproxy" else PEERS).interpreter()
    except NoInterpreterError as error:
        print(f"LEFT OUT  {name}: {error}", flush=True)
        return True
    return passes(name, python)


def passes(name: str, python: Path) -> bool:
    """Run one project's check, and print its line."""
    start = time.monotonic()
    status, output, errors = run_limited([str(python), str(PROJECTS[name])], CHECK_SECONDS)
    seconds = time.monotonic() - start
    if status == 0:
        print(f"ok    {output.strip()} ({seconds:.1f} s)", flush=True)
        return True
    lines = errors.strip().splitlines() or ["no output"]
    what = f"no end within {CHECK_SECONDS} s" if status is None else lines[-1]
    print(f"FAIL  {name}: {what} ({seconds:.1f} s)", flush=True)
    for line in lines[:-1]:
        print(f"      {line}")
    print(
        f"      repeat with: python3 {Path(__file__).resolve().relative_to(ROOT)} --only {name}", flush=True
    )
    return False


def suite_passes(name: str, python: Path) -> bool:
    """Run one project's own tests, and print its line."""
    start = time.monotonic()
    suite = next(suite for suite in SUITES if suite.project == name)
    passed, line = OUTCOMES[name] = run_suite(suite, python, FOLDER / "suites", run_limited)
    print(f"{'ok  ' if passed else 'FAIL'}  {name}: {line} ({time.monotonic() - start:.1f} s)", flush=True)
    return passed


def give_up(message: str) -> NoReturn:
    """Leave with one line and status 3."""
    print(message, file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
