"""Runs a target on inputs without atheris, and survives whatever they do."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import fuzz.worker
from fuzz.worker import ROOT, TIMED_OUT
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from fuzz.folders import Target

TIME_LIMIT: Final = 10.0
"""Seconds that a target may take for one input, unless its options say otherwise."""

MEMORY_LIMIT: Final = 1024
"""MiB of address space of the process in which a target runs."""


@dataclass(frozen=True)
class Failure:
    """A target's failure on an input."""

    type: str
    """The exception's class, or `hang`, or `killed by SIGSEGV`, or `exit code 7`."""
    message: str
    place: str
    """Innermost place outside of installed packages, as `src/wsproto/masking.py:12 in mask`; may be empty."""
    traceback: str
    ended_process: bool = False

    def same_as(self, other: Failure | None) -> bool:
        """Tell whether it is the same defect: the same type at the same place."""
        return other is not None and (self.type, self.place) == (other.type, other.place)

    @property
    def title(self) -> str:
        """The failure in one line."""
        message = " ".join(self.message.split())
        return (self.type + (f": {message}" if message else ""))[:200]


class Replay:
    """A target in a process of its own, which is started again when an input has ended it."""

    def __init__(
        self, target: Target, time_limit: float | None = None, coverage_file: Path | None = None
    ) -> None:
        self._target = target
        self._time_limit = time_limit or float(target.options.get("timeout", TIME_LIMIT))
        self._coverage_file = coverage_file
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed at the end of the block

    def __enter__(self) -> Replay:  # noqa: PYI034  # typing.Self came with Python 3.11
        """Make the process end with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it does."""
        self._kill()
        self._errors.close()

    def run(self, data: bytes) -> Failure | None:
        """Run the target on `data` and return its failure, or None.

        Raises `CommandError` where the target cannot even be imported.
        """
        process = self._started()
        assert process.stdin is not None  # noqa: S101  # both were asked for
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(len(data).to_bytes(4, "big") + data)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            return self._death()
        failure = json.loads(answer)
        return None if failure is None else Failure(**failure)

    def finish(self) -> None:
        """Let the process end by itself, so that it writes down its coverage."""
        process = self._started()
        assert process.stdin is not None  # noqa: S101  # it was asked for
        process.stdin.close()
        if process.wait():
            raise CommandError(f"{self._target.name}: writing its coverage failed: {self._said()[-1:]}")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            return self._process
        self._errors.seek(0)
        self._errors.truncate()
        arguments = [self._target.root, self._target.name, self._time_limit, MEMORY_LIMIT]
        if self._coverage_file is not None:
            arguments.append(self._coverage_file)
        self._process = process = subprocess.Popen(  # noqa: S603  # this very interpreter
            [sys.executable, "-m", "fuzz.worker", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101  # it was asked for
        if not process.stdout.readline():
            failure = self._death()
            raise CommandError(f"the target {self._target.name} cannot be imported: {failure.message}")
        return process

    def _death(self) -> Failure:
        """Describe how the process ended."""
        assert self._process is not None  # noqa: S101  # it was started
        code = self._process.wait()
        said = self._said()
        self._kill()
        text = "\n".join(said)
        last = said[-1].strip() if said else ""
        if any(line.startswith(TIMED_OUT) for line in said):
            return Failure("hang", f"more than {self._time_limit:g} s", "", _stack(said), ended_process=True)
        if code < 0:
            return Failure(f"killed by {signal.Signals(-code).name}", "", "", text, ended_process=True)
        return Failure(f"exit code {code}", last, "", text, ended_process=True)

    def _said(self) -> list[str]:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").splitlines()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # the lines that nobody has read
                    pipe.close()


def _stack(said: list[str]) -> str:
    """Cut faulthandler's output down to the calls of the target, the innermost first."""
    own = max(number for number, line in enumerate(said) if line.startswith(("Thread ", "Current thread ")))
    calls = itertools.takewhile(lambda line: f'"{fuzz.worker.__file__}"' not in line, said[own + 1 :])
    return "\n".join(["Where it was, the innermost call first:", *calls])
