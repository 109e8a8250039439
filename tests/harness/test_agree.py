"""Engines that agree, and engines that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.agree import agree, found
from harness.engines.suite import Ended, Suite
from harness.judge import Baseline, Verdict
from harness.order import Order
from harness.patience import Patience
from tooling.console import Output
from tooling.errors import ExitCode, MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

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
