"""The files of a report: what they say, that nothing in them has a meaning of its own, and their bounds."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from harness.cases import CASES, section_of
from harness.report import FILES, write_report
from harness.report.badge import badge_of
from harness.report.details import MAX_EVENTS, MAX_FACT, MAX_TEXT, details_of
from harness.report.junit import junit_of
from harness.report.markdown import MAX_BYTES, summary_of
from harness.report.page import page_of
from harness.report.tree import MISSING, tree_of
from harness.sections import REFERENCES, TITLES, link_of, parent_of, reference_of
from harness.streams import STREAMS
from tests.harness.report_samples import case, difference, results, role, troubled, verdict, whole

if TYPE_CHECKING:
    from pathlib import Path


class Elements(HTMLParser):
    """Gathers the elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_case_has_a_section_with_a_title_and_a_section_of_an_rfc() -> None:
    autobahn = [name for name in CASES if name[0].isdigit()]
    for name in autobahn:
        assert TITLES[section_of(name)]
        assert TITLES[parent_of(name)]
        assert link_of(reference_of(parent_of(name))).startswith("https://www.rfc-editor.org/rfc/rfc")
    sections = {section_of(name) for name in autobahn} | {parent_of(name) for name in autobahn}
    assert sections == {name for name in TITLES if name[0].isdigit()}
    assert set(REFERENCES) <= set(TITLES)


def test_the_tree_has_every_case_once_in_the_order_of_the_suite() -> None:
    tree = tree_of(whole())
    rows = [row.case for section in tree for row in section.all_rows()]
    assert [case for case in rows if case not in STREAMS] == [case for case in CASES if case not in STREAMS]
    assert sorted(rows) == sorted(CASES), "of section H, numbers that several cases share come last"
    assert [section.name for section in tree[:4]] == ["1", "2", "3", "4"]
    assert [sub.name for sub in tree[0].sections] == ["1.1", "1.2"]
    assert [row.case for row in tree[1].rows] == [f"2.{number}" for number in range(1, 12)]
    assert (tree[5].title, tree[5].reference) == ("UTF-8 Handling", "RFC 6455 8.1")


def test_cases_that_autobahn_does_not_have_come_last_in_sections_of_their_own() -> None:
    tree = tree_of(troubled())
    assert [section.name for section in tree] == ["1", "6", "7", "9", "X"]
    assert [row.case for row in tree[-1].rows] == ["X.1"]
    assert (tree[-1].title, tree[-1].link) == ("", "")


def test_a_case_that_has_not_run_has_its_place() -> None:
    (row,) = next(section for section in tree_of(troubled()) if section.name == "9").all_rows()
    (cell,) = row.cells
    assert (row.case, cell.verdict, cell.role, row.differs) == ("9.1.1", MISSING, "server", True)
    shown = details_of(troubled())["cases"]["server"]["9.1.1"]
    assert shown["repeat"] == "python -m harness run --role server --cases 9.1.1"
    assert (shown["kind"], shown["reason"], shown["found"]) == (
        "missing",
        "The case has not run.",
        "no verdict",
    )


def test_the_worse_of_behaviour_and_close_behaviour_is_shown() -> None:
    cells = {
        (cell.role, row.case): cell.verdict
        for section in tree_of(troubled())
        for row in section.all_rows()
        for cell in row.cells
    }
    assert cells["client", "7.13.1"] == "WRONG CODE"
    assert cells["server", "6.4.1"] == "FAILED"


def test_the_page_is_one_file_that_loads_nothing() -> None:
    page = Elements(page_of(troubled()))
    names = {tag for tag, _ in page.elements}
    assert not names & {"img", "iframe", "object", "embed", "audio", "video"}
    assert [found.get("src") for tag, found in page.elements if tag == "script"] == [None, None]
    links = [found for tag, found in page.elements if tag == "link"]
    assert [link["rel"] for link in links] == ["icon"]
    assert all(str(link["href"]).startswith("data:") for link in links)
    assert not [
        found for _, found in page.elements for name in found if name == "style" or name.startswith("on")
    ]
    (policy,) = [found["content"] for _, found in page.elements if "http-equiv" in found]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", FILES)
