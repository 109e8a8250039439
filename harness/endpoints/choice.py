"""The cases for an endpoint of somebody else: those that it should not be asked are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from harness.cases import SelectionError, meaning, section_of
from harness.extra import EXTRA
from harness.extra.handshake_expectations import FailsHandshake

if TYPE_CHECKING:
    from collections.abc import Iterable

Ability = Literal["compression", "limits", "handshakes"]
"""Something that an endpoint may lack: permessage-deflate; a limit for messages; a client's program that goes
on when an opening handshake has failed."""

ABILITIES: tuple[Ability, ...] = get_args(Ability)


def needs(case: str, ability: Ability) -> bool:
    """Tell whether a case needs something of the endpoint."""
    extra = EXTRA.get(case)
    match ability:
        case "compression":
            compresses = extra and (extra.deflate or extra.mode_name == "deflate")
            return bool(compresses) or section_of(case) in {"12", "13", "X.8"}
        case "limits":
            return section_of(case) == "X.9"
        case "handshakes":
            return extra is not None and fails_handshake(case)


def fails_handshake(case: str) -> bool:
    """Tell whether a case has a client fail the opening handshake."""
    return case in EXTRA and isinstance(EXTRA[case].expect, FailsHandshake)


def left(cases: Iterable[str], exclude: Iterable[str], without: Iterable[Ability]) -> list[str]:
    """Return the cases that no pattern excludes, and that need nothing of what the endpoint is without.

    Raises `SelectionError` for a pattern that means nothing, and where no case is left.
    """
    out: set[str] = set()
    for pattern in exclude:
        meant = meaning(pattern)
        if not meant:
            raise SelectionError(
                f"{pattern!r} means no case: give a case (6.4.1), a section (6.4) or a glob (6.*.1)"
            )
        out.update(meant)
    rest = [
        case for case in cases if case not in out and not any(needs(case, ability) for ability in without)
    ]
    if not rest:
        raise SelectionError("--exclude and --without leave no case")
    return rest
