"""What a run is written down as."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from bench import chart, report
from bench.ratios import Estimate
from bench.results import Loaded, Results, Row, exact, from_json
from bench.scaling import curve
from bench.selection import everything, labels
from bench.table import closing, number, show

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture
def written_results() -> Results:
    """Make up a run with two peers."""
    rows = [
        Row(
            "send text 32 B / server",
            "µs per message",
            Estimate(0.8, 0.7, 0.9),
            {
                "copy": Estimate(1.02, 0.99, 1.03),
                "wsproto": Estimate(0.35, 0.3, 0.4),
                "websockets": Estimate(0.5, 0.45, 0.52),
            },
        ),
        Row("send 1000 fragments of 64 B / client", "µs", exact(900), {"websockets": exact(2000.0)}),
        Row("idle connection / server", "bytes", exact(4151.0), {"wsproto": exact(0.89)}, {"picows": "why"}),
    ]
    identity = {"version": "1", "file": "wsproto/__init__.py", "helpers": "pure Python", "python": "3.11"}
    points: Sequence[tuple[int, float]] = [(1, 1e-6), (1000, 1e-3), (10**6, 1.1)]
    return Results(
        {"date": "2026-01-02", "python": "CPython", "system": "Linux", "processor": "some", "cores": "2"},
        {"rounds": 7, "seconds": 0.01, "took": 5},
        dict.fromkeys(("ours", "copy", "wsproto", "websockets", "picows"), identity),
        rows,
        [Loaded("wsproto", 10, ""), Loaded("h11", 5, "wsproto"), Loaded("h11._state", 7, "h11")],
        {"size": [curve("receive", list(points), 1, 1.05)], "reads": [curve("receive", list(points), 1)]},
        ["something was left out"],
    )


def test_json_holds_it_all_and_is_read_again(written_results: Results) -> None:
    text = written_results.as_json()
    assert from_json(text) == written_results
    assert json.loads(text)["rows"][0]["verdicts"][0] == {
        "peer": "websockets",
        "limit": 0.4,
        "value": 0.5,
        "met": False,
        "sure": True,
    }


def test_a_real_run_survives_json(results: Results) -> None:
    assert from_json(results.as_json()) == results


def test_the_closing_lines(written_results: Results) -> None:
    assert closing(written_results) == [
        (
            "noise: this library against a copy of itself 1.020 to 1.020, median 1.020; farthest from 1 in"
            " send text 32 B / server"
        ),
        "goals: 2 of 4 met",
        "  missed: send text 32 B / server: 0.50 × websockets, goal 0.4",
        "  missed: idle connection / server: 4,151 bytes, goal 2,500",
        "worst against wsproto: 0.89 in idle connection / server",
        "worst against websockets: 2000.00 in send 1000 fragments of 64 B / client",
        "something was left out",
    ]


def test_the_table_has_a_line_for_each_row(written_results: Results) -> None:
    output = io.StringIO()
    show(written_results, Console(file=output, width=160))
    text = output.getvalue()
    assert "0.35 (0.30-0.40)" in text
    assert "0.4 × websockets MISSED" in text
    assert all(row.label in text for row in written_results.rows)


def test_the_page_is_one_file_that_asks_nobody(written_results: Results, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    report.write_page(file, written_results)
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\((?!["']?#)""", text)
    assert text.count("<svg") == 2
    assert "send text 32 B / server" in text
    assert 'title="why"' in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_the_picture_is_the_same_for_the_same_results(written_results: Results) -> None:
    first = chart.svg(chart.draw(written_results))
    assert first == chart.svg(chart.draw(written_results))
    assert ET.fromstring(first).tag.endswith("svg")  # noqa: S314 - our own file


def test_the_docs_are_written_and_agree_with_their_data(written_results: Results, tmp_path: Path) -> None:
    report.write_docs(tmp_path, written_results)
    names = {"performance.md", "performance.json", "performance.svg", "performance-ratios.svg", "scaling.svg"}
    assert {entry.name for entry in tmp_path.iterdir()} == names
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| 0.8 | µs per message | 0.35 (0.30-0.40) | 0.50 (0.45-0.52) | - |" in text
    assert "* picows, why: idle connection\n" in text
    assert "| `h11` | 2 | 12 | `wsproto` | parses the HTTP/1.1 of the opening handshake |" in text
    assert report.page_of((tmp_path / "performance.json").read_text(encoding="utf-8")) == text


def test_the_page_in_the_docs_is_what_its_data_give() -> None:
    data = (DOCS / "performance.json").read_text(encoding="utf-8")
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert report.page_of(data) == page, "run: python -m bench --docs"
    measured = {row.label for row in from_json(data).rows}
    assert measured == set(labels(everything()))


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (12.345, "12.3"), (123.4, "123"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
