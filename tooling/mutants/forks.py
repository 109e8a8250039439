"""Trials in forks of this process: how they end, and what they may take."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Final, TypeVar

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Key = TypeVar("Key")
    Tell = Callable[[int, int], None]

SURVIVED, NOTICED, WRONG, IMPORTED, NONE = 0, 1, 70, 75, 76
"""How a trial ends: `WRONG` is a fault of ours, `IMPORTED` asks for the other way, `NONE` tried nothing.

A signal ends it where a mutant makes the tests take too long, or crash: that is noticed, too.
"""
MEMORY: Final = 4 << 30
"""Bytes that a trial may take."""
PROCESSORS: Final = len(os.sched_getaffinity(0))


def forked(tasks: Iterable[tuple[Key, Callable[[], int]]], jobs: int) -> Iterator[tuple[Key, int]]:
    """Run each task in a fork, `jobs` at a time.

    Yields what each returned, or the signal that ended it as a negative number.
    """
    running: dict[int, Key] = {}
    for key, task in tasks:
        if len(running) == jobs:
            yield _ended(running)
        running[_fork(task)] = key
    while running:
        yield _ended(running)


def _ended(running: dict[int, Key]) -> tuple[Key, int]:
    child, status = os.wait()
    return running.pop(child), os.waitstatus_to_exitcode(status)


def _fork(task: Callable[[], int]) -> int:
    """Return the number of a process that runs a task and ends."""
    child = os.fork()
    if child:
        return child
    code = WRONG
    try:
        code = task()
    except BaseException:  # noqa: BLE001 - nothing may get out of the fork
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def reports(work: Callable[[Tell], int], log: Path) -> Iterator[tuple[int, int]]:
    """Let a fork work, and yield the pairs that it tells.

    :param log: a file for what it prints.
    :raises CommandError: where it fails.
    """
    reading, writing = os.pipe()

    def task() -> int:
        os.close(reading)
        print_to(log)
        return work(lambda *pair: [os.write(writing, f"{json.dumps(pair)}\n".encode())].clear())

    child = _fork(task)
    os.close(writing)
    try:
        with os.fdopen(reading) as lines:
            yield from (tuple(json.loads(line)) for line in lines)
    except BaseException:  # it was interrupted, or nobody wants more
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(child, 0)[1]
    if status:
        raise failure("the tests could not run without a mutant", log)


def print_to(log: Path) -> None:
    """Let all that this process prints go to a file."""
    with log.open("a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def failure(message: str, log: Path) -> CommandError:
    """Show what was printed, and return the error for the user."""
    print(log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
    return CommandError(message)


def limit(seconds: float) -> None:
    """Bound what this process may take: time of the processor, and memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def noticed(what: str, code: int, log: Path) -> bool:
    """Tell whether a trial that ended with `code` has noticed the mutant `what`.

    :raises CommandError: where the trial went wrong.
    """
    if code >= 0 and code not in {SURVIVED, NOTICED}:
        raise failure(f"{what}: the trial ended with {code}", log)
    return code != SURVIVED
