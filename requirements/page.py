"""The page of all statements: one file that needs nothing else, in the style of the harness's reports."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.report.rendering import read, render
from harness.report.tree import tone_of
from harness.sections import link_of
from requirements.markdown import OTHERS, departures
from requirements.places import places_of
from requirements.sections import sections
from requirements.statements import WEAK, statements
from requirements.wire import NOT_RUN, cases_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requirements.statements import Statement
    from requirements.wire import Verdicts

TEMPLATES: Final = Path(__file__).parent / "templates"

STRENGTHS: Final = {
    "must": {"MUST", "MUST NOT"},
    "should": {"SHOULD", "SHOULD NOT", "RECOMMENDED"},
    "may": {"MAY", "OPTIONAL"},
}
"""The keywords of RFC 2119 that a filter takes together; `said` are those in small letters."""

SAID: Final = "said"


def page(outcomes: Mapping[str, Mapping[str, str]], verdicts: Verdicts) -> str:
    """Return the page.

    :param outcomes: what became of the marked tests: statement -> test -> outcome.
    """
    rows = [_row(one, outcomes.get(one.id, {}), verdicts) for one in statements().values()]
    return render(
        "page.html",
        folder=TEMPLATES,
        rfcs=[_rfc(rfc, list(found)) for rfc, found in groupby(rows, key=lambda row: row["one"].rfc)],
        choices=[(rfc[4:], rfc, number) for rfc, number in Counter(row["one"].rfc for row in rows).items()],
        total=len(rows),
        of_library=sum(row["one"].of_library for row in rows),
        departures=departures(),
        strengths=Counter(row["strength"] for row in rows),
        source=verdicts.source,
        style=read("page.css"),
        script=read("house.js") + read("page.js", TEMPLATES),
    )


def _rfc(rfc: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    titles = sections().get(rfc, {})
    own = sum(row["one"].of_library for row in rows)
    return {
        "name": rfc,
        "number": rfc.removeprefix("RFC "),
        "total": len(rows),
        "own": own,
        "share": round(100 * own / len(rows), 1),
        "groups": [
            {"section": section, "title": titles.get(section, ""), "rows": list(found)}
            for section, found in groupby(rows, key=lambda row: row["one"].group)
        ],
    }


def _row(one: Statement, tests: Mapping[str, str], verdicts: Verdicts) -> dict[str, Any]:
    cases = {shown.case: verdicts.of_case(shown) for shown in reversed(cases_of(one.id))}
    verdict = verdicts.of(one.id)
    functions = Counter(test.partition("[")[0] for test in tests)
    return {
        "one": one,
        "link": link_of(one.reference),
        "strength": next((name for name, known in STRENGTHS.items() if one.keyword in known), SAID),
        "roles": {"both": "client server"}.get(one.role, "other" if one.role in OTHERS else one.role),
        "places": places_of(one),
        "tests": sorted(functions.items()),
        "skipped": sum(outcome == "skipped" for outcome in tests.values()),
        "cases": [(case, found, _tone(found)) for case, found in sorted(cases.items(), key=_by_number)],
        "verdict": verdict,
        "tone": _tone(verdict),
        "left": _left(one),
    }


def _left(one: Statement) -> tuple[str, str]:
    """Return the tone and the word for a statement that is not the library's."""
    if one.role in OTHERS:
        return "none", "for others"
    return ("weak", "not followed") if one.keyword in WEAK else ("none", "not taken up")


def _tone(verdict: str) -> str:
    return "none" if verdict in {"", NOT_RUN} else tone_of(verdict)


def _by_number(item: tuple[str, str]) -> list[tuple[bool, int, str]]:
    """Sort X.1.10 behind X.1.9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in item[0].split(".")]
