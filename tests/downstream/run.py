"""Run the projects that are built on wsproto against this working tree: `make downstream`.

    python3 tests/downstream/run.py [--only PROJECT] [--suites]

Makes `.downstream/`, a virtual environment of its own in which `wsproto` is this project and the others are
what `requirements.txt` asks for, then runs each `check_*.py` in a process of its own, with a line for each.
`--suites` runs the projects' own tests instead (`suites.py`; some minutes).

Exit status: 0 when all passed, 1 when one failed, 2 for a wrong argument, 3 when there is no environment.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import NoReturn

from suites import SUITES, run_suite

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".downstream"
REQUIREMENTS = HERE / "requirements.txt"
SUITE_REQUIREMENTS = HERE / "suites-requirements.txt"
PINS = ROOT / "tooling" / "peers.txt"
READY = ENVIRONMENT / "installed.sha256"
INSTALL_SECONDS = 600
CHECK_SECONDS = 60
PROJECTS = {
    path.stem.removeprefix("check_").replace("_", "-"): path for path in sorted(HERE.glob("check_*.py"))
}


def main() -> int:
    """Make the environment if need be, and run the checks."""
    parser = argparse.ArgumentParser(
        description="Run the projects built on wsproto against this working tree."
    )
    parser.add_argument("--only", choices=PROJECTS, metavar="PROJECT", help=", ".join(PROJECTS))
    parser.add_argument("--suites", action="store_true", help="run the projects' own tests")
    arguments = parser.parse_args()
    check = suite_passes if arguments.suites else passes
    names = [suite.project for suite in SUITES] if arguments.suites else list(PROJECTS)
    if arguments.only is not None:
        if arguments.only not in names:
            parser.error(f"there is no suite of {arguments.only}: choose from {', '.join(names)}")
        names = [arguments.only]
    python = ready_environment([REQUIREMENTS, SUITE_REQUIREMENTS] if arguments.suites else [REQUIREMENTS])
    failed = [name for name in names if not check(name, python)]
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    return 0


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
    passed, line = run_suite(suite, python, ENVIRONMENT / "suites", run_limited)
    print(f"{'ok  ' if passed else 'FAIL'}  {name}: {line} ({time.monotonic() - start:.1f} s)", flush=True)
    return passed


def run_limited(command: list[str], seconds: float, folder: Path = ROOT) -> tuple[int | None, str, str]:
    """Run a command in a process group of its own, which ends with it; a time-out gives no status."""
    with subprocess.Popen(  # noqa: S603  (a list of arguments, made here)
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=folder
    ) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end_group(process)
            output, errors = process.communicate()
            return None, output, errors
        except BaseException:  # Ctrl-C
            end_group(process)
            raise
        end_group(process)
        return process.returncode, output, errors


def end_group(process: subprocess.Popen[str]) -> None:
    """Kill whatever is left of a process group that this program started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left
        os.killpg(process.pid, signal.SIGKILL)


def ready_environment(requirements: list[Path]) -> Path:
    """Give the environment's interpreter; makes it when it is missing or what it depends on changed."""
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    python = ENVIRONMENT / folder / f"python{suffix}"
    texts = [path.read_text() for path in requirements]
    common = [PINS.read_text(), str(ROOT), sys.version]
    wanted = [hashlib.sha256("\0".join([text, *common]).encode()).hexdigest() for text in texts]
    installed = READY.read_text().split() if READY.is_file() else []
    if set(wanted) <= set(installed):
        return python
    print(f"making {ENVIRONMENT.relative_to(ROOT)}/ ...", flush=True)
    if wanted[0] not in installed:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # One run of pip for all: no project can bring another wsproto than this one.
    status, _, errors = run_limited(
        [*pip, *(f"--requirement={path}" for path in requirements), f"--editable={ROOT}"], INSTALL_SECONDS
    )
    if status != 0:
        lines = errors.splitlines() or [f"no end within {INSTALL_SECONDS} s"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        give_up(f"cannot install what {HERE.relative_to(ROOT)} requires: {reason}")
    READY.write_text("\n".join(wanted))
    return python


def give_up(message: str) -> NoReturn:
    """Leave with one line and status 3."""
    print(message, file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
