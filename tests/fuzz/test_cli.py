"""The command line: wrong calls are one line, and what needs no atheris does without."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fuzz.cli import main
from fuzz.folders import PACKAGE
from tests.fuzz.toys import toys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "value", "rule"),
    [
        (["run", "nothing"], "'nothing'", "there is no target 'nothing': choose from application, "),
        (["seed", "nothing"], "'nothing'", "there is no target 'nothing': choose from application, "),
        (["coverage", "nothing"], "'nothing'", "there is no target 'nothing': choose from application, "),
        (["run", "--seconds", "0"], "0", "x>=1"),
        (["run", "--jobs", "0"], "0", "x>=1"),
        (["run", "--fast"], "--fast", "No such option"),
        (["replay", "/nowhere"], "/nowhere", "does not exist"),
        (["replay", __file__], "'test_cli.py'", "TARGET-HASH"),
        (
            ["replay", "--target", "nothing", __file__],
            "'nothing'",
            "there is no target 'nothing': choose from",
        ),
        (["minimize", "/"], "'/'", "is a directory"),
        (["coverage", "--fail-under", "101"], "101", "0<=x<=100"),
        (["grow"], "'grow'", "No such command"),
    ],
)
@pytest.mark.usefixtures("without_atheris")
def test_a_wrong_call_is_one_line_with_the_value_and_the_rule(
    arguments: list[str], value: str, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert value in captured.err
    assert rule in captured.err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("options/fuzz_fine.options", "max_len = 1\n", "no section headers"),
        ("options/fuzz_fine.options", "[libfuzzer]\ndict = none.dict\n", "the dictionary 'none.dict'"),
        ("targets/fuzz_fine.py", "def (\n", "fuzz_fine.py:1: invalid syntax"),
    ],
)
def test_a_broken_file_is_named(
    name: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path, "fine")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert main(["list"], folders) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_folder_without_targets_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"], toys(tmp_path)) == 2
    assert capsys.readouterr().err == f"error: there is no target, no file targets/fuzz_*.py, in {tmp_path}\n"


def test_list_shows_what_each_target_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path, "fine", "raising", planted=b"AB")
    (tmp_path / "options").mkdir()
    (tmp_path / "dictionaries").mkdir()
    (tmp_path / "dictionaries" / "toy.dict").touch()
    (tmp_path / "options" / "fuzz_fine.options").write_text(
        "[libfuzzer]\nmax_len = 64\ndict = toy.dict\n", encoding="utf-8"
    )
    assert main(["list"], folders) == 0
    rows = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert [[cell.strip() for cell in row] for row in rows[1:]] == [
        ["fine", "1", "toy.dict", "Toy that is fine."],
        ["raising", "1", "-", "Toy that is raising."],
    ]
    assert folders.targets(["fine"])[0].options["max_len"] == "64"


def test_every_target_of_the_package_says_what_it_fuzzes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for target in PACKAGE.targets():
        assert target.title
        assert target.title in printed


def test_seeds_are_written_beside_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path, "fine", planted=b"AB")
    assert main(["seed"], folders) == 0
    assert capsys.readouterr().out.startswith("fine: 1 seeds in ")
    assert [file.name for file in folders.targets()[0].inputs()] == ["planted", "seed"]
    (tmp_path / "seeds.py").unlink()
    assert main(["seed"], folders) == 2


def test_fuzzing_needs_atheris(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["run"], toys(tmp_path, "fine")) == 3
    assert capsys.readouterr().err == (
        "error: atheris is not installed: python -m pip install '.[fuzz]', on Python 3.11 to 3.14\n"
    )


def test_a_missing_library_is_exit_3_with_the_command_that_installs_it() -> None:
    program = "import sys, runpy; sys.modules['click'] = None; runpy.run_module('fuzz', run_name='__main__')"
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == "error: click is not installed: python -m pip install -e '.[fuzz]'\n"


COVERING = '''"""Toy that reaches some of the library."""
from wsproto import Connection, ConnectionType


def test_one_input(data: bytes) -> None:
    connection = Connection(ConnectionType.SERVER)
    connection.receive_data(data)
    for _ in connection.events():
        pass
    assert data != b"AB"
'''


def test_coverage_is_that_of_the_corpora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path)
    (tmp_path / "targets" / "fuzz_covering.py").write_text(COVERING, encoding="utf-8")
    corpus = tmp_path / "corpus" / "covering"
    assert main(["coverage"], folders) == 2
    assert "has no input: python -m fuzz seed covering" in capsys.readouterr().err
    corpus.mkdir(parents=True)
    (corpus / "a").write_bytes(b"\x81\x85\1\2\3\4Igool")
    pages = tmp_path / "pages"
    assert main(["coverage", "--html", str(pages), "--fail-under", "99"], folders) == 1
    assert (pages / "index.html").is_file()
    printed = capsys.readouterr()
    assert "of the branches are covered, fewer than 99 %" in printed.err
    rows = {row[0]: row for row in map(str.split, printed.out.splitlines()) if row}
    assert int(rows["covering"][2]) == int(rows["total"][2]) > 20
    assert int(rows["stream_handshake.py"][1]) > 0, "what no input reaches counts too"
    (corpus / "b").write_bytes(b"AB")
    assert main(["coverage"], folders) == 1
    assert capsys.readouterr().err == "error: 1 inputs fail\n"


def test_coverage_of_something_else_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"], toys(tmp_path, "fine", planted=b"x")) == 2
    assert "does not even import wsproto" in capsys.readouterr().err
