"""Tells what an input means: its choices, the values that Hypothesis draws, and the calls of the library.

`meaning_of` asks a process of its own, `python -m fuzz.meaning ROOT TARGET MEMORY_LIMIT`: it runs the target
on the input of its standard input once more, with every call recorded, makes a test of the calls, and tries
it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fuzz.folders import Folders, hash_of
from fuzz.worker import ROOT, limit_memory, replay_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    from fuzz.folders import Target

TIME_LIMIT: Final = 3
"""Seconds for the input, and again for its test: what takes longer hangs."""

MOST_TIME: Final = 60.0
"""Seconds for all of it."""


@dataclass
class Meaning:
    """What an input means."""

    choices: list[str] = field(default_factory=list)
    """What its first bytes choose, a line each."""
    drawn: list[str] = field(default_factory=list)
    """What Hypothesis draws from it, a line each."""
    test: str = ""
    """A pytest case that calls the library alone, and fails; empty where there is none."""
    problem: str = ""
    """Why there is none."""


def meaning_of(target: Target, data: bytes, memory_limit: int) -> Meaning:
    """Ask for the meaning of an input, whatever it does."""
    arguments = [target.root, target.name, memory_limit]
    try:
        done = subprocess.run(  # noqa: S603  # this very interpreter
            [sys.executable, "-m", "fuzz.meaning", *map(str, arguments)],
            input=data,
            capture_output=True,
            cwd=ROOT,
            timeout=MOST_TIME,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Meaning(problem="the process does not end")
    try:
        return Meaning(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        said = done.stderr.decode(errors="replace").splitlines()
        return Meaning(problem=f"the process ends by {done.returncode}: {said[-1] if said else 'silently'}")


def main(root: str, name: str, memory_limit: str) -> None:
    """Print the meaning of the input as JSON."""
    data = sys.stdin.buffer.read()
    replay_settings()
    limit_memory(int(memory_limit))
    print(json.dumps(asdict(_meaning(Folders(Path(root)).targets([name])[0], data))))


def _meaning(target: Target, data: bytes) -> Meaning:
    import pytest  # noqa: PLC0415

    from fuzz import properties  # noqa: PLC0415 - the limits come first
    from fuzz.as_test import case_of  # noqa: PLC0415
    from fuzz.recording import NotPublicError, Recorder  # noqa: PLC0415

    recorder = Recorder()
    with recorder.recording():
        module = target.load()
    recorder.begin()
    choices_of = getattr(module, "choices_of", None)
    meaning = Meaning(choices_of(data) if choices_of else [])
    try:
        with _within(TIME_LIMIT), recorder.recording(), properties.recording(meaning.drawn):
            module.test_one_input(data)
    except BaseException as error:  # noqa: BLE001  # whatever a target raises
        try:
            name = f"{target.name}_{hash_of(data)}"
            test = case_of(recorder, error, _frames_of(error.__traceback__), name)
        except NotPublicError as reason:
            meaning.problem = str(reason)
        else:
            if _fails_by((AssertionError, pytest.fail.Exception, type(error)), test):
                meaning.test = test
            else:
                meaning.problem = "the same calls, made alone, do not fail"
    else:
        meaning.problem = "it does not fail when it is replayed alone"
    return meaning


def _frames_of(trace: TracebackType | None) -> list[FrameType]:
    frames = []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


def _fails_by(kinds: tuple[type[BaseException], ...], test: str) -> bool:
    """Try a test: whether it fails by one of these errors, and not by a mistake of its own."""
    names: dict[str, Any] = {}
    try:
        exec(compile(test, "test", "exec"), names)  # noqa: S102 - it was made for that
        (function,) = (value for name, value in names.items() if name.startswith("test_"))
        with _within(TIME_LIMIT):
            function()
    except BaseException as error:  # noqa: BLE001  # whatever a test raises
        return isinstance(error, kinds)
    return False


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Raise a TimeoutError in the block where it takes longer."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
