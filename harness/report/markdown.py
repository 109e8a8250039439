"""Renders `summary.md`, for `$GITHUB_STEP_SUMMARY`: the differences only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.case_texts import visible
from harness.report.details import verdict_line
from harness.summary import count_of

if TYPE_CHECKING:
    from harness.results import Results

MAX_BYTES = 900_000
"""GitHub shows no summary of more than 1 MiB."""

HEAD = "| case | | expected | actual | repeat |\n| --- | --- | --- | --- | --- |\n"


def summary_of(results: Results) -> str:
    """Render the file."""
    title = f"{code(results['library'])} against {code(results['engine'])}"
    parts = [f"### Conformance of {title}\n\n"]
    for role, report in results["setups"].items():
        differences = len(report["differences"])
        found = f"**{differences} not as expected**" if differences else "as expected"
        parts.append(f"* {role}: {count_of(report['cases'])}, {found}\n")
    rows = [
        f"| {role} {code(found['case'])} | {code(found['kind'])} | {code(verdict_line(found['expected']))} "
        f"| {code(verdict_line(found['actual']))} | {code(found['repeat'])} |\n"
        for role, report in results["setups"].items()
        for found in report["differences"]
    ]
    if rows:
        parts.append("\n" + HEAD)
    size = sum(len(part.encode()) for part in parts)
    for number, row in enumerate(rows):
        size += len(row.encode())
        if size > MAX_BYTES:
            parts.append(f"\n{len(rows) - number} more are in the report.\n")
            break
        parts.append(row)
    return "".join(parts)


def code(text: str) -> str:
    """Return a text as code in a cell of a table, in which nothing has a meaning of its own."""
    shown = visible(text).replace("`", "'").replace("|", "¦")
    return f"`{shown[:300] or ' '}`"
