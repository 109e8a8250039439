"""A setup: a role of the endpoint under test, over a transport, in one of its variants.

Each has its own column in a report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from harness.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.roles import Role

Variant = Literal["default", "limits", "settings", "pure"]
"""A configuration of the library: `testee.variants` has the meaning of each."""

VARIANTS: tuple[Variant, ...] = get_args(Variant)

Transport = Literal["h1", "h2", "h3"]
"""HTTP/1.1, or HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220), which `transports` bridges."""

TRANSPORTS: tuple[Transport, ...] = get_args(Transport)


@dataclass(frozen=True, order=True)
class Setup:
    """A role over a transport in a variant."""

    role: Role
    variant: Variant = "default"
    transport: Transport = "h1"

    def __str__(self) -> str:
        """Return `server`, `server/limits` or `server/h2`."""
        unusual = [self.transport] * (self.transport != "h1") + [self.variant] * (self.variant != "default")
        return "/".join([self.role, *unusual])

    @property
    def column(self) -> str:
        """What it is called beside others of its role: `default`, `limits`, `h2`."""
        return self.variant if self.transport == "h1" else self.transport

    @property
    def options(self) -> str:
        """The options of `run` that choose it."""
        chosen = f"--role {self.role} --variant {self.variant}"
        return chosen if self.transport == "h1" else f"{chosen} --transport {self.transport}"


def setups_of(
    roles: Iterable[Role],
    variants: Iterable[Variant] = VARIANTS,
    transports: Iterable[Transport] = ("h1",),
) -> list[Setup]:
    """List the setups: the roles together, what is chosen of the rest one after the other.

    Over HTTP/2 and HTTP/3 there is the variant default alone: the transport below it changes no setting.
    """
    return [
        Setup(role, variant, transport)
        for transport in transports
        for variant in variants
        for role in roles
        if transport == "h1" or variant == "default"
    ]


SETUPS = {str(setup): setup for setup in setups_of(ROLES, VARIANTS, TRANSPORTS)}
"""All setups, by the label that people see."""
