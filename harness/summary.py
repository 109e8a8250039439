"""The end of a run: a table by section, then the differences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Table
from rich.text import Text

from harness.case_texts import visible
from harness.cases import SECTIONS, is_own, section_of
from harness.judge import rank
from harness.reasons import reason_of
from harness.wording import judged
from tooling.console import say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rich.console import Console, OverflowMethod

    from harness.between import Unlike
    from harness.judge import Difference, Verdict
    from harness.results import CaseReport, Results
    from harness.setups import Setup

NAMED = 8
"""Cases of a setup that are named where many differ alike."""


def count_of(cases: Collection[str]) -> str:
    """Return `1 case`, `517 cases`, or `517 cases of Autobahn and 150 extra ones`."""
    extra = sum(map(is_own, cases))
    count = len(cases) - extra
    if not extra:
        return f"{count} case{'s' * (count != 1)}"
    extras = (
        f"{extra} extra {'ones' if extra > 1 else 'one'}"
        if count
        else f"{extra} extra case{'s' * (extra > 1)}"
    )
    return f"{count} case{'s' * (count > 1)} of Autobahn and {extras}" if count else extras


def counts_by_setup(cases: Mapping[Setup, Collection[str]] | Mapping[str, Collection[str]]) -> str:
    """Return `517 cases as server, 247 cases as server/limits`."""
    return ", ".join(f"{count_of(of_setup)} as {setup}" for setup, of_setup in cases.items())


def counts(verdicts: Iterable[Verdict]) -> Text:
    """Count verdicts, `76 OK, 3 INFORMATIONAL`: the worse of behaviour and close behaviour."""
    counted = Counter(max((verdict.behavior, verdict.behavior_close), key=rank) for verdict in verdicts)
    if not counted:
        return Text("-")
    parts = [
        Text(f"{number} {name}", style="green" if name == "OK" else "yellow")
        for name, number in counted.items()
    ]
    return Text(", ").join(parts)


def print_table(console: Console, verdicts: Mapping[Setup, Mapping[str, Verdict]]) -> None:
    """Print a line per section with the counts of each setup."""
    table = Table("section", "", *map(str, verdicts), box=None, pad_edge=False, header_style="bold")
    for section, title in SECTIONS.items():
        of_section = [
            [verdict for case, verdict in cases.items() if section_of(case) == section]
            for cases in verdicts.values()
        ]
        if any(of_section):
            table.add_row(section, title, *map(counts, of_section))
    console.print(table)


def print_changes(console: Console, differences: Sequence[Difference]) -> None:
    """Print the changes of a new baseline, a line each."""
    for difference in differences:
        before, now = (verdict or "no verdict" for verdict in (difference.expected, difference.actual))
        say(console, f"{difference.setup} {difference.case}: {before} -> {now}")


def print_unlike(console: Console, found: Sequence[Unlike]) -> None:
    """Print what differs between the transports, a line for cases that do so alike."""
    for unlike in found:
        say(console, f"differs between transports: {unlike}")


def print_differences(
    console: Console,
    differences: Mapping[Setup, Sequence[Difference]],
    reports: Mapping[Setup, Mapping[str, CaseReport]],
) -> None:
    """Print the differences, by cause: the first with all that is to say of it, of the others the cases."""
    causes: dict[str, list[Difference]] = {}
    for difference in (found for of_setup in differences.values() for found in of_setup):
        cause = reason_of(reports[difference.setup].get(difference.case), difference.report()).cause
        causes.setdefault(cause, []).append(difference)
    for alike in causes.values():
        first, *others = alike
        report: Mapping[str, Any] = reports[first.setup].get(first.case) or {}
        console.print(f"{first.setup} {first.case}: {first.kind}", style="bold red", highlight=False)
        compared = (("expected", first.expected), ("actual", first.actual))
        for name, verdict in compared if first.kind != "violation" else (("verdict", first.actual),):
            console.print(f"  {name:<8} {verdict or 'no verdict'}", highlight=False)
        lines = reason_of(report, first.report()).lines()
        if log := report.get("log"):
            lines.append(f"log      {visible(str(log).splitlines()[-1])}")
        for line in lines:
            console.print(f"  {line}", highlight=False, markup=False)
        if first.kind == "violation":  # each has a title of its own, which says what the peer does
            for other in others:
                title = reason_of(reports[other.setup].get(other.case), other.report()).title
                say(console, f"  so does  {other.setup} {other.case}: {title}")
        elif others:
            say(console, f"  so are   {_listed(others)}")
        say(console, f"  repeat   {first.repeat}")


def _listed(differences: Sequence[Difference]) -> str:
    """Name some cases of each setup, and the number of the others."""
    by_setup: dict[Setup, list[str]] = {}
    for difference in differences:
        by_setup.setdefault(difference.setup, []).append(difference.case)
    return "; ".join(
        f"{setup} {', '.join(cases[:NAMED])}{f' and {len(cases) - NAMED} more' * (len(cases) > NAMED)}"
        for setup, cases in by_setup.items()
    )


def print_setup(  # noqa: PLR0913, PLR0917  # it says as much
    console: Console,
    label: str,
    cases: Collection[str],
    differences: int,
    duration: float,
    judged_by: str = "baseline",
) -> None:
    """Print the last line of a setup, without a time where nothing ran."""
    minutes, seconds = divmod(round(duration), 60)
    time = f" in {minutes}:{seconds:02}" if duration else ""
    found = Text(judged(differences, judged_by), style="bold red" if differences else "bold green")
    console.print(Text.assemble(f"{label}: {count_of(cases)}{time}, ", found))


def print_cpu_time(console: Console, results: Results) -> None:
    """Print who used the CPU time, of all setups together; leave out who does not say it."""
    spent = [setup["cpuTime"] for setup in results["setups"].values() if setup["cpuTime"]]
    if not spent:
        return
    sides: dict[str, Literal["testee", "suite"]] = {
        results["library"] + ("" if results["endpoint"] else " with its glue and zlib"): "testee",
        results["engine"]: "suite",
    }
    seconds = {who: sum(cpu_time[side] or 0.0 for cpu_time in spent) for who, side in sides.items()}
    seconds["the harness"] = results["cpuTime"]
    total = sum(seconds.values())
    parts = [f"{who} {took:.1f} s ({took / total:.0%})" for who, took in seconds.items() if took]
    say(console, f"CPU time: {', '.join(parts)}")


def print_titles(console: Console, titles: Mapping[str, str]) -> None:
    """Print a line per case; on a terminal cut at its width."""
    longest = max(map(len, titles), default=0)
    fit: OverflowMethod = "ellipsis" if console.is_terminal else "ignore"
    for case, title in titles.items():
        line = Text(f"{case:<{longest}}  {title}")
        console.print(line, no_wrap=True, overflow=fit, crop=console.is_terminal)
