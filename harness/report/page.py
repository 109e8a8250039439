"""Renders `index.html`: one file that needs nothing else, and no network."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from harness.case_texts import visible
from harness.report.details import details_of
from harness.report.rendering import read, render
from harness.report.tree import count, tone_of, tree_of
from harness.summary import counts_by_setup

if TYPE_CHECKING:
    from harness.report.tree import Section
    from harness.results import Results
    from harness.roles import Role

ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'><circle cx='1' cy='1' r='1' fill='{}'/></svg>"
)


def page_of(results: Results) -> str:
    """Render the page of a run."""
    tree = tree_of(results)
    rows = [row for section in tree for row in section.all_rows()]
    cells = [cell for row in rows for cell in row.cells]
    differing = sum(cell.difference is not None for cell in cells)
    return render(
        "page.html",
        as_expected=not differing,
        verdict=_verdict(differing),
        lead=_lead(results, differing),
        library=visible(results["library"]),
        engine=visible(results["engine"]),
        icon=ICON.format("#c0392b" if differing else "#2f8f5b"),
        roles=[_role(role, results, tree) for role in results["setups"]],
        whys=_whys(results),
        tree=tree,
        differing=differing,
        verdicts=count(cell.verdict for cell in cells),
        facts=_facts(results),
        details=details_of(results),
        style=read("page.css"),
        script=read("page.js"),
    )


def _verdict(differing: int) -> str:
    return f"{differing} verdict{'s' * (differing != 1)} not as expected" if differing else "All as expected"


def _lead(results: Results, differing: int) -> str:
    ran = counts_by_setup({role: report["cases"] for role, report in results["setups"].items()})
    if differing:
        return f"{ran} have run. What differs from the baseline is marked, and opened below."
    return f"{ran}: every verdict is the one in the baseline."


def _role(role: Role, results: Results, tree: list[Section]) -> dict[str, Any]:
    report = results["setups"][role]
    counts = count(
        cell.verdict
        for section in tree
        for row in section.all_rows()
        for cell in row.cells
        if cell.role == role
    )
    total = sum(number for _, number in counts)
    bar, x = [], 0.0
    for verdict, number in counts:
        width = 100 * number / total
        bar.append({"tone": tone_of(verdict), "x": f"{x:.3f}", "width": f"{width:.3f}"})
        x += width
    differing = len(report["differences"])
    return {
        "name": role,
        "total": total,
        "counts": counts,
        "bar": bar,
        "judged": f"{differing} not as expected" if differing else "all as expected",
        "time": _time(report),
    }


def _time(report: Any) -> str:
    """Say how long a role took; engines differ in what they know."""
    times = []
    if isinstance(duration := report.get("duration"), (int, float)) and duration:
        minutes, seconds = divmod(round(duration), 60)
        times.append(f"{minutes} min {seconds} s" if minutes else f"{seconds} s")
    match report.get("cpuTime"):
        case {"testee": int() | float() as used} if isfinite(used):
            times.append(f"{used:.1f} s of CPU in the library")
    return ", ".join(times)


def _whys(results: Results) -> list[tuple[str, str]]:
    """List why cases are not OK, as the baselines have it."""
    whys: dict[str, str] = {}
    for report in results["setups"].values():
        whys |= {case: why for case, why in report["whys"].items() if case in report["cases"]}
    return [(case, visible(why)) for case, why in whys.items()]


def _facts(results: Results) -> list[tuple[str, str]]:
    facts = [
        ("library", results["library"]),
        ("engine", results["engine"]),
        ("Python", results["python"]),
        ("started", results["started"]),
        ("profile", " ".join([results["profile"], *results["patterns"]])),
    ]
    return [(name, visible(value)) for name, value in facts]
