"""How Hypothesis runs, by default and with `--hypothesis-profile=nightly`, and which tests are measured."""

from __future__ import annotations

import gc
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXAMPLES = 100
NIGHTLY_FACTOR = 100

# How long an example takes depends on who else uses the machine: no deadline, no complaint about slowness.
_COMMON = settings(
    deadline=None, derandomize=False, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

settings.register_profile("everyday", _COMMON, max_examples=EXAMPLES)
settings.register_profile("nightly", _COMMON, max_examples=EXAMPLES * NIGHTLY_FACTOR)
settings.load_profile("everyday")


#: These test programs around the library, or try it at random: its branches are covered without them,
#: and by the same tests in every run.
UNCOVERED = tuple(
    Path(__file__).parent / name
    for name in ("bench", "examples", "fuzz", "harness", "properties", "state_machines", "tooling")
)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Let children end at SIGINT: a shell has its background jobs ignore it, which every child inherits."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_collection_finish() -> None:
    """Spare the tests that weigh memory what is there: the collector would walk all tests and imports."""
    gc.collect()
    gc.freeze()


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
    """Mark what is not measured, and let a test take its time where it tries a hundred times as much."""
    for item in items:
        if any(folder in item.path.parents for folder in UNCOVERED):
            item.add_marker(pytest.mark.uncovered)
        if settings().max_examples > EXAMPLES:
            item.add_marker(pytest.mark.timeout(0))
