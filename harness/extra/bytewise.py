"""X.16: the short cases of messages and frames again, a byte at a time; X.16.3.4 is X.3.4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra import closing, framing, messages
from harness.extra.frames import Frame

if TYPE_CHECKING:
    from harness.extra.case import Case

TITLE = "A byte at a time"

SHORT = 100
"""Bytes of payload in a case that is played a byte at a time."""


def _is_short(case: Case) -> bool:
    if callable(case.send) or case.listen:
        return False
    return all(isinstance(step, Frame) for step in case.send) and 0 < _size(case) <= SHORT


def _size(case: Case) -> int:
    steps = case.send if not callable(case.send) else ()
    return sum(len(step.payload) + 6 for step in steps if isinstance(step, Frame))


def _chopped(case: Case) -> Case:
    title = f"{case.title[:1].lower()}{case.title[1:]}" if case.title[1:2] == " " else case.title
    return replace(case, title=f"A byte at a time: {title}", chop=1)


CASES = {
    f"{number}.{place}": _chopped(case)
    for number, group in ((3, framing), (4, closing), (7, messages))
    for place, case in enumerate(group.CASES, 1)
    if _is_short(case)
}
