"""What a campaign leaves to read, and what it shows while it runs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from fuzz.progress import QUIET, progress
from fuzz.report import render, spark, verdict, write_report
from fuzz.results import Finding, Results, TargetResult

if TYPE_CHECKING:
    from pathlib import Path

FINDING = Finding(
    kind="crash",
    file="fuzz/crashes/raising-0123456789ab",
    title="ValueError: a | b <i>",
    place="src/wsproto/masking.py:12 in mask",
    size=2,
    original_size=40,
    hex="0000  41 42",
    frames=["0000  text FIN unmasked length=2"],
    choices=["role: server"],
    drawn=["payload = <b'x'>"],
    traceback="Traceback <module>",
    test="def test_raising() -> None:\n    pass\n",
    command="python -m fuzz replay fuzz/crashes/raising-0123456789ab",
)


def campaign() -> Results:
    results = Results(60, 2)
    results.targets = [
        TargetResult(
            "fine",
            "Fine <things>.",
            seconds=60.0,
            executions=123_456,
            rate=2057.6,
            baseline=9000.4,
            edges=800,
            corpus=120,
            new_inputs=3,
            growth=[(0.0, 400), (30.0, 800)],
        ),
        TargetResult("raising", "Raising.", status="crashed", executions=5, findings=[FINDING]),
        TargetResult("dying", "Dying.", status="died", problem="exit code 7: a | b"),
    ]
    return results


def test_the_three_files_are_written(tmp_path: Path) -> None:
    assert write_report(tmp_path / "report", campaign()) == tmp_path / "report" / "index.html"
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == [
        "index.html",
        "results.json",
        "summary.md",
    ]
    found = json.loads((tmp_path / "report" / "results.json").read_bytes())
    assert (found["format"], found["clean"], found["seconds"], found["jobs"]) == (1, False, 60, 2)
    assert found["targets"][0]["newInputs"] == 3
    assert found["targets"][1]["findings"][0]["originalSize"] == 40


def test_the_page_has_everything_in_itself_and_escapes_it() -> None:
    page = render("index.html.jinja", campaign())
    assert "ValueError: a | b &lt;i&gt;" in page
    assert "Fine &lt;things&gt;." in page
    assert "Traceback &lt;module&gt;" in page
    assert "123,456" in page
    assert "9,000" in page
    assert "exit code 7" in page
    assert "src=" not in page
    assert "href=" not in page


def test_the_summary_is_a_table_that_holds() -> None:
    summary = render("summary.md.jinja", campaign())
    rows = [line for line in summary.splitlines() if line.startswith("| ")]
    assert len(rows) == 5
    assert {row.replace("\\|", "").count("|") for row in rows} == {9}
    assert "| fine | clean | 123,456 | 2,058 | 9,000 | 800 | 3 | 0 |" in rows
    assert FINDING.command in summary
    assert "def test_raising() -> None:" in summary


def test_the_verdict_names_what_is_wrong() -> None:
    results = campaign()
    assert verdict(results) == "1 crash; dying did not run to the end"
    results.targets = results.targets[:1]
    assert (verdict(results), results.clean) == ("No crash", True)
    results.interrupted = True
    assert verdict(results) == "interrupted"


def test_the_picture_of_growth_is_inside_its_frame() -> None:
    fine, raising, _ = campaign().targets
    points = [tuple(map(float, point.split(","))) for point in spark(fine).split()]
    assert all(0 <= x <= 120 and 0 <= y <= 28 for x, y in points)
    assert (points[0], points[-1]) == ((0.0, 26.0), (120.0, 2.0))
    assert spark(raising) == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_names_each_target(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    clock = 100.0
    monkeypatch.setattr("fuzz.progress.time.monotonic", lambda: clock)
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=100)
    fine, raising, _ = campaign().targets
    with progress(console, ["fine", "raising"]) as shown:
        shown.phase("fine", "fuzzing")
        shown.figures(replace(fine))
        shown.tick()
        early = written.getvalue()
        clock += QUIET + 1
        shown.tick()
        late = written.getvalue()[len(early) :]
        shown.found(raising, FINDING)
        shown.finished(raising)
    assert ("fine" in early) == terminal
    assert "fuzzing for 6 s" in late
    for figure in ("123,456", "2,058", "800", "120"):
        assert figure in late
    assert "waiting" in late if terminal else "raising" not in late
    assert "raising: ValueError: a | b <i> (fuzz/crashes/raising-0123456789ab, 2 bytes)" in written.getvalue()
