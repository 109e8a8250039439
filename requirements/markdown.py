"""`docs/conformance.md`: every statement of the RFCs, readable by itself.

It names functions, not lines, and the verdicts that the baseline expects, so that it changes where the
library does.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from harness.sections import link_of
from requirements.marks import marked
from requirements.places import places_of
from requirements.sections import sections
from requirements.statements import WEAK, statements
from requirements.wire import cases_of
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from requirements.places import Place
    from requirements.statements import Statement
    from requirements.wire import Verdicts

DOCUMENT: Final = ROOT / "docs" / "conformance.md"

MAX_NAMED: Final = 2
"""Test files, and cases, that a row names."""

INTRODUCTION: Final = """\
# What the library obeys, sentence by sentence

Written by `make requirements` from [tests/requirements.csv](../tests/requirements.csv), the comments in
[src/wsproto](../src/wsproto) that cite its rows, and the marks of the [tests](../tests/README.md).

A row is a statement of an RFC, in other words. A keyword in capitals is the RFC's own (RFC 2119). In small
letters it stands for what the RFC says without one. *Enforced in* names the `module.function` that does it.
*Tests* names the files with tests that bear the row's mark: `make requirements DRAW=20` disables lines, and
sees these tests fail. *On the wire* names the cases of the [harness](../harness/README.md) that show it to a
peer, with the worst of their verdicts.
"""

REQUIRED: Final = {"MUST", "MUST NOT"}


def document(verdicts: Verdicts) -> str:
    """Return the page, with the verdicts of the baseline."""
    parts = [INTRODUCTION, _overview(), _departures()]
    for rfc, of_rfc in groupby(statements().values(), key=lambda one: one.rfc):
        found = list(of_rfc)
        parts.append(f"## {rfc}\n")
        parts += _groups(rfc, [one for one in found if one.of_library], verdicts)
        parts += _elsewhere(rfc, [one for one in found if not one.of_library])
    return "\n".join(parts)


def _overview() -> str:
    rows = ["| RFC | statements | MUST, MUST NOT | for the library | for others | on the wire |"]
    rows.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    total: Counter[str] = Counter()
    by_rfc = groupby(statements().values(), key=lambda one: one.rfc)
    for name, counts in [(rfc, _counts(found)) for rfc, found in by_rfc] + [("all", total)]:
        shown = f"[{name}](#{name.lower().replace(' ', '-')})" if counts is not total else "**all**"
        rows.append(f"| {shown} | {' | '.join(str(counts[one]) for one in _COUNTED)} |")
        total.update(counts if counts is not total else {})
    return "\n".join(rows) + "\n"


_COUNTED: Final = ("statements", "required", "library", "others", "wire")


def _counts(found: Iterable[Statement]) -> Counter[str]:
    """Count the statements of an RFC, as the overview has them."""
    counts: Counter[str] = Counter()
    for one in found:
        counts["statements"] += 1
        counts["required"] += one.keyword in REQUIRED
        counts["library" if one.of_library else "others"] += 1
        counts["wire"] += bool(cases_of(one.id))
    return counts


def departures() -> list[Statement]:
    """Return the recommendations that the library does not follow, or not by default."""
    return [
        one for one in statements().values() if one.why and one.keyword in WEAK and one.role not in OTHERS
    ]


OTHERS: Final = {"app", "intermediary"}
"""The roles that are not the library's."""


def _departures() -> str:
    lines = ["## Recommendations that the library does not follow, or not by default\n"]
    lines += [f"* {_reference(one)}, a {one.keyword}: {one.text} **Why:** {one.why}" for one in departures()]
    return "\n".join(lines) + "\n"


def _groups(rfc: str, found: list[Statement], verdicts: Verdicts) -> Iterator[str]:
    for group, members in groupby(found, key=lambda one: one.group):
        title = f"{rfc} {group} {sections().get(rfc, {}).get(group, '')}".rstrip()
        yield f"### [{title}]({link_of(f'{rfc} {group}')})\n"
        rows = ["| id | | who | statement | enforced in | tests | on the wire |", "| --- " * 7 + "|"]
        rows += [_row(one, verdicts) for one in members]
        yield "\n".join(rows) + "\n"


def _row(one: Statement, verdicts: Verdicts) -> str:
    enforced = dict.fromkeys(f"`{_name(place)}`" for place in places_of(one))
    files = dict.fromkeys(where.partition(":")[0] for where in marked().get(one.id, []))
    tests = [f"`{file.rpartition('/')[2]}`" for file in files]
    cases = list(dict.fromkeys(shown.case for shown in cases_of(one.id)))
    wire = f"{_some(cases)}: {verdicts.of(one.id)}" if cases else ""
    text = f"{one.text} *{one.why}*" if one.why else one.text
    return _line(one.id, one.keyword, one.role, text, ", ".join(enforced), _some(tests), wire)


def _elsewhere(rfc: str, found: list[Statement]) -> Iterator[str]:
    if found:
        yield f"### {rfc}: left to others, or not taken up\n"
        rows = ["| id | | who | statement | why |", "| --- " * 5 + "|"]
        rows += [_line(one.id, one.keyword, one.role, one.text, one.why) for one in found]
        yield "\n".join(rows) + "\n"


def _name(place: Place) -> str:
    function = place.function.rpartition(".")[2]
    return f"{place.file.stem}.{function}" if function else place.file.stem


def _reference(one: Statement) -> str:
    return f"[{one.id}]({link_of(one.reference)})"


def _some(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
