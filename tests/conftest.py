"""How Hypothesis runs, by default and with `--hypothesis-profile=nightly`, and which tests are measured."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

# Much of what is tested looks into Python: the core is that in Python, unless WSPROTO_PURE=0 takes the other.
os.environ.setdefault("WSPROTO_PURE", "1")

TESTS = Path(__file__).parent
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
UNCOVERED = {
    *("bench", "docs", "examples", "fuzz", "harness", "properties", "release", "requirements"),
    *("state_machines", "tooling"),
}


#: Folders and files with the tests that take longest: a worker that began one last would be waited for.
LONGEST = {"state_machines", "test_extra_cases.py", "test_extra_verdicts.py", "test_streams.py"}


def pytest_configure() -> None:
    """Take SIGINT as a terminal gives it: a shell's background job ignores it, and so would every child.

    WSPROTO_TEST_ZLIB names the module that compresses in place of zlib: `make test-other-core` tries others.
    """
    if backend := os.environ.get("WSPROTO_TEST_ZLIB"):
        # Not imported above: what is imported before coverage begins is not measured.
        import_module("wsproto.extensions").set_zlib_backend(import_module(backend))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let no other thread allocate where a test traces memory: pytest-xdist's reads lists of tests."""
    if not hasattr(getattr(item, "module", None), "tracemalloc"):
        return (yield)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        return (yield)
    finally:
        sys.setswitchinterval(usual)


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, mark what is not measured, and give a campaign its time."""
    items.sort(key=lambda item: LONGEST.isdisjoint(item.path.parts))
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in UNCOVERED:
            item.add_marker(pytest.mark.uncovered)
        if settings().max_examples > EXAMPLES:
            item.add_marker(pytest.mark.timeout(0))
