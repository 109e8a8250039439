"""Engines that agree, and engines that do not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuzz.planted.catalogue import FAULTS
from fuzz.planted.fault import SOURCE
from harness.agree import agree, found
from harness.agree_planted import chosen
from harness.cli import main
from harness.engines.suite import Ended, Suite
from harness.judge import Baseline, Verdict
from harness.order import Order
from harness.patience import Patience
from harness.unseen import UNSEEN
from tooling.console import Output
from tooling.errors import ExitCode, MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from harness.engines.known import Engine
    from harness.engines.suite import Step
    from harness.results import CaseReport


class Fixed(Suite):
    """Gives the same close code for each case."""

    def __init__(self, code: int | None) -> None:
        self.code = code

    def version(self) -> str:
        if self.code is None:
            raise MissingError("it is elsewhere")
        return f"fixed {self.code}"

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        for case in cases:
            report: CaseReport = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": self.code}
            yield Ended(case, report)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        raise NotImplementedError


def compare(folder: Path, *codes: int) -> ExitCode:
    Baseline("server", folder).update({"3.1": Verdict("OK", "OK", 1000)}).save()
    engines: tuple[Engine, ...] = ("kosoku", "docker")
    suites: dict[Engine, Suite] = {engine: Fixed(code) for engine, code in zip(engines, codes, strict=True)}
    return agree(Order(["server"], "fast", ["3.1"], folder), suites, folder, Patience(), Output())


def test_equal_verdicts_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(tmp_path, 1000, 1000) == ExitCode.GOOD
    assert capsys.readouterr().out.splitlines()[-1] == "kosoku, docker agree: 1 case as server"


def test_equal_verdicts_that_are_not_expected_are_no_success(tmp_path: Path) -> None:
    assert compare(tmp_path, 1002, 1002) == ExitCode.BAD


def test_another_close_code_is_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(tmp_path, 1000, 1002) == ExitCode.BAD
    assert capsys.readouterr().out.splitlines()[-1] == (
        "server 3.1: kosoku OK, close OK, code 1000; docker OK, close OK, code 1002"
    )


def test_an_engine_that_is_not_here_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    here = found({"kosoku": Fixed(1), "docker": Fixed(None), "wstest": Fixed(2)}, Output())
    assert list(here) == ["kosoku", "wstest"]
    assert capsys.readouterr().out.splitlines() == [
        "engine kosoku: fixed 1",
        "engine docker: LEFT OUT, it is elsewhere",
        "engine wstest: fixed 2",
    ]


def test_one_engine_cannot_agree() -> None:
    with pytest.raises(MissingError, match="it takes two engines to agree, here is kosoku"):
        found({"kosoku": Fixed(1), "docker": Fixed(None)}, Output())


PLANTED = ["agree", "--planted", "code 2999", "--profile", "fast", "--cases", "7.9"]


def imports_another() -> bool:
    """Whether what a testee would import is broken."""
    first = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    texts = {Path(folder, "wsproto", "close_codes.py").read_text("utf-8") for folder in (first, SOURCE)}
    return len(texts) == 2


class Broken(Suite):
    """Says of each case what depends on the library that a testee would import."""

    def __init__(self, *, sees: bool) -> None:
        self.sees = sees

    def version(self) -> str:
        return f"fixed, sees it: {self.sees}"

    async def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        for case in cases:
            code = 1002 if self.sees and case == "7.9.1" and imports_another() else 1000
            report: CaseReport = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": code}
            yield Ended(case, report)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        raise NotImplementedError


def test_engines_that_judge_a_broken_library_otherwise_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: dict[str, Suite] = {"kosoku": Broken(sees=True), "wstest": Broken(sees=False)}
    monkeypatch.setattr("harness.cli.suite_of", lambda engine, *_: engines[engine])
    monkeypatch.setattr("harness.cli.ROLES", ["server"])
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    command = [*PLANTED, "--report", str(tmp_path), "--engine", "kosoku", "--engine", "wstest"]
    assert main(command) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "1 of 1  the code 2999 is accepted (close_codes.py, RFC 6455 7.4.2)"
    assert [line.rpartition(",")[0] for line in said[1:3]] == [
        "    kosoku: 8 verdicts not as expected",
        "    wstest: 9 verdicts not as expected",
    ]
    assert said[3:] == [
        "    server 7.9.1: kosoku OK, close OK, code 1002; wstest OK, close OK, code 1000",
        "kosoku, wstest agree on 0 of 1 broken libraries",
    ]
    assert (tmp_path / "001-the-code-2999-is-accepted" / "wstest" / "index.html").is_file()
    assert os.environ["PYTHONPATH"] == "elsewhere"


def test_engines_that_judge_it_alike_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.suite_of", lambda *_: Broken(sees=True))
    monkeypatch.setattr("harness.cli.ROLES", ["server"])
    command = [*PLANTED, "--report", str(tmp_path), "--engine", "kosoku", "--engine", "wstest"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "kosoku, wstest agree on 1 of 1 broken libraries"


def test_the_choice_is_spread_over_the_files_and_its_seed_repeats_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {fault.file for fault in FAULTS if fault.name not in UNSEEN}
    faults = chosen([str(len(files))], None, Output())
    assert {fault.file for fault in faults} == files
    seed = int(capsys.readouterr().out.split()[-1])
    assert chosen([str(len(files))], seed, Output()) == faults
    assert chosen(["code 2999", "1"], seed, Output())[0].name == "the code 2999 is accepted"


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("0", "error: --planted 0 plants nothing: a number has to be 1 or more\n"),
        ("no fault", "error: 'no fault' is in the name of no fault: python -m fuzz plant --list\n"),
    ],
)
def test_a_choice_of_nothing_is_one_line(planted: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agree", "--engine", "kosoku", "--planted", planted, "--seed", "1"]) == 2
    assert capsys.readouterr().err == said