def test_what_came_over_the_wire_stays_text(name: str) -> None:
    text = FILES[name](troubled())
    text.encode()  # without halves of surrogate pairs
    assert "<script>alert" not in text
    assert "<img" not in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]", text)


def test_the_page_shows_hostile_text_as_it_is() -> None:
    page = Elements(page_of(troubled()))
    assert any(r"</script><script>alert(1)</script>" in text for text in page.texts)
    (packed,) = [text for text in page.texts if text.startswith('"eN')]
    data = json.loads(zlib.decompress(b64decode(json.loads(packed))))
    assert data["texts"]["X.1"]["description"].startswith("</script><script>alert(1)")


def test_the_page_says_what_differs() -> None:
    page = "\n".join(Elements(page_of(troubled())).texts)
    assert "3 verdicts not as expected" in page
    for text in (
        "OK → FAILED",
        "close OK → WRONG CODE",
        "The case has not run.",
        "python -m harness run --failed",
    ):
        assert text in page


def test_the_page_says_that_all_is_as_expected() -> None:
    page = "\n".join(Elements(page_of(results({"client": role({"1.1.1": case()})}))).texts)
    assert "All as expected" in page
    assert "1 case as client: every verdict is the one in the baseline." in page
    assert "as server" not in page


def test_the_page_of_a_whole_run_is_small_enough() -> None:
    page = page_of(whole())
    assert len(page.encode()) < 13_000_000
    assert page.count('class="case"') == len(CASES)


def test_the_details_of_a_case() -> None:
    details = details_of(troubled())
    texts, found = details["texts"], details["cases"]["server"]["6.4.1"]
    assert texts["6.4.1"]["description"] == "Send invalid UTF-8.\nPART1 = cebae1"
    assert texts["X.1"]["rfc"] == "Control frames MAY be injected."
    assert texts["X.1"]["requirement"] == "R6455-5.4-05"
    assert "link" not in texts["X.1"]
    closing = details["cases"]["client"]["7.13.1"]
    assert closing["link"] == "https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1"
    assert found["expected"] == {"OK": ["text message “Hello”"]}
    assert found["received"] == ["text message “Hello”"]
    assert (found["suite"], found["library"], found["expectedCodes"]) == ("1000", "1000", "1000")
    assert found["wire"][0] == {"sender": "suite", "http": "GET / HTTP/1.1\nHost: localhost"}
    assert found["wire"][1]["sender"] == "library"
    assert (found["wanted"], found["found"]) == ("OK, close OK, code 1007", "FAILED, close OK, code 1000")
    assert [entry["name"] for entry in found["wire"] if "opcode" in entry] == ["text", "text", "close"]
    assert ["wasClean", "true"] in found["facts"]
    assert ["novel", '{"a": 1}'] in details["cases"]["server"]["X.1"]["facts"]


def test_texts_are_kept_once_where_the_roles_agree() -> None:
    details = details_of(troubled())
    assert "description" not in details["cases"]["client"]["1.1.1"]
    assert details["cases"]["client"]["6.4.1"]["description"] == "Send invalid UTF-8."


def test_fields_of_any_type_are_shown_or_left_out() -> None:
    odd: Any = dict(zip(case(), [5, {}, [], None, "x", {"OK": 1}, float("nan")] * 3, strict=False))
    found = details_of(results({"server": role({"1.1.1": {**odd, **verdict()}})}))
    json.dumps(found, allow_nan=False)
    page_of(
        results({"server": role({"1.1.1": {**verdict(), "description": None, "duration": float("inf")}})})
    )


def test_what_is_embedded_is_bounded() -> None:
    long = case(
        "d" * 10_000, received=[["ping", "p" * 10_000]] * 100, note="n" * 10_000, httpRequest="h" * 10_000
    )
    details = details_of(results({"server": role({"1.1.1": long})}))
    found = details["cases"]["server"]["1.1.1"]
    assert len(details["texts"]["1.1.1"]["description"]) <= MAX_TEXT + 2
    assert len(found["received"]) == MAX_EVENTS + 1
    assert found["received"][-1] == "80 more"
    assert max(len(event) for event in found["received"]) < MAX_TEXT + 20
    assert max(len(value) for _, value in found["facts"]) <= MAX_FACT + 2
    assert len(found["wire"][0]["http"]) <= 4096


