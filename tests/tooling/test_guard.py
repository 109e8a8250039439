"""The guard of a child process: whatever the program is busy with, it ends with the one that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.processes import all_end
from tooling import guard

GUARD = [sys.executable, "-I", "-S", str(Path(guard.__file__))]
TIMEOUT = 60.0

LOOPS = """
import os, re, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
{loop}
"""


def guarded(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [*GUARD, sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    "loop",
    ["while True: pass", "re.match('(a*)*b', 'a' * 60)"],
    ids=["of Python", "that never gives a thread its turn"],
)
def test_a_program_in_an_endless_loop_ends_with_its_starter(loop: str) -> None:
    """Supervision by a thread of the program itself left it running for 20 minutes."""
    with guarded(LOOPS.format(loop=loop)) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.stdin.close()
        assert all_end({pid})
        assert process.wait(TIMEOUT) == -signal.SIGKILL


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_that_of_the_program(code: int) -> None:
    with guarded(f"raise SystemExit({code})") as process:
        assert process.wait(TIMEOUT) == code


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_program_that_a_signal_ends_shows_it(number: signal.Signals) -> None:
    with guarded(f"import os; os.kill(os.getpid(), {int(number)})") as process:
        assert process.wait(TIMEOUT) == -number


def test_sigterm_reaches_the_program() -> None:
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(7)); print('ready', flush=True)"
    )
    with guarded(f"{program}; time.sleep(600)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(TIMEOUT) == 7
