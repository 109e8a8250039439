"""The command `diff`: which verdicts two results do not share."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from tests.harness import report_samples
from tests.harness.test_cli import error_of

if TYPE_CHECKING:
    from pathlib import Path


def stored(folder: Path, results: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results))
    return folder


@pytest.fixture
def sample() -> Any:
    return json.loads(json.dumps(report_samples.troubled()))


def test_the_same_results(tmp_path: Path, sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = stored(tmp_path / "a", sample), stored(tmp_path / "b", sample)
    assert main(["diff", str(first), str(second / "results.json")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A: wsproto/1.4.0, ")
    assert out.endswith("all verdicts are the same\n")


def test_each_difference_is_a_line(tmp_path: Path, sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    other = deepcopy(sample)
    setup = next(iter(other["setups"]))
    cases = other["setups"][setup]["cases"]
    changed, gone, *_ = cases
    before = cases[changed]
    cases[changed] = {**before, "behavior": "UNIMPLEMENTED", "behaviorClose": "OK", "remoteCloseCode": 4999}
    del cases[gone]
    other |= {"library": "other/2", "complete": False}
    first, second = stored(tmp_path / "a", sample), stored(tmp_path / "b", other)
    assert main(["diff", str(first), str(second)]) == 1
    out = capsys.readouterr().out
    assert "B: other/2, " in out
    assert "partial run" in out
    assert f"{setup} {changed}: {before['behavior']}, close " in out
    assert "-> UNIMPLEMENTED, close OK, code 4999\n" in out
    assert f"{setup} {gone}: " in out
    assert "-> not run\n" in out
    assert out.endswith("2 verdicts differ\n")


def test_a_setup_that_only_one_has(tmp_path: Path, sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    other = deepcopy(sample)
    setup, found = other["setups"].popitem()
    first, second = stored(tmp_path / "a", sample), stored(tmp_path / "b", other)
    assert main(["diff", str(second), str(first)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{setup} ")]
    assert len(lines) == len(found["cases"])
    assert all(": not run -> " in line for line in lines)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "cannot be read"),
        ("{}", "no `format` and `setups`"),
        ('{"format": 1, "setups": {}}', "format 1"),
    ],
)
def test_a_bad_file_is_one_line(
    tmp_path: Path, sample: Any, content: str, rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = stored(tmp_path / "a", sample), tmp_path / "bad.json"
    bad.write_text(content)
    line = error_of(["diff", str(good), str(bad)], capsys)
    assert "bad.json" in line
    assert rule in line


def test_a_file_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'/nowhere' does not exist" in error_of(["diff", "/nowhere", "/nowhere"], capsys)