def test_junit_has_a_test_per_case_and_a_failure_per_difference() -> None:
    root = ET.fromstring(junit_of(troubled()))  # noqa: S314
    server, client = root
    assert (server.get("name"), server.get("tests"), server.get("failures")) == (
        "wsproto/1.4.0 as server",
        "7",
        "2",
    )
    assert (client.get("tests"), client.get("failures")) == ("3", "1")
    tests = {str(test.get("name")).split()[0]: test for test in server}
    assert tests["6.4.1"].get("classname") == "conformance.server.6"
    assert tests["6.4.1"].get("name") == "6.4.1 Send invalid UTF-8. PART1 = cebae1"
    assert tests["6.4.1"].get("time") == "0.003"
    (failure,) = tests["6.4.1"]
    assert failure.get("message") == "regression: Actual events match at least one expected."
    assert str(failure.text).splitlines()[:5] == [
        "expected OK, close OK, code 1007",
        "actual   FAILED, close OK, code 1000",
        "reason   Actual events match at least one expected.",
        "title    Send invalid UTF-8. PART1 = cebae1",
        "wanted   Receive it back.",
    ]
    assert str(failure.text).splitlines()[-1] == "repeat   python -m harness run --role server --cases 6.4.1"
    assert tests["9.1.1"][0].get("message") == "missing: The case has not run."
    assert len(tests["6.4.2"]) == 0


def test_the_summary_has_the_differences_only() -> None:
    lines = summary_of(troubled()).splitlines()
    assert lines[0] == "### Conformance of `wsproto/1.4.0` against `kosoku 0.1.0`"
    assert lines[2:4] == [
        "* server: 6 cases, **2 not as expected**",
        "* client: 3 cases, **1 not as expected**",
    ]
    assert lines[7].startswith("* **1** `OK -> FAILED` ")
    assert lines[7].endswith(" (server): `6.4.1`")
    assert "Repeat all: `python -m harness run --failed`" in lines
    (row,) = [line for line in lines if line.startswith("| server `6.4.1`")]
    for text in ("Send invalid UTF-8.", "Receive it back.", "--role server --cases 6.4.1`"):
        assert text in row
    assert sum(line.startswith("| ") for line in lines) == 5
    assert summary_of(results({"server": role({"1.1.1": case()})})).splitlines()[2:] == [
        "* server: 1 case, as expected"
    ]


def test_the_summary_is_bounded() -> None:
    names = [f"X.{number}" for number in range(1500)]
    many = [difference("server", name, "extra", None, verdict("FAILED")) for name in names]
    cases = {name: case("\u20ac" * 500, result="\u20ac" * 500, **verdict("FAILED")) for name in names}
    summary = summary_of(results({"server": role(cases, many)}))
    assert MAX_BYTES - 2000 < len(summary.encode()) < 2**20
    assert re.fullmatch(r"\d+ more are in the report\.", summary.splitlines()[-1])


@pytest.mark.parametrize(
    ("sample", "message"), [(troubled(), "7 / 10"), (results({"server": role({"1.1.1": case()})}), "1 / 1")]
)
def test_the_badge_counts_what_is_as_expected(sample: Any, message: str) -> None:
    badge = ET.fromstring(badge_of(sample))  # noqa: S314
    assert badge.get("aria-label") == f"Autobahn: {message}"
    assert ("#2f8f5b" in badge_of(sample)) == sample["asExpected"]


def test_the_files_are_written_into_the_folder(tmp_path: Path) -> None:
    page = write_report(tmp_path / "new", troubled())
    assert page == tmp_path / "new" / "index.html"
    assert {path.name for path in page.parent.iterdir()} == set(FILES)


