"""What a user has asked for: roles, variants, transports, and cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from harness.cases import SelectionError, in_profile, is_for, section_of, select
from harness.extra import EXTRA
from harness.judge import EXPECTED, Baseline
from harness.roles import ROLES
from harness.setups import Setup, setups_of
from harness.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from harness.cases import Profile
    from harness.roles import Role
    from harness.setups import Transport, Variant

OVER_STREAMS = frozenset({"X.3", "X.4", "X.5", "X.6", "X.7", "X.8", "X.9"})
"""The extra groups that are played over HTTP/2 and HTTP/3: the others are about HTTP/1.1, TCP or TLS, or need
modes, which the example servers do not have."""

TOO_LONG = {Setup("client", transport="h3"): frozenset({"X.9.6", "X.9.7"})}
"""Cases that send 100 MiB, which QUIC in Python takes longer than the 2 s in which a client has to end."""


@dataclass(frozen=True)
class Order:
    """The roles, variants, transports and cases that a user asked for."""

    roles: Sequence[Role]
    profile: Profile
    patterns: Sequence[str] = ()
    expected: Path = EXPECTED
    update_baseline: bool = False
    only: Mapping[Setup, Container[str]] | None = None
    """The cases of each setup to which the order is narrowed; None for all."""
    variants: Sequence[Variant] = ("default",)
    command: str = ""
    """The command line, for the report."""
    transports: Sequence[Transport] = ("h1",)

    def cases(self) -> dict[Setup, list[str]]:
        """List the cases of each setup that has some; a variant plays those of the profile fast.

        Raises `SelectionError` for a pattern that matches none, and where no setup has any.
        """
        chosen = select(self.profile, self.patterns)
        cases: dict[Setup, list[str]] = {}
        # Where the library has no compiled core, its default is the pure one.
        only_one_core = "pure" in self.variants and len(self.variants) > 1 and not _has_compiled_core()
        for setup in setups_of(self.roles, self.variants, self.transports):
            if setup.variant == "pure" and only_one_core:
                continue
            only = chosen if self.only is None else self.only.get(setup, ())
            if of_setup := [case for case in chosen if plays(setup, case) and case in only]:
                cases[setup] = of_setup
        if not cases and self.only is None:
            of = (
                f"the role {self.roles[0]}"
                if len(self.roles) == 1
                else "these roles, variants and transports"
            )
            raise SelectionError(f"{' '.join(self.patterns)!r} means no case of {of}")
        return cases

    def narrowed(self, only: Mapping[Setup, Container[str]]) -> Order:
        """Return the order for some cases of each setup, and for no role that is left without one."""
        order = replace(self, only=only)
        return replace(order, roles=list(dict.fromkeys(setup.role for setup in order.cases())))

    def baselines(self) -> dict[Role, Baseline]:
        """Read the baseline of each role; raises `CommandError` for a corrupt one."""
        asked = {setup.role for setup in self.cases()}
        return {
            role: Baseline(role, self.expected).load(may_be_missing=self.update_baseline)
            for role in ROLES
            if role in asked
        }


def plays(setup: Setup, case: str) -> bool:
    """Tell whether a case is for a setup; TLS is none of the library's, so one variant is enough."""
    if case in STREAMS:
        transports = STREAMS[case].transports
        return setup.transport in transports and is_for(case, setup.role) and setup.variant == "default"
    if setup.transport != "h1" and case in EXTRA:
        known_mode = setup.role == "client" or not EXTRA[case].mode  # the example servers have no modes
        in_time = case not in TOO_LONG.get(setup, ())
        return is_for(case, setup.role) and section_of(case) in OVER_STREAMS and known_mode and in_time
    of_variants = in_profile(case, "fast") and not (case in EXTRA and EXTRA[case].over_tls)
    return is_for(case, setup.role) and (setup.variant == "default" or of_variants)


def _has_compiled_core() -> bool:
    """Tell whether the library has it; where there is no library, `testee.commands` says so."""
    try:
        return bool(import_module("wsproto").compiled)
    except (ImportError, AttributeError, SyntaxError):
        return False
