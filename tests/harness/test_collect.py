"""What becomes of the reports that wstest wrote by itself, as in docker-compose.yml."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from harness.cases import CASES, PROFILES, select
from harness.cli import main
from harness.judge import EXPECTED, Baseline, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.cases import Profile

ROLES = ("server", "client")
NAMES = ("3.1", "3.2")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Write the reports of two cases a role as wstest does, and a baseline."""
    for role in ROLES:
        Baseline(role, tmp_path).update(dict.fromkeys(NAMES, Verdict("OK", "OK", 1002)))  # type: ignore[arg-type]  # they are roles
        (tmp_path / role).mkdir()
        for number, case in enumerate(NAMES):
            write_case(tmp_path / role, case, f"2026-01-31T12:00:0{number}.500Z")
        write_index(tmp_path / role, *NAMES)
    return tmp_path


def write_case(folder: Path, case: str, started: str) -> None:
    report = {
        "behavior": "OK",
        "behaviorClose": "OK",
        "remoteCloseCode": 1002,
        "duration": 2000,
        "started": started,
        "id": case,
        "httpRequest": "GET / HTTP/1.1\r\nUser-Agent: AutobahnTestSuite/25.10.1-0.10.9\r\n\r\n",
    }
    (folder / f"{case}.json").write_text(json.dumps(report))


def write_index(folder: Path, *cases: str) -> None:
    content = {"wsproto": {case: {"reportfile": f"{case}.json"} for case in cases}}
    (folder / "index.json").write_text(json.dumps(content))


def collect(folder: Path) -> int:
    return main(["collect", str(folder), "--expected", str(folder), "--cases", "3.[12]"])


def test_both_roles_are_judged_and_the_results_written(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collect(reports) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "server: 2 cases in 0:03, as expected",
        "client: 2 cases in 0:03, as expected",
        f"report: {reports / 'index.html'}",
    ]
    assert "3.2" in (reports / "index.html").read_text(encoding="utf-8")
    results = json.loads((reports / "results.json").read_text())
    assert (results["engine"], results["asExpected"]) == ("wstest 25.10.1", True)
    assert results["started"] == "2026-01-31T12:00:00.500Z"
    assert [list(results["setups"][role]["cases"]) for role in ROLES] == [list(NAMES)] * 2
    assert "id" not in results["setups"]["server"]["cases"]["3.1"]


def test_a_run_that_is_short_of_cases_fails(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(reports / "client", "3.1")
    assert collect(reports) == 1
    assert "client 3.2: missing" in capsys.readouterr().out


def test_missing_reports_fail(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reports / "client" / "index.json").unlink()
    assert collect(reports) == 2
    line = f"error: there is no {reports}/client/index.json: wstest did not come to its end\n"
    assert capsys.readouterr().err == line


def test_a_missing_case_file_fails(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reports / "server" / "3.2.json").unlink()
    assert collect(reports) == 2
    assert capsys.readouterr().err == f"error: wstest has not written {reports}/server/3.2.json\n"


def test_reports_of_an_earlier_run_fail(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(reports) == 0
    write_index(reports / "server", *NAMES)
    newer = (reports / "results.json").stat().st_mtime + 1
    os.utime(reports / "server" / "index.json", (newer, newer))
    capsys.readouterr()
    assert collect(reports) == 2
    assert f"{reports}/client/index.json is of an earlier run" in capsys.readouterr().err
    os.utime(reports / "client" / "index.json", (newer, newer))
    assert collect(reports) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is not an object"),
        ("{", "cannot be read"),
        ('{"wsproto": 1}', "has for agent wsproto no object of cases: 1"),
        ('{"wsproto": {"3.1": {}}}', "case 3.1: no reportfile"),
    ],
)
def test_a_corrupt_index_is_one_line(
    content: str, said: str, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (reports / "server" / "index.json").write_text(content)
    assert collect(reports) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1


def test_a_time_that_is_none_is_one_line(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_case(reports / "server", "3.1", "noon")
    assert collect(reports) == 2
    assert "'noon' is not a time" in capsys.readouterr().err


def wstest_matches(patterns: list[str]) -> set[str]:
    """Match as wstest does: from the start, to no particular end."""
    expressions = [pattern.replace(".", r"\.").replace("*", ".*") for pattern in patterns]
    return {case for case in CASES if any(re.match(expression, case) for expression in expressions)}


@pytest.mark.parametrize("mode", ["fuzzingclient", "fuzzingserver"])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_specs_mean_the_cases_of_their_profile(profile: Profile, mode: str) -> None:
    spec = json.loads((EXPECTED.parent / "specs" / profile / f"{mode}.json").read_text())
    meant = wstest_matches(spec["cases"]) - wstest_matches(spec["exclude-cases"])
    assert meant == set(select(profile))