def setups() -> Any:
    """A server in three variants, of which one differs, and one accepts a violation."""
    bad = case("Say `hello`.", result="It hung.", **verdict("FAILED"))
    differing = role(
        {"1.1.1": bad}, [difference("server", "1.1.1", "regression", verdict(), verdict("FAILED"))]
    )
    accepted = role({"1.1.1": bad, "1.1.2": case()})
    accepted["whys"] = {"1.1.1": "the RFC is broken on purpose"}
    return results(
        {
            "server": role({"1.1.1": case("Say `hello`."), "1.1.2": case()}),
            "server/limits": differing,
            "client": accepted,
        }
    )


def test_a_variant_is_shown_where_its_verdict_is_another() -> None:
    first, second = tree_of(setups())[0].all_rows()
    assert [(cell.setup, cell.verdict) for cell in first.of_role("server")] == [
        ("server", "OK"),
        ("server/limits", "FAILED"),
    ]
    assert [cell.setup for cell in second.of_role("server")] == ["server"]
    worst = first.worst("server")
    assert worst is not None
    assert worst.setup == "server/limits"


def test_an_accepted_violation_is_in_the_headline_and_no_failure() -> None:
    sample = setups()
    page = page_of(sample)
    assert "1 verdict not as expected, 1 accepted violation" in page
    assert "1 FAILED, accepted" in page
    assert "the RFC is broken on purpose" in page
    del sample["setups"]["server/limits"]
    assert "All as expected, 1 accepted violation" in page_of(sample)


def test_what_stands_between_backticks_in_a_title_is_code() -> None:
    assert "Say <code>hello</code>." in page_of(setups())


def test_a_run_that_was_stopped_says_so() -> None:
    sample = results({"server": role({"1.1.1": case()})}, complete=False, stopped="Stopped by SIGINT.")
    page = page_of(sample)
    assert "Partial run: all as expected" in page
    assert "Stopped by SIGINT. Not all cases have run" in page
    assert "**Partial run.** `Stopped by SIGINT.`" in summary_of(sample)


def test_a_run_is_compared_with_the_one_before() -> None:
    before = results({"server": role({"1.1.1": case(), "1.1.2": case()})})
    page = page_of(setups(), before)
    assert "Since the last run: 3 new" in page
    bad = case(**verdict("FAILED"))
    changed = [difference("server", "1.1.1", "regression", verdict(), verdict("FAILED"))]
    broken = results({"server": role({"1.1.1": bad}, changed)})
    assert "Since the last run: 1 broken, 1 not run" in page_of(broken, before)
    assert "Since the last run: 1 fixed, 1 new" in page_of(before, broken)
    assert "Since the last run: no verdict has changed" in page_of(before, before)


def test_the_end_of_a_crashed_testees_log_is_shown() -> None:
    crashed = case(log="Fatal Python error: Segmentation fault")
    details = details_of(results({"server": role({"1.1.1": crashed})}))
    assert details["cases"]["server"]["1.1.1"]["log"] == "Fatal Python error: Segmentation fault"


def test_where_a_run_came_from_is_at_the_foot() -> None:
    page = "\n".join(Elements(page_of(troubled())).texts)
    for text in ("1a2b3c4", "Linux 6.1 x86_64, 2 CPUs", "python -m harness run"):
        assert text in page


def test_a_section_counts_the_worst_of_the_variants_of_a_role() -> None:
    (section,) = tree_of(setups())
    assert section.counts("server") == [("OK", 1), ("FAILED", 1)]
    assert section.counts("client") == [("OK", 1), ("FAILED, accepted", 1)]
    assert "1 case as server (limits)" in page_of(setups())


def test_a_slow_case_is_a_difference_of_its_own() -> None:
    changed = [difference("server", "1.1.1", "slow", verdict(), verdict())]
    slow = results({"server": role({"1.1.1": case(duration=4200)}, changed)})
    page = page_of(slow, results({"server": role({"1.1.1": case()})}))
    for text in (
        "It took 9.0 s, at most 2.0 s are expected.",
        ">slow</code>",
        "OK → OK, slow",
        "1 verdict not as expected",
    ):
        assert text in page
