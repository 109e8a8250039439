"""The command line, as far as it needs no peer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.cli import main
from bench.selection import everything, labels


@pytest.mark.parametrize(
    ("arguments", "value", "rule"),
    [
        (["--only", "receive everything"], "'receive everything'", "means no workload"),
        (["--only", "send*", "--only", "nothing*"], "'nothing*'", "--list"),
        (["--peer", "tornado"], "'tornado'", "wsproto, websockets, aiohttp, picows"),
        (["--without", "tornado"], "'tornado'", "is not a peer"),
        (["--json", "/dev/null/results.json"], "/dev/null/results.json", "cannot write"),
        (["--html", "/"], "'/'", "is a directory"),
        (["--docs", "--quick"], "--docs", "measures everything"),
        (["--docs", "--only", "send*"], "--docs", "measures everything"),
        (["scaling", "--svg", "/dev/null/plot.svg"], "/dev/null/plot.svg", "cannot write"),
        (["--slow"], "--slow", "No such option"),
        (["measure"], "'measure'", "No such command"),
    ],
)
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


def test_list_names_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    *rows, peers = capsys.readouterr().out.splitlines()
    assert rows == labels(everything())
    assert peers == "peers: wsproto 1.3.2 websockets 17.4 aiohttp 3.14.5 picows 2.3.1"


def test_a_glob_means_labels_and_names_without_the_role(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "send text 32 B", "--only", "peak* / client"]) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "send text 32 B / server",
        "send text 32 B / client",
        "peak, 64 MiB in one call / client",
        "peak, 64 MiB in 64 KiB reads / client",
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["scaling", "--help"]])
def test_help_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "--quick" in capsys.readouterr().out


def test_pages_for_the_docs_need_valgrind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--docs"]) == 3
    assert "apt-get install valgrind" in capsys.readouterr().err


def test_a_missing_library_is_exit_3_with_the_command_that_installs_it() -> None:
    program = "import sys, runpy; sys.modules['click'] = None; runpy.run_module('bench', run_name='__main__')"
    found = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == "error: click is not installed: python -m pip install -e '.[bench]'\n"
