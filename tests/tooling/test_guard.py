"""A guarded program ends with the one that started it, whatever it is busy with; SIGINT ends it anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tooling.guard import GUARD

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60.0

LOOPS = """
import re, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
{loop}
"""


STARTS_ANOTHER = """
import subprocess, sys, time
program = "import time; print('ready', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
{then}
"""


IMPATIENT = (
    *(sys.executable, "-I", "-S", "-c"),
    f"import sys; sys.path.append({str(ROOT)!r}); from tooling import guard; guard.GRACE = 0.3; guard.main()",
)
"""A guard that kills sooner."""


def guarded(program: str, *arguments: str, guard: tuple[str, ...] = GUARD) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [*guard, sys.executable, "-c", program, *arguments],
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
    with guarded(LOOPS.format(loop=loop), guard=IMPATIENT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert process.wait(TIMEOUT) == -signal.SIGKILL


def group_ends(leader: int) -> bool:
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("then", ["time.sleep(600)", ""], ids=["waits", "is gone already"])
def test_what_the_program_started_ends_too_and_so_does_the_watcher(then: str) -> None:
    with guarded(STARTS_ANOTHER.format(then=then), guard=IMPATIENT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert process.stdout.read() == "", "nobody has the other end of standard output open"
        process.wait(TIMEOUT)
        assert group_ends(process.pid)


def test_the_program_is_the_process_that_was_started() -> None:
    """So its processor time is that of the process, and its own children are all that it can wait for."""
    program = """
import os, sys
try:
    os.wait()
except ChildProcessError:
    print(os.getpid(), *sys.argv[1:], repr(sys.stdin.read()))
"""
    with guarded(program, "argument") as process:
        assert process.stdout is not None
        assert process.stdout.read() == f"{process.pid} argument ''\n"
        assert process.wait(TIMEOUT) == 0


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


NESTED = """
import signal, subprocess, sys

def test_a_child_ends_at_sigint():
    program = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "True\\n"
"""


def test_tests_in_a_background_job_have_children_that_end_at_sigint(tmp_path: Path) -> None:
    """Two tests failed there: the shell has the job ignore SIGINT, and children inherit that."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_nested.py").write_text(NESTED)
    ignoring = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); import pytest; "
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", f"{ignoring}sys.exit(pytest.main({['-q', str(tmp_path)]!r}))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
