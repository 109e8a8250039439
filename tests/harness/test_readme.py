"""READMEs say what is true of the harness: the table of modules, counts of cases, those that are not OK."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cases import AUTOBAHN_CASES, in_profile
from harness.extra import EXTRA
from harness.judge import Baseline
from harness.roles import ROLES

HARNESS = Path(__file__).resolve().parents[2] / "harness"
NO_ROW = {"__init__", "__main__"}


def named() -> tuple[set[str], set[str]]:
    """The modules and the folders that the table has a row for."""
    section = (HARNESS / "README.md").read_text(encoding="utf-8").partition("## Where what is")[2]
    rows = re.findall(r"^\| (`[^|]+`) \|", section, flags=re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    return {name for name in names if not name.endswith("/")}, {name for name in names if name.endswith("/")}


def test_every_module_has_a_row() -> None:
    modules, folders = named()
    there = {
        path.relative_to(HARNESS).with_suffix("").as_posix()
        for path in HARNESS.rglob("*.py")
        if path.stem not in NO_ROW
    }
    assert len(folders) == 7
    assert {name for name in there if not name.startswith(tuple(folders))} == modules
    assert all((HARNESS / folder).is_dir() for folder in folders)


def test_every_module_that_the_text_names_is_there() -> None:
    text = (HARNESS / "README.md").read_text(encoding="utf-8")
    shared = set(re.findall(r"`(\w+)`", text.partition("The folder [`tooling/`]")[2]))
    assert len(shared) > 8
    assert shared - {"bench", "fuzz"} == {
        path.stem for path in (HARNESS.parent / "tooling").glob("*.py") if path.stem not in NO_ROW
    }


def test_the_counts_of_cases_are_those_that_there_are() -> None:
    fast = sum(in_profile(case, "fast") for case in AUTOBAHN_CASES)
    extra = {role: sum(role in case.roles for case in EXTRA.values()) for role in ROLES}
    of_run = (HARNESS.parent / "README.md").read_text(encoding="utf-8")
    assert f"{fast} a role, and {extra['server']} and {extra['client']} extra ones" in of_run
    of_engines = (HARNESS.parent / "autobahn" / "README.md").read_text(encoding="utf-8")
    for role, count in extra.items():
        assert f"{fast} cases of Autobahn and {count} extra ones as {role}" in of_engines


def test_every_case_that_is_not_ok_is_named() -> None:
    said = (HARNESS.parent / "autobahn" / "README.md").read_text(encoding="utf-8")
    for role in ROLES:
        verdicts = Baseline(role).load().verdicts("default")
        others = {case for case, verdict in verdicts.items() if not verdict.ok}
        assert len(others) == 5
        assert others <= set(re.findall(r"(?:X\.)?\d+\.\d+(?:\.\d+)?", said))
