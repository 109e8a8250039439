"""The virtual environments in `.downstream/`: this project is `wsproto` in each, beside its requirements."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".downstream"
PINS = ROOT / "tooling" / "peers.txt"
INSTALL_SECONDS = 600
PROBE_SECONDS = 20
NEWEST_MINOR = 15


class EnvironmentMissingError(Exception):
    """There is no environment, and why."""


class NoInterpreterError(EnvironmentMissingError):
    """This machine has no Python that is new enough."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: where it is, what it needs, and what may be added later."""

    folder: Path
    requirements: Path
    python: tuple[int, int] = (3, 10)
    wants_another_wsproto: bool = False
    published: bool = False  # with the published wsproto, in place of this project

    def interpreter(self, *more: Path) -> Path:
        """Give its interpreter; makes it when it is missing or what it depends on changed.

        :param more: further requirements, which may be added to an environment that is there.
        :raises EnvironmentMissingError: where it cannot be made.
        """
        base = interpreter_of(self.python)
        folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
        python = self.folder / folder / f"python{suffix}"
        ready = self.folder / "installed.sha256"
        files = [self.requirements, *more]
        wanted = [digest(file, base) for file in files]
        installed = ready.read_text().split() if ready.is_file() else []
        if set(wanted) <= set(installed):
            return python
        print(f"making {self.folder.relative_to(ROOT)}/ ...", flush=True)
        if wanted[0] not in installed:
            shutil.rmtree(self.folder, ignore_errors=True)
            run_or_raise([base, "-m", "venv", str(self.folder)], "cannot make a virtual environment")
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        lists = [f"--requirement={file}" for file in files]
        failure = f"cannot install what {HERE.relative_to(ROOT)} requires"
        if self.wants_another_wsproto:  # which is installed first, and then replaced
            run_or_raise([*pip, *lists, *pins_of(self.requirements)], failure)
            lists = []
        # One run of pip for all: no project can bring another wsproto than this one.
        library = published_pin() if self.published else f"--editable={ROOT}"
        run_or_raise([*pip, *lists, library], failure)
        ready.write_text("\n".join(wanted))
        return python


PEERS = Environment(FOLDER / "peers", HERE / "requirements.txt")
MITMPROXY = Environment(
    FOLDER / "mitmproxy",
    HERE / "mitmproxy-requirements.txt",
    python=(3, 12),
    wants_another_wsproto=True,
)


PUBLISHED = replace(PEERS, folder=FOLDER / "published", published=True)
PUBLISHED_MITMPROXY = replace(MITMPROXY, folder=FOLDER / "mitmproxy-published", published=True)


def published_pin() -> str:
    """Give the pin of the published package."""
    (line,) = (line for line in PINS.read_text().splitlines() if line.startswith("wsproto=="))
    return line.partition(";")[0]


def pins_of(requirements: Path) -> list[str]:
    """Give the pins of what `requirements` names, and of nothing else."""
    names = {line.split()[0] for line in requirements.read_text().splitlines()}
    return [line for line in PINS.read_text().splitlines() if line.partition("==")[0] in names]


def digest(requirements: Path, interpreter: str) -> str:
    """Give what an environment depends on, in a few characters."""
    parts = [requirements.read_text(), PINS.read_text(), str(ROOT), interpreter, sys.version]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def interpreter_of(version: tuple[int, int]) -> str:
    """Give a Python of at least `version`: this one, or else one on PATH or among pyenv's.

    :raises NoInterpreterError: where there is none.
    """
    if sys.version_info[:2] >= version:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(version[1], NEWEST_MINOR):
        on_path = shutil.which(f"python3.{minor}")
        found = [on_path] if on_path is not None else []
        for interpreter in [*found, *map(str, sorted(pyenv.glob(f"3.{minor}.*/bin/python")))]:
            probe = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < {version})"
            if run_limited([interpreter, "-c", probe], PROBE_SECONDS)[0] == 0:
                return interpreter
    wanted = ".".join(map(str, version))
    raise NoInterpreterError(f"there is no Python >= {wanted}, neither on PATH nor among pyenv's versions")


def run_or_raise(command: list[str], failure: str) -> None:
    """Run a step of making an environment.

    :raises EnvironmentMissingError: where it fails, with `failure` and the reason in one line.
    """
    status, _, errors = run_limited(command, INSTALL_SECONDS)
    if status != 0:
        lines = errors.splitlines() or [f"no end within {INSTALL_SECONDS} s"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise EnvironmentMissingError(f"{failure}: {reason}")


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
