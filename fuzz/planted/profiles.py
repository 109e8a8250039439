"""A plugin of pytest: the settings with which Hypothesis looks for a fault, without shrinking."""

from __future__ import annotations

from typing import Final

QUICK: Final = 10
MEDIUM: Final = 30
FULL: Final = 100
"""Examples of a test: few, some, and as many as in `make test`."""


def profile(examples: int) -> str:
    """Return the name of the profile with so many examples."""
    return f"planted-{examples}"


def pytest_load_initial_conftests() -> None:
    """Register the profiles: before this hook pytest cannot import a plugin like this one."""
    from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415

    for examples in (QUICK, MEDIUM, FULL):
        settings.register_profile(
            profile(examples),
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
