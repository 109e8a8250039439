"""A setup: a role of the endpoint under test, in one of its variants. Each has its own column in a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from harness.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.roles import Role

Variant = Literal["default", "limits", "settings"]
"""A configuration of the library: `testee.variants` has the meaning of each."""

VARIANTS: tuple[Variant, ...] = get_args(Variant)


@dataclass(frozen=True, order=True)
class Setup:
    """A role in a variant."""

    role: Role
    variant: Variant = "default"

    def __str__(self) -> str:
        """Return `server`, or `server/limits`."""
        return self.role if self.variant == "default" else f"{self.role}/{self.variant}"

    @property
    def options(self) -> str:
        """The options of `run` that choose it."""
        return f"--role {self.role} --variant {self.variant}"


def setups_of(roles: Iterable[Role], variants: Iterable[Variant] = VARIANTS) -> list[Setup]:
    """List the setups of some roles and variants: the roles together, the variants one after the other."""
    return [Setup(role, variant) for variant in variants for role in roles]


SETUPS = {str(setup): setup for setup in setups_of(ROLES)}
"""All setups, by the label that people see."""
