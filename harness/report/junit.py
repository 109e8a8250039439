"""Renders `junit.xml`: a suite per setup, a test per case, a failure where it differs from the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from junitparser import Failure, JUnitXml, TestCase, TestSuite

from harness.case_texts import visible
from harness.cases import section_of
from harness.report.details import duration_of, verdict_line
from harness.report.tree import tree_of

if TYPE_CHECKING:
    from harness.report.tree import Cell, Row
    from harness.results import Results


def junit_of(results: Results) -> str:
    """Render the file."""
    xml = JUnitXml("conformance")
    rows = [row for section in tree_of(results) for row in section.all_rows()]
    for setup in results["setups"]:
        suite = TestSuite(f"{visible(results['library'])} as {setup}")
        suite.timestamp = visible(results["started"])
        # At once: with each that is added, the suite counts all that it has.
        suite.add_testcases(
            [
                _test_case(row, cell, duration_of(cell.report or {}))
                for row in rows
                for cell in row.cells
                if cell.setup == setup
            ]
        )
        xml.add_testsuite(suite)
    content: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return content.decode("utf-8")


def _test_case(row: Row, cell: Cell, duration: float | None) -> TestCase:
    test = TestCase(
        f"{row.case} {row.title}".strip(), classname=f"conformance.{cell.setup}.{section_of(row.case)}"
    )
    if duration is not None:
        test.time = duration / 1000
    if cell.difference and cell.reason:
        expected, actual = (verdict_line(cell.difference[of]) for of in ("expected", "actual"))
        failure = Failure(f"{cell.difference['kind']}: {cell.reason.reason}", "difference")
        is_violation = cell.difference["kind"] == "violation"
        failure.text = (
            (f"verdict  {actual}\n" if is_violation else f"expected {expected}\nactual   {actual}\n")
            + "".join(f"{line}\n" for line in cell.reason.lines())
            + f"repeat   {visible(cell.difference['repeat'])}\n"
        )
        test.result = [failure]
    return test
