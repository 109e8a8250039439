"""The report of a run, for people and for CI: the page, `junit.xml`, `summary.md` and a badge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.badge import badge_of
from harness.report.junit import junit_of
from harness.report.markdown import summary_of
from harness.report.page import page_of
from tooling.written import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from harness.results import Results

FILES = {"index.html": page_of, "junit.xml": junit_of, "summary.md": summary_of, "badge.svg": badge_of}
"""The files of a report, and the function that renders each."""


def write_report(folder: Path, results: Results, previous: Results | None = None) -> Path:
    """Write the files, and return the path of the page, which says what changed since the previous run.

    Raises `CommandError` where one cannot be written.
    """
    rendered = {
        name: page_of(results, previous) if render is page_of else render(results)
        for name, render in FILES.items()
    }
    for name, text in rendered.items():
        write_text(folder / name, text)
    return folder / "index.html"
