"""Section X, the harness's own cases: they are data (`case`), which a small driver plays (`driver`).

A group is a module here. New cases go to the end of their group: the baselines know a case by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.extra import (
    answers,
    bytewise,
    closing,
    cuts,
    ends,
    floods,
    framing,
    limits,
    messages,
    modes,
    offers,
    opening_request,
    opening_response,
    own_extension,
    several,
    tls,
    utf8,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.extra.case import Case

_MODULES = (
    opening_request,
    opening_response,
    framing,
    closing,
    offers,
    answers,
    messages,
    windows,
    limits,
    modes,
    ends,
    several,
    cuts,
    floods,
    utf8,
    bytewise,
    own_extension,
    tls,
)


def _by_place(cases: Sequence[Case] | Mapping[str, Case]) -> Iterable[tuple[int | str, Case]]:
    return cases.items() if isinstance(cases, Mapping) else enumerate(cases, 1)


GROUPS = {f"X.{number}": group.TITLE for number, group in enumerate(_MODULES, 1)}
"""The title of each group."""

EXTRA: dict[str, Case] = {
    f"X.{number}.{place}": replace(case, name=f"X.{number}.{place}")
    for number, group in enumerate(_MODULES, 1)
    for place, case in _by_place(group.CASES)
}
"""Every extra case, by name."""
