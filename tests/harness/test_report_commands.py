"""`report`, `list` and `run --failed`, and what goes wrong with the files that they read and write."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import case_texts
from harness.case_texts import MAX_TITLE, plain, read_titles, title_of, visible
from harness.cases import CASES
from harness.cli import main
from harness.extra import EXTRA
from harness.judge import Baseline, Verdict
from harness.report import FILES
from harness.setups import Setup
from harness.stored_results import differing_cases, read_results
from harness.streams import STREAMS
from tests.harness.report_samples import case, results, role, troubled
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = Verdict("OK", "OK", 1000)


def output_of(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def stored(folder: Path, content: Any) -> Path:
    (folder / "results.json").write_text(json.dumps(content))
    return folder


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def test_a_report_is_written_again_with_the_exit_code_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path, troubled())
    assert main(["report", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "server: 6 cases in 1:01, 2 not as expected",
        "client: 3 cases in 1:01, 1 not as expected",
        f"report: {tmp_path / 'index.html'}",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "results.json"}
    stored(tmp_path, results({"server": role({"1.1.1": case()})}))
    assert main(["report", str(tmp_path / "results.json")]) == 0
    assert "All as expected" in (tmp_path / "index.html").read_text()


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    sample = results({"server": role({"1.1.1": case()})})
    assert read_results(stored(tmp_path, sample)) == sample


VERDICT = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}
DIFFERENCE = {"case": "1.1.1", "kind": "change", "expected": VERDICT, "actual": None, "repeat": "x"}


def with_role(**fields: Any) -> Any:
    return {"format": 2, "setups": {"server": {"cases": {"1.1.1": VERDICT}, "differences": [], **fields}}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "is not the results.json of a run"),
        (b"{}", "is not the results.json of a run"),
        (b'{"agent": {"1.1.1": {}}}', "is not the results.json of a run"),
        (b'{"format": 2, "setups": {}}', "is not the results.json of a run"),
        (b'{"format": 1, "roles": {}}', "has format 1, this harness reads 2"),
        (b'{"format": 2, "setups": {"proxy": {}}}', "proxy: not a setup (server, client, server/limits"),
        (b'{"format": 2, "setups": {"server": []}}', "server: it has no `cases`, or no `differences`"),
        (b'{"format": 2, "setups": {"server": {"cases": {}, "differences": []}}}', "it has no `cases`"),
        (with_role(cases={"1.1.1": {}}), "case 1.1.1: not a verdict"),
        (with_role(cases={"1.1.1": 5}), "case 1.1.1: not a verdict"),
        (with_role(cases={"<b>": VERDICT}), "'<b>' is not the name of a case"),
        (with_role(cases={"": VERDICT}), "'' is not the name of a case"),
        (with_role(differences=[5]), "not a difference: 5"),
        (with_role(differences=[{**DIFFERENCE, "kind": "worse"}]), "'worse' is not a kind of difference"),
        (with_role(differences=[{**DIFFERENCE, "case": "../x"}]), "'../x' is not the name of a case"),
        (with_role(differences=[{**DIFFERENCE, "actual": {}}]), "difference of case 1.1.1: not a verdict"),
    ],
)
@pytest.mark.parametrize("command", [["report"], ["run", "--failed", "--report"]], ids=["report", "failed"])
def test_results_that_cannot_be_read_are_one_line(
    tmp_path: Path, command: list[str], content: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    before = path.read_bytes()
    error = error_of([*command, str(tmp_path)], capsys)
    assert str(path) in error
    assert says in error
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_fields_that_are_only_shown_may_be_anything(tmp_path: Path) -> None:
    content = with_role(duration=float("inf"), whys=5, cpuTime={"testee": float("nan"), "suite": "x"}, new=[])
    content |= {"engine": None, "library": 5, "patterns": "6.4", "profile": {}}
    assert main(["report", str(stored(tmp_path, content))]) == 0


@pytest.mark.parametrize("command", [["report"], ["run", "--failed", "--report"]], ids=["report", "failed"])
def test_no_results_are_one_line(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of([*command, str(tmp_path)], capsys)
    assert error == f"error: there is no {tmp_path / 'results.json'}: `python -m harness run` writes one\n"


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system with room for the results, but not for the page; only root can make one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607


def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk(tmp_path):
        stored(tmp_path, troubled())
        error = error_of(["report", str(tmp_path)], capsys)
        assert error == f"error: cannot write {tmp_path / 'index.html'}: No space left on device\n"
        assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path, troubled())
    (tmp_path / "index.html").mkdir()
    error = error_of(["report", str(tmp_path)], capsys)
    assert error == f"error: cannot write {tmp_path / 'index.html'}: Is a directory\n"

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    assert "index.html: Permission denied" in error_of(["report", str(tmp_path)], capsys)


def test_a_run_that_cannot_write_still_says_what_came_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Baseline("server", tmp_path).update({"1.1.1": OK}).save()
    (tmp_path / "report" / "junit.xml.d").mkdir(parents=True)
    run = ["run", "--role", "server", "--cases", "1.1.1", "--expected", str(tmp_path)]
    monkeypatch.setattr("harness.run.ROOM", 1)  # else it is found before the run
    with full_disk(tmp_path / "report"):
        (tmp_path / "report" / "ballast").write_bytes(b"x" * 60_000)
        assert main([*run, "--report", str(tmp_path / "report")]) == 2
        captured = capsys.readouterr()
        assert "server: 1 case in 0:0" in captured.out
        assert captured.err.startswith("error: cannot write ")
        assert captured.err.count("\n") == 1


def test_failed_repeats_what_differed_in_each_role(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for of_role, code in (("server", 1002), ("client", 1000)):
        Baseline(of_role, tmp_path).update({"1.1.1": OK, "3.2": Verdict("OK", "OK", code)}).save()  # type: ignore[arg-type]
    options = ["--report", str(tmp_path), "--expected", str(tmp_path)]
    variants = ["--variant", "default", "--variant", "limits"]
    assert main(["run", *options, *variants, "--cases", "1.1.1", "3.2"]) == 1
    assert differing_cases(read_results(tmp_path)) == {
        Setup("client"): ["3.2"],
        Setup("client", "limits"): ["3.2"],
    }

    assert main(["run", *options, "--failed", "--role", "server"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == f"nothing of this differed in the last run ({tmp_path / 'results.json'})"
    )

    assert main(["run", *options, "--failed"]) == 1
    out = capsys.readouterr().out
    assert ": 1 case as client, 1 case as client/limits\n" in out
    assert {path.name for path in tmp_path.iterdir()} >= {*FILES, "results.json"}
    assert list(read_results(tmp_path)["setups"]) == ["client", "client/limits"]
    assert main(["run", *options, "--failed", "--cases", "1"]) == 0, "nothing of section 1"
    assert main(["run", *options, "--failed", "--update-baseline"]) == 0
    assert main(["run", *options, "--failed"]) == 0
    assert "client: 1 case in" in capsys.readouterr().out, "to that run it was a difference"
    assert main(["run", *options, "--failed"]) == 0
    assert capsys.readouterr().out.startswith("nothing of this differed")


def test_a_repetition_that_fails_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path, troubled())
    assert main(["report", str(tmp_path)]) == 1

    def fail(*_: Any, **__: Any) -> None:
        raise CommandError("the suite has died")

    monkeypatch.setattr("harness.run.progress", fail)
    error_of(["run", "--failed", "--report", str(tmp_path)], capsys)
    error_of(["run", "--report", str(tmp_path)], capsys)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "results.json"}, "the last report stays"


def test_list_shows_every_case_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CASES)
    assert lines[0].split(maxsplit=1) == ["1.1.1", "Send text message with payload 0."]
    assert all(len(line.split(maxsplit=1)[1]) <= MAX_TITLE for line in lines)
    assert not any("<" in line or "b'" in line for line in lines)


def test_list_takes_patterns_and_a_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "7.13", "6.4.1"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["6.4.1", "7.13.1", "7.13.2"]
    assert out[1] == "7.13.1  Send close with close code 5000"
    assert main(["list", "--profile", "fast"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 247 + len(EXTRA) + len(STREAMS)
    assert ["X.1.24", "HTTP/1.0"] in [line.split(maxsplit=1) for line in lines]
    assert "'6.40' means no case" in error_of(["list", "6.40"], capsys)


def test_list_is_cut_at_the_width_of_a_terminal() -> None:
    program = (
        "from rich.console import Console; from harness.summary import print_titles;"
        "print_titles(Console(force_terminal=True, width=30), {'1.1.1': '[b]a title that is too long'})"
    )
    assert output_of(program) == "1.1.1  [b]a title that is too…"


@pytest.mark.parametrize(
    ("stderr", "code", "says"),
    [
        ("ModuleNotFoundError: No module named 'kosoku'", 3, "pip install 'kosoku"),
        ("Traceback\nValueError: odd", 2, "ValueError: odd"),
        ("", 2, "it says nothing"),
    ],
)
def test_list_without_a_suite_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stderr: str, code: int, says: str
) -> None:
    program = f"import sys; sys.stderr.write({stderr!r}); sys.exit(1)"
    monkeypatch.setattr(case_texts, "DESCRIBE", program)
    assert says in error_of(["list"], capsys, code)


def test_titles_are_those_of_the_suite() -> None:
    titles = read_titles()
    assert tuple(titles) == CASES
    assert titles["6.22.1"] == (
        "Send a text message with payload which is valid UTF-8 in one fragment. Payload: 0xefbfbe"
    )


def test_descriptions_become_plain_text() -> None:
    assert (
        plain("One.<br><br>Two <b>three</b>\n  four b'ce' 0xb'ff'\x00")
        == "One.\nTwo three\nfour ce 0xff\\x00"
    )
    assert title_of("a" * 200) == "a" * (MAX_TITLE - 1) + "…"
    assert title_of("a<br>b") == "a b"
    assert visible("é\n\r\t\u200b", keep="\n") == "é\n\\r\\t\\u200b"


def test_report_needs_no_suite(tmp_path: Path) -> None:
    stored(tmp_path, troubled())
    program = (
        "import sys; sys.modules['kosoku'] = None; from harness.cli import main;"
        f"print('exit code', main(['report', {str(tmp_path)!r}]))"
    )
    assert output_of(program).splitlines()[-1] == "exit code 1"
