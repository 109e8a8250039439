"""Renders `index.html`: one file that needs nothing else, and no network."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from harness.between import unlike_in
from harness.case_texts import title_of, visible
from harness.judge import rank
from harness.reasons import MAX_TEXT, SAYS_NOTHING, groups_of
from harness.report.details import details_of
from harness.report.rendering import read, render
from harness.report.since import since
from harness.report.tree import cells_of, count, tone_of, tree_of
from harness.setups import SETUPS
from harness.summary import count_of
from harness.wording import (
    RULES,
    accepted_on,
    judged,
    lead_on,
    peer_of,
    repeat_all_of,
    title_of_accepted,
    title_of_causes,
    verdict_on,
)

if TYPE_CHECKING:
    from harness.report.tree import Cell
    from harness.results import Results

ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'><circle cx='1' cy='1' r='1' fill='{}'/></svg>"
)
COLOURS = {"good": "#2f8f5b", "weak": "#b98a1d", "bad": "#c0392b"}

MAX_OPENED = 12
"""Differing cases up to which the sections that have them are opened."""

MAX_NAMED = 16
"""Cases that are named of a cause; the filter shows all."""


def page_of(results: Results, previous: Results | None = None) -> str:
    """Render the page of a run, and say what changed since the previous one, if there is one."""
    tree = tree_of(results)
    cells = [cell for section in tree for row in section.all_rows() for cell in row.cells]
    differing = sum(cell.difference is not None for cell in cells)
    accepted = len(
        {row.case for section in tree for row in section.all_rows() for cell in row.cells if cell.accepted}
    )
    tone = "bad" if differing else "weak" if accepted or not results["complete"] else "good"
    return render(
        "page.html",
        tone=tone,
        verdict=_verdict(results, differing, accepted),
        lead=_lead(results, differing, accepted),
        library=visible(results["library"]),
        engine=visible(results["engine"]),
        icon=ICON.format(COLOURS[tone]),
        roles=_roles(results, cells),
        setups=list(results["setups"]),
        groups=groups_of(results["setups"]),
        unlike=unlike_in(results),
        several=len({SETUPS[setup].transport for setup in results["setups"]}) > 1,
        max_named=MAX_NAMED,
        repeat_all=repeat_all_of(results),
        accepted=_whys(results, accepted=True),
        accepted_title=title_of_accepted(results["judgedBy"]),
        causes_title=title_of_causes(results["judgedBy"]),
        whys=_whys(results, accepted=False),
        since=since(results, previous) if previous else None,
        tree=tree,
        opens=sum(row.differs for section in tree for row in section.all_rows()) <= MAX_OPENED,
        differing=differing,
        verdicts=count(cell.verdict for cell in cells),
        facts=_facts(results),
        details=details_of(results),
        style=read("page.css"),
        script=read("house.js") + read("page.js"),
    )


def _verdict(results: Results, differing: int, accepted: int) -> str:
    found = verdict_on(differing, results["judgedBy"])
    found += f", {accepted_on(accepted, results['judgedBy'])}" if accepted else ""
    return found if results["complete"] else f"Partial run: {found[:1].lower()}{found[1:]}"


def _lead(results: Results, differing: int, accepted: int) -> str:
    counts: dict[tuple[str, str], list[str]] = {}
    for setup, found in results["setups"].items():
        counts.setdefault((found["role"], count_of(found["cases"])), []).append(SETUPS[setup].column)
    parts = [
        f"{count} as {role}" + (f" ({', '.join(variants)})" if variants != ["default"] else "")
        for (role, count), variants in counts.items()
    ]
    ran = (", " if len(parts) > 2 or "extra" in "".join(parts) else " and ").join(parts)
    said = lead_on(ran, differing, accepted, results["judgedBy"])
    return said if results["complete"] else f"{visible(results['stopped'])} Not all cases have run: {said}"


def _roles(results: Results, cells: list[Cell]) -> list[dict[str, Any]]:
    """List the roles, each with its setups."""
    roles: dict[str, list[dict[str, Any]]] = {}
    for setup, found in results["setups"].items():
        counts = count(cell.counted for cell in cells if cell.setup == setup)
        total = sum(number for _, number in counts)
        bar, x = [], 0.0
        for verdict, number in counts:
            width = 100 * number / total
            bar.append({"tone": tone_of(verdict), "x": f"{x:.3f}", "width": f"{width:.3f}"})
            x += width
        differing = len(found["differences"])
        roles.setdefault(found["role"], []).append(
            {
                "name": setup,
                "column": SETUPS[setup].column,
                "total": total,
                "counts": counts,
                "bar": bar,
                "differing": differing,
                "judged": f"{'' if differing else 'all '}{judged(differing)}"
                if results["judgedBy"] == "baseline"
                else judged(differing, results["judgedBy"]),
                "time": _time(found, peer_of(results)),
            }
        )
    return [{"name": role, "setups": of_role} for role, of_role in roles.items()]


def _time(report: Any, peer: str) -> str:
    """Say how long a setup took; engines differ in what they know."""
    times = []
    if isinstance(duration := report.get("duration"), (int, float)) and duration:
        minutes, seconds = divmod(round(duration), 60)
        times.append(f"{minutes} min {seconds} s" if minutes else f"{seconds} s")
    match report.get("cpuTime"):
        case {"testee": int() | float() as used} if isfinite(used):
            times.append(f"{used:.1f} s of CPU in the {peer}")
    return ", ".join(times)


def _whys(results: Results, *, accepted: bool) -> list[tuple[str, str, str]]:
    """List cases that are not OK, with verdict and why: accepted violations, or what the RFCs leave open."""
    whys: dict[str, tuple[str, str]] = {}
    for setup, found in results["setups"].items():
        for case, cell in cells_of(setup, found).items():
            why = visible(found["whys"].get(case, "")) or _said(results, cell)
            if cell.report and cell.accepted == accepted and (why or accepted):
                before = whys.get(case)
                if not before or rank(cell.verdict) > rank(before[0]):
                    whys[case] = (cell.verdict, why or "The baseline does not say why.")
    return [(case, *found) for case, found in whys.items()]


def _said(results: Results, cell: Cell) -> str:
    """Return what the suite says of a case that breaks a SHOULD, where no baseline says more."""
    if results["judgedBy"] not in RULES or not cell.accepted or not cell.report:
        return ""
    name = "result" if cell.verdict == cell.report["behavior"] else "resultClose"
    said = str(cell.report.get(name, ""))
    title = title_of(str(cell.report.get("description", ""))).rstrip(".")
    return visible(title if said in SAYS_NOTHING else f"{title}: {said}")[:MAX_TEXT]


def _facts(results: Results) -> list[tuple[str, str]]:
    facts = [
        (peer_of(results), results["library"]),
        ("commit", results["commit"]),
        ("engine", results["engine"]),
        ("Python", results["python"]),
        ("host", results["host"]),
        ("started", results["started"]),
        ("profile", " ".join([results["profile"], *results["patterns"]])),
        ("command", results["command"]),
    ]
    return [(name, visible(value)) for name, value in facts if value]
