"""Programs that end with who started them, and children that SIGINT ends, whatever the shell had ignored."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60.0

SLEEPS = "import sys, time; print('ready', *sys.argv[1:], flush=True); time.sleep(600)"
STARTS_ANOTHER = (
    "import subprocess, sys;"
    f"subprocess.run([sys.executable, '-c', {SLEEPS!r}, 'child'], stdin=subprocess.DEVNULL)"
)


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", "tooling.supervised", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("program", [SLEEPS, STARTS_ANOTHER], ids=["itself", "what it started"])
def test_a_program_ends_with_its_standard_input(tmp_path: Path, program: str) -> None:
    (tmp_path / "program.py").write_text(program)
    with started(str(tmp_path / "program.py"), "argument") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        process.stdin.close()
        assert process.stdout.read() == "", "the other end of standard output is closed: nobody has it open"
        assert process.wait(TIMEOUT) == -signal.SIGKILL


def test_a_module_gets_its_arguments(tmp_path: Path) -> None:
    with started("-m", "zipfile", "--create", str(tmp_path / "a.zip"), __file__) as process:
        assert process.wait(TIMEOUT) == 0
    assert (tmp_path / "a.zip").is_file()


def test_a_program_finds_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("import sys; sys.stdout.write('hello'); sys.stdout.flush()")
    (tmp_path / "program.py").write_text("import neighbour")
    with started(str(tmp_path / "program.py")) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "hello"
        assert process.wait(TIMEOUT) == 0


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
