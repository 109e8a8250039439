"""Run the projects that are built on wsproto against this working tree: `make downstream`.

    python3 tests/downstream/run.py [--only PROJECT]

Makes `.downstream/`, a virtual environment of its own in which `wsproto` is this project and the others are
what `requirements.txt` asks for, then runs each `check_*.py` in a process of its own, with a line for each.
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

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".downstream"
REQUIREMENTS = HERE / "requirements.txt"
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
    only = parser.parse_args().only
    python = ready_environment()
    failed = [name for name in ([only] if only else PROJECTS) if not passes(name, python)]
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


def run_limited(command: list[str], seconds: float) -> tuple[int | None, str, str]:
    """Run a command in a process group of its own, which ends with it; a time-out gives no status."""
    with subprocess.Popen(  # noqa: S603  (a list of arguments, made here)
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT
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


def ready_environment() -> Path:
    """Give the environment's interpreter; makes it when it is missing or what it depends on changed."""
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    python = ENVIRONMENT / folder / f"python{suffix}"
    depends_on = [REQUIREMENTS.read_bytes(), str(ROOT).encode(), sys.version.encode()]
    wanted = hashlib.sha256(b"\0".join(depends_on)).hexdigest()
    if READY.is_file() and READY.read_text() == wanted:
        return python
    print(f"making {ENVIRONMENT.relative_to(ROOT)}/ ...", flush=True)
    if ENVIRONMENT.exists():
        shutil.rmtree(ENVIRONMENT)
    venv.create(ENVIRONMENT, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # One run of pip for all: no project can bring another wsproto than this one.
    status, _, errors = run_limited(
        [*pip, "--requirement", str(REQUIREMENTS), "--editable", str(ROOT)], INSTALL_SECONDS
    )
    if status != 0:
        lines = errors.splitlines() or [f"no end within {INSTALL_SECONDS} s"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        give_up(f"cannot install {REQUIREMENTS.relative_to(ROOT)}: {reason}")
    READY.write_text(wanted)
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
