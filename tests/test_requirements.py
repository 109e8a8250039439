"""Every requirement of the RFCs that can be shown here has a test that says so.

`requirements.csv` lists the requirements, one a row. A test that shows some of them bears
`@pytest.mark.requirement("R6455-5.2-03", ...)`. The marks are read from the source of the tests, so that
this file says the same whichever tests are run.
"""

from __future__ import annotations

import ast
import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent

#: Rows that could be shown without a network, but not by this library's tests: why.
EXCEPTIONS: dict[str, str] = {
    "R7692-7.1.2.2-06": "a client of this library always offers client_max_window_bits",
}


def rows() -> list[dict[str, str]]:
    with (TESTS / "requirements.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def marked() -> dict[str, list[str]]:
    """Requirement -> the tests that bear its mark."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and is_mark(node.func)):
                continue
            where = f"{path.relative_to(TESTS)}:{node.lineno}"
            for argument in node.args:
                assert isinstance(argument, ast.Constant), f"{where}: the mark is no constant"
                found[str(argument.value)].append(where)
    return dict(found)


def is_mark(function: ast.expr) -> bool:
    """Whether a call's function is `pytest.mark.requirement`."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "requirement"
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "mark"
    )


KNOWN = {row["id"] for row in rows()}
PROVABLE = [row for row in rows() if row["testable_sansio"] == "yes" and row["id"] not in EXCEPTIONS]


def test_the_list_is_whole() -> None:
    assert len(KNOWN) == len(rows()) > 300
    assert {row["testable_sansio"] for row in rows()} == {"yes", "no"}


def test_a_requirement_has_a_test() -> None:
    shown = marked()
    assert [row for row in PROVABLE if row["id"] not in shown] == []


def test_every_mark_names_a_requirement() -> None:
    assert {name: where for name, where in marked().items() if name not in KNOWN} == {}


def test_every_exception_is_needed() -> None:
    shown = marked()
    assert {name for name in EXCEPTIONS if name in shown} == set()
    assert set(EXCEPTIONS) <= {row["id"] for row in rows() if row["testable_sansio"] == "yes"}
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())
