"""Renders `summary.md`, for `$GITHUB_STEP_SUMMARY`: the differences only, by their causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.between import unlike_in
from harness.case_texts import visible
from harness.reasons import groups_of, reason_of
from harness.summary import count_of
from harness.wording import judged, repeat_all_of

if TYPE_CHECKING:
    from harness.reasons import Group
    from harness.results import Results

MAX_BYTES = 900_000
"""GitHub shows no summary of more than 1 MiB."""

MAX_NAMED = 40
"""Cases that are named of a cause."""

HEAD = "| case | title | expectation | reason | missing | instead | repeat |\n" + "| --- " * 7 + "|\n"


def summary_of(results: Results) -> str:
    """Render the file."""
    title = f"{code(results['library'])} against {code(results['engine'])}"
    parts = [f"### Conformance of {title}\n\n"]
    if not results["complete"]:
        parts.append(f"**Partial run.** {code(results['stopped'])}\n\n")
    for setup, report in results["setups"].items():
        differences = len(report["differences"])
        found = judged(differences, results["judgedBy"])
        found = f"**{found}**" if differences else found
        parts.append(f"* {code(setup) if '/' in setup else setup}: {count_of(report['cases'])}, {found}\n")
    if groups := groups_of(results["setups"]):
        parts.append("\n#### Causes\n\n")
        parts += [_group(group) for group in groups]
        parts.append(f"\nRepeat all: `{repeat_all_of(results)}`\n")
    if unlike := unlike_in(results):
        parts.append("\n#### Differs between transports\n\n")
        parts += [f"* {code(str(found))}\n" for found in unlike]
    rows = _rows(results)
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


def _group(group: Group) -> str:
    names = ", ".join(map(code, group.names[:MAX_NAMED]))
    more = f" and {len(group.names) - MAX_NAMED} more" if len(group.names) > MAX_NAMED else ""
    setups = ", ".join(group.cases)
    rule = f" [{group.rule}]({group.link})" if group.link else ""
    return f"* **{group.size}** {code(group.change)} {code(group.reason)}{rule} ({setups}): {names}{more}\n"


def _rows(results: Results) -> list[str]:
    rows = []
    for setup, report in results["setups"].items():
        for found in report["differences"]:
            reason = reason_of(report["cases"].get(found["case"]), found)
            missing, instead = "; ".join(reason.missing), "; ".join(reason.instead)
            texts = (reason.title, reason.expectation, reason.reason, missing, instead, found["repeat"])
            cells = " | ".join(code(text) if text else "" for text in texts)
            rows.append(f"| {setup} {code(found['case'])} {code(found['kind'])} | {cells} |\n")
    return rows


def code(text: str) -> str:
    """Return a text as code in a cell of a table, in which nothing has a meaning of its own."""
    shown = visible(text).replace("`", "'").replace("|", "¦").replace("<", "&lt;")
    return f"`{shown[:300] or ' '}`"
