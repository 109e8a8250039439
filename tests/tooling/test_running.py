"""What the commands share: exit codes, errors in a line, files that are written whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tooling import running, written
from tooling.console import Output, say
from tooling.errors import BadResultError, CommandError, MissingError


def run(action: object) -> int:
    """Run a command that does `action`: raises it, calls it, or returns it."""

    @click.command
    def command() -> object:
        if isinstance(action, BaseException):
            raise action
        return action() if callable(action) else action

    return running.run(command, "python -m anything", [])


@pytest.mark.parametrize(
    ("action", "code", "said"),
    [
        (None, 0, ""),
        (3, 3, ""),
        (CommandError("no\nsuch  thing"), 2, "error: no such thing\n"),
        (BadResultError("it differs"), 1, "error: it differs\n"),
        (MissingError("no valgrind"), 3, "error: no valgrind\n"),
        (click.UsageError("no such option"), 2, "error: no such option\n"),
        (OSError(28, "No space left on device"), 2, "error: [Errno 28] No space left on device\n"),
        (KeyboardInterrupt(), 2, "\nerror: interrupted\n"),  # behind the ^C of the terminal
    ],
    ids=["nothing", "a code", "failed", "bad", "missing", "usage", "system", "SIGINT"],
)
def test_whatever_is_wrong_is_a_code_and_a_line(
    action: object, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(action) == code
    assert capsys.readouterr() == ("", said)


def test_sigterm_interrupts_while_it_is_told_to() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), running.interrupted_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_nobody_reads_the_output() -> None:
    program = "import sys; from fuzz.cli import main; sys.exit(main(['list']))"
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (2, "error: standard output was closed\n")


@pytest.mark.parametrize("package", ["bench", "bench.end_to_end", "fuzz", "harness"])
def test_what_is_not_installed_is_named_with_what_brings_it(package: str) -> None:
    program = f"import sys; sys.modules['click'] = None; from tooling.start import start; start({package!r})"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    tool = package.partition(".")[0]
    what = "./harness" if tool == "harness" else f"'.[{tool}]'"
    line = f"error: click is not installed: python -m pip install -e {what}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", line)


def test_a_line_is_said_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    line = "[bold]no markup[/bold] " + "x" * 300
    say(Output(), line)
    assert capsys.readouterr().out == line + "\n"


def test_a_file_is_written_with_its_folder_and_may_be_read_by_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    written.write_text(file, "é")
    assert file.read_bytes() == "é".encode()
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "results.json"
    file.write_text("old")

    def replace(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(CommandError, match=r"^cannot write .*results\.json: No space left on device$"):
        written.write_text(file, "new")
    with pytest.raises(UnicodeEncodeError):
        written.write_text(file, "\ud800")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("results.json", "old")]


def test_what_cannot_be_written_is_named_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.check_writable(None)
    written.check_writable(tmp_path / "new" / "page.html")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(CommandError, match=r"^cannot write /dev/null/page\.html: File exists$"):
        written.check_writable(Path("/dev/null/page.html"))
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(CommandError, match=r"^cannot write .*page\.html: Permission denied$"):
        written.check_writable(tmp_path / "page.html")
