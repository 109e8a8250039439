"""The settings under which Hypothesis runs: the default ones, and `--hypothesis-profile=nightly`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLES = 100
NIGHTLY_FACTOR = 100

# How long an example takes depends on who else uses the machine: no deadline, no complaint about slowness.
_COMMON = settings(
    deadline=None, derandomize=False, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

settings.register_profile("everyday", _COMMON, max_examples=EXAMPLES)
settings.register_profile("nightly", _COMMON, max_examples=EXAMPLES * NIGHTLY_FACTOR)
settings.load_profile("everyday")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted, with `record_property("counted", ...)`."""
    counted = [
        f"{report.nodeid}: {value}"
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "counted"
    ]
    if counted:
        terminalreporter.section("counted")
        for line in counted:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Let a test take its time where it tries a hundred times as much."""
    if settings().max_examples > EXAMPLES:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))
